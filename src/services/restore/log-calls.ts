/** What the restore asks of the object of the log itself. */
import type { ShardRange } from "../../core/shards.ts";
import type { DomainIdentity, KeptFrom, LogPosition } from "../ports.ts";

export interface KnownLog {
  /** `lost`: the object knows of no log; `adopted`: it was made anew by a restore; `living`: it put these entries in order itself. */
  state: "lost" | "adopted" | "living";
  /** Where the object is: how far an adopted log has come. */
  size: number;
  /** Leaves of its tree: more than `size` where the hashes of lost entries are known (`addLost`). */
  treeSize: number;
  entryHash: string;
  archivedSize: number;
  /** When what is not archived yet will be, at the latest; null: nothing waits. Unix milliseconds. */
  archiveDueMs: number | null;
  firstHot: number;
  hotPrevHash: string;
  firstKept: number;
  shards: ShardRange[];
}

/** Entries that follow what the object has, as hashes: 32 bytes each. The caller has recomputed them from their payloads. */
export interface AdoptedPage {
  fromSeq: number;
  hashes: Uint8Array;
  /** When the last of them was recorded. Unix milliseconds. */
  recordedAtMs: number;
}

export interface LogRestoreCalls {
  known(): Promise<KnownLog>;
  /**
   * A lost log is made anew, stopped for good: it can be read and verified, and takes nothing new. `kept`: where what
   * is kept of it begins. Again: changes nothing. Throws `domain.stopped` where a living log is.
   */
  adopt(call: { identity: DomainIdentity; shards: ShardRange[]; kept: KeptFrom }): Promise<void>;
  /** Goes on; what it has already is compared. Throws `domain.stopped` when it differs. */
  extend(page: AdoptedPage): Promise<LogPosition>;
  /**
   * Looks whether an adopted log's entries lead to a checkpoint. `proof`: of consistency (RFC 6962 §2.1.2), for a checkpoint that covers
   * more than there is. False: they do not. A checkpoint that covers no more is published again, if a key of this log has signed it.
   */
  conclude(call: { note: string; proof: Uint8Array[] }): Promise<boolean>;
  /**
   * The tree of an adopted log goes on over entries that are lost, of which their hashes remain: `hashes` as in `extend`, proved by the
   * caller. So the checkpoint that was signed over them covers what is there. The log itself ends where it ended. Again: changes nothing.
   */
  addLost(page: Pick<AdoptedPage, "fromSeq" | "hashes">): Promise<void>;
  /** The leaf hashes of these entries, 32 bytes each; fewer where the tree ends. */
  leaves(fromSeq: number, count: number): Promise<Uint8Array>;
  /** For so long the object copies nothing to D1: the restore does. */
  holdCopier(forMs: number): Promise<void>;
  /**
   * The object compares itself with its copies again and goes on copying. `eraseAgain`: whom D1 may have brought back is erased again.
   * Throws `domain.stopped` when a copy contradicts it.
   */
  compareAgain(call: { eraseAgain: boolean }): Promise<void>;
}

export const LOG_RESTORE_CALLS = [
  "known",
  "adopt",
  "extend",
  "conclude",
  "addLost",
  "leaves",
  "holdCopier",
  "compareAgain",
] as const satisfies readonly (keyof LogRestoreCalls)[];
