/** One schema for the people in events and for requests about them: who cannot be named in an event cannot be asked for either. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { eraseIdentitySchema } from "../../src/http/schemas/erasure.ts";
import { eventSchema } from "../../src/http/schemas/event.ts";
import { placeHoldSchema } from "../../src/http/schemas/holds.ts";
import { revealSchema, searchSchema } from "../../src/http/schemas/reveal.ts";

const accepts = (identity_id: string) => [
  eventSchema.safeParse({ action: "user.created", actor: { type: "user", id: identity_id }, outcome: "success" })
    .success,
  eraseIdentitySchema.safeParse({ identity_id }).success,
  searchSchema.safeParse({ identity_id }).success,
  revealSchema.safeParse({ reason: "r", identity_id }).success,
  placeHoldSchema.safeParse({ reason: "r", review_at: "2027-05-21T00:00:00.000Z", scope: { people: [identity_id] } })
    .success,
];

test("an identity id is taken by all of them, or refused by all of them", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", minLength: 0, maxLength: 12 }), (id) => {
      expect(new Set(accepts(id)).size).toBe(1);
    }),
  );
});

test.each([
  ["usr_42", true],
  ["Ana Müller 🌙", true],
  ["x".repeat(LIMITS.identityIdChars), true],
  ["x".repeat(LIMITS.identityIdChars + 1), false],
  ["", false],
  ["usr\u0000", false],
  ["usr\n42", false],
  ["\u007f", false],
  ["usr\u0085", false],
])("%j: %s", (id, taken) => {
  expect(accepts(id)).toEqual(Array(5).fill(taken));
});
