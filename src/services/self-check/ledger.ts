/**
 * Rows of D1, read and recomputed. Each entry hash covers the one before it, so a run of rows that recompute and whose last one lies
 * under a signed checkpoint are all as they were appended, in every column. When they are not, the leaves of the tree tell the first
 * that is not: also where somebody computed new hashes for what they changed.
 */
import { LIMITS } from "../../core/limits.ts";
import { ChainVerifier } from "../../verifier/chain.ts";
import type { HeadResult } from "../log/calls.ts";
import type { EntryRow, LedgerStore } from "../ports.ts";
import { type Finding, SET_BACK } from "./checks.ts";
import type { SelfCheckDeps } from "./deps.ts";
import { firstUnlike, isSigned, treeDamaged } from "./signed.ts";

/** One piece of a walk: where it goes on, how many entries were read, and what was found. */
export interface Piece {
  next: number;
  entries: number;
  finding: Finding | null;
}

type LedgerDeps = Pick<SelfCheckDeps, "ledger" | "log" | "origin" | "logKeys" | "verify" | "sha256" | "domainId">;

/**
 * Reads entries from `from` on, before `to`, at most `LIMITS.selfCheckPageEntries`: one query and one proof. `to` lies under a signed
 * checkpoint and was copied. Throws the store's error.
 */
export async function checkRows(
  { from, to }: { from: number; to: number },
  head: HeadResult,
  deps: LedgerDeps,
): Promise<Piece> {
  const page = { fromSeq: from, toSeq: to - 1, limit: LIMITS.selfCheckPageEntries };
  const ledger = deps.ledger(head);
  const rows = (await ledger.packed(page)) ?? (await ledger.rows({ ...page, limit: LIMITS.verifyPageEntries }));
  const last = rows.at(-1);
  if (!last) return { next: to, entries: 0, finding: await noRows(from, head, ledger) };
  const { whole, broken } = recompute(rows, from, deps);
  const end = whole.at(-1);
  if (!broken && end && (await isSigned(end, deps))) return { next: last.seq + 1, entries: rows.length, finding: null };
  const unlike = await firstUnlike(whole, head.signedSize, deps);
  const finding = unlike === null ? (broken ?? treeDamaged(last.seq)) : await culpritAt(unlike, whole, deps);
  // What follows is read on from the next row that there is: one damaged row hides no other.
  const bad = finding.seq ?? last.seq;
  const next = rows.find(({ seq }) => seq > bad)?.seq ?? Math.max(bad, last.seq) + 1;
  return { next, entries: whole.length, finding };
}

/** The ledger ends before it: it was set back since the run began, and its object fills it again. Else rows are missing in its midst. */
async function noRows(from: number, { firstHot }: HeadResult, ledger: Pick<LedgerStore, "tip">): Promise<Finding> {
  const size = Math.max((await ledger.tip())?.size ?? 0, firstHot);
  return size <= from ? found(SET_BACK, size) : found("row_missing", from);
}

/** Row and leaf differ: the one that leads to the signed root is right. */
async function culpritAt(seq: number, rows: readonly EntryRow[], deps: LedgerDeps): Promise<Finding> {
  const row = rows.find((each) => each.seq === seq);
  return row && (await isSigned(row, deps)) ? treeDamaged(seq) : found("leaf_mismatch", seq);
}

/** The rows before the first that does not recompute. */
function recompute(rows: readonly EntryRow[], from: number, { sha256, domainId }: LedgerDeps) {
  const verifier = new ChainVerifier(sha256, domainId, { seq: from, prevHash: null });
  for (const [i, row] of rows.entries()) {
    const fault = verifier.feed(row);
    if (!fault) continue;
    return {
      whole: rows.slice(0, i),
      broken: found(fault.fault === "seq_gap" ? "row_missing" : fault.fault, fault.seq),
    };
  }
  return { whole: rows, broken: null };
}

const found = (fault: string, seq: number): Finding => ({ check: "ledger", store: "ledger", fault, seq, place: seq });
