/** Pages of sealed rows beside the segments (SPEC.md §5). */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex } from "../../src/core/bytes.ts";
import { decodeSealedPage, encodeSealedPage, sealedPageKey, sealedWithin } from "../../src/core/sealed-page.ts";
import vector from "../vectors/sealed-page.json" with { type: "json" };

const bytes = fc.uint8Array({ minLength: 1, maxLength: 60 }).map((each) => new Uint8Array(each));
const pseudonym = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((each) => Buffer.from(each).toString("hex"));
const seq = fc.maxSafeNat();
const rows = fc.record({
  privates: fc.array(fc.record({ seq, subject: fc.oneof(pseudonym, fc.constant("")), sealed: fc.option(bytes) }), {
    maxLength: 10,
  }),
  subjects: fc.array(
    fc.record({
      pseudonym,
      seq,
      subjectPlaintext: bytes,
      emailClaim: fc.option(bytes),
      sourceIp: fc.option(bytes),
      idpClaimNames: fc.option(bytes),
    }),
    { maxLength: 5 },
  ),
});

describe("a sealed page", () => {
  test("comes back as it was", () => {
    fc.assert(
      fc.property(rows, (page) => {
        expect(decodeSealedPage(encodeSealedPage(page))).toEqual(page);
      }),
    );
  });

  test("is cut to a range of entries without losing or doubling a row", () => {
    fc.assert(
      fc.property(rows, seq, (page, border) => {
        const [below, above] = [sealedWithin(page, 0, border), sealedWithin(page, border + 1, Number.MAX_SAFE_INTEGER)];
        expect(below.privates.length + above.privates.length).toBe(page.privates.length);
        expect(below.subjects.length + above.subjects.length).toBe(page.subjects.length);
        expect(below.privates.every((row) => row.seq <= border)).toBe(true);
      }),
    );
  });

  test("that is damaged anywhere is refused or says other rows, and never throws", () => {
    fc.assert(
      fc.property(rows, fc.nat(), fc.integer({ min: 1, max: 127 }), (page, at, flip) => {
        const text = encodeSealedPage(page);
        fc.pre(text.length > 0);
        const place = at % text.length;
        const damaged =
          text.slice(0, place) + String.fromCharCode(text.charCodeAt(place) ^ flip) + text.slice(place + 1);
        const read = decodeSealedPage(damaged);
        if (read !== null) expect(encodeSealedPage(read).length).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test.each([
    ["no JSON", "x\n"],
    ["a line that is no array", "{}\n"],
    ["a row of another kind", '["other",1,"",null]\n'],
    ["a seq that is none", '["private",-1.5,"",null]\n'],
    ["a subject that is no pseudonym", '["private",1,"ff",null]\n'],
    ["bytes that are no base64", '["private",1,"","?"]\n'],
    ["a person without an identity", `["subject",1,"${"0".repeat(64)}",null,null,null,null]\n`],
  ])("%s is refused", (_, text) => {
    expect(decodeSealedPage(text)).toBeNull();
  });

  test("has the bytes of the vector: changing them breaks refilling a restored ledger from released archives", () => {
    const bytesOf = (hex: string | null) => (hex === null ? null : (fromHex(hex) as Uint8Array));
    const page = {
      privates: vector.rows.privates.map((row) => ({ ...row, sealed: bytesOf(row.sealed) })),
      subjects: vector.rows.subjects.map((row) => ({
        ...row,
        subjectPlaintext: bytesOf(row.subjectPlaintext) as Uint8Array,
        emailClaim: bytesOf(row.emailClaim),
        sourceIp: bytesOf(row.sourceIp),
        idpClaimNames: bytesOf(row.idpClaimNames),
      })),
    };
    expect(encodeSealedPage(page)).toBe(vector.text);
    expect(decodeSealedPage(vector.text)).toEqual(page);
    expect(createHash("sha256").update(vector.text).digest("hex")).toBe(vector.sha256);
    expect(sealedPageKey("dom_eu_01jegc8qvyfgx9tmvc3w70yjrh", 0)).toBe(vector.key);
  });

  test("stands under the name of its segment", () => {
    expect(sealedPageKey("dom_eu_1", 256)).toBe("sealed/dom_eu_1/00000000000000000256.jsonl");
  });
});
