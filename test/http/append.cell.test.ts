/** What an append answers: receipts, retries, ids, preferences. */
import { beforeAll, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import type { Receipt } from "../../src/services/log/append.ts";
import { call, event, logOf, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { pointersOf, problemOf } from "../support/problems.ts";

interface Answer {
  domain_id: string;
  receipts: Receipt[];
  replicated: boolean;
  idempotency_expires_at?: string;
}

let tenant: TestTenant;
let domainId: string;
let path: string;

beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
  path = `/v1/domains/${domainId}/audit/entries`;
});

const post = (body: object, headers: Record<string, string> = {}, key = tenant.key) =>
  call(path, { key, body, headers });
const sizeOf = async () => (await logOf(domainId).head()).size;

describe("an append", () => {
  test("of one event answers 201 with its receipt, which the head confirms", async () => {
    const answer = await post(event());
    expect(answer.status).toBe(201);
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    const { receipts, ...rest } = (await answer.json()) as Answer;
    expect(rest).toMatchObject({ domain_id: domainId });
    const { evidence } = rest as unknown as { evidence: string };
    const proof = await call(evidence.replace("{seq}", String(receipts[0]?.seq)), { key: tenant.key });
    expect(proof.status).toBe(200);
    expect(receipts).toEqual([
      {
        seq: expect.any(Number),
        id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-8/),
        entry_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        prev_hash: expect.stringMatching(/^[0-9a-f]{64}$/),
        recorded_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      },
    ]);
    const head = (await (await call(`/v1/domains/${domainId}/audit/head`, { key: tenant.key })).json()) as object;
    expect(head).toMatchObject({ size: (receipts[0]?.seq ?? 0) + 1, entry_hash: receipts[0]?.entry_hash });
  });

  test("of an array and of lines answers one receipt an event, in order, chained", async () => {
    const array = (await (await post([event(), event(), event()])).json()) as Answer;
    const rawBody = `${JSON.stringify(event())}\r\n\n${JSON.stringify(event())}\n`;
    const headers = { "Content-Type": "application/x-ndjson; charset=utf-8" };
    const lines = (await (await call(path, { key: tenant.key, rawBody, headers })).json()) as Answer;
    const receipts = [...array.receipts, ...lines.receipts];
    expect(receipts).toHaveLength(5);
    for (const [i, receipt] of receipts.entries()) {
      const before = receipts[i - 1];
      if (before) expect(receipt).toMatchObject({ seq: before.seq + 1, prev_hash: before.entry_hash });
    }
  });

  test(`of ${LIMITS.appendEvents} events is one append`, async () => {
    const before = await sizeOf();
    const answer = await post(Array.from({ length: LIMITS.appendEvents }, () => event()));
    expect(((await answer.json()) as Answer).receipts).toHaveLength(LIMITS.appendEvents);
    expect(await sizeOf()).toBe(before + LIMITS.appendEvents);
  });

  test("with one bad event among many stores none", async () => {
    const before = await sizeOf();
    const events = Array.from({ length: 200 }, (_, i) => event(i === 150 ? { outcome: "maybe" } : {}));
    expect(pointersOf(await problemOf(await post(events), "request.invalid"))).toEqual(["/150/outcome"]);
    expect(await sizeOf()).toBe(before);
  });

  test("that prefers wait=replicated is answered when the queryable copy holds it, and is told so", async () => {
    const answer = await post(event(), { Prefer: "respond-async, wait=replicated" });
    expect(answer.headers.get("Preference-Applied")).toBe("wait=replicated");
    expect(await answer.json()).toMatchObject({ replicated: true });
    expect(await logOf(domainId).head()).toMatchObject({ copiedSize: await sizeOf() });
  });

  test("with a preference that is not known is answered without it", async () => {
    const answer = await post(event(), { Prefer: "wait=10" });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("Preference-Applied")).toBeNull();
  });
});

describe("I1 an idempotency key", () => {
  test("makes a retry answer the first receipts, bare or quoted, and says so", async () => {
    const body = [event(), event({ outcome: "failure" })];
    const first = await post(body, { "Idempotency-Key": "retry-1" });
    expect(first.status).toBe(201);
    expect(first.headers.get("Idempotency-Replayed")).toBeNull();
    const { replicated: _, ...answered } = (await first.json()) as Answer;
    const size = await sizeOf();
    for (const spelling of ["retry-1", '"retry-1"']) {
      const again = await post(body, { "Idempotency-Key": spelling });
      expect(again.status).toBe(200);
      expect(again.headers.get("Idempotency-Replayed")).toBe("true");
      expect(await again.json()).toMatchObject(answered);
    }
    expect(await sizeOf()).toBe(size);
    const days = (Date.parse(answered.idempotency_expires_at ?? "") - Date.now()) / 86_400_000;
    expect(days).toBeGreaterThan(LIMITS.idempotencyDays - 1);
    expect(days).toBeLessThanOrEqual(LIMITS.idempotencyDays);
  });

  test("of 50 parallel requests with one body makes one entry", async () => {
    const before = await sizeOf();
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => post(event(), { "Idempotency-Key": "parallel" })),
    );
    const seqs = await Promise.all(answers.map(async (answer) => ((await answer.json()) as Answer).receipts[0]?.seq));
    expect(new Set(seqs)).toEqual(new Set([before]));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(await sizeOf()).toBe(before + 1);
  });

  test("with another body is a 422 and stores nothing", async () => {
    await post(event(), { "Idempotency-Key": "two-bodies" });
    const size = await sizeOf();
    const other = await post(event({ outcome: "denied" }), { "Idempotency-Key": "two-bodies" });
    await problemOf(other, "idempotency.key_reused");
    expect(other.status).toBe(422);
    expect(await sizeOf()).toBe(size);
    expect((await post(event(), { "Idempotency-Key": "two-bodies" })).status).toBe(200);
  });

  test("belongs to its credential: the same key of another one is another key", async () => {
    const second = await storedKey(tenant.tenantId, ["entry.append"]);
    const answers = [
      await post(event(), { "Idempotency-Key": "shared" }),
      await post(event(), { "Idempotency-Key": "shared" }, second.key),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    const [first, other] = (await Promise.all(answers.map((answer) => answer.json()))) as [Answer, Answer];
    expect(other.receipts[0]?.seq).toBe((first.receipts[0]?.seq ?? 0) + 1);
  });

  test("belongs to its domain", async () => {
    const elsewhere = await newDomain(tenant);
    const headers = { "Idempotency-Key": "per-domain" };
    expect((await post(event(), headers)).status).toBe(201);
    const answer = await call(`/v1/domains/${elsewhere}/audit/entries`, { key: tenant.key, body: event(), headers });
    expect(answer.status).toBe(201);
  });

  test("opens no reserved domain: what happens at tenant level is the product's to write", async () => {
    const headers = { "Idempotency-Key": `tenant.created:${tenant.tenantId}` };
    const path = `/v1/domains/${tenant.tenantDomainId}/audit/entries`;
    const answer = await call(path, { key: tenant.key, body: event(), headers });
    expect(answer.status).toBe(403);
    expect(await answer.json()).toMatchObject({ detail: expect.stringMatching(/reserved/) });
  });

  test("of up to 255 printable characters is accepted", async () => {
    expect((await post(event(), { "Idempotency-Key": `!~${"k".repeat(253)}` })).status).toBe(201);
  });
});

describe("an event's own id", () => {
  test("makes the same event again answer the first receipt, marked as replayed", async () => {
    const mine = event({ id: "order-1" });
    const [first] = ((await (await post(mine)).json()) as Answer).receipts;
    const size = await sizeOf();
    const answer = await post([event(), mine]);
    expect(answer.status).toBe(201);
    const { receipts } = (await answer.json()) as Answer;
    expect(receipts[0]).not.toHaveProperty("replayed");
    expect(receipts[1]).toEqual({ ...first, replayed: true });
    expect(await sizeOf()).toBe(size + 1);
  });

  test("on another event is a 409 that names the event, and nothing of the request is stored", async () => {
    await post(event({ id: "order-2" }));
    const size = await sizeOf();
    const answer = await post([event(), event({ id: "order-2", outcome: "failure" })]);
    const problem = await problemOf(answer, "entry.id_conflict");
    expect(answer.status).toBe(409);
    expect(pointersOf(problem)).toEqual(["/1/id"]);
    expect(await sizeOf()).toBe(size);
  });

  test("twice in one request is one entry when the events are the same, and a 409 when not", async () => {
    const size = await sizeOf();
    const { receipts } = (await (await post([event({ id: "twice" }), event({ id: "twice" })])).json()) as Answer;
    expect(receipts.map(({ seq }) => seq)).toEqual([size, size]);
    const answer = await post([event({ id: "twice-2" }), event({ id: "twice-2", outcome: "denied" })]);
    expect(pointersOf(await problemOf(answer, "entry.id_conflict"))).toEqual(["/0/id", "/1/id"]);
    expect(await sizeOf()).toBe(size + 1);
  });

  test("is the domain's own: another domain may hold the same", async () => {
    const elsewhere = await newDomain(tenant);
    const answer = await call(`/v1/domains/${elsewhere}/audit/entries`, {
      key: tenant.key,
      body: event({ id: "order-1", outcome: "failure" }),
    });
    expect(answer.status).toBe(201);
  });
});
