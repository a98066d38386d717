/** One piece of what a run reads. A finding counts when a second look, under a fresh head, still has one. */
import { LIMITS } from "../../core/limits.ts";
import type { HeadResult } from "../log/calls.ts";
import { checkSegments } from "./archive.ts";
import { type Finding, SET_BACK } from "./checks.ts";
import type { SelfCheckDeps } from "./deps.ts";
import { checkRows, type Piece } from "./ledger.ts";
import { checkTiles } from "./mirror.ts";
import { type CheckRecord, type CheckRun, setState, type Work } from "./record.ts";
import { firstOf } from "./sample.ts";
import { signedIn, TREE_DAMAGED } from "./signed.ts";
import { isUnseen } from "./surroundings.ts";

/** How far each store can be read now. */
export interface Reach {
  head: HeadResult;
  /** Size of the checkpoint that the mirror shows. */
  mirrored: number;
}

export async function reachOf({ log, mirror, ...deps }: SelfCheckDeps): Promise<Reach> {
  const head = await log.head();
  const note = await mirror.checkpoint();
  return { head, mirrored: note === null ? 0 : (signedIn(note, deps)?.size ?? 0) };
}

/** Entries of each store that may be read: copied, archived or mirrored, and under a signed checkpoint. */
export function endOf({ head, mirrored }: Reach): Record<Work["of"], number> {
  return {
    ledger: Math.min(head.copiedSize, head.signedSize),
    // Segments are whole: one that reaches past what is signed waits for the next run.
    archive: head.archivedSize <= head.signedSize ? head.archivedSize : 0,
    mirror: Math.min(mirrored, head.signedSize),
  };
}

/** Does the first piece of the run's work. A store that does not answer leaves its check unfinished. */
export async function walkOn(record: CheckRecord, run: CheckRun, reach: Reach, deps: SelfCheckDeps): Promise<void> {
  const [work] = run.work;
  if (!work) return;
  const startedMs = deps.clock();
  try {
    let piece = await pieceOf(work, record, reach, deps);
    if (piece?.finding) piece = await pieceOf(work, record, await reachOf(deps), deps);
    takeDown(record, run, { work, piece, first: firstOf(reach.head)[work.of] }, deps.clock());
  } catch (error) {
    if (!isUnseen(error)) throw error;
    run.work = run.work.filter(({ of }) => of !== work.of);
    run.unfinished.push(work.of);
    setState(record, work.of, "unknown", deps.clock());
  }
  run.tookMs[work.of] += deps.clock() - startedMs;
}

/** Null: nothing of it is there to be read any more, or yet. */
async function pieceOf(work: Work, record: CheckRecord, reach: Reach, deps: SelfCheckDeps): Promise<Piece | null> {
  const from = Math.max(work.from, firstOf(reach.head)[work.of]);
  const to = Math.min(work.to, endOf(reach)[work.of]);
  if (from >= to) return null;
  if (work.of === "ledger") return checkRows({ from, to }, reach.head, deps);
  if (work.of === "mirror") return checkTiles({ from, to }, reach.mirrored, reach.head, deps);
  // What is kept begins with a segment (src/services/retention/expire.ts), and a walk goes on where a segment ended.
  const isGoingOn = work.why === "new" || work.why === "again" || from === record.rolling.archive;
  const isBoundary = from === reach.head.firstKept || (isGoingOn && from === work.from);
  const exact = isBoundary && work.why !== "spot";
  const limit = work.why === "spot" || work.why === "again" ? 1 : LIMITS.selfCheckSegmentsAtOnce;
  return checkSegments({ from, to, limit, exact }, reach.head, deps);
}

interface Taken {
  work: Work;
  piece: Piece | null;
  /** The first entry that the store has by right. */
  first: number;
}

function takeDown(record: CheckRecord, run: CheckRun, { work, piece, first }: Taken, nowMs: number): void {
  const next = piece?.next ?? work.to;
  run.read[work.of] += piece?.entries ?? 0;
  if (work.why === "round" || work.why === "spot") run.sampled[work.of] += piece?.entries ?? 0;
  // Nothing was there to be read: only what was pruned meanwhile is behind it.
  const verified = piece ? next : Math.min(next, first);
  if (work.why === "new") record.verified[work.of] = Math.max(record.verified[work.of], verified);
  if (piece?.finding?.fault === SET_BACK) {
    record.verified.ledger = Math.min(record.verified.ledger, piece.finding.place);
  }
  // A segment that is missing leaves no boundary to go on from.
  if (work.why === "round") record.rolling[work.of] = piece?.finding && work.of === "archive" ? 0 : next;
  if (work.why === "again" && !piece?.finding) forget(record, work);
  if (piece?.finding) addFinding(record, piece.finding, nowMs);
  const isFull = record.checks[work.of].findings.length >= LIMITS.selfCheckFindings;
  const isOver = next >= work.to || work.why === "spot" || work.why === "again";
  if (isFull) run.work = run.work.filter(({ of, why }) => of !== work.of || why === "again");
  if (isFull ? work.why === "again" : isOver) run.work = run.work.filter((each) => each !== work);
  else work.from = next;
}

/** Each entry of a store once, and a bounded number: a store that was lost whole needs no longer list. */
export function addFinding(record: CheckRecord, finding: Finding, nowMs: number): void {
  const { findings } = record.checks[finding.check];
  // A tree that is not the signed one fails every proof beside the damage: one finding, the first, says it.
  const isKnown = findings.some(
    ({ store, fault, seq }) =>
      store === finding.store && (seq === finding.seq || (fault === TREE_DAMAGED && finding.fault === TREE_DAMAGED)),
  );
  if (!isKnown && findings.length < LIMITS.selfCheckFindings) findings.push(finding);
  setState(record, finding.check, "bad", nowMs);
}

/** What was found there stands no more. */
function forget(record: CheckRecord, { of, from }: Work): void {
  for (const name of [of, "object"] as const) {
    const check = record.checks[name];
    check.findings = check.findings.filter(
      ({ place, fault }) => place !== from || (name === "object" && fault !== TREE_DAMAGED),
    );
  }
}
