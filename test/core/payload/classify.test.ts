/**
 * S4-15, S4-36: a canary through every row of FIELD_CLASSES, for every type of actor, and a look at where it comes out.
 * A row that is added to the table without a way through here fails.
 */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { ACTOR_TYPES, type ActorType, type AuditEvent } from "../../../src/core/event.ts";
import { classifyEvent } from "../../../src/core/payload/classify.ts";
import { FIELD_CLASSES, type FieldRow } from "../../../src/core/payload/fields.ts";
import { encodePayload } from "../../../src/core/payload/payload.ts";

const pseudonymOf = (id: string) => createHash("sha256").update(`pepper ${id}`).digest("hex");
const isPerson = (type: string) => type === "user" || type === "support";

/** An event that uses every field. */
function fullEvent(type: ActorType): AuditEvent {
  return {
    id: "evt-1",
    action: "invoice.exported",
    occurred_at: "2026-11-21T09:14:03.221Z",
    actor: {
      type,
      ...(type === "anonymous" ? {} : { id: "actor_1" }),
      name: "n",
      email: "e",
      via: { type: "api_key", id: "k" },
    },
    on_behalf_of: { type: "user", id: "behalf_1", name: "n", email: "e" },
    targets: [{ type: "invoice", id: "inv_9", name: "n" }],
    outcome: "success",
    reason: "r",
    changes: [{ path: "/status", from: 1, to: 2 }],
    context: { ip: "192.0.2.1", user_agent: "u", location: {}, session: "s", request_id: "r", traceparent: "t" },
    subjects: [{ type: "user", id: "subject_1", role: "owner" }],
    metadata: { k: "v" },
    clear_metadata: [],
    caveats: ["region"],
  };
}

/** The event with `value` at the row's place, and whatever makes the row apply. */
function eventWith(row: FieldRow, type: ActorType, value: unknown): AuditEvent {
  const event = fullEvent(type);
  if (row.when === "type user or person") event.targets = [{ type: "person", id: "t", name: "n" }];
  if (row.when === "the key stands in clear_metadata") event.clear_metadata = ["k"];
  const tokens = tokensOf(row);
  let place: Record<string, unknown> = event as unknown as Record<string, unknown>;
  for (const token of tokens.slice(0, -1)) place = place[token] as Record<string, unknown>;
  place[tokens.at(-1) as string] = value;
  return event;
}

const tokensOf = (row: FieldRow) =>
  row.field
    .slice(1)
    .split("/")
    .map((token, i, all) => (token !== "*" ? token : all[i - 1] === "metadata" ? "k" : "0"));
const pointerOf = (row: FieldRow) => `/${tokensOf(row).join("/")}`;

const appliesTo = (row: FieldRow, type: ActorType) =>
  row.field !== "/actor/id" || (row.when?.split(/ type | or |type /).includes(type) ?? false);

/** Values that the schema would let through; everything else takes the canary word. */
function canaryFor(row: FieldRow, type: ActorType): string {
  if (row.field === "/actor/type") return type;
  if (row.field === "/occurred_at") return "1999-12-31T23:58:57.123Z";
  return `canary_${row.field.replaceAll(/[^a-z]/g, "_")}`;
}

/** The canonical payload as the object would store it. */
function payloadOf(event: AuditEvent): string {
  return encodePayload(classifyEvent(event, pseudonymOf).fields, {
    domain: "dom_eu_01jegc8qvyfgx9tmvc3w70yjrh",
    seq: 7,
    id: event.id ?? "log-made",
    recorded_at: "2026-11-21T09:14:04.000Z",
    salt: "00",
  });
}

const rows = (fieldClass: FieldRow["class"]) =>
  ACTOR_TYPES.flatMap((type) =>
    FIELD_CLASSES.filter((row) => row.class === fieldClass && appliesTo(row, type)).map(
      (row) => [row.field, row.when ?? "always", type, row] as const,
    ),
  );

test("every row of the table is walked for at least one type of actor, under one of the four classes", () => {
  const walked = new Set((["clear", "pseudonym", "private"] as const).flatMap(rows).map((entry) => entry[3]));
  const refusing = FIELD_CLASSES.filter((row) => row.class === "refused");
  expect(walked.size + refusing.length).toBe(FIELD_CLASSES.length);
  expect(refusing.map((row) => row.field)).toEqual(["(any clear field)"]);
});

test.each(rows("clear"))("S4-15 clear: %s (%s) of actor %s stands in the payload as sent", (_f, _w, type, row) => {
  const canary = canaryFor(row, type);
  const event = eventWith(row, type, canary);
  expect(payloadOf(event)).toContain(JSON.stringify(canary));
  expect(JSON.stringify(classifyEvent(event, pseudonymOf).privateValues)).not.toContain(`"${canary}"`);
});

test.each(rows("pseudonym"))(
  "S4-15 pseudonym: %s (%s) of actor %s stands in the payload only as the hex pseudonym",
  (_f, _w, type, row) => {
    const canary = canaryFor(row, type);
    const event = eventWith(row, type, canary);
    expect(payloadOf(event)).not.toContain(canary);
    expect(payloadOf(event)).toContain(`"ref":"${pseudonymOf(canary)}"`);
    expect(JSON.stringify(classifyEvent(event, pseudonymOf).privateValues)).not.toContain(canary);
  },
);

test.each(rows("private"))(
  "S4-15 private: %s (%s) of actor %s stands nowhere in the payload, but is named with pointer and subject",
  (_f, _w, type, row) => {
    const canary = canaryFor(row, type);
    for (const value of [canary, { deep: [canary] }]) {
      const event = eventWith(row, type, value);
      expect(payloadOf(event)).not.toContain(canary);
      const found = classifyEvent(event, pseudonymOf).privateValues.filter((v) => v.pointer === pointerOf(row));
      const behalf = pseudonymOf("behalf_1");
      const main = isPerson(type) ? pseudonymOf("actor_1") : behalf;
      const about = row.field.startsWith("/on_behalf_of/")
        ? behalf
        : row.field.startsWith("/actor/") && !isPerson(type)
          ? null
          : main;
      expect(found).toEqual([{ pointer: pointerOf(row), value, subject: about }]);
    }
  },
);

const LEAKS = [
  ["a card number", "4111111111111111", "card_number"],
  ["an e-mail address", "ana@example.com", "email_address"],
  ["a secret", "ghp_0123456789abcdefghij", "secret"],
] as const;

describe.each(LEAKS)("S0-29 refused: %s", (_what, leak, finding) => {
  // A time is checked by its form before it comes here and is rewritten in UTC; the version of a schema is a number.
  const clear = rows("clear").filter(([field]) => !["/occurred_at", "/schema_version"].includes(field));

  test.each(clear)("in %s (%s) of actor %s refuses the event at its pointer", (_f, _w, type, row) => {
    const { refused } = classifyEvent(eventWith(row, type, leak), pseudonymOf);
    expect(refused).toEqual({ pointer: pointerOf(row), finding });
  });

  test.each([...rows("private"), ...rows("pseudonym")])(
    "in %s (%s) of actor %s is where it belongs and refuses nothing",
    (_f, _w, type, row) => {
      const event = eventWith(row, type, leak);
      expect(classifyEvent(event, pseudonymOf).refused).toBeNull();
      expect(payloadOf(event)).not.toContain(leak);
    },
  );

  test("deep in clear metadata is found at its pointer; in a key, at the object that holds it", () => {
    const event = fullEvent("user");
    event.clear_metadata = ["k"];
    event.metadata = { k: { "a/b": [leak] } };
    expect(classifyEvent(event, pseudonymOf).refused).toEqual({ pointer: "/metadata/k/a~1b/0", finding });
    event.metadata = { k: { [leak]: 1 } };
    expect(classifyEvent(event, pseudonymOf).refused).toEqual({ pointer: "/metadata/k", finding });
  });
});

test("an ordinary event is not refused", () => {
  for (const type of ACTOR_TYPES) expect(classifyEvent(fullEvent(type), pseudonymOf).refused).toBeNull();
});

test("S4-25 one person has one pseudonym wherever an event names them; S4-27 rows can be grouped by it", () => {
  const event = fullEvent("user");
  event.actor.id = "usr_42";
  event.on_behalf_of = { type: "person", id: "usr_42" };
  event.targets = [{ type: "user", id: "usr_42" }];
  event.subjects = [{ type: "customer", id: "usr_42" }];
  const { fields } = classifyEvent(event, pseudonymOf);
  const ref = pseudonymOf("usr_42");
  expect(fields.actor).toEqual({ type: "user", ref });
  expect(fields.on_behalf_of).toEqual({ type: "person", ref });
  expect(fields.targets).toEqual([{ type: "user", ref }]);
  expect(fields.subjects).toEqual([{ type: "customer", ref }]);
});

test("each private value names one subject: the person it stands beside, else the actor, on whose behalf, the first person named", () => {
  const subjectOf = (event: Partial<AuditEvent>, pointer: string) =>
    classifyEvent({ action: "a.b", actor: { type: "anonymous" }, ...event }, pseudonymOf).privateValues.find(
      (value) => value.pointer === pointer,
    )?.subject;
  const service = { type: "service" as const, id: "svc" };
  const subjects = [{ type: "user", id: "s" }];
  expect(subjectOf({ reason: "r" }, "/reason")).toBeNull();
  expect(subjectOf({ actor: service, reason: "r" }, "/reason")).toBeNull();
  expect(subjectOf({ actor: service, reason: "r", subjects }, "/reason")).toBe(pseudonymOf("s"));
  const targets = [
    { type: "invoice", id: "i", name: "n" },
    { type: "person", id: "p", name: "n" },
  ];
  expect(subjectOf({ reason: "r", targets }, "/reason")).toBe(pseudonymOf("p"));
  expect(subjectOf({ targets }, "/targets/0/name")).toBe(pseudonymOf("p"));
  expect(subjectOf({ targets, subjects }, "/targets/1/name")).toBe(pseudonymOf("p"));
  const behalf = { type: "user", id: "b" };
  expect(subjectOf({ actor: service, on_behalf_of: behalf, reason: "r", subjects }, "/reason")).toBe(pseudonymOf("b"));
});

test("metadata is private unless its key is declared clear, and only under that very name", () => {
  const event: AuditEvent = {
    action: "a.b",
    actor: { type: "system" },
    metadata: { a: 1, "a/b": { c: 2 }, "": 3 },
    clear_metadata: ["a", "toString"],
  };
  const { fields, privateValues } = classifyEvent(event, pseudonymOf);
  expect(fields.metadata).toEqual({ a: 1 });
  expect(privateValues.map((value) => value.pointer)).toEqual(["/metadata/a~1b", "/metadata/"]);
});

test("an event with nothing but its duty makes a payload with nothing else", () => {
  const { fields, privateValues, refused } = classifyEvent(
    { action: "a.b", actor: { type: "anonymous" }, targets: [], subjects: [], changes: [], caveats: [], metadata: {} },
    pseudonymOf,
  );
  expect(fields).toEqual({ action: "a.b", actor: { type: "anonymous" }, outcome: "success" });
  expect([privateValues, refused]).toEqual([[], null]);
});

test("a time is kept in UTC with milliseconds", () => {
  const event = { ...fullEvent("user"), occurred_at: "2026-11-21T10:14:03.2219+01:00" };
  expect(classifyEvent(event, pseudonymOf).fields.occurred_at).toBe("2026-11-21T09:14:03.221Z");
});
