/** Bad input to an append: a problem document that names the place, never the value, and nothing stored. */
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ErrorCode } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { HeadResult } from "../../src/services/log/calls.ts";
import { type CallOptions, call, event, logOf, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { freshWorker } from "../support/fresh-worker.ts";
import { pointersOf, problemOf } from "../support/problems.ts";

const CANARY = "canary-7f3e";
const EVENT = JSON.stringify(event());
const text = (fields: object) => JSON.stringify(event(fields));
let tenant: TestTenant;
let path: string;
let domainId: string;
let before: HeadResult;

beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
  path = `/v1/domains/${domainId}/audit/entries`;
});
beforeEach(async () => {
  before = await logOf(domainId).head();
});
afterEach(async () => {
  const { size, entryHash } = await logOf(domainId).head();
  expect({ size, entryHash }).toEqual({ size: before.size, entryHash: before.entryHash });
});

const post = (rawBody: BodyInit, options: CallOptions = {}) => call(path, { key: tenant.key, rawBody, ...options });

/** Demands the problem with exactly these pointers, and that nothing of what was sent comes back. */
async function expectProblem(answer: Response, code: ErrorCode, pointers: string[]) {
  const problem = await problemOf(answer, code);
  expect(pointersOf(problem)).toEqual(pointers);
  expect(JSON.stringify(problem)).not.toContain(CANARY);
  return problem;
}

describe("F18 a request over a limit is a 413 that names the limit", () => {
  const tooMuch = `[${EVENT}${" ".repeat(LIMITS.appendBodyBytes)}]`;

  test("4 MiB of text", async () => {
    const problem = await expectProblem(await post(tooMuch), "request.too_large", [""]);
    expect(problem.detail).toContain(String(LIMITS.appendBodyBytes));
  });

  test("4 MiB by Content-Length alone: not a byte is read", async () => {
    let read = false;
    const body = new ReadableStream(
      { pull: (controller) => ((read = true), controller.close()) },
      { highWaterMark: 0 },
    );
    const length = String(LIMITS.appendBodyBytes + 1);
    const headers = {
      Authorization: `Bearer ${tenant.key}`,
      "Content-Type": "application/json",
      "Content-Length": length,
    };
    const answer = await freshWorker()(path, { method: "POST", body, headers });
    await expectProblem(answer, "request.too_large", [""]);
    expect(read).toBe(false);
  });

  test("4 MiB by a stream that does not say how long it is, and never ends: reading stops at the limit", async () => {
    const chunk = new Uint8Array(65_536).fill(0x20);
    let chunks = 0;
    const body = new ReadableStream<Uint8Array>({ pull: (controller) => (chunks++, controller.enqueue(chunk)) });
    const headers = { Authorization: `Bearer ${tenant.key}`, "Content-Type": "application/json" };
    await expectProblem(await freshWorker()(path, { method: "POST", body, headers }), "request.too_large", [""]);
    expect(chunks).toBeGreaterThan(LIMITS.appendBodyBytes / chunk.length);
    expect(chunks).toBeLessThan(LIMITS.appendBodyBytes / chunk.length + 8);
  });

  test("exactly 4 MiB is read", async () => {
    const rawBody = `[]${" ".repeat(LIMITS.appendBodyBytes - 2)}`;
    await expectProblem(await post(rawBody), "request.invalid", [""]);
  });

  test("1,001 events, as an array and as lines", async () => {
    const events = Array.from({ length: LIMITS.appendEvents + 1 }, () => EVENT);
    const problem = await expectProblem(await post(`[${events.join()}]`), "request.too_large", [""]);
    expect(problem.detail).toContain(String(LIMITS.appendEvents));
    const headers = { "Content-Type": "application/x-ndjson" };
    await expectProblem(await post(events.join("\n"), { headers }), "request.too_large", [""]);
  });

  test("an entry of more than 64 KiB, named by its place", async () => {
    const long = { changes: Array.from({ length: 100 }, () => ({ path: `/${"é".repeat(400)}` })) };
    await expectProblem(await post(text(long)), "request.too_large", [""]);
    await expectProblem(await post(`[${EVENT},${text(long)}]`), "request.too_large", ["/1"]);
  });
});

describe("A15 a body that is not JSON that means the same to every reader is a 400", () => {
  const deep = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;

  test.each<[string, BodyInit, string]>([
    ["empty", "", ""],
    ["blank", " \n ", ""],
    ["cut off", `[${EVENT},{"action":"${CANARY}`, ""],
    ["two documents", `${EVENT}${EVENT}`, ""],
    ["with a comment", `${EVENT} // ${CANARY}`, ""],
    ["NaN", `{"action":"a.b","metadata":{"${CANARY}":NaN}}`, ""],
    ["with a byte order mark", `\ufeff${EVENT}`, ""],
    ["with a raw NUL", EVENT.replace("usr_42", `usr\u0000`), ""],
    ["broken UTF-8", Buffer.concat([Buffer.from(`{"action":"`), Uint8Array.of(0xc3, 0x28), Buffer.from(`"}`)]), ""],
    ["UTF-16", Buffer.from(EVENT, "utf16le"), ""],
    ["10^5 levels of arrays", deep(100_000), ""],
    ["10^5 levels of objects", `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`, ""],
    ["10^5 open brackets", "[".repeat(100_000), ""],
    ["a level too deep", deep(LIMITS.jsonDepth + 1), ""],
  ])("%s", async (_, body, pointer) => {
    await expectProblem(await post(body), "request.malformed", [pointer]);
  });

  test.each<[string, string, string]>([
    ["a duplicate key", `"action":"${CANARY}"`, "/action"],
    ["a duplicate key in another spelling", `"\\u0061ction":"${CANARY}"`, "/action"],
    ["a duplicate key further in", `"metadata":{"a":{"b":1,"b":2}}`, "/metadata/a/b"],
    ["the key __proto__", `"metadata":{"__proto__":{"admin":true}}`, "/metadata/__proto__"],
    ["half of a surrogate pair", `"reason":"${CANARY} \\ud800"`, "/reason"],
    ["half of a surrogate pair in a key", `"metadata":{"\\udc00":1}`, "/metadata/\ufffd"],
    ["2^53", `"metadata":{"n":9007199254740992}`, "/metadata/n"],
    ["2^53+1 in an array", `"metadata":{"n":[0,9007199254740993]}`, "/metadata/n/1"],
    ["1e400", `"metadata":{"n":1e400}`, "/metadata/n"],
    ["more digits than a double holds", `"metadata":{"n":0.1234567890123456789}`, "/metadata/n"],
  ])("%s, named by its place, with the index in an array", async (_, member, pointer) => {
    const body = `${EVENT.slice(0, -1)},${member}}`;
    await expectProblem(await post(body), "request.malformed", [pointer]);
    await expectProblem(await post(`[${EVENT},${body}]`), "request.malformed", [`/1${pointer}`]);
    const headers = { "Content-Type": "application/x-ndjson" };
    await expectProblem(await post(`${EVENT}\n\n${body}\n`, { headers }), "request.malformed", [`/1${pointer}`]);
  });
});

describe("a content type that is not offered is a 415", () => {
  test.each([
    "text/plain",
    "application/json-seq",
    "application/xml",
    "multipart/form-data; boundary=x",
    "application/jsonx",
    "",
  ])("%j", async (type) => {
    const answer = await post(EVENT, { headers: { "Content-Type": type } });
    await expectProblem(answer, "request.unsupported_media_type", ["header:Content-Type"]);
  });

  test("none at all", async () => {
    const answer = await call(path, { key: tenant.key, rawBody: new Blob([EVENT]), headers: { "Content-Type": "" } });
    await expectProblem(answer, "request.unsupported_media_type", ["header:Content-Type"]);
  });

  test("a CloudEvent sent as plain JSON is refused by its fields", async () => {
    const cloudEvent = { specversion: "1.0", id: "1", source: "/x", type: "invoice.exported", data: event() };
    const problem = await problemOf(await post(JSON.stringify(cloudEvent)), "request.invalid");
    expect(pointersOf(problem)).toEqual(
      expect.arrayContaining(["/action", "/actor", "/specversion", "/source", "/data"]),
    );
  });
});

describe("an event that is not accepted is a 422 naming each field", () => {
  test.each<[string, object, string[]]>([
    ["no action", { action: undefined }, ["/action"]],
    ["an action that is no noun.verb", { action: `Bad ${CANARY}` }, ["/action"]],
    ["T6 an action of the product's own", { action: "tenant.created" }, ["/action"]],
    ["S2-21 the product's own actor", { actor: { type: "system", id: "system:moonseal" } }, ["/actor/id"]],
    ["T6 seq", { seq: 1 }, ["/seq"]],
    ["T6 prev_hash", { prev_hash: "00" }, ["/prev_hash"]],
    ["T6 entry_hash", { entry_hash: "00" }, ["/entry_hash"]],
    ["T6 domain_id", { domain_id: CANARY }, ["/domain_id"]],
    ["T6 domain", { domain: CANARY }, ["/domain"]],
    ["T6 recorded_at", { recorded_at: "2020-01-01T00:00:00Z" }, ["/recorded_at"]],
    ["T6 salt", { salt: "00" }, ["/salt"]],
    ["T6 private", { private: { "/x": "00" } }, ["/private"]],
    ["T6 role in an actor", { actor: { type: "user", id: "u", role: "owner" } }, ["/actor/role"]],
    ["S4-36 a caveat with a value", { caveats: [{ name: "tenant", value: CANARY }] }, ["/caveats/0"]],
    ["S4-36 a caveat as name=value", { caveats: [`tenant=${CANARY}`] }, ["/caveats/0"]],
    ["an id that only the log makes", { id: "0193a0c4-5f7e-8000-8000-000000000001" }, ["/id"]],
    ["a time without an offset", { occurred_at: "2026-11-21T09:14:03" }, ["/occurred_at"]],
    ["a time from the far future", { occurred_at: "2999-01-01T00:00:00Z" }, ["/occurred_at"]],
    ["two faults at once", { outcome: CANARY, context: { ip: CANARY } }, ["/outcome", "/context/ip"]],
    [
      "metadata nested too deep",
      { metadata: { a: { b: { c: { d: { e: { f: { g: { h: { i: 1 } } } } } } } } } },
      ["/metadata"],
    ],
    ["a NUL in an id", { actor: { type: "user", id: `u\u0000${CANARY}` } }, ["/actor/id"]],
    ["support on behalf of nobody", { actor: { type: "support", id: "s" } }, ["/on_behalf_of"]],
  ])("%s", async (_, fields, pointers) => {
    await expectProblem(await post(text(fields)), "request.invalid", pointers);
    const inArray = pointers.map((pointer) => `/1${pointer}`);
    await expectProblem(await post(`[${EVENT},${text(fields)}]`), "request.invalid", inArray);
  });

  test.each<[string, string, string[]]>([
    ["an empty array", "[]", [""]],
    ["null", "null", [""]],
    ["a number", "1", [""]],
    ["an array with something else in it", `[${EVENT},null,"x"]`, ["/1", "/2"]],
    ["an array in an array", `[[${EVENT}]]`, ["/0"]],
  ])("%s", async (_, body, pointers) => {
    await expectProblem(await post(body), "request.invalid", pointers);
  });

  test("empty lines alone are no event", async () => {
    const headers = { "Content-Type": "application/x-ndjson" };
    await expectProblem(await post("\n\n", { headers }), "request.invalid", [""]);
  });

  test("names at most 100 fields, and says so", async () => {
    const body = `[${Array.from({ length: 500 }, () => "1").join()}]`;
    const problem = await problemOf(await post(body), "request.invalid");
    expect(problem.errors).toHaveLength(100);
    expect(problem.detail).toBe("the first 100 of 500 are named");
  });

  test("F18 10^5 unknown keys are refused in one bounded answer", async () => {
    const members = Array.from({ length: 100_000 }, (_, i) => `"k${i}":1`);
    const problem = await problemOf(await post(`{${members.join()}}`), "request.invalid");
    expect(problem.errors?.length).toBeLessThanOrEqual(100);
  });
});

describe("the problem document", () => {
  test("carries the caller's request id when it is harmless, and one of its own else", async () => {
    const ask = async (id: string) =>
      problemOf(await post("", { headers: { "X-Request-Id": id } }), "request.malformed");
    expect((await ask("req-12345678")).instance).toBe("req-12345678");
    expect((await ask(`<script>${CANARY}`)).instance).toMatch(/^[0-9a-f-]{36}$/);
    expect((await ask("x".repeat(129))).instance).toMatch(/^[0-9a-f-]{36}$/);
  });

  test("names a wrong Idempotency-Key as a header, not its value", async () => {
    for (const key of ["", "with space", "x".repeat(256), '""']) {
      const answer = await post(EVENT, { headers: { "Idempotency-Key": key } });
      await expectProblem(answer, "request.invalid", ["header:Idempotency-Key"]);
    }
  });
});
