/** What a log keeps of its witnesses, in its own storage. A witness is known by its verifier key. */

export interface WitnessRecord {
  key: string;
  /** Tree size from which it is asked to go on; it says otherwise with a 409. */
  size: number;
  /** Tree size of the last cosignature that it gave this log. */
  witnessedSize: number;
  /** Of the last success. Unix milliseconds. */
  witnessedAtMs: number | null;
  /** The last failure, and its code; kept after a success. */
  failedAtMs: number | null;
  failure: string | null;
  /** Failures since the last success. */
  failures: number;
  /** It is not asked before. Unix milliseconds. */
  retryAtMs: number;
}

export interface StoredCosignature {
  /** Of the checkpoint. */
  size: number;
  /** Of the witness. */
  key: string;
  /** The signature lines of the witness, one for each of its keys that cosigned; verified, each with its LF. */
  line: string;
  /** POSIX seconds, as the witness says. */
  timestamp: number;
}

export interface WitnessJournal {
  /** A witness that was never asked has a record of zeros. */
  record(key: string): WitnessRecord;
  /** The record and, when there is one, the cosignature, in one transaction. */
  put(record: WitnessRecord, cosignature?: StoredCosignature): void;
  cosignatures(size: number): StoredCosignature[];
  /** Who cosigned which size, newest first. */
  cosigned(): { size: number; key: string }[];
  /** Drops the cosignatures of all other sizes. */
  keepOnly(sizes: readonly number[]): void;
}

export const neverAsked = (key: string): WitnessRecord => ({
  key,
  size: 0,
  witnessedSize: 0,
  witnessedAtMs: null,
  failedAtMs: null,
  failure: null,
  failures: 0,
  retryAtMs: 0,
});
