/** F11 and F18 on real workerd: more than it can do at once, and more than it accepts. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { headOf, untilDrained } from "./support/drain.ts";
import { type LocalCell, startLocalCell, storeFor } from "./support/local-cell.ts";
import { type Answer, ask, auditUrl, event, post } from "./support/story.ts";

const SEGMENT_ENTRIES = 256;
/** What a request may cost while it waits. Measured: 75 KB; most of it is the connection's. */
const BYTES_A_REQUEST = 200 * 1024;
const POSTS = 5000;
const MiB = 1024 * 1024;

let local: LocalCell;
const entries = () => `${auditUrl(local.url, local.domain)}/entries`;
beforeAll(async () => {
  local = await startLocalCell({ state: storeFor("overload"), segmentEntries: SEGMENT_ENTRIES });
});
afterAll(() => local.cell.kill());

test("F11 5,000 concurrent posts are answered with a receipt or asked to come again; nothing acknowledged is lost and memory is bounded", {
  timeout: 180_000,
}, async () => {
  const before = local.cell.residentBytes();
  let most = before;
  const sampler = setInterval(() => {
    most = Math.max(most, local.cell.residentBytes());
  }, 20);
  const one = async (i: number): Promise<Answer> =>
    post(entries(), local.domain.key, event({ id: `over-${i}` }), { "idempotency-key": `over-${i}` });
  const answers = await Promise.all(Array.from({ length: POSTS }, (_, i) => one(i)));
  clearInterval(sampler);
  for (const { status, headers } of answers) {
    expect([201, 429, 503]).toContain(status);
    if (status !== 201) expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  }
  const receipts = answers.flatMap(({ status, body }) => (status === 201 ? [body.receipts[0]] : []));
  expect(receipts.length).toBeGreaterThan(0);
  expect(new Set(receipts.map(({ seq }) => seq)).size).toBe(receipts.length);
  const head = await untilDrained(local.url, local.domain, SEGMENT_ENTRIES);
  expect(head.size).toBe(receipts.length + 1);
  expect((await ask(`${auditUrl(local.url, local.domain)}/verify`, local.domain.key)).body).toMatchObject({
    verdict: "verified",
    entries: head.size,
  });
  const again = await one(0);
  expect(again.status === 200 ? again.body.receipts[0].seq : again.status).toBe(
    answers[0]?.status === 201 ? answers[0].body.receipts[0].seq : 201,
  );
  expect(most - before).toBeLessThan(POSTS * BYTES_A_REQUEST);
});

const TOO_MUCH: [string, number, () => string][] = [
  [
    "a body of more than 4 MiB",
    413,
    () => JSON.stringify(Array.from({ length: 900 }, () => event({ metadata: { x: "y".repeat(5000) } }))),
  ],
  ["1,001 events", 413, () => JSON.stringify(Array.from({ length: 1001 }, () => event()))],
  [
    "64 levels of nesting",
    400,
    () =>
      JSON.stringify(event({ metadata: { x: "LEVELS" } })).replace('"LEVELS"', `${"[".repeat(64)}${"]".repeat(64)}`),
  ],
  ["100,000 levels of nesting", 400, () => `${"[".repeat(100_000)}${"]".repeat(100_000)}`],
  [
    "100,000 keys",
    422,
    () =>
      JSON.stringify(event({ metadata: Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, 1])) })),
  ],
];

/**
 * A body that is too large is answered without reading it to the end, and this client may find its connection cut before it
 * looks for the answer. Then it asks again, as it would by hand.
 */
async function answered(request: () => Promise<Answer>, tries = 10): Promise<Answer> {
  try {
    return await request();
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : null;
    const isCut = cause !== null && "code" in cause && ["EPIPE", "ECONNRESET"].includes(String(cause.code));
    if (!isCut || tries === 1) throw error;
    return answered(request, tries - 1);
  }
}

test.each(TOO_MUCH)(
  "F18 %s is refused with %i, with and without a length, and nothing is stored",
  async (_, status, make) => {
    // Copies and the mirror go on meanwhile, and count in the head too.
    const stored = async () => {
      const { size, entry_hash } = await headOf(local.url, local.domain);
      return { size, entry_hash };
    };
    const before = await stored();
    const body = make();
    const whole = await answered(() => post(entries(), local.domain.key, body));
    expect(whole.status).toBe(status);
    expect(whole.body.code).toMatch(/^request\./);
    // In pieces, so that no Content-Length warns the server.
    const pieces = () =>
      new ReadableStream({
        start(controller) {
          for (let at = 0; at < body.length; at += MiB / 4)
            controller.enqueue(new TextEncoder().encode(body.slice(at, at + MiB / 4)));
          controller.close();
        },
      });
    const streamed = () => ({ method: "POST", body: pieces(), duplex: "half" }) as unknown as RequestInit;
    expect((await answered(() => ask(entries(), local.domain.key, streamed()))).status).toBe(status);
    expect(await stored()).toEqual(before);
  },
);
