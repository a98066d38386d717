/** What a cell's Worker asks of a domain's keeper about its restore. Plain values: they cross RPC. */
import type { AskedBy } from "../tenancy/jobs.ts";

/** The restore ends behind the last entry of this seq, or recorded at this time (Unix milliseconds); both null: the whole archive. */
export interface RestoreUntil {
  seq: number | null;
  atMs: number | null;
}

export interface RestoreWish {
  by: AskedBy;
  until: RestoreUntil;
  /** It is a rehearsal: how fast it was is taken down (docs/restoring.md). */
  isDrill: boolean;
}

/**
 * `rows` → `compare` → `index` → `done`; `refused` from any of these. A store that is away changes nothing: the restore goes on
 * when it answers.
 */
export const RESTORE_PHASES = ["rows", "compare", "index", "done", "refused"] as const;
export type RestorePhase = (typeof RESTORE_PHASES)[number];

/** Why a restore goes no further, each with the entry where it was found. */
export const RESTORE_REFUSALS = {
  archive_missing: "The archive has no object for this entry",
  archive_damaged: "An object of the archive is not what was archived",
  archive_foreign: "An object of the archive holds another log's entries",
  archive_elsewhere: "The archive is of another jurisdiction",
  archive_set_back: "The archive does not reach what the log has archived",
  checkpoint_contradicts: "The archive does not lead to the checkpoint that was signed over it",
  ledger_contradicts: "D1 holds something else than the archive",
  log_contradicts: "The object of the log and the archive contradict each other",
  log_lives: "The log lives: it is restored as a whole, and ends where it ends",
  tenant_missing: "The tenant of the log is not known here: restore its reserved log first",
  tenant_deleted: "The tenant was deleted, or is being deleted",
} as const;
export type RestoreRefusal = keyof typeof RESTORE_REFUSALS;

export interface RestoreView {
  phase: RestorePhase;
  /** The object of the log knew the log, or it was lost and is made anew, to be read only. */
  log: "living" | "lost";
  isDrill: boolean;
  startedAtMs: number;
  endedAtMs: number | null;
  /** The first entry that is brought back; what lies before was pruned or expired. */
  fromSeq: number;
  /** Entries are looked through up to here, of so many. */
  seq: number;
  size: number;
  /** Entries of the log, when it was asked last: those from `size` on were not archived yet. Of a lost log: `size`. */
  entries: number;
  /** When the archive takes these at the latest; null: there are none. Unix milliseconds. */
  archiveDueMs: number | null;
  /** Rows that were written to D1, and rows that were compared with the archive byte for byte. */
  inserted: number;
  compared: number;
  /** Milliseconds that bringing rows back took, without waiting between steps. */
  workMs: number;
  /** Size of the signed checkpoint that the entries lead to; null: none was found, or none was looked for yet. */
  checkpointSize: number | null;
  /** It is signed by a log key of this cell, the present one or a retired one. What is not, the log does not show again. */
  checkpointOurs: boolean;
  /** Entries under that checkpoint which the archive does not have: their hashes remain, what they said is lost. */
  lost: number;
  /** The tenant's row was made anew, and nothing opens it but the key that the answer of the start named. */
  tenantMade: boolean;
  refused: { code: RestoreRefusal; seq: number | null } | null;
}

/** `stored` false: the bucket had one of this name, which stays as it is. */
export type PutBack = { stored: boolean } | { refused: { code: RestoreRefusal; seq: number | null } };

export const RESTORE_CALLS = ["begin", "view", "put"] as const satisfies readonly (keyof RestoreCalls)[];

export interface RestoreCalls {
  /** Begins, or goes on with what was begun. Throws `storage.unavailable`. */
  begin(wish: RestoreWish): Promise<RestoreView>;
  /** Null: none was ever asked for. */
  view(): Promise<RestoreView | null>;
  /** An object of a copy of the bucket comes back into the bucket. Throws `storage.unavailable`. */
  put(object: { key: string; bytes: Uint8Array }): Promise<PutBack>;
}
