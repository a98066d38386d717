import { describe, expect, test } from "vitest";
import { ANNOUNCING_ACTION, announcedIn } from "../../../src/core/moving/announced.ts";
import { ORIGIN_KEY, TOLD_ACTION, translateEntry } from "../../../src/core/moving/translate.ts";
import { classifyEvent } from "../../../src/core/payload/classify.ts";
import type { Payload } from "../../../src/core/payload/payload.ts";

const REF = "ab".repeat(32);
const HASH = "cd".repeat(32);
const payload = (fields: Partial<Payload> = {}): Payload => ({
  ...{ v: 1, domain: "dom_eu_01jegc8qvyfgx9tmvc3w70yjrh", seq: 7, id: "x-7", salt: "00".repeat(16) },
  ...{ recorded_at: "2026-11-21T00:00:00.000Z", occurred_at: "2020-02-29T00:00:00.000Z" },
  ...{ action: "invoice.exported", actor: { type: "user", ref: REF }, outcome: "denied" },
  ...fields,
});
const translate = (
  fields: Partial<Payload> = {},
  values: Parameters<typeof translateEntry>[1] = [],
  byteLength = 700,
) => translateEntry({ entryHash: HASH, payload: payload(fields), byteLength }, values);

describe("the translation of an old entry", () => {
  test("S0-25 keeps what it says, and says in clear where it comes from", () => {
    const event = translate({
      metadata: { region: "eu" },
      request_id: "r",
      caveats: ["max"],
      changes: [{ path: "/a" }],
    });
    expect(event).toMatchObject({ id: "x-7", action: "invoice.exported", outcome: "denied", caveats: ["max"] });
    expect(event.occurred_at).toBe("2020-02-29T00:00:00.000Z");
    const { fields, privateValues } = classifyEvent(event, (id) => `new ${id}`);
    expect(privateValues).toEqual([]);
    expect(fields.metadata).toEqual({
      region: "eu",
      [ORIGIN_KEY]: { domain: payload().domain, entry_hash: HASH, recorded_at: payload().recorded_at, seq: 7 },
    });
    expect(fields.actor).toEqual({ type: "user", ref: `new ${REF}` });
  });

  test("never puts an old pseudonym in clear, wherever a person stands", () => {
    const person = { type: "user", ref: REF };
    const event = translate({
      on_behalf_of: person,
      subjects: [{ ...person, role: "r" }],
      targets: [person, { type: "doc", id: "d" }],
    });
    const { fields } = classifyEvent(event, () => "pseudonym");
    expect(JSON.stringify(fields)).not.toContain(REF);
    expect(JSON.stringify(event).split(REF)).toHaveLength(5);
  });

  test("brings every private value back to its place, and no other", () => {
    const values = [
      ["/actor/name", "N"],
      ["/on_behalf_of/email", "e"],
      ["/targets/0/name", "T"],
      ["/changes/0/from", { a: 1 }],
      ["/context/ip", "192.0.2.1"],
      ["/reason", "because"],
      ["/metadata/no~1te", 1],
      ["/metadata/__proto__", { polluted: true }],
      [`/metadata/${ORIGIN_KEY}`, "forged"],
      ["/nothing/known", 1],
    ].map(([pointer, value]) => ({ pointer: pointer as string, value: value as string }));
    const person = { type: "user", ref: REF };
    const event = translate({ on_behalf_of: person, targets: [person], changes: [{ path: "/x" }] }, values);
    const found = classifyEvent(event, (id) => id).privateValues.map(({ pointer }) => pointer);
    expect(found.sort()).toEqual(
      values
        .slice(0, 8)
        .map(({ pointer }) => pointer)
        .sort(),
    );
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test("tells what the product wrote about the old log under a name of its own, and keeps a reference of a move before", () => {
    const event = translate({ action: "domain.created", metadata: { [ORIGIN_KEY]: { seq: 3 } }, schema_version: 4 });
    expect(event.action).toBe(TOLD_ACTION);
    expect(event.schema_version).toBeUndefined();
    expect(event.metadata?.[ORIGIN_KEY]).toMatchObject({
      action: "domain.created",
      before: { seq: 3 },
      schema_version: 4,
    });
  });

  test.each([
    ["is too large for its reference", {}, 62_000],
    ["holds what today's guard takes for a card number", { metadata: { note: "4111 1111 1111 1111" } }, 700],
  ])("leaves out the content of one that %s", (_, fields, byteLength) => {
    const event = translate(fields, [{ pointer: "/reason", value: "private" }], byteLength);
    expect(event).toMatchObject({ id: "x-7", action: TOLD_ACTION, actor: { type: "system" } });
    expect(event.metadata?.[ORIGIN_KEY]).toMatchObject({ entry_hash: HASH, left_out: true });
    expect(JSON.stringify(event)).not.toContain("4111");
    expect(event.reason).toBeUndefined();
  });
});

test.each([
  ["another action", { action: "move.denied" }],
  ["a failure", { outcome: "failure" as const }],
  ["no target", { targets: [] }],
  ["two targets", { targets: [1, 2].map(() => ({ type: "domain", id: "dom_us_01jegc8qvyfgx9tmvc3w70yjrh" })) }],
  ["a target that is no domain", { targets: [{ type: "tenant", id: "tnt_us_01jegc8qvyfgx9tmvc3w70yjrh" }] }],
  ["a person", { targets: [{ type: "user", ref: REF }] }],
])("%s announces no move", (_, fields) => {
  const right = {
    action: ANNOUNCING_ACTION,
    outcome: "success" as const,
    targets: [{ type: "domain", id: "dom_us_01jegc8qvyfgx9tmvc3w70yjrh" }],
  };
  expect(announcedIn(payload(right))).toBe("dom_us_01jegc8qvyfgx9tmvc3w70yjrh");
  expect(announcedIn(payload({ ...right, ...fields }))).toBeNull();
});
