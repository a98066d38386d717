/** What a domain's log answers whoever prunes it: it alone decides what goes. Plain values: they cross RPC. */
import type { DomainKind } from "../ports.ts";

export interface LogKeeping {
  tenantId: string;
  kind: DomainKind;
  size: number;
  copiedSize: number;
  archivedSize: number;
  /** Under the checkpoint that the archive shows. */
  mirroredSize: number;
  firstHot: number;
  /** `prev_hash` of that entry. */
  hotPrevHash: string;
  firstKept: number;
  stopped: boolean;
}

/** Entries [firstHot, toSeq) leave the hot store. */
export interface PruneCall {
  toSeq: number;
  /** `prev_hash` of entry `toSeq`, as the archive leads to it from `firstHot`. */
  prevHash: string;
  /** The policy that it goes by, and what began before it (Unix milliseconds). */
  duration: string;
  beforeMs: number;
}

/** Payloads of entries [firstKept, toSeq) go for good. */
export type ExpireCall = Omit<PruneCall, "prevHash">;

export interface LogRetentionCalls {
  keeping(): Promise<LogKeeping>;
  /** The first entry from `fromSeq` on that a legal hold keeps, or may keep; null: none does. */
  heldFrom(fromSeq: number): Promise<number | null>;
  /**
   * Where what is kept begins and the entry that tells of it, in one commit. Throws `precondition.failed` when a hold keeps one of
   * them, when something is not archived, copied or under a mirrored checkpoint, or when somebody else was faster;
   * `domain.stopped`; `storage.unavailable` when the archive leads to another hash than the log has.
   */
  prune(call: PruneCall): Promise<LogKeeping>;
  /** As `prune`; of entries that were pruned only. */
  expire(call: ExpireCall): Promise<LogKeeping>;
}
