/** The independent check after every fault: recompute the whole copy, and the tree over it, and compare with the object's own. */
import { expect } from "vitest";
import { Frontier, leafHash } from "../../src/core/merkle/tree.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import type { HeadResult } from "../../src/services/log/calls.ts";
import { rootOf } from "../../src/services/log/tree.ts";
import { ChainVerifier } from "../../src/verifier/chain.ts";
import { copiedRows, inLog, logOf } from "./cell.ts";

export async function expectWholeLog(domainId: string): Promise<HeadResult> {
  const rows = await copiedRows(domainId);
  const head = await logOf(domainId).head();
  const verifier = new ChainVerifier(sha256, domainId, { seq: 0, prevHash: head.genesis });
  for (const row of rows) verifier.feed(row);
  expect(verifier.finding).toBeNull();
  expect(verifier.position).toEqual({ seq: head.size, prevHash: head.entryHash });
  expect(head.stoppedReason).toBeNull();
  const frontier = new Frontier(sha256);
  for (const { entryHash } of rows) frontier.append(leafHash(sha256, Buffer.from(entryHash, "hex")));
  const tree = await inLog(domainId, (log) => rootOf(log.tree.tree, sha256));
  expect(tree).toEqual({ size: head.size, root: frontier.root() });
  return head;
}
