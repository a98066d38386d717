/** Generators that several suites share. Everything here is what strict JSON accepts. */
import fc from "fast-check";
import type { JsonValue } from "../../src/core/strict-json.ts";

/** Any well-formed Unicode, control characters and emoji included. */
export const text = fc.string({ unit: "binary", maxLength: 12 });
export const key = text.filter((candidate) => candidate !== "__proto__");
const fraction = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .filter((value) => !Number.isInteger(value) || Number.isSafeInteger(value));
export const number = fc.oneof(fc.maxSafeInteger(), fraction);

export const json: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.constantFrom<JsonValue>(null, true, false),
    number,
    text,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value;

export const hex = (byteLength: number) =>
  fc.uint8Array({ minLength: byteLength, maxLength: byteLength }).map((bytes) => Buffer.from(bytes).toString("hex"));

export const uuid = fc.uuid();
