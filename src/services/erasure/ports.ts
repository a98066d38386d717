/** What an erasure needs from the outside. Each may be asked again after any failure. */
import type { ProductEvent } from "../../core/actions/product.ts";
import type { Clock, ErasablePages, ErasableRows, LogPosition } from "../ports.ts";
import type { Erasure, ErasureEntry } from "./erasure.ts";

/** Legal holds, asked inside the transaction that suppresses (durable-objects/domain-log/holds.ts). */
export interface ErasureHolds {
  /** What is looked up before, as far as it can be. Never throws. */
  ready(): Promise<void>;
  /** Synchronous. Throws `storage.unavailable` when it is not known. */
  blockingErasure(pseudonym: string): { holdId: string; reason: string; reviewAt: string } | null;
}

/** The object's own storage: synchronous. */
export interface ErasureBook {
  get(id: string): Erasure | null;
  /** Overwrites what is known of an erasure that is there. */
  set(erasure: Erasure): void;
  /** Remembers entries that name the person, as found in D1. Idempotent. */
  addLedgerSeqs(erasure: Erasure, seqs: readonly number[]): void;
  ledgerSeqs(erasure: Erasure): number;
  /** All entries that were found to name the person. */
  seqs(erasure: Erasure): number;
  /** The first one at or after `fromSeq`; null: none. */
  nextSeq(erasure: Erasure, fromSeq: number): number | null;
  dropSeqs(erasure: Erasure): void;
}

/** Subject keys (R2 KEYS). */
export interface ErasableKeys {
  /** Takes the key out of its page. Resolves to whether there was one. */
  destroy(pseudonym: string, page: number): Promise<boolean>;
  /** The same without knowing the page: `everywhere`, or only where a key may stand that never reached the index. */
  destroyUnindexed(pseudonym: string, everywhere: boolean): Promise<boolean>;
}

export interface ErasureDeps {
  domainId: string;
  book: ErasureBook;
  keys: ErasableKeys;
  rows: ErasableRows;
  pages: ErasablePages;
  /** Resolves when no copy and no archiving that began before is under way. */
  settled: () => Promise<void>;
  /** Whether D1 holds the first `size` entries, after trying to bring it there. True for a domain that is stopped: nothing is copied. */
  copiedThrough: (size: number) => Promise<boolean>;
  /** Appends once, however often it is asked under the same key. */
  append: (event: ProductEvent, idempotencyKey: string) => Promise<ErasureEntry>;
  /** Signs the certificate of an erasure that is through with all stores and has its entry. */
  certify: (erasure: Erasure, at: { head: LogPosition; finalAt: string }) => Promise<string>;
  head: () => LogPosition;
  /**
   * Deletes every finished export with private values, whose links die, and lets those that are being made begin anew; how many were
   * deleted. Nothing that was opened before the suppression is in a file afterwards.
   */
  dropExports: () => Promise<number>;
  clock: Clock;
}
