import type { ErrorCode } from "../../core/errors.ts";

/** Refusals of one kind. Empty texts and 0: none. */
export interface RejectedKind {
  domainId: string;
  code: ErrorCode;
  action: string;
  pointer: string;
  schemaVersion: number;
  credentialId: string;
}

export interface RejectedCount extends RejectedKind {
  count: number;
  firstAt: string;
  lastAt: string;
}

export interface RejectedStore {
  /** Adds to what is there, and keeps the `LIMITS.rejectedKinds` of each domain that were seen last. Not idempotent. */
  add(counts: readonly RejectedCount[]): Promise<void>;
  /** Seen last first. */
  list(domainId: string): Promise<RejectedCount[]>;
}
