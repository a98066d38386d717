/** S4-17, S0-29: what the guard of clear fields does with an event, in each of its modes and in each clear field. */
import { describe, expect, test } from "vitest";
import type { AuditEvent } from "../../../src/core/event.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { classifyEvent } from "../../../src/core/payload/classify.ts";
import { FIELD_CLASSES } from "../../../src/core/payload/fields.ts";
import { isRefusal } from "../../../src/services/intake/checks.ts";
import { guardCheck } from "../../../src/services/intake/guard.ts";
import { FINDINGS, type Finding } from "../../../src/services/intake/personal-data/find.ts";

const PERSONAL: Record<Exclude<Finding, "card_number" | "secret">, string> = {
  email_address: "ana.canary@example.com",
  ip_address: "203.0.113.77",
  iban: "DE89370400440532013000",
  national_id: "078-05-1120",
  phone_number: "+44 20 7946 0958",
};
const ALWAYS = { card_number: "4111 1111 1111 1111", secret: `ghp_${"aB3".repeat(12)}` } as const;
const ALL = Object.entries({ ...PERSONAL, ...ALWAYS }) as [Finding, string][];

const EVENT: AuditEvent = { action: "invoice.exported", actor: { type: "service", id: "billing" } };
/** A value in every clear field that a client writes freely. The pointer is that of the refusal. */
const PLACES: [string, (value: string) => Partial<AuditEvent>, replaced: boolean][] = [
  ["/id", (id) => ({ id }), false],
  ["/action", (action) => ({ action }), false],
  ["/actor/id", (id) => ({ actor: { type: "service", id } }), false],
  ["/on_behalf_of/type", (type) => ({ on_behalf_of: { type, id: "usr_1" } }), false],
  [
    "/targets/1/id",
    (id) => ({
      targets: [
        { type: "a", id: "b" },
        { type: "c", id },
      ],
    }),
    false,
  ],
  ["/targets/0/type", (type) => ({ targets: [{ type, id: "b" }] }), false],
  ["/subjects/0/type", (type) => ({ subjects: [{ type, id: "usr_1" }] }), false],
  ["/subjects/0/role", (role) => ({ subjects: [{ type: "user", id: "usr_1", role }] }), false],
  ["/changes/0/path", (value) => ({ changes: [{ path: `/${value}` }] }), false],
  ["/caveats/0", (name) => ({ caveats: [name] }), false],
  ["/context/request_id", (request_id) => ({ context: { request_id } }), true],
  ["/context/traceparent", (traceparent) => ({ context: { traceparent } }), false],
  ["/metadata/k", (k) => ({ metadata: { k }, clear_metadata: ["k"] }), true],
  ["/metadata/k/a~1b/1", (value) => ({ metadata: { k: { "a/b": [0, value] } }, clear_metadata: ["k"] }), true],
  ["/metadata/k", (value) => ({ metadata: { k: { [value]: 1 } }, clear_metadata: ["k"] }), false],
  ["/metadata", (value) => ({ metadata: { [value]: 1 } }), false],
  ["/metadata", (value) => ({ metadata: { [value]: 1 }, clear_metadata: [value] }), false],
];

const at = (pointer: string, event: object): unknown =>
  pointer
    .slice(1)
    .split("/")
    .map((token) => token.replace("~1", "/"))
    .reduce<unknown>((place, token) => (place as { [token: string]: unknown })[token], event);

test("every clear field of the table that takes free text has a place here", () => {
  const covered = (field: string) =>
    PLACES.some(([pointer]) => new RegExp(`^${field.replaceAll("*", "[^/]+")}(?:/|$)`).test(pointer));
  // Closed sets, checked before: enumerations, a time, a number.
  const closed = ["/actor/type", "/outcome", "/occurred_at", "/schema_version"];
  const clear = FIELD_CLASSES.filter((row) => row.class === "clear" && !closed.includes(row.field));
  expect(clear.map((row) => row.field).filter((field) => !covered(field))).toEqual([]);
});

describe.each(ALL)("%s", (finding, value) => {
  const says = `holds what looks like ${FINDINGS[finding].says}`;
  const isAlways = finding in ALWAYS;

  test.each(PLACES)(
    "S4-17 refuse: in %s is refused by its place and its kind, never its value",
    async (pointer, fields) => {
      const check = await guardCheck("refuse");
      const result = check({ ...EVENT, ...fields(value) });
      expect(result).toEqual({ code: "entry.refused", errors: [{ pointer, detail: says }] });
      if (!pointer.includes(value)) expect(JSON.stringify(result)).not.toContain(value);
    },
  );

  test.each(PLACES)(
    "redact: in %s is replaced and named, or refused where another value would be another thing",
    async (pointer, fields, replaced) => {
      const check = await guardCheck("redact");
      const event: AuditEvent = { ...EVENT, ...fields(value) };
      const sent = structuredClone(event);
      const result = check(event);
      expect(event, "what was sent is left as it is").toEqual(sent);
      if (isAlways || !replaced) {
        expect(result).toEqual({ code: "entry.refused", errors: [{ pointer, detail: says }] });
        return;
      }
      if (isRefusal(result)) throw new Error("refused");
      expect(result.redacted).toEqual([pointer]);
      expect(at(pointer, result.event)).toBe(`[redacted:${FINDINGS[finding].redacted}]`);
      expect(JSON.stringify(result.event)).not.toContain(value);
      expect(check(result.event)).toEqual({ event: result.event });
    },
  );

  test.each(PLACES)("off: in %s passes, unless it is a card number or a secret (S0-29)", async (pointer, fields) => {
    const event = { ...EVENT, ...fields(value) };
    const expected = isAlways ? { code: "entry.refused", errors: [{ pointer, detail: says }] } : { event };
    expect((await guardCheck("off"))(event)).toEqual(expected);
  });

  test.each(["refuse", "redact", "off"] as const)(
    "%s: where people belong, and in private fields, it passes",
    async (mode) => {
      const event: AuditEvent = {
        ...EVENT,
        actor: { type: "user", id: value, name: value, email: value },
        on_behalf_of: { type: "person", id: value, name: value },
        targets: [{ type: "person", id: value, name: value }],
        subjects: [{ type: "customer", id: value }],
        changes: [{ path: "/email", from: value, to: { deep: [value] } }],
        context: { ip: "203.0.113.7", user_agent: value, location: { city: value }, session: value },
        reason: value,
        metadata: { note: value, deep: { [value]: value } },
      };
      expect((await guardCheck(mode))(event)).toEqual({ event });
    },
  );
});

test("every place is named, those of one event together, a bounded number of them", async () => {
  const check = await guardCheck("refuse");
  const many = Array.from({ length: LIMITS.guardFindings + 10 }, (_, i) => `a${i}@example.com`);
  const result = check({
    ...EVENT,
    targets: [{ type: "mailbox", id: "x@example.com" }],
    metadata: { many, ip: "203.0.113.7" },
    clear_metadata: ["many", "ip"],
  });
  if (!isRefusal(result)) throw new Error("passed");
  expect(result.errors).toHaveLength(LIMITS.guardFindings);
  expect(result.errors.slice(0, 2).map(({ pointer }) => pointer)).toEqual(["/targets/0/id", "/metadata/many/0"]);
});

test("redact: several values of one event, numbers among them, each with its kind", async () => {
  const result = (await guardCheck("redact"))({
    ...EVENT,
    metadata: { to: ["ana@example.com", "fine"], phone: 491712345678, from: "203.0.113.7", left: "ana@example.com" },
    clear_metadata: ["to", "phone", "from"],
  });
  expect(result).toEqual({
    event: {
      ...EVENT,
      metadata: {
        to: ["[redacted:email]", "fine"],
        phone: "[redacted:phone]",
        from: "[redacted:ip]",
        left: "ana@example.com",
      },
      clear_metadata: ["to", "phone", "from"],
    },
    redacted: ["/metadata/to/0", "/metadata/phone", "/metadata/from"],
  });
});

test("redact: one value that cannot be replaced refuses the event, and names that one alone", async () => {
  const result = (await guardCheck("redact"))({
    ...EVENT,
    targets: [{ type: "mailbox", id: "ana@example.com" }],
    metadata: { to: "ana@example.com" },
    clear_metadata: ["to"],
  });
  expect(result).toMatchObject({ errors: [{ pointer: "/targets/0/id" }] });
});

describe("the object's own last line", () => {
  test("S0-29 refuses card numbers, secrets and e-mail addresses in every clear field, whoever sent the event", () => {
    for (const [finding, value] of ALL) {
      if (finding !== "email_address" && finding !== "card_number" && finding !== "secret") continue;
      for (const [pointer, fields] of PLACES) {
        const { refused } = classifyEvent({ ...EVENT, ...fields(value) }, () => "00");
        expect(refused, `${finding} in ${pointer}`).toEqual({ pointer, finding });
      }
    }
  });
});
