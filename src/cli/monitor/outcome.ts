/** What one round found out. */
import type { Verdict } from "../../verifier/report.ts";

/**
 * `fork`: two histories, proved by a file. `shrink`: fewer entries than were signed before. `broken`: what the log serves does not
 * fit what it signed. `no_answer`: nothing could be checked.
 */
export type RoundEvent = "first" | "grew" | "unchanged" | "fork" | "shrink" | "broken" | "no_answer";

export interface Round {
  event: RoundEvent;
  verdict: Verdict;
  /** In plain words; may hold untrusted text. */
  detail: string;
  origin: string | null;
  /** The checkpoint of this round, when a trusted key signed it. */
  size: number | null;
  /** Base64. */
  root: string | null;
  /** Entries since the remembered head. */
  grown: number;
  /** Leaves that were read and recomputed, of all rounds together and of this one. */
  read: number;
  readNow: number;
  /** The entries from this seq on were recomputed too; null: none. */
  entriesFrom: number | null;
  /** Names of the independent witnesses, and when the last of them cosigned. POSIX seconds. */
  witnesses: string[];
  witnessedAt: number | null;
  /** For so long the log has had entries that no checkpoint covers, at least. Null: it has not, or cannot be asked. */
  lateMs: number | null;
  /** Why the log says that it was stopped. Untrusted. */
  stoppedReason: string | null;
  /** Evidence that was written, now or in an earlier round. */
  evidence: string | null;
}

/** A round that has found out nothing yet. */
export const emptyRound = (origin: string | null): Round => ({
  event: "no_answer",
  verdict: "could_not_check",
  detail: "",
  origin,
  size: null,
  root: null,
  grown: 0,
  read: 0,
  readNow: 0,
  entriesFrom: null,
  witnesses: [],
  witnessedAt: null,
  lateMs: null,
  stoppedReason: null,
  evidence: null,
});
