/** A1, exhaustively, on the verifier alone: every bit of every column of one row, as a reader would be given it. */
import { expect, test } from "vitest";
import { sha256 } from "../../src/crypto/sha256.ts";
import { type ChainRow, ChainVerifier } from "../../src/verifier/chain.ts";
import { flipped, hashOf } from "../support/evil/forge.ts";

const DOMAIN = "dom_eu_01jd000000e008000000000000";
const AT = 3;

function log(size: number): ChainRow[] {
  let prevHash = "07".repeat(32);
  return Array.from({ length: size }, (_, seq): ChainRow => {
    const id = `entry-${seq}`;
    const genesis = seq === 0 ? `"metadata":{"genesis":"${prevHash}"},` : "";
    const payload = `{"action":"a.b","actor":{"type":"system"},"domain":"${DOMAIN}","id":"${id}",${genesis}"outcome":"success","recorded_at":"2026-11-21T09:00:00.000Z","salt":"${"00".repeat(16)}","seq":${seq},"v":1}`;
    const row = { seq, id, prevHash, entryHash: hashOf(prevHash, payload), payload };
    prevHash = row.entryHash;
    return row;
  });
}

const rows = log(6);
const verify = (changed: ChainRow[]) => {
  const verifier = new ChainVerifier(sha256, DOMAIN, { seq: 0, prevHash: rows[0]?.prevHash ?? null });
  for (const row of changed) verifier.feed(row);
  return verifier.finding;
};
const victim = rows[AT] as ChainRow;
const withVictim = (change: Partial<ChainRow>) =>
  verify(rows.map((row) => (row.seq === AT ? { ...row, ...change } : row)));

test("the log is whole before anything is flipped", () => {
  expect(verify(rows)).toBeNull();
});

test.each(["payload", "id"] as const)("A1 every bit of the %s is named by the seq of its row", (column) => {
  const bytes = Buffer.from(victim[column]);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    // D1 hands text out as UTF-8, with U+FFFD for what is none.
    const finding = withVictim({ [column]: flipped(bytes, bit).toString("utf8") });
    expect(finding?.seq, `bit ${bit}`).toBe(AT);
  }
});

test.each(["prevHash", "entryHash"] as const)("A1 every bit of the %s is named by the seq of its row", (column) => {
  const bytes = Buffer.from(victim[column], "hex");
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    expect(withVictim({ [column]: flipped(bytes, bit).toString("hex") })?.seq, `bit ${bit}`).toBe(AT);
  }
});

test("A1 every bit of the seq is named by the seq that is missing", () => {
  for (let bit = 0; bit < 53; bit++) {
    const high = Math.floor(AT / 2 ** bit) % 2 === 1;
    expect(withVictim({ seq: high ? AT - 2 ** bit : AT + 2 ** bit })?.seq, `bit ${bit}`).toBe(AT);
  }
});
