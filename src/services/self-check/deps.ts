/** What the self-check of a domain needs. Everything that it reads is untrusted, the log's object included: only what the log's key has signed counts. */

import type { ProductEvent } from "../../core/actions/product.ts";
import type { OnViolation } from "../../core/domain-settings.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { TrustedKey } from "../../verifier/policy.ts";
import type { VerifyEd25519 } from "../../verifier/report.ts";
import type { AlertCalls } from "../alerts/alert.ts";
import type { DomainLogCalls, HeadResult } from "../log/calls.ts";
import type { Clock, LedgerPack, LedgerStore, SegmentStore, TreeMirror } from "../ports.ts";
import type { WitnessExchange } from "../witness/answer.ts";
import type { WitnessConfig } from "../witness/config.ts";
import type { CheckBook } from "./record.ts";

export interface CheckedLog
  extends Pick<DomainLogCalls, "head" | "checkpoint" | "treeTile" | "entryProof" | "growthProof"> {
  /** For writes and for good. */
  stop(reason: string): Promise<void>;
  /** The object compares itself with its copies as at a start, and fills a database that was set back. */
  compareAgain(): Promise<void>;
}

/** What is around the log. Each resolves to words of what is wrong; none: nothing is. Throws where a store does not answer. */
export interface Surroundings {
  /** The database's clock. Unix milliseconds. */
  databaseMs(): Promise<number>;
  /** When R2 stored the newest checkpoint; null: it has none. Unix milliseconds. */
  archiveWrittenMs(): Promise<number | null>;
  keyFaults(): Promise<string[]>;
  jurisdictionFaults(): Promise<string[]>;
}

export interface SelfCheckDeps {
  domainId: string;
  /** Of the log. */
  origin: string;
  book: CheckBook;
  log: CheckedLog;
  ledger: (
    head: Pick<HeadResult, "shards" | "firstHot">,
  ) => Pick<LedgerStore, "rows" | "tip" | "missingGuards"> & LedgerPack;
  segments: Pick<SegmentStore, "get" | "list">;
  mirror: Pick<TreeMirror, "checkpoint" | "tile">;
  /** Of this log. */
  witnesses: readonly WitnessConfig[];
  exchange: WitnessExchange;
  /** Every key that ever signed this log's checkpoints. */
  logKeys: readonly TrustedKey[];
  verify: VerifyEd25519;
  surroundings: Surroundings;
  onViolation(): Promise<OnViolation>;
  alerts: AlertCalls;
  /** Appends to the platform's log, once for each key; nothing where that log is the one that was stopped. */
  record(event: ProductEvent, idempotencyKey: string): Promise<void>;
  sha256: Sha256;
  clock: Clock;
  /** In [0, 1): which past entries are read, which nobody needs to foresee. */
  random: () => number;
  intervalMs: number;
  backlogBytes: number;
}
