/** What is around a log: guards, backlog, clock, keys, jurisdiction. Each is looked at as a whole. */
import { isAppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { HeadResult } from "../log/calls.ts";
import type { CheckName, Finding } from "./checks.ts";
import type { SelfCheckDeps } from "./deps.ts";
import { type CheckRecord, setState, settle } from "./record.ts";

/** A store does not answer, a log that has stopped shows no signed head, or one whose database lacks a guard does nothing. */
const UNSEEN: readonly string[] = ["storage.unavailable", "log.unsigned", "ledger.guard_missing"];

export const isUnseen = (error: unknown): boolean => isAppError(error) && UNSEEN.includes(error.code);

/** Looks, and takes the result down; what cannot be seen is unknown. */
export async function lookAt(
  name: CheckName,
  record: CheckRecord,
  nowMs: number,
  look: () => Promise<readonly Finding[]>,
): Promise<boolean> {
  try {
    settle(record, name, await look(), nowMs);
    return true;
  } catch (error) {
    if (!isUnseen(error)) throw error;
    setState(record, name, "unknown", nowMs);
    return false;
  }
}

/** Twice, because a migration may be under way: what is missing both times is missing. */
export async function guards(head: HeadResult, deps: Pick<SelfCheckDeps, "ledger">): Promise<Finding[]> {
  const ledger = deps.ledger(head);
  const missing = await ledger.missingGuards();
  const still = missing.length === 0 ? [] : await ledger.missingGuards();
  return still.map((name) => found("guards", "ledger", name));
}

export function backlog(head: HeadResult, { clock, backlogBytes }: Pick<SelfCheckDeps, "clock" | "backlogBytes">) {
  const ageMs = head.oldestUncopiedAt === null ? 0 : clock() - Date.parse(head.oldestUncopiedAt);
  const faults = [
    ...(ageMs > LIMITS.selfCheckBacklogMs ? ["copy_behind"] : []),
    ...(head.backlogBytes > backlogBytes / 2 ? ["backlog_large"] : []),
  ];
  return faults.map((fault): Finding => ({ ...found("backlog", "object", fault), seq: head.copiedSize }));
}

/** Against the database's clock both ways. R2 tells its own only with what it stores: that was not in the future. */
export async function clockFindings(
  head: HeadResult,
  { clock, surroundings }: Pick<SelfCheckDeps, "clock" | "surroundings">,
): Promise<Finding[]> {
  const [databaseMs, writtenMs] = await Promise.all([surroundings.databaseMs(), surroundings.archiveWrittenMs()]);
  const nowMs = clock();
  const jumpMs = LIMITS.clockJumpMs;
  const faults = [
    ...(nowMs - databaseMs > jumpMs ? ["clock_ahead"] : []),
    ...(databaseMs - nowMs > jumpMs || (writtenMs ?? 0) - nowMs > jumpMs ? ["clock_behind"] : []),
    ...(Date.parse(head.recordedAt) - databaseMs > jumpMs ? ["entries_ahead"] : []),
  ];
  return faults.map((fault) => found("clock", "cell", fault));
}

export const keys = async ({ surroundings }: Pick<SelfCheckDeps, "surroundings">): Promise<Finding[]> =>
  (await surroundings.keyFaults()).map((fault) => found("keys", "cell", fault));

export const jurisdiction = async ({ surroundings }: Pick<SelfCheckDeps, "surroundings">): Promise<Finding[]> =>
  (await surroundings.jurisdictionFaults()).map((fault) => found("jurisdiction", "cell", fault));

const found = (check: CheckName, store: Finding["store"], fault: string): Finding => ({
  check,
  store,
  fault,
  seq: null,
  place: 0,
});
