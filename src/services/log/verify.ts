/**
 * Verification by the server: recomputes a range of what is kept and compares it with the object's head: the queryable copy, and the
 * archive for entries that were pruned from it. Payloads that are gone by policy are not recomputed, and the run says so. Bounded
 * work a call; the cursor carries the state, so that a run over any number of entries can stop and go on.
 *
 * The verdict is the operator's own word about the operator's own copy. `moonseal verify` recomputes outside.
 */
import { LIMITS } from "../../core/limits.ts";
import type { Sha256 } from "../../core/sha256.ts";
import { type ChainFinding, ChainVerifier } from "../../verifier/chain.ts";
import type { LedgerStore, LogPosition } from "../ports.ts";

/** A run of verification: what it covers and how far it has come. */
export interface VerifyRun {
  from: number;
  to: number;
  /** The object's head when the run began. */
  head: LogPosition;
  /** Entries that the queryable copy held just before. */
  copiedSize: number;
  nextSeq: number;
  /** Entry hash that the next row must follow; null: the run begins in the middle and trusts its first row. */
  prevHash: string | null;
  entries: number;
  /** The first entry whose payload is kept: nothing before is recomputed. */
  firstKept: number;
}

export interface VerifyStep {
  run: VerifyRun;
  finding: ChainFinding | null;
  done: boolean;
}

/** Throws `storage.unavailable` when the ledger cannot be read. `genesis`: what entry 0 must follow. */
export async function startRun(
  run: Pick<VerifyRun, "from" | "to" | "head" | "copiedSize" | "firstKept"> & { genesis: string },
  ledger: Pick<LedgerStore, "rows">,
): Promise<VerifyRun> {
  const { from, to, copiedSize, firstKept } = run;
  const before =
    from > 0 && from > firstKept ? await ledger.rows({ fromSeq: from - 1, toSeq: from - 1, limit: 1 }) : [];
  const prevHash = from === 0 ? run.genesis : (before[0]?.entryHash ?? null);
  const head = { size: run.head.size, entryHash: run.head.entryHash };
  return { from, to, head, copiedSize, nextSeq: from, prevHash, entries: 0, firstKept };
}

/** Recomputes at most `LIMITS.verifyEntriesPerRequest` entries. */
export async function verifyStep(
  run: VerifyRun,
  domainId: string,
  ledger: Pick<LedgerStore, "rows">,
  sha256: Sha256,
): Promise<VerifyStep> {
  const verifier = new ChainVerifier(sha256, domainId, startOf(run));
  let finding: ChainFinding | null = null;
  while (!finding && verifier.position.seq <= run.to && verifier.entries < LIMITS.verifyEntriesPerRequest) {
    const fromSeq = verifier.position.seq;
    const rows = await ledger.rows({ fromSeq, toSeq: run.to, limit: LIMITS.verifyPageEntries });
    for (const row of rows) {
      finding = verifier.feed(row);
      if (finding) break;
    }
    if (rows.length === 0) finding = missingFrom(fromSeq, run);
  }
  const position = verifier.position;
  finding ??= position.seq === run.head.size ? faultAtHead(run, position.prevHash) : null;
  const next = { ...run, nextSeq: position.seq, prevHash: position.prevHash, entries: run.entries + verifier.entries };
  return { run: next, finding, done: finding !== null || position.seq > run.to };
}

/** Behind what is gone a run trusts its first row, as if it had begun there. */
function startOf({ nextSeq, prevHash, firstKept, to }: VerifyRun): { seq: number; prevHash: string | null } {
  const seq = Math.min(firstKept, to + 1);
  return nextSeq < seq ? { seq, prevHash: null } : { seq: nextSeq, prevHash };
}

/** What is wrong once everything up to the head was recomputed: another last entry, or entries that nobody appended. */
function faultAtHead(run: VerifyRun, lastHash: string | null): ChainFinding | null {
  const { size, entryHash } = run.head;
  if (lastHash !== entryHash) {
    return {
      seq: size - 1,
      fault: "head_mismatch",
      detail: "the newest entry is not the one that the object appended",
    };
  }
  if (run.copiedSize <= size) return null;
  return { seq: size, fault: "beyond_head", detail: `the copy holds ${run.copiedSize} entries; ${size} were appended` };
}

function missingFrom(seq: number, run: VerifyRun): ChainFinding {
  const detail = `the log has ${run.head.size} entries; from ${seq} on they are missing from the queryable copy`;
  return { seq, fault: "tail_cut", detail };
}
