/** What a client may send: every limit exactly at it and one over, every refusal with the place and a clear sentence. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ACTION_TYPES } from "../../src/core/actions/index.ts";
import { entryIdFor } from "../../src/core/entry-id.ts";
import { type AuditEvent, RESERVED_ACTION_NOUNS, SYSTEM_ACTOR_ID } from "../../src/core/event.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { FIELD_CLASSES } from "../../src/core/payload/fields.ts";
import type { JsonValue } from "../../src/core/strict-json.ts";
import { eventSchema } from "../../src/http/schemas/event.ts";
import { json, key } from "../core/arbitraries.ts";

const BASE = { action: "invoice.exported", actor: { type: "user", id: "usr_42" } };

/** `null` when accepted; else every issue as `path: message`. */
function refusal(event: unknown): string[] | null {
  const parsed = eventSchema.safeParse(event);
  return parsed.success ? null : parsed.error.issues.map((issue) => `${issue.path.join("/")}: ${issue.message}`);
}

const withField = (change: object) => refusal({ ...BASE, ...change });
const x = (count: number) => "x".repeat(count);
const nested = (depth: number): JsonValue => (depth === 0 ? 1 : { a: nested(depth - 1) });
const many = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i));
/** An object whose canonical JSON has exactly this many bytes: `{"k":"xx…"}`. */
const ofBytes = (bytes: number, unit = "x") => ({ k: unit.repeat((bytes - 8) / Buffer.byteLength(unit)) });

describe("each limit: exactly at it is accepted, one over is refused at its place", () => {
  const target = { type: "invoice", id: "i" };
  const subject = { type: "user", id: "s" };
  const LIMIT_CASES: [string, object, object, string][] = [
    ["action 128 characters", { action: `a.${x(126)}` }, { action: `a.${x(127)}` }, "action"],
    ["actor id", { actor: { type: "user", id: x(256) } }, { actor: { type: "user", id: x(257) } }, "actor/id"],
    [
      "actor name",
      { actor: { ...BASE.actor, name: x(256) } },
      { actor: { ...BASE.actor, name: x(257) } },
      "actor/name",
    ],
    [
      "actor e-mail",
      { actor: { ...BASE.actor, email: x(256) } },
      { actor: { ...BASE.actor, email: x(257) } },
      "actor/email",
    ],
    ["entry id 64 characters", { id: x(64) }, { id: x(65) }, "id"],
    ["reason", { reason: x(2000) }, { reason: x(2001) }, "reason"],
    ["targets", { targets: many(50, () => target) }, { targets: many(51, () => target) }, "targets"],
    [
      "target type 64 characters",
      { targets: [{ type: x(64), id: "i" }] },
      { targets: [{ type: x(65), id: "i" }] },
      "targets/0/type",
    ],
    ["subjects", { subjects: many(50, () => subject) }, { subjects: many(51, () => subject) }, "subjects"],
    [
      "changes",
      { changes: many(100, () => ({ path: "/a" })) },
      { changes: many(101, () => ({ path: "/a" })) },
      "changes",
    ],
    [
      "change path 512 characters",
      { changes: [{ path: `/${x(511)}` }] },
      { changes: [{ path: `/${x(512)}` }] },
      "changes/0/path",
    ],
    ["caveats", { caveats: many(50, () => "region") }, { caveats: many(51, () => "region") }, "caveats"],
    ["caveat 64 characters", { caveats: [x(64)] }, { caveats: [x(65)] }, "caveats/0"],
    ["user agent", { context: { user_agent: x(1024) } }, { context: { user_agent: x(1025) } }, "context/user_agent"],
    ["session", { context: { session: x(256) } }, { context: { session: x(257) } }, "context/session"],
    ["request id", { context: { request_id: x(128) } }, { context: { request_id: x(129) } }, "context/request_id"],
    [
      "metadata keys",
      { metadata: Object.fromEntries(many(50, (i) => [`k${i}`, 1])) },
      { metadata: Object.fromEntries(many(51, (i) => [`k${i}`, 1])) },
      "metadata",
    ],
    ["metadata key length", { metadata: { [x(128)]: 1 } }, { metadata: { [x(129)]: 1 } }, `metadata/${x(129)}`],
    ["metadata bytes", { metadata: ofBytes(16384) }, { metadata: ofBytes(16385) }, "metadata"],
    ["metadata depth", { metadata: nested(8) }, { metadata: nested(9) }, "metadata"],
    [
      "a change's value, bytes",
      { changes: [{ path: "", from: ofBytes(16384) }] },
      { changes: [{ path: "", from: ofBytes(16385) }] },
      "changes/0/from",
    ],
    [
      "a change's value, depth",
      { changes: [{ path: "", to: nested(8) }] },
      { changes: [{ path: "", to: nested(9) }] },
      "changes/0/to",
    ],
    [
      "location bytes",
      { context: { location: ofBytes(16384) } },
      { context: { location: ofBytes(16385) } },
      "context/location",
    ],
    ["location depth", { context: { location: nested(8) } }, { context: { location: nested(9) } }, "context/location"],
    [
      "clear_metadata keys",
      { metadata: { a: 1 }, clear_metadata: many(50, () => "a") },
      { metadata: { a: 1 }, clear_metadata: many(51, () => "a") },
      "clear_metadata",
    ],
  ];

  test.each(LIMIT_CASES)("%s", (_limit, at, over, path) => {
    expect(withField(at)).toBeNull();
    const issues = withField(over) ?? [];
    expect(issues.length).toBeGreaterThan(0);
    for (const issue of issues) expect(issue.startsWith(`${path}: `), issue).toBe(true);
  });

  test("bytes are counted as UTF-8, not as characters", () => {
    expect(withField({ metadata: ofBytes(16384, "é") })).toBeNull();
    const over = "metadata: is larger than 16384 bytes of JSON";
    expect(withField({ metadata: ofBytes(16386, "é") })).toEqual([over]);
    expect(withField({ metadata: ofBytes(16388, "😀") })).toEqual([over]);
  });

  test("the bounds of the table are those of limits.ts", () => {
    expect(LIMITS).toMatchObject({ targets: 50, subjects: 50, changes: 100, caveats: 50, metadataKeys: 50 });
    expect(LIMITS).toMatchObject({ metadataBytes: 16384, metadataDepth: 8, metadataKeyChars: 128 });
    expect(LIMITS).toMatchObject({ identityIdChars: 256, nameChars: 256, reasonChars: 2000 });
  });
});

test("any JSON within the limits may stand in metadata and changes", () => {
  fc.assert(
    fc.property(json, key.filter(Boolean), (value, name) => {
      expect(withField({ metadata: { [name]: value }, changes: [{ path: "/a", from: value, to: null }] })).toBeNull();
    }),
    { numRuns: 200 },
  );
});

const CLEAR_ERRORS: [string, object, string][] = [
  ["no action", { action: undefined }, "action: "],
  ["an action without a verb", { action: "invoice" }, "action: must be noun.verb in lower snake case"],
  ["an action in camel case", { action: "Invoice.Exported" }, "action: must be noun.verb in lower snake case"],
  ["an action with a line end", { action: "invoice.exported\n" }, "action: must be noun.verb"],
  ["an unknown type of actor", { actor: { type: "robot" } }, "actor/type: "],
  ["a user without an id", { actor: { type: "user" } }, "actor/id: is required for an actor of type user"],
  [
    "support without an id",
    { actor: { type: "support" }, on_behalf_of: { type: "user", id: "u" } },
    "actor/id: is required for an actor of type support",
  ],
  [
    "an anonymous actor with an id",
    { actor: { type: "anonymous", id: "a" } },
    "actor/id: an anonymous actor has no id",
  ],
  [
    "support on nobody's behalf",
    { actor: { type: "support", id: "s" } },
    "on_behalf_of: is required when support acts: for whom",
  ],
  ["an empty id", { actor: { type: "user", id: "" } }, "actor/id: "],
  [
    "a control character in an id",
    { actor: { type: "user", id: "a\u001b[31m" } },
    "actor/id: must not contain control characters",
  ],
  [
    "a C1 control character",
    { actor: { type: "user", id: "a\u009b" } },
    "actor/id: must not contain control characters",
  ],
  ["an entry id with a space", { id: "a b" }, "id: must be a UUID or 1 to 64 characters of A-Z a-z 0-9 -"],
  [
    "a time without an offset",
    { occurred_at: "2026-11-21T09:14:03" },
    "occurred_at: must be an RFC 3339 date and time",
  ],
  ["a time without seconds", { occurred_at: "2026-11-21T09:14Z" }, "occurred_at: must be an RFC 3339 date and time"],
  ["a day that is none", { occurred_at: "2026-02-30T09:14:03Z" }, "occurred_at: must be an RFC 3339 date and time"],
  [
    "a time past the year 9999 in UTC",
    { occurred_at: "9999-12-31T23:59:59-01:00" },
    "occurred_at: must have a year from 0000 to 9999 in UTC",
  ],
  [
    "a time before the year 0 in UTC",
    { occurred_at: "0000-01-01T00:00:00+01:00" },
    "occurred_at: must have a year from 0000 to 9999 in UTC",
  ],
  ["an unknown outcome", { outcome: "ok" }, "outcome: "],
  ["a host name for an IP address", { context: { ip: "localhost" } }, "context/ip: must be an IP address"],
  [
    "a traceparent of version 01",
    { context: { traceparent: `01-${"a".repeat(32)}-${"b".repeat(16)}-00` } },
    "context/traceparent: must be a W3C traceparent of version 00",
  ],
  [
    "a traceparent of zeros",
    { context: { traceparent: `00-${"0".repeat(32)}-${"b".repeat(16)}-00` } },
    "context/traceparent: must be",
  ],
  [
    "a change path that is no JSON Pointer",
    { changes: [{ path: "status" }] },
    "changes/0/path: must be a JSON Pointer",
  ],
  ["a change path with a bare ~", { changes: [{ path: "/a~2" }] }, "changes/0/path: must be a JSON Pointer"],
  [
    "a target type in upper case",
    { targets: [{ type: "Invoice", id: "i" }] },
    "targets/0/type: must be lower snake case",
  ],
  ["a clear key that metadata lacks", { clear_metadata: ["a"] }, "clear_metadata: names a key that metadata lacks"],
  [
    "a clear key that only the prototype has",
    { metadata: { a: 1 }, clear_metadata: ["toString"] },
    "clear_metadata: names a key that metadata lacks",
  ],
  ["an empty metadata key", { metadata: { "": 1 } }, "metadata/: "],
];

test.each(CLEAR_ERRORS)("refused at its place, in words: %s", (_what, change, wanted) => {
  const issues = withField(change) ?? [];
  expect(
    issues.some((issue) => issue.startsWith(wanted)),
    issues.join("; "),
  ).toBe(true);
});

test("two faults are told together, so that a caller mends them in one go", () => {
  const issues = withField({ action: "x", reason: x(2001) });
  expect(issues?.map((issue) => issue.split(":")[0])).toEqual(["action", "reason"]);
});

test("T6 what the log adds, and every other unknown field, is refused at every level", () => {
  for (const name of ["seq", "prev_hash", "entry_hash", "domain", "domain_id", "recorded_at", "salt", "v", "private"]) {
    expect(withField({ [name]: 1 })?.[0]).toContain(name);
  }
  for (const change of [
    { actor: { ...BASE.actor, role: "admin" } },
    { actor: { ...BASE.actor, via: { type: "api_key", id: "k", secret: "s" } } },
    { on_behalf_of: { type: "user", id: "u", phone: "1" } },
    { targets: [{ type: "invoice", id: "i", ref: "r" }] },
    { subjects: [{ type: "user", id: "s", name: "n" }] },
    { changes: [{ path: "/a", value: 1 }] },
    { context: { referer: "r" } },
  ]) {
    expect(withField(change)?.length, JSON.stringify(change)).toBe(1);
  }
});

test("S4-36 a caveat has a name and no place for a value", () => {
  for (const caveat of [
    { region: "canary" },
    { name: "region", value: "canary" },
    "region=canary",
    "region: canary",
    ["region", "canary"],
  ]) {
    const issues = withField({ caveats: [caveat] });
    expect(issues?.length).toBeGreaterThan(0);
    expect(JSON.stringify(issues)).not.toContain("canary");
  }
});

test("S2-21 no client event carries the id of what the product itself does", () => {
  for (const type of ["service", "system", "user"]) {
    expect(withField({ actor: { type, id: SYSTEM_ACTOR_ID } })).toEqual([
      "actor/id: is reserved for what the product itself does",
    ]);
  }
});

test.each(RESERVED_ACTION_NOUNS)("S2-21 the noun %s is written by the product alone; longer nouns are free", (noun) => {
  expect(withField({ action: `${noun}.created` })).toEqual(["action: is reserved for what the product itself writes"]);
  expect(withField({ action: `${noun}_x.created` })).toBeNull();
});

test("S2-21 of other nouns exactly the product's own actions are refused: a client may have staff and logs of its own", () => {
  const refused = ["action: is reserved for what the product itself writes"];
  for (const action of ACTION_TYPES.filter(({ writtenBy }) => writtenBy === "product")) {
    expect(withField({ action: action.name })).toEqual(refused);
  }
  for (const action of ["staff.promoted", "log.rotated"]) expect(withField({ action })).toBeNull();
});

test("an id of version 8 is made by the log alone, in either case", () => {
  const made = entryIdFor(1795252443221, 1);
  for (const id of [made, made.toUpperCase()]) {
    expect(withField({ id })).toEqual(["id: UUIDs of version 8 are made by the log; use version 4 or 7"]);
  }
  expect(withField({ id: "0193a0c4-5f7e-7c3a-9d53-6c1f0e0f4b11" })).toBeNull();
});

test("every type of actor is accepted in its least form", () => {
  for (const actor of [{ type: "user", id: "u" }, { type: "service" }, { type: "system" }, { type: "anonymous" }]) {
    expect(withField({ actor })).toBeNull();
  }
  expect(withField({ actor: { type: "support", id: "s" }, on_behalf_of: { type: "user", id: "u" } })).toBeNull();
});

test("what is accepted comes out as it went in: nothing is coerced, trimmed or added", () => {
  const event: AuditEvent = {
    ...(BASE as AuditEvent),
    id: "a-1",
    occurred_at: "2026-11-21T10:14:03.2+01:00",
    reason: " why ",
    metadata: { n: 1.5, deep: { list: [null, "x"] } },
    clear_metadata: ["n"],
    changes: [{ path: "/a~1b/~0", from: null, to: false }],
    context: { ip: "2001:db8::1", location: { country: "DE" } },
  };
  expect(eventSchema.parse(structuredClone(event))).toStrictEqual(event);
});

test("S4-15 every field that a client may send has its row in the table of classes", () => {
  const covered = new Set(FIELD_CLASSES.map((row) => row.field));
  // Says how to read `metadata` and is not stored itself.
  // The names of claims are one value.
  const whole = (field: string) => (field === "/actor/idp_claim_names/*" ? "/actor/idp_claim_names" : field);
  expect(
    leaves(z.toJSONSchema(eventSchema, { unrepresentable: "any", io: "input" }) as Schema)
      .filter((f) => f !== "/clear_metadata/*")
      .map(whole)
      .sort(),
  ).toEqual([...new Set([...covered].filter((field) => field.startsWith("/")))].sort());
});

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema | boolean;
}

/** JSON Pointer patterns of the fields that a client can set, sorted. `location` is one private value as a whole. */
function leaves(schema: Schema): string[] {
  const found: string[] = [];
  const walk = (node: Schema, path: string) => {
    if (node.properties) for (const [name, child] of Object.entries(node.properties)) walk(child, `${path}/${name}`);
    else if (node.items) walk(node.items, `${path}/*`);
    else if (path === "/metadata") found.push("/metadata/*");
    else found.push(path.replace(/^\/actor\/via\/.*$/, "/actor/via"));
  };
  walk(schema, "");
  return [...new Set(found)].sort();
}
