/** Whom a payload names and whom its private values are about: the payload alone says what sealing went by. */
import fc from "fast-check";
import { expect, test } from "vitest";
import type { AuditEvent } from "../../../src/core/event.ts";
import { classifyEvent } from "../../../src/core/payload/classify.ts";
import { peopleOf, subjectOf } from "../../../src/core/payload/people.ts";

const id = fc.constantFrom("ana", "bo", "cy");
const name = fc.option(fc.constant("N"), { nil: undefined });
const actor = fc.oneof(
  fc.record({ type: fc.constantFrom("user" as const, "support" as const), id, name, email: name }),
  fc.record({ type: fc.constantFrom("service" as const, "system" as const), id, name }),
  fc.record({ type: fc.constant("anonymous" as const) }),
);
const event: fc.Arbitrary<AuditEvent> = fc.record({
  action: fc.constant("a.b"),
  actor,
  on_behalf_of: fc.option(fc.record({ type: fc.constant("user"), id, name, email: name }), { nil: undefined }),
  targets: fc.array(fc.record({ type: fc.constantFrom("user", "person", "invoice"), id, name }), { maxLength: 3 }),
  subjects: fc.array(fc.record({ type: fc.constant("patient"), id }), { maxLength: 2 }),
  reason: name,
  context: fc.record({ ip: name }),
  changes: fc.array(fc.record({ path: fc.constant("/x"), from: name, to: name }), { maxLength: 2 }),
  metadata: fc.dictionary(fc.constantFrom("a", "b", "c/d"), fc.constant(1)),
});

test("every private value is about whom the payload says, whatever the event", () => {
  fc.assert(
    fc.property(event, (sent) => {
      const { fields, privateValues } = classifyEvent(sent, (identity) => `ref of ${identity}`);
      for (const { pointer, subject } of privateValues) expect(subjectOf(fields, pointer), pointer).toBe(subject);
      const named = privateValues.flatMap(({ subject }) => (subject === null ? [] : [subject]));
      expect(peopleOf(fields)).toEqual(expect.arrayContaining(named));
      expect(new Set(peopleOf(fields)).size).toBe(peopleOf(fields).length);
    }),
    { numRuns: 500 },
  );
});
