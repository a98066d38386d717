/** FAULTS A5, A6: what a chain alone cannot show, asserted so that nobody promises it, and what a remembered head adds. */
import { describe, expect, test } from "vitest";
import { type ChainRow, compareHead, EXIT } from "../../src/verifier/chain.ts";
import { chainOf, DOMAIN, genesisOf, verify } from "./rows.ts";

const SIZE = 6;
const rows = chainOf(SIZE);
const headOf = (log: readonly ChainRow[]) => ({ size: log.length, entryHash: log.at(-1)?.entryHash as string });
const compare = (remembered: ReturnType<typeof headOf>, log: readonly ChainRow[]) =>
  compareHead(remembered, log.length, (seq) => log[seq]?.entryHash);

test("a log that only grew agrees with every head that was remembered", () => {
  for (let size = 1; size <= SIZE; size++) expect(compare(headOf(rows.slice(0, size)), rows)).toBeNull();
});

describe("A5 a cut tail", () => {
  test("verifies as a chain: nothing inside it tells that more was there", () => {
    for (let size = 0; size < SIZE; size++) expect(verify(rows.slice(0, size))).toBeNull();
  });

  test("contradicts a remembered head, at the first entry that is gone", () => {
    for (let size = 0; size < SIZE; size++) {
      expect(compare(headOf(rows), rows.slice(0, size))).toMatchObject({ seq: size, fault: "tail_cut" });
    }
  });

  test("and grown again with other entries contradicts it too", () => {
    const regrown = chainOf(SIZE + 3, { fields: (seq) => (seq >= 4 ? { action: "forged.entry" } : {}) });
    expect(verify(regrown)).toBeNull();
    expect(compare(headOf(rows), regrown)).toMatchObject({ seq: SIZE - 1, fault: "head_mismatch" });
  });
});

describe("A6 a log rewritten whole and consistently", () => {
  const rewritten = chainOf(SIZE, { fields: (seq) => (seq === 2 ? { action: "forged.entry" } : {}) });

  test("verifies as a chain, from its own genesis value too", () => {
    expect(verify(rewritten)).toBeNull();
    expect(verify(rewritten, { seq: 0, prevHash: Buffer.from(genesisOf(DOMAIN)).toString("hex") })).toBeNull();
  });

  test("contradicts every remembered head at or after the change, and none before it", () => {
    for (let size = 1; size <= SIZE; size++) {
      const finding = compare(headOf(rows.slice(0, size)), rewritten);
      if (size <= 2) expect(finding).toBeNull();
      else expect(finding).toMatchObject({ seq: size - 1, fault: "head_mismatch" });
    }
  });
});

test("a remembered entry that was not among the rows counts as a contradiction, never as agreement", () => {
  expect(compareHead(headOf(rows), SIZE, () => undefined)).toMatchObject({ fault: "head_mismatch" });
});

test("the exit codes of every verifying command are pinned: scripts of users depend on them", () => {
  expect(EXIT).toEqual({
    verified: 0,
    refuted: 1,
    usage: 2,
    couldNotCheck: 3,
    notWitnessed: 4,
    contradictsRememberedHead: 5,
  });
});
