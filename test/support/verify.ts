/** The independent check after every fault: recompute the whole copy and compare it with the object's head. */
import { expect } from "vitest";
import { sha256 } from "../../src/crypto/sha256.ts";
import type { HeadResult } from "../../src/services/log/calls.ts";
import { ChainVerifier } from "../../src/verifier/chain.ts";
import { copiedRows, logOf } from "./cell.ts";

export async function expectWholeLog(domainId: string): Promise<HeadResult> {
  const rows = await copiedRows(domainId);
  const head = await logOf(domainId).head();
  const verifier = new ChainVerifier(sha256, domainId, { seq: 0, prevHash: head.genesis });
  for (const row of rows) verifier.feed(row);
  expect(verifier.finding).toBeNull();
  expect(verifier.position).toEqual({ seq: head.size, prevHash: head.entryHash });
  expect(head.stoppedReason).toBeNull();
  return head;
}
