/** Disclosures: what is disclosed is what was committed to, or it shows. */
import { describe, expect, test } from "vitest";
import { toHex, utf8 } from "../../src/core/bytes.ts";
import { entryHash } from "../../src/core/chain.ts";
import { privateCommitment } from "../../src/core/commitment.ts";
import { encodePayload } from "../../src/core/payload/payload.ts";
import type { JsonValue } from "../../src/core/strict-json.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import {
  checkDisclosure,
  DISCLOSURE_FORMAT,
  type DisclosedEntry,
  type Disclosure,
  parseDisclosure,
} from "../../src/verifier/disclosure.ts";
import vector from "../vectors/disclosure.json" with { type: "json" };

const DOMAIN = "dom_eu_01jegc8qvyfgx9tmvc3w70yjrh";

/** An entry that commits to these values, as the log makes it. */
function entryWith(seq: number, prevHash: string, values: { [pointer: string]: JsonValue }): DisclosedEntry {
  const id = `entry-${seq}`;
  const disclosed = Object.entries(values).map(([pointer, value]) => {
    const salt = sha256(utf8(`salt ${seq} ${pointer}`));
    const commitment = toHex(privateCommitment(sha256, salt, { domain: DOMAIN, entryId: id, pointer }, value));
    return { pointer, status: "revealed", value, salt: toHex(salt), commitment };
  });
  const payload = encodePayload(
    {
      action: "a.b",
      actor: { type: "system" },
      outcome: "success",
      private: Object.fromEntries(disclosed.map(({ pointer, commitment }) => [pointer, commitment])),
    },
    { domain: DOMAIN, seq, id, recorded_at: "2026-11-21T09:14:03.221Z", salt: "00".repeat(16) },
  );
  const hash = toHex(entryHash(sha256, Uint8Array.from(Buffer.from(prevHash, "hex")), payload));
  return { seq, id, prev_hash: prevHash, entry_hash: hash, payload, private: disclosed };
}

const first = entryWith(1, "11".repeat(32), { "/actor/email": "ana@example.org", "/reason": "why" });
const second = entryWith(2, first.entry_hash, { "/metadata/note": { deep: [1, null, "ü"] } });
const whole = (): Disclosure =>
  structuredClone({ format: DISCLOSURE_FORMAT, domain: DOMAIN, entries: [first, second] });
const check = (change: (file: Disclosure) => void) => {
  const file = whole();
  change(file);
  const read = parseDisclosure(JSON.stringify(file));
  return read && checkDisclosure(read, sha256);
};
const entry = (file: Disclosure, i: number) => file.entries[i] as DisclosedEntry;
const value = (file: Disclosure, i: number, j = 0) => entry(file, i).private[j] as DisclosedEntry["private"][number];

describe("a disclosure", () => {
  test("of the vector is verified: whoever changes the format breaks every file that was handed out", () => {
    const file = parseDisclosure(JSON.stringify(vector.disclosure)) as Disclosure;
    expect(checkDisclosure(file, sha256)).toMatchObject({ verdict: "verified", matching: 1, withheld: 0 });
  });

  test("of values as they were committed to is verified", () => {
    expect(check(() => {})).toMatchObject({ verdict: "verified", matching: 3, withheld: 0 });
  });

  test("may leave values out: the others still match, and what is withheld is named", () => {
    const report = check((file) => {
      entry(file, 0).private = entry(file, 0).private.slice(1);
      Object.assign(value(file, 1), { status: "erased", value: null, salt: null });
    });
    expect(report).toMatchObject({ verdict: "verified", matching: 1, withheld: 2 });
    expect(report?.entries.map(({ withheld }) => withheld)).toEqual([["/actor/email"], ["/metadata/note"]]);
  });

  test("without any value says that there is nothing to check, not that it is verified", () => {
    expect(check((file) => file.entries.forEach((each) => void (each.private = [])))?.verdict).toBe("nothing");
    expect(check((file) => void (file.entries = []))?.verdict).toBe("nothing");
  });

  test.each<[string, (file: Disclosure) => void, string]>([
    ["another value", (file) => void (value(file, 0).value = "bo@example.org"), "does_not_match"],
    ["a value of another type", (file) => void (value(file, 0).value = ["ana@example.org"]), "does_not_match"],
    ["another salt", (file) => void (value(file, 0).salt = "00".repeat(32)), "does_not_match"],
    [
      "another commitment beside the value",
      (file) => void (value(file, 0).commitment = "00".repeat(32)),
      "does_not_match",
    ],
    ["the value of another place", (file) => void (value(file, 0).pointer = "/reason"), "does_not_match"],
    [
      "a place that the entry does not commit to",
      (file) => void (value(file, 0).pointer = "/context/ip"),
      "not_committed",
    ],
    ["no salt", (file) => void (value(file, 0).salt = null), "malformed"],
    ["a salt of another length", (file) => void (value(file, 0).salt = "00".repeat(31)), "malformed"],
    ["a salt that is no hex", (file) => void (value(file, 0).salt = "zz".repeat(32)), "malformed"],
  ])("with %s is refuted at that value, and the others are still checked", (_, change, result) => {
    const report = check(change);
    expect(report?.verdict).toBe("refuted");
    expect(report?.entries[0]?.values[0]?.result).toBe(result);
    expect(report?.matching).toBe(2);
  });

  test.each<[string, (file: Disclosure) => void, string]>([
    [
      "a changed payload",
      (file) => void (entry(file, 0).payload = first.payload.replace("success", "denied!")),
      "entry_hash_mismatch",
    ],
    ["another entry hash", (file) => void (entry(file, 0).entry_hash = "00".repeat(32)), "entry_hash_mismatch"],
    ["a previous hash that is none", (file) => void (entry(file, 0).prev_hash = "11"), "hash_malformed"],
    ["another seq", (file) => void (entry(file, 0).seq = 7), "foreign_place"],
    ["another id", (file) => void (entry(file, 0).id = "other"), "foreign_place"],
    ["another domain", (file) => void (file.domain = "dom_eu_01jegc8qvyfgx9tmvc3w70yjrj"), "foreign_place"],
  ])("with %s is refuted at that entry, and none of its values counts", (_, change, fault) => {
    const report = check(change);
    expect(report?.verdict).toBe("refuted");
    expect(report?.entries[0]?.fault).toBe(fault);
    expect(report?.entries[0]?.values.map(({ result }) => result)).toEqual(["not_committed", "not_committed"]);
  });

  test("of two entries that follow each other but do not join is refuted", () => {
    const other = entryWith(2, "22".repeat(32), { "/reason": "why" });
    expect(check((file) => void (file.entries[1] = other))?.entries[1]?.fault).toBe("chain_broken");
  });

  test("with any one character of a committed place flipped is never verified with the same values", () => {
    const text = JSON.stringify(whole());
    let refuted = 0;
    for (let at = text.indexOf('"entries"') + 10; at < text.length; at += 7) {
      const flipped = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ 1) + text.slice(at + 1);
      const file = parseDisclosure(flipped);
      const report = file && checkDisclosure(file, sha256);
      if (report?.verdict === "verified" && report.matching === 3) expect(file).toEqual(whole());
      else refuted++;
    }
    expect(refuted).toBeGreaterThan(100);
  });
});

test.each<[string, string]>([
  ["no JSON", "x"],
  ["null", "null"],
  ["another format", JSON.stringify({ ...whole(), format: "moonseal/disclosure/v2" })],
  ["no entries", JSON.stringify({ ...whole(), entries: undefined })],
  ["an entry that is none", JSON.stringify({ ...whole(), entries: [null] })],
  ["an entry without values", JSON.stringify({ ...whole(), entries: [{ ...first, private: undefined }] })],
  ["the same key twice", JSON.stringify(whole()).replace('"/reason"', '"/reason","pointer":"/x"')],
])("%s is no disclosure", (_, text) => {
  expect(parseDisclosure(text)).toBeNull();
});
