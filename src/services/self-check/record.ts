/** What a keeper remembers of its domain's self-check: small, so one value of its storage. Times are Unix milliseconds. */
import type { ProductEvent } from "../../core/actions/product.ts";
import type { CheckAlert, CheckName, Finding } from "./checks.ts";
import { CHECK_NAMES } from "./checks.ts";

/** What is read entry by entry. */
export const WALKED = ["ledger", "archive", "mirror"] as const;
export type Walked = (typeof WALKED)[number];

/** `unknown`: nobody has looked, or the store did not answer. */
export type CheckState = "ok" | "bad" | "unknown";

export interface CheckResult {
  state: CheckState;
  sinceMs: number;
  /** When it was looked at last; null: never. */
  checkedMs: number | null;
  findings: Finding[];
}

/**
 * Entries [from, to) to read. `again`: whether a finding still stands. `new`: what grew. Of the past, `round`: what comes next, so that
 * all of it is read in time, and `spot`: anything, so that nobody knows what is not read next.
 */
export interface Work {
  of: Walked;
  why: "again" | "new" | "round" | "spot";
  from: number;
  to: number;
}

export interface CheckRun {
  startedMs: number;
  work: Work[];
  /** Checks that some store did not let finish. */
  unfinished: CheckName[];
  /** Entries that were read, those of the past among them, and the time that took. */
  read: Record<Walked, number>;
  sampled: Record<Walked, number>;
  tookMs: Record<Walked, number>;
}

export interface FinishedRun extends Pick<CheckRun, "startedMs" | "read" | "sampled" | "tookMs"> {
  endedMs: number;
}

export interface WaitingEntry {
  event: ProductEvent;
  /** Of the append: fixed before the first try. */
  key: string;
}

export interface CheckRecord {
  checks: Record<CheckName, CheckResult>;
  /** Entries [0, n) were read, as far as they are kept. */
  verified: Record<Walked, number>;
  /** Where the part of the sample that goes round goes on. */
  rolling: Record<Walked, number>;
  /** The greatest that was seen: it never goes back. Root in hex. */
  seen: { size: number; checkpoint: { size: number; root: string } | null; mirrored: number };
  run: CheckRun | null;
  last: FinishedRun | null;
  /** Raised and not resolved, with its codes. */
  raised: Partial<Record<CheckAlert, string[]>>;
  /** Findings that stand, and were told: `digest` of tell.ts. */
  told: string[];
  /** Entries that the platform's log has not taken yet, oldest first: at most `LIMITS.selfCheckWaiting` (waiting.ts). */
  waiting: WaitingEntry[];
  /** Entries for which there was no room there, ever. */
  dropped: number;
  /** Why the platform's log did not take the last one that was tried, and what was dropped when that was said; null: it took it. */
  refusal: { code: string; dropped: number } | null;
  /** When the next run begins. */
  dueMs: number;
}

export interface CheckBook {
  get(): CheckRecord | null;
  put(record: CheckRecord): void;
  /** Everything is to be read again, from the first entry: taken by the next run. */
  askAnew(forgetHeads: boolean): void;
  /** Null: nobody has asked. */
  takeAnew(): { forgetHeads: boolean } | null;
}

const each = <T>(value: () => T) => ({ ledger: value(), archive: value(), mirror: value() });
export const NOTHING_WALKED = (): Record<Walked, number> => each(() => 0);

export const NOTHING_SEEN = (): CheckRecord["seen"] => ({ size: 0, checkpoint: null, mirrored: 0 });

export function newRecord(nowMs: number, dueMs: number): CheckRecord {
  const unknown = (): CheckResult => ({ state: "unknown", sinceMs: nowMs, checkedMs: null, findings: [] });
  return {
    checks: Object.fromEntries(CHECK_NAMES.map((name) => [name, unknown()])) as CheckRecord["checks"],
    verified: NOTHING_WALKED(),
    rolling: NOTHING_WALKED(),
    seen: NOTHING_SEEN(),
    run: null,
    last: null,
    raised: {},
    told: [],
    ...NOTHING_WAITS(),
    dueMs,
  };
}

type Waits = Pick<CheckRecord, "waiting" | "dropped" | "refusal">;
const NOTHING_WAITS = (): Waits => ({ waiting: [], dropped: 0, refusal: null });

/** As it was stored, also by a version that kept no waiting entries. */
export const fromStored = (stored: Omit<CheckRecord, keyof Waits> & Partial<Waits>): CheckRecord => ({
  ...NOTHING_WAITS(),
  ...stored,
});

export function setState(record: CheckRecord, name: CheckName, state: CheckState, nowMs: number): void {
  const before = record.checks[name];
  const sinceMs = before.state === state ? before.sinceMs : nowMs;
  record.checks[name] = { ...before, state, sinceMs, checkedMs: state === "unknown" ? before.checkedMs : nowMs };
}

/** Of a check that is looked at as a whole: its findings are exactly these. */
export function settle(record: CheckRecord, name: CheckName, findings: readonly Finding[], nowMs: number): void {
  record.checks[name] = { ...record.checks[name], findings: [...findings] };
  setState(record, name, findings.length > 0 ? "bad" : "ok", nowMs);
}
