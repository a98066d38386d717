/** FAULTS A1 to A4, A12: what a chain alone shows. What it does not show is in head.test.ts. */
import { describe, expect, test } from "vitest";
import { toHex } from "../../src/core/bytes.ts";
import { canonicalJson } from "../../src/core/canonical.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { type ChainRow, ChainVerifier } from "../../src/verifier/chain.ts";
import vector from "../vectors/chain.json" with { type: "json" };
import { chainOf, DOMAIN, genesisOf, OTHER_DOMAIN, relinked, verify } from "./rows.ts";

const SIZE = 6;
const rows = chainOf(SIZE);
const start = { seq: 0, prevHash: toHex(genesisOf(DOMAIN)) };
const changed = (at: number, change: Partial<ChainRow>) =>
  rows.map((row, i) => (i === at ? { ...row, ...change } : row));
/** One payload edited as JSON and spelled canonically again. */
const edited = (at: number, change: object) =>
  changed(at, { payload: canonicalJson({ ...JSON.parse(rows[at]?.payload ?? ""), ...change }) });

describe("an untouched chain verifies", () => {
  test("from the genesis value, and from nothing at all", () => {
    expect(verify(rows, start)).toBeNull();
    expect(verify(rows)).toBeNull();
  });

  test("S0-30 the published vector too", () => {
    const published = vector.entries.map(({ seq, id, prev_hash, entry_hash, payload }) => ({
      seq,
      id,
      payload,
      prevHash: prev_hash,
      entryHash: entry_hash,
    }));
    expect(verify(published, { seq: 0, prevHash: vector.genesis }, vector.domain)).toBeNull();
  });

  test("in pieces: the position after one piece is the start of the next", () => {
    for (let cut = 0; cut <= SIZE; cut++) {
      const first = new ChainVerifier(sha256, DOMAIN, start);
      for (const row of rows.slice(0, cut)) first.feed(row);
      expect(first.entries).toBe(cut);
      expect(first.position).toEqual({ seq: cut, prevHash: rows[cut]?.prevHash ?? rows.at(-1)?.entryHash });
      expect(verify(rows.slice(cut), first.position)).toBeNull();
      expect(verify(rows.slice(cut), { seq: cut, prevHash: null })).toBeNull();
    }
  });
});

describe("S0-16 S0-32 A1: a changed byte is named at exactly its entry", () => {
  const columns = ["id", "prevHash", "entryHash", "payload"] as const;

  test.each(columns)("every character of %s, in every row, in several ways", (column) => {
    let tried = 0;
    for (const [at, row] of rows.entries()) {
      const value = row[column];
      for (let i = 0; i < value.length; i++) {
        const code = value.charCodeAt(i);
        for (const other of [code ^ 1, code ^ 2, code ^ 0x20, code ^ 0x40]) {
          const spoiled = value.slice(0, i) + String.fromCharCode(other) + value.slice(i + 1);
          const finding = verify(changed(at, { [column]: spoiled }), start);
          if (finding?.seq !== at) expect.fail(`row ${at}, ${column}[${i}] → ${spoiled}: ${JSON.stringify(finding)}`);
          tried++;
        }
      }
    }
    expect(tried).toBeGreaterThan(SIZE * 36 * 4 - 1);
  });

  test.each(columns)("a character of %s left out or put in", (column) => {
    for (const [at, row] of rows.entries()) {
      for (let i = 0; i <= row[column].length; i++) {
        for (const spoiled of [
          row[column].slice(0, i) + row[column].slice(i + 1),
          `${row[column].slice(0, i)}0${row[column].slice(i)}`,
        ]) {
          if (spoiled !== row[column]) expect(verify(changed(at, { [column]: spoiled }), start)?.seq).toBe(at);
        }
      }
    }
  });

  test("every other seq, in every row", () => {
    for (const at of rows.keys()) {
      for (const seq of [-1, 0, 1, 2, 3, 4, 5, 6, 7, 100, at + 0.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY]) {
        if (seq !== at) expect(verify(changed(at, { seq }), start)?.seq, `row ${at} as ${seq}`).toBe(at);
      }
    }
  });

  test("a payload edited and spelled canonically again, for every field of every row", () => {
    for (const at of rows.keys()) {
      for (const field of Object.keys(JSON.parse(rows[at]?.payload ?? ""))) {
        expect(verify(edited(at, { [field]: "other" }), start), `row ${at}, ${field}`).toEqual({
          seq: at,
          fault: "entry_hash_mismatch",
          detail: expect.any(String),
        });
      }
    }
  });

  test("a payload edited together with its entry hash is named at the next entry's link", () => {
    for (let at = 1; at < SIZE - 1; at++) {
      const forged = relinked(edited(at, { action: "invoice.deleted" }), at)[at] as ChainRow;
      expect(verify(changed(at, forged), start)).toMatchObject({ seq: at + 1, fault: "prev_hash_mismatch" });
    }
  });

  test("the first of two changes is the one that is named, and later rows are not counted", () => {
    const spoiled = rows.map((row, i) => (i === 2 || i === 4 ? { ...row, id: "x" } : row));
    const verifier = new ChainVerifier(sha256, DOMAIN, start);
    const findings = spoiled.map((row) => verifier.feed(row)?.seq ?? null);
    expect(findings).toEqual([null, null, 2, 2, 2, 2]);
    expect(verifier.entries).toBe(2);
    expect(verifier.position.seq).toBe(2);
  });

  test("the same spelled otherwise is a change: hashes in upper case", () => {
    for (const column of ["prevHash", "entryHash"] as const) {
      const finding = verify(changed(3, { [column]: rows[3]?.[column].toUpperCase() as string }), start);
      expect(finding).toMatchObject({ seq: 3, fault: "hash_malformed" });
    }
  });
});

describe("S0-32 rows that come, go or move are named at exactly their place", () => {
  test("A2 a row taken out of the middle", () => {
    for (let at = 0; at < SIZE - 1; at++) {
      expect(verify(rows.toSpliced(at, 1), start)).toMatchObject({ seq: at, fault: "seq_gap" });
    }
  });

  test("A2 a row taken out, the rest renumbered", () => {
    for (let at = 1; at < SIZE - 1; at++) {
      const renumbered = rows.toSpliced(at, 1).map((row, seq) => ({ ...row, seq }));
      expect(verify(renumbered, start)).toMatchObject({ seq: at, fault: "prev_hash_mismatch" });
    }
  });

  test("A2 a row taken out, the rest renumbered and hashed again: the payloads still tell", () => {
    for (let at = 1; at < SIZE - 1; at++) {
      const forged = relinked(rows.toSpliced(at, 1).map((row, seq) => ({ ...row, seq })));
      expect(verify(forged, start)).toMatchObject({ seq: at, fault: "column_mismatch" });
    }
  });

  test("A3 two rows swapped", () => {
    for (let a = 0; a < SIZE; a++) {
      for (let b = a + 1; b < SIZE; b++) {
        const swapped = rows.with(a, rows[b] as ChainRow).with(b, rows[a] as ChainRow);
        expect(verify(swapped, start), `${a} and ${b}`).toMatchObject({ seq: a, fault: "seq_gap" });
        const renumbered = swapped.map((row, seq) => ({ ...row, seq }));
        expect(verify(renumbered, start)?.seq, `${a} and ${b}, renumbered`).toBe(a);
      }
    }
  });

  test("a row doubled", () => {
    for (const [at, row] of rows.entries()) {
      expect(verify(rows.toSpliced(at, 0, row), start)).toMatchObject({ seq: at + 1, fault: "seq_out_of_order" });
    }
  });

  test("S2-17 A4 a row put in: with the seq of another, and with all later ones moved up", () => {
    for (let at = 1; at < SIZE; at++) {
      const forged = chainOf(SIZE, { fields: (seq) => (seq === at ? { action: "forged.entry" } : {}) })[at] as ChainRow;
      expect(verify(rows.toSpliced(at + 1, 0, forged), start)).toMatchObject({
        seq: at + 1,
        fault: "seq_out_of_order",
      });
      const moved = rows.toSpliced(at, 0, forged).map((row, seq) => ({ ...row, seq }));
      expect(verify(moved, start)).toMatchObject({ seq: at + 1, fault: "prev_hash_mismatch" });
    }
  });

  test("S0-15 S1-1 for all n > 1, prev_hash[n] is entry_hash[n-1]", () => {
    for (let at = 1; at < SIZE; at++) {
      expect(rows[at]?.prevHash).toBe(rows[at - 1]?.entryHash);
      const loose = changed(at, { prevHash: rows[at]?.entryHash as string });
      expect(verify(loose, start)).toMatchObject({ seq: at, fault: "prev_hash_mismatch" });
    }
  });
});

describe("A12 rows of another domain are refused", () => {
  const foreign = chainOf(SIZE, { domain: OTHER_DOMAIN });

  test("one row of it, wherever it is put", () => {
    for (let at = 0; at < SIZE; at++) {
      expect(verify(rows.with(at, foreign[at] as ChainRow), start)?.seq).toBe(at);
    }
  });

  test("one row of it, hashed into this chain", () => {
    for (let at = 1; at < SIZE; at++) {
      const forged = relinked(rows.with(at, foreign[at] as ChainRow), at);
      expect(verify(forged, start)).toMatchObject({ seq: at, fault: "foreign_domain" });
    }
  });

  test("the finding repeats the other domain's id, and no other text that stands in its place", () => {
    for (const [domain, shown] of [
      [OTHER_DOMAIN, OTHER_DOMAIN],
      ["\u001b[2Jdom", "another domain"],
    ] as const) {
      expect(verify(chainOf(1, { domain }))?.detail).toBe(`the entry belongs to ${shown}`);
    }
  });

  test("the whole of it, offered as this domain", () => {
    expect(verify(foreign, start)).toMatchObject({ seq: 0, fault: "prev_hash_mismatch" });
    expect(verify(foreign)).toMatchObject({ seq: 0, fault: "foreign_domain" });
    expect(verify(foreign, undefined, OTHER_DOMAIN)).toBeNull();
  });
});

describe("S0-31 genesis", () => {
  test("two domains with identical first payloads have different first hashes", () => {
    const payload = rows[0]?.payload as string;
    const hashes = [DOMAIN, OTHER_DOMAIN].map((domain) => sha256(genesisOf(domain), payload));
    expect(toHex(hashes[0] as Uint8Array)).not.toBe(toHex(hashes[1] as Uint8Array));
  });

  test("an entry 0 that follows another genesis value than the known one is named", () => {
    const other = chainOf(SIZE, { genesis: new Uint8Array(32) });
    expect(verify(other, start)).toMatchObject({ seq: 0, fault: "prev_hash_mismatch" });
  });

  test.each([{ genesis: "00".repeat(32) }, { genesis: null }, {}, { kind: "client" }])(
    "an entry 0 that does not name the value it follows is named: metadata %j",
    (metadata) => {
      const forged = chainOf(SIZE, { fields: (seq) => (seq === 0 ? { metadata } : {}) });
      expect(verify(forged)).toMatchObject({ seq: 0, fault: "genesis_mismatch" });
    },
  );

  test("an entry 0 without metadata is named, not thrown over", () => {
    const payload = JSON.parse(rows[0]?.payload ?? "");
    for (const metadata of [undefined, null, 1, "genesis", []]) {
      const bare = canonicalJson({ ...payload, metadata });
      expect(verify(relinked(changed(0, { payload: bare })))).toMatchObject({ seq: 0, fault: "genesis_mismatch" });
    }
  });
});

describe("a payload that the verifier cannot read is refused, hashed right or not", () => {
  const AT = 3;
  const original = rows[AT]?.payload as string;
  const withPayload = (payload: string) => relinked(changed(AT, { payload }), AT);

  test.each([
    ["an unknown version", canonicalJson({ ...JSON.parse(original), v: 2 }), "version_unknown"],
    ["no version", canonicalJson({ ...JSON.parse(original), v: undefined }), "version_unknown"],
    ["white space", original.replace(":", ": "), "payload_not_canonical"],
    ["a duplicate key", original.replace("{", '{"action":"a.b",'), "payload_not_canonical"],
    ["a number past 2^53", original.replace('"seq":3,', '"seq":9007199254740993,'), "payload_not_canonical"],
    ["no JSON", "plain text", "payload_not_canonical"],
    ["100,000 brackets", "[".repeat(100_000) + "]".repeat(100_000), "payload_not_canonical"],
    ["an array", "[]", "payload_malformed"],
    ["no salt", canonicalJson({ ...JSON.parse(original), salt: undefined }), "payload_malformed"],
  ])("%s", (_what, payload, fault) => {
    expect(payload).not.toBe(original);
    expect(verify(withPayload(payload), start)).toMatchObject({ seq: AT, fault });
  });

  test("seq and id of the row and of the payload must be the same", () => {
    const other = canonicalJson({ ...JSON.parse(original), seq: 4 });
    expect(verify(withPayload(other), start)).toMatchObject({ seq: AT, fault: "column_mismatch" });
    expect(verify(changed(AT, { id: rows[4]?.id as string }), start)).toMatchObject({
      seq: AT,
      fault: "column_mismatch",
    });
  });
});
