import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../../src/core/canonical.ts";
import { ACTOR_TYPES, OUTCOMES } from "../../../src/core/event.ts";
import { type EntryFields, type EntryPlace, encodePayload, parsePayload } from "../../../src/core/payload/payload.ts";
import type { JsonValue } from "../../../src/core/strict-json.ts";
import vector from "../../vectors/chain.json" with { type: "json" };
import { hex, json, key, text } from "../arbitraries.ts";

const person = fc.record({ type: fc.constantFrom("user", "person"), ref: hex(32) });
const target = fc.oneof(person, fc.record({ type: fc.constantFrom("invoice", "host"), id: text }));
const instant = fc
  .date({ min: new Date(0), max: new Date("9999-12-31T23:59:59.999Z"), noInvalidDate: true })
  .map((date) => date.toISOString());

const fields: fc.Arbitrary<EntryFields> = fc.record(
  {
    action: fc.constantFrom("invoice.exported", "user.logged_in"),
    actor: fc.oneof(
      fc.record({ type: fc.constantFrom(...ACTOR_TYPES), ref: hex(32) }),
      fc.record({ type: fc.constantFrom(...ACTOR_TYPES), id: text }),
      fc.record({ type: fc.constant("anonymous" as const) }),
    ),
    outcome: fc.constantFrom(...OUTCOMES),
    occurred_at: instant,
    on_behalf_of: person,
    targets: fc.array(target, { maxLength: 3 }),
    subjects: fc.array(person, { maxLength: 3 }),
    changes: fc.array(fc.record({ path: text }), { maxLength: 3 }),
    caveats: fc.array(fc.constantFrom("region", "max_amount"), { maxLength: 2 }),
    metadata: fc.dictionary(key, json, { maxKeys: 3, noNullPrototype: true }),
    private: fc.dictionary(
      key.map((name) => `/metadata/${name}`),
      hex(32),
      { maxKeys: 2, noNullPrototype: true },
    ),
    request_id: text,
    traceparent: text,
  },
  { requiredKeys: ["action", "actor", "outcome"] },
);

const place: fc.Arbitrary<EntryPlace> = fc.record({
  domain: fc.constant(vector.domain),
  seq: fc.oneof(fc.nat(), fc.constant(Number.MAX_SAFE_INTEGER)),
  id: fc.uuid(),
  recorded_at: instant,
  salt: hex(16),
});

test("an encoded entry is read back whole, and it is canonical", () => {
  fc.assert(
    fc.property(fields, place, (f, p) => {
      const encoded = encodePayload(f, p);
      const wanted = { v: 1, occurred_at: p.recorded_at, ...f, ...p };
      expect(encoded).toBe(canonicalJson(JSON.parse(encoded)));
      expect(parsePayload(encoded)).toStrictEqual({ ok: true, payload: JSON.parse(JSON.stringify(wanted)) });
    }),
    { numRuns: 300 },
  );
});

test("an event cannot set what the log adds: place and version win", () => {
  const forged = { action: "a.b", actor: { type: "system" }, outcome: "success", seq: 9, domain: "x", salt: "y" };
  const p = { domain: vector.domain, seq: 1, id: "i", recorded_at: "2026-11-21T09:14:00.000Z", salt: "00" };
  expect(parsePayload(encodePayload(forged as unknown as EntryFields, p))).toMatchObject({ payload: { ...p, v: 1 } });
});

describe("an untrusted payload", () => {
  const good = vector.entries[1]?.payload as string;
  const object = JSON.parse(good) as { [name: string]: JsonValue };
  const fault = (source: string) => {
    const parsed = parsePayload(source);
    return parsed.ok ? null : parsed.fault;
  };
  const without = (name: string) => {
    const { [name]: _, ...rest } = object;
    return canonicalJson(rest);
  };

  test("of the vector is accepted", () => {
    expect(fault(good)).toBeNull();
  });

  test.each([
    ["in another layout", JSON.stringify(object, null, 1)],
    ["with its keys in another order", JSON.stringify({ v: 1, ...object })],
    ["with an escaped character", good.replace("invoice.", "\\u0069nvoice.")],
    ["with a byte order mark", `\ufeff${good}`],
    ["with a line end", `${good}\n`],
    ["cut short", good.slice(0, -1)],
    ["with a key twice", good.replace('"v":1', '"v":1,"v":1')],
    ["empty", ""],
  ])("%s is refused as not canonical", (_how, source) => {
    expect(source).not.toBe(good);
    expect(fault(source)).toBe("not_canonical");
  });

  test.each(["null", "1", '"text"', "[]", '[{"v":1}]', "true"])("that is no object is refused: %s", (source) => {
    expect(fault(source)).toBe("not_a_payload");
  });

  test.each([2, 0, "1", null, [1], 1.5])("of version %j is refused as unknown, never guessed at", (v) => {
    expect(fault(canonicalJson({ ...object, v }))).toBe("version_unknown");
  });

  test("without a version is refused as unknown", () => {
    expect(fault(without("v"))).toBe("version_unknown");
  });

  test.each(["domain", "seq", "id", "recorded_at", "salt", "action"])("without %s is refused", (name) => {
    expect(fault(without(name))).toBe("not_a_payload");
    expect(fault(canonicalJson({ ...object, [name]: null }))).toBe("not_a_payload");
  });

  test.each([-1, 1.5, "1", true])("with seq %j is refused", (seq) => {
    expect(fault(canonicalJson({ ...object, seq }))).toBe("not_a_payload");
  });
});
