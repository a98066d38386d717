/** Events one by one (`mode=partial`): a result each, streams of NDJSON with bounded memory, compressed bodies, faults. */
import { Buffer } from "node:buffer";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { breakCall } from "../support/broken-call.ts";
import { call, copiedRows, event, logOf, newDomain, newTenant, stubOf, type TestTenant } from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { freshWorker } from "../support/fresh-worker.ts";
import { pointersOf, problemOf } from "../support/problems.ts";
import { FORMS } from "../support/tenancy.ts";

interface Result {
  index: number;
  line?: number;
  status: "stored" | "replayed" | "refused";
  receipt?: { seq: number; id: string };
  problem?: { code: string; errors: { pointer: string; detail: string }[] };
}
interface Summary {
  events: number;
  stored: number;
  replayed: number;
  refused: number;
  complete: boolean;
  stopped?: { index: number; line: number; problem: { code: string }; retry_after_s?: number };
}

const NDJSON = { "Content-Type": "application/x-ndjson" };
const line = (fields: object = {}) => JSON.stringify(event(fields));
let tenant: TestTenant;
let domainId: string;
let path: string;

beforeAll(async () => {
  tenant = await newTenant();
});

async function freshDomain() {
  domainId = await newDomain(tenant);
  path = `/v1/domains/${domainId}/audit/entries`;
}

async function sendStream(rawBody: BodyInit, headers: Record<string, string> = {}, query = "") {
  const answer = await call(`${path}?mode=partial${query}`, {
    key: tenant.key,
    rawBody,
    headers: { ...NDJSON, ...headers },
  });
  return { answer, ...(await linesOf(answer)) };
}

async function linesOf(answer: Response): Promise<{ results: Result[]; summary: Summary }> {
  const text = await answer.text();
  expect(answer.status, text).toBe(200);
  expect(answer.headers.get("Content-Type")).toBe("application/x-ndjson");
  const lines = text
    .trimEnd()
    .split("\n")
    .map((each) => JSON.parse(each));
  const { summary } = lines.pop() as { summary: Summary };
  return { results: lines, summary };
}

const size = async () => (await logOf(domainId).head()).size;

describe("mode=partial: what is refused does not hold up the rest", () => {
  beforeAll(freshDomain);

  test("a body answers 207 with a result each, by index; the order of the events is the order of the entries", async () => {
    const events = [
      event({ id: "p-1" }),
      { action: "no_verb" },
      event({ occurred_at: "2099-01-01T00:00:00Z" }),
      event({ targets: [{ type: "invoice", id: "4111 1111 1111 1111" }] }),
      event({ id: "p-2" }),
      event({ id: "p-2" }),
      event({ id: "p-1", reason: "another" }),
    ];
    const answer = await call(`${path}?mode=partial`, { key: tenant.key, body: events });
    expect(answer.status).toBe(207);
    const { results, summary } = (await answer.json()) as { results: Result[]; summary: Summary };
    expect(results.map(({ index, status }) => [index, status])).toEqual([
      [0, "stored"],
      [1, "refused"],
      [2, "refused"],
      [3, "refused"],
      [4, "stored"],
      [5, "replayed"],
      [6, "refused"],
    ]);
    expect(results[1]?.problem).toMatchObject({ code: "request.invalid" });
    expect(results[2]?.problem?.errors).toMatchObject([{ pointer: "/occurred_at" }]);
    expect(results[3]?.problem?.code).toBe("entry.refused");
    expect(results[3]?.problem?.errors).toMatchObject([{ pointer: "/targets/0/id" }]);
    expect(results[6]?.problem).toMatchObject({ code: "entry.id_conflict", errors: [{ pointer: "/id" }] });
    expect(results[5]?.receipt?.seq).toBe(results[4]?.receipt?.seq);
    expect(summary).toEqual({ events: 7, stored: 2, replayed: 1, refused: 4, complete: true });
    expect((await copiedRows(domainId)).map(({ id }) => id).slice(-2)).toEqual(["p-1", "p-2"]);
  });

  test("a body of which all is stored answers 200, one event too", async () => {
    const answer = await call(`${path}?mode=partial`, { key: tenant.key, body: event() });
    expect(answer.status).toBe(200);
    expect(((await answer.json()) as { results: Result[] }).results).toMatchObject([{ index: 0, status: "stored" }]);
  });

  test("an unknown mode, format or choice of results is refused, and nothing is stored", async () => {
    const before = await size();
    for (const [name, value] of [
      ["mode", "best"],
      ["format", "cef"],
      ["results", "none"],
    ]) {
      const answer = await call(`${path}?${name}=${value}`, { key: tenant.key, body: event() });
      expect(pointersOf(await problemOf(answer, "request.invalid"))).toEqual([`query:${name}`]);
    }
    expect(await size()).toBe(before);
  });
});

describe("a stream of NDJSON answers line by line", () => {
  beforeAll(freshDomain);

  test("broken lines are named by their number; empty lines and CRLF do not count; the rest is stored in order", async () => {
    const body = [
      `${line({ id: "s-1" })}\r`,
      "",
      "{",
      "[1]",
      `\ufeff${line()}`,
      `{"action":"a.b","action":"c.d"}`,
      line({ id: "s-2" }),
      "   ",
    ].join("\n");
    const broken = Buffer.concat([
      Buffer.from(`${body}\n"`),
      Uint8Array.of(0xc3, 0x28),
      Buffer.from(`"\n${line({ id: "s-3" })}`),
    ]);
    const { results, summary } = await sendStream(broken);
    expect(results.map(({ index, line, status, problem }) => [index, line, status, problem?.code])).toEqual([
      [0, 1, "stored", undefined],
      [1, 3, "refused", "request.malformed"],
      [2, 4, "refused", "request.invalid"],
      [3, 5, "refused", "request.malformed"],
      [4, 6, "refused", "request.malformed"],
      [5, 7, "stored", undefined],
      [6, 9, "refused", "request.malformed"],
      [7, 10, "stored", undefined],
    ]);
    expect(results[4]?.problem?.errors).toMatchObject([{ pointer: "/action" }]);
    expect(summary).toEqual({ events: 8, stored: 3, replayed: 0, refused: 5, complete: true });
  });

  test("more than a thousand events go in as many groups as they need, in one order, and results=refused names only the others", async () => {
    const before = await size();
    const events = Array.from({ length: 2500 }, (_, i) => (i % 1000 === 7 ? "{" : line({ id: `many-${i}` })));
    const { results, summary } = await sendStream(events.join("\n"), {}, "&results=refused");
    expect(results.map(({ line }) => line)).toEqual([8, 1008, 2008]);
    expect(summary).toMatchObject({ events: 2500, stored: 2497, refused: 3, complete: true });
    const rows = (await copiedRows(domainId)).slice(before);
    expect(rows.map(({ id }) => id)).toEqual(events.flatMap((text, i) => (text === "{" ? [] : [`many-${i}`])));
  });

  test("a line of 100 MB is one result, is never held, and the stream goes on behind it", async () => {
    const chunk = new Uint8Array(1_000_000).fill(0x61);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent === 0) controller.enqueue(Buffer.from(`${line()}\n"`));
        else if (sent <= 100) controller.enqueue(chunk);
        else {
          controller.enqueue(Buffer.from(`"\n${line()}\n`));
          controller.close();
        }
        sent++;
      },
    });
    const { results, summary } = await sendStream(body);
    expect(results.map(({ line, status, problem }) => [line, status, problem?.code])).toEqual([
      [1, "stored", undefined],
      [2, "refused", "request.too_large"],
      [3, "stored", undefined],
    ]);
    expect(summary.complete).toBe(true);
  });

  test.each(["", "\n", " \r\n\n"])("a stream without an event (%j) is refused", async (rawBody) => {
    const answer = await call(`${path}?mode=partial`, { key: tenant.key, rawBody, headers: NDJSON });
    await problemOf(answer, "request.invalid");
  });

  test("an input that pauses is appended as far as it came, and the answer begins before the input ends", async () => {
    let end = () => {};
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(Buffer.from(`${line({ id: "slow-1" })}\n{"half`));
        end = () => {
          controller.enqueue(Buffer.from(`":1}\n${line({ id: "slow-2" })}\n`));
          controller.close();
        };
      },
    });
    const headers = { Authorization: `Bearer ${tenant.key}`, ...NDJSON };
    const answer = await freshWorker()(`${path}?mode=partial`, { method: "POST", body, headers });
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    const first = JSON.parse(Buffer.from((await reader.read()).value ?? []).toString()) as Result;
    expect(first).toMatchObject({ index: 0, line: 1, status: "stored" });
    end();
    let rest = "";
    for (let came = await reader.read(); !came.done; came = await reader.read())
      rest += Buffer.from(came.value).toString();
    expect(
      rest
        .trimEnd()
        .split("\n")
        .map((each) => JSON.parse(each)),
    ).toMatchObject([
      { index: 1, line: 2, status: "refused" },
      { index: 2, line: 3, status: "stored" },
      { summary: { stored: 2, refused: 1, complete: true } },
    ]);
  });

  test("whoever does not read the results holds up the input: no more than a few groups of it are read", async () => {
    const group = Buffer.from(`${line()}\n`.repeat(1000));
    let groups = 0;
    const body = new ReadableStream<Uint8Array>(
      { pull: (controller) => (groups++, controller.enqueue(group)) },
      { highWaterMark: 0 },
    );
    const headers = { Authorization: `Bearer ${tenant.key}`, ...NDJSON };
    const answer = await freshWorker()(`${path}?mode=partial`, { method: "POST", body, headers });
    const before = await size();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(await size()).toBe(before);
    expect(groups).toBeLessThan(5);
    await answer.body?.cancel();
  });
});

describe("a stream that meets a limit in the middle", () => {
  test("says where to go on and when; a rate that has nothing left refuses the stream as a whole", async () => {
    const limited = await newTenant("Limited");
    const id = await newDomain(limited);
    const { id: keyId, key } = await storedKey(limited.tenantId, ["entry.append"]);
    const body = { clients: [{ id: keyId, events: { per_minute: 60, burst: 1500 } }] };
    const limits = `/v1/tenants/${limited.tenantId}/rate-limits`;
    expect((await call(limits, { method: "PUT", key: limited.key, body, headers: { "If-Match": "*" } })).status).toBe(
      200,
    );
    const send = () =>
      call(`/v1/domains/${id}/audit/entries?mode=partial`, {
        key,
        rawBody: `${line()}\n`.repeat(2500),
        headers: NDJSON,
      });
    const { results, summary } = await linesOf(await send());
    expect(results).toHaveLength(1000);
    expect(summary).toMatchObject({
      stored: 1000,
      complete: false,
      stopped: { index: 1000, line: 1001, problem: { code: "rate.limited" } },
    });
    expect(summary.stopped?.retry_after_s).toBeGreaterThan(0);
    const again = await send();
    await problemOf(again, "rate.limited");
    expect(Number(again.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect((await logOf(id).head()).size).toBe(1001);
  });
});

describe("compressed bodies", () => {
  beforeAll(freshDomain);
  const many = `${line()}\n`.repeat(1200);

  test.each([
    ["gzip", () => gzipSync(many)],
    ["GZIP", () => gzipSync(many)],
    ["zstd", () => zstdCompressSync(many)],
    ["identity", () => Buffer.from(many)],
  ])("%s is read as it is, as a stream and as a whole", async (encoding, body) => {
    const { summary } = await sendStream(body(), { "Content-Encoding": encoding });
    expect(summary).toMatchObject({ stored: 1200, complete: true });
    const one = encoding === "zstd" ? zstdCompressSync(line()) : encoding === "identity" ? line() : gzipSync(line());
    const answer = await call(path, { key: tenant.key, rawBody: one, headers: { "Content-Encoding": encoding } });
    expect(answer.status).toBe(201);
  });

  test.each(["br", "deflate", "gzip, gzip", "aes128gcm"])("%j is a 415", async (encoding) => {
    for (const query of ["", "?mode=partial"]) {
      const options = { key: tenant.key, rawBody: line(), headers: { ...NDJSON, "Content-Encoding": encoding } };
      const problem = await problemOf(await call(path + query, options), "request.unsupported_media_type");
      expect(pointersOf(problem)).toEqual(["header:Content-Encoding"]);
    }
  });

  test("what is no gzip, is cut off or damaged is refused, with nothing of it stored that was not whole", async () => {
    const before = await size();
    const whole = gzipSync(line());
    const damaged = Buffer.from(whole);
    damaged[damaged.length - 6] = (damaged.at(-6) as number) ^ 1;
    for (const rawBody of [line(), whole.subarray(0, -3), damaged]) {
      const options = { key: tenant.key, rawBody, headers: { "Content-Encoding": "gzip" } };
      await problemOf(await call(path, options), "request.malformed");
    }
    expect(await size()).toBe(before);
  });

  test("a stream that is cut off in its gzip: whole lines are stored, and the summary says where to go on", async () => {
    const texts = Array.from({ length: 3000 }, (_, i) => line({ id: `cut-${i}`, reason: crypto.randomUUID() }));
    const { results, summary } = await sendStream(gzipSync(texts.join("\n")).subarray(0, -2000), {
      "Content-Encoding": "gzip",
    });
    expect(summary.complete).toBe(false);
    expect(summary.stopped?.problem.code).toBe("request.malformed");
    expect(summary.stored).toBe(results.length);
    expect(summary.stopped).toMatchObject({ index: results.length, line: results.length + 1 });
    expect(summary.stored).toBeGreaterThan(1000);
  });

  test.each([
    ["empty lines, which no rate counts", "\n", `${LIMITS.ingestEmptyLines} empty lines`],
    ["lines of white space", "\r\n", `${LIMITS.ingestEmptyLines} empty lines`],
    ["one line", " ", `${LIMITS.inflatedRatio} times`],
  ])("a bomb of %s ends early, behind what was an event", async (_, filling, why) => {
    await freshDomain();
    const bomb = gzipSync(`${line()}\n${filling.repeat(LIMITS.inflatedFreeBytes + 2 ** 20)}`, { level: 9 });
    expect(bomb.length * LIMITS.inflatedRatio).toBeLessThan(LIMITS.inflatedFreeBytes);
    const { summary } = await sendStream(bomb, { "Content-Encoding": "gzip" });
    const problem = { code: "request.too_large", detail: expect.stringContaining(why) };
    expect(summary).toMatchObject({ stored: 1, complete: false, stopped: { problem } });
  });

  test("a bomb is a 413 while it is read, never more than its limit in memory", async () => {
    // 1 GiB of spaces in 1 MB.
    const piece = gzipSync(Buffer.alloc(64 * 1024 * 1024, 0x20), { level: 9 });
    let pieces = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => (++pieces > 16 ? controller.close() : controller.enqueue(piece)),
    });
    const headers = {
      Authorization: `Bearer ${tenant.key}`,
      "Content-Type": "application/json",
      "Content-Encoding": "gzip",
    };
    const answer = await freshWorker()(path, { method: "POST", body, headers });
    const problem = await problemOf(answer, "request.too_large");
    expect(problem.detail).toContain(String(LIMITS.appendBodyBytes));
    expect(pieces).toBeLessThan(8);
  });
});

describe("a stream that fails in the middle, sent again, is stored exactly once", () => {
  const events = Array.from({ length: 2500 }, (_, i) => ({ reason: `number ${i}` }));
  let mend = async () => {};
  afterEach(() => mend());

  test.each(FORMS.flatMap((form) => ["under an idempotency key", "with ids"].map((how) => [form, how] as const)))(
    "%s, %s",
    async (form, how) => {
      await freshDomain();
      const withIds = how === "with ids";
      const texts = events.map((fields, i) => line({ ...fields, ...(withIds ? { id: `once-${i}` } : {}) }));
      const headers: Record<string, string> = withIds ? {} : { "Idempotency-Key": "once" };
      const group = (from: number) => Buffer.from(`${texts.slice(from, from + 1000).join("\n")}\n`);
      let send: (piece: Uint8Array | null) => void = () => {};
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          send = (piece) => (piece ? controller.enqueue(piece) : controller.close());
          send(group(0));
        },
      });
      const sentWith = { Authorization: `Bearer ${tenant.key}`, ...NDJSON, ...headers };
      const answer = await freshWorker()(`${path}?mode=partial`, { method: "POST", body, headers: sentWith });
      const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
      expect(
        Buffer.from((await reader.read()).value ?? [])
          .toString()
          .trimEnd()
          .split("\n"),
      ).toHaveLength(1000);
      const broken = await breakCall(stubOf(domainId) as never, "append", form);
      mend = broken.mend;
      send(group(1000));
      send(group(2000));
      send(null);
      const { summary } = JSON.parse(Buffer.from((await reader.read()).value ?? []).toString()) as { summary: Summary };
      expect(summary).toMatchObject({ events: 1000, stored: 1000, complete: false });
      expect(summary.stopped).toMatchObject({ index: 1000, line: 1001, problem: { code: "storage.unavailable" } });
      expect(summary.stopped?.retry_after_s).toBeGreaterThan(0);
      expect((await reader.read()).done).toBe(true);
      expect(broken.asked()).toBe(1);
      await broken.mend();
      mend = async () => {};

      const again = await sendStream(texts.join("\n"), headers);
      const stored = form === "failed and not persisted" ? 1500 : 500;
      expect(again.summary).toEqual({ events: 2500, stored, replayed: 2500 - stored, refused: 0, complete: true });
      expect(await size()).toBe(2501);
      expect(again.results.map(({ receipt }) => receipt?.seq)).toEqual(texts.map((_, i) => i + 1));
    },
  );

  test("a log that takes nothing refuses the stream as a whole, with the problem that it has", async () => {
    await freshDomain();
    const broken = await breakCall(stubOf(domainId) as never, "append", FORMS[0]);
    mend = broken.mend;
    const answer = await call(`${path}?mode=partial`, { key: tenant.key, rawBody: line(), headers: NDJSON });
    await problemOf(answer, "storage.unavailable");
    expect(answer.headers.get("Retry-After")).not.toBeNull();
  });

  test("another event under the same key and index is refused, the others are replayed", async () => {
    await freshDomain();
    const headers = { "Idempotency-Key": "once" };
    await sendStream([line({ reason: "a" }), line({ reason: "b" })].join("\n"), headers);
    const { results } = await sendStream([line({ reason: "a" }), line({ reason: "c" })].join("\n"), headers);
    expect(results.map(({ status, problem }) => [status, problem?.code])).toEqual([
      ["replayed", undefined],
      ["refused", "idempotency.key_reused"],
    ]);
  });
});
