import { describe, expect, it } from "vitest";
import { sha256 } from "../../src/crypto/sha256.ts";
import { ChainVerifier } from "../../src/verifier/chain.ts";
import { append, bareDomain, copiedRows, event, logOf } from "../support/cell.ts";

async function verify(domainId: string) {
  const verifier = new ChainVerifier(sha256, domainId, { seq: 0, prevHash: (await logOf(domainId).head()).genesis });
  for (const row of await copiedRows(domainId)) verifier.feed(row);
  expect(verifier.finding).toBeNull();
  const head = await logOf(domainId).head();
  expect(verifier.position).toEqual({ seq: head.size, prevHash: head.entryHash });
  return head;
}

describe("append", () => {
  it("S0-15 S1-1 every row carries the previous hash and its own, and they are one chain", async () => {
    const domainId = await bareDomain();
    const { receipts } = await append(domainId, [event(), event(), event()]);
    expect(receipts.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    const rows = await copiedRows(domainId);
    for (const [i, row] of rows.entries()) if (i > 0) expect(row.prevHash).toBe(rows[i - 1]?.entryHash);
    expect(receipts.map(({ entry_hash }) => entry_hash)).toEqual(rows.slice(1).map(({ entryHash }) => entryHash));
    await verify(domainId);
  });

  it("S2-19 200 parallel appends give 200 consecutive seqs, one chain, no doubled previous hash", async () => {
    const domainId = await bareDomain();
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, i) => append(domainId, event({ metadata: { i } }))),
    );
    const seqs = results.flatMap(({ receipts }) => receipts.map(({ seq }) => seq)).sort((a, b) => a - b);
    expect(seqs).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    const prev = results.flatMap(({ receipts }) => receipts.map(({ prev_hash }) => prev_hash));
    expect(new Set(prev).size).toBe(200);
    expect((await verify(domainId)).size).toBe(201);
  });
});
