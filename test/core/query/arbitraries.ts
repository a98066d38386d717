/** Entries and queries that meet: both draw their ids, words and people from the same small pools. */
import fc from "fast-check";
import { ACTION_CATEGORIES } from "../../../src/core/actions/action.ts";
import { OUTCOMES } from "../../../src/core/event.ts";
import type { Payload } from "../../../src/core/payload/payload.ts";
import type { AskedClause, AskedQuery } from "../../../src/core/query/asked.ts";
import { spell } from "../../../src/core/query/spelling.ts";

/** A stand-in for the derivation inside the object: one pseudonym for each identity. */
export function pseudonymFor(identity: string): string {
  let sum = 7;
  for (const letter of identity) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 0xffff_ffff;
  return sum.toString(16).padStart(8, "0").repeat(8);
}

const identity = fc.constantFrom("usr_1", "usr_2", "ana ito", 'q"uote', "a,b", "back\\slash", "x:y", "@home", "ci");
const clearId = fc.constantFrom("ci", "inv_9", "system:moonseal", "service:ci", "a b", "a,b", "(x)", "\\", "Größe 7");
const type = fc.constantFrom("invoice", "secret", "user", "person");
const action = fc.constantFrom("iam.create_user", "iam.delete_user", "sts.assume", "iam.user.key.made", "x.y");
const sentence = fc.constantFrom(
  "Rotation due",
  "create user 7",
  "größe",
  "ｆｕｌｌ ｗｉｄｔｈ",
  "a",
  "",
  "東京 日本語",
  "İstanbul",
);
const DAY = 24 * 60 * 60 * 1000;
const START = Date.UTC(2026, 10, 1);
const at = fc.integer({ min: 0, max: 200 }).map((hours) => START + hours * (DAY / 24));

const personRef = identity.map((id) => ({ type: "user", ref: pseudonymFor(id) }));
const actor = fc.oneof(
  personRef,
  fc.record({ type: fc.constantFrom("service", "system"), id: clearId }),
  fc.constant({ type: "anonymous" }),
);
const target = fc.oneof(personRef, fc.record({ type: fc.constantFrom("invoice", "secret"), id: clearId }));

export const payloads: fc.Arbitrary<Payload> = fc
  .record(
    {
      action,
      actor,
      outcome: fc.constantFrom(...OUTCOMES),
      occurred_at: at.map((ms) => new Date(ms).toISOString()),
      on_behalf_of: fc.option(personRef, { nil: undefined }),
      targets: fc.array(target, { maxLength: 4 }),
      subjects: fc.array(personRef, { maxLength: 3 }),
      caveats: fc.array(fc.constantFrom("read_only", "dry.run"), { maxLength: 2 }),
      changes: fc.array(fc.record({ path: fc.constantFrom("/status", "/größe/0") }), { maxLength: 2 }),
      request_id: fc.option(clearId, { nil: undefined }),
      traceparent: fc.constantFrom(undefined, `00-${"a1".repeat(16)}-${"b2".repeat(8)}-01`),
      metadata: fc.dictionary(fc.constantFrom("reason", "rotation"), fc.oneof(sentence, fc.array(sentence)), {
        maxKeys: 2,
      }),
    },
    { requiredKeys: ["action", "actor", "outcome", "occurred_at"] },
  )
  .map((fields) => fields as unknown as Payload);

const VALUES: Readonly<Record<AskedClause["field"], fc.Arbitrary<string>>> = {
  actor: fc.oneof(
    identity,
    identity.map((id) => `user:${id}`),
    identity.map((id) => `@${pseudonymFor(id)}`),
    clearId.map((id) => `service:${id}`),
    fc.constantFrom("anonymous", "service:*", "user:*", "system:moonseal"),
  ),
  action: fc.oneof(action, fc.constantFrom("iam.*", "iam.user.*", "sts.*")),
  target: fc.oneof(
    fc.tuple(type, fc.oneof(identity, clearId, fc.constant("*"))).map(([name, id]) => `${name}:${id}`),
    identity.map((id) => `@${pseudonymFor(id)}`),
  ),
  subject: fc.oneof(
    identity,
    identity.map((id) => `@${pseudonymFor(id)}`),
  ),
  outcome: fc.constantFrom(...OUTCOMES),
  category: fc.constantFrom(...ACTION_CATEGORIES),
  trace: fc.constantFrom("a1".repeat(16), "c3".repeat(16)),
  request: clearId,
  caveat: fc.constantFrom("read_only", "dry.run", "other"),
  text: fc.constantFrom("rotation", "user", "700", "größe", "full", "東京", "iam"),
};

const clause: fc.Arbitrary<AskedClause> = fc
  .constantFrom(...(Object.keys(VALUES) as AskedClause["field"][]))
  .chain((field) =>
    fc.record({
      field: fc.constant(field),
      anyOf: fc
        .array(VALUES[field], { minLength: 1, maxLength: 3 })
        .map((values) => values.flatMap((value) => spelled(field, value))),
      not: fc.boolean(),
    }),
  );

export const queries: fc.Arbitrary<AskedQuery> = fc.record({
  clauses: fc.array(clause, { maxLength: 5 }),
  afterMs: fc.option(at),
  beforeMs: fc.option(at.map((ms) => ms + 300 * DAY)),
});

export const categories = fc.option(fc.constantFrom(...ACTION_CATEGORIES));

function spelled(field: AskedClause["field"], value: string): string[] {
  const read = spell(field, value);
  if ("fault" in read) throw new Error(`${field}: ${value} ${read.fault}`);
  return read.values;
}

/** The filter of a query, as the object's pseudonyms make it. */
export const pseudonymsOf = (ids: readonly string[]) => new Map(ids.map((id) => [id, pseudonymFor(id)]));
