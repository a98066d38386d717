/** What a cell's Worker asks of the objects of a domain. Plain values: they cross RPC. */

import type { ShardRange } from "../../core/shards.ts";
import type { DomainKind } from "../ports.ts";
import type { Receipt } from "./append.ts";
import type { BodyForm } from "./body.ts";
import type { VerifyRun, VerifyStep } from "./verify.ts";

export interface CreateDomainCall {
  domainId: string;
  tenantId: string;
  kind: DomainKind;
  segmentEntries: number;
}

export interface AppendCall {
  /** The body as the client sent it, already found valid. */
  body: string;
  form: BodyForm;
  /** The credential, for what the idempotency key is bound to. */
  scope: string;
  idempotencyKey: string | null;
  waitForCopy: boolean;
}

export interface AppendResult {
  receipts: Receipt[];
  replayed: boolean;
  replicated: boolean;
  idempotencyExpiresAt: string | null;
}

export interface HeadResult {
  size: number;
  entryHash: string;
  recordedAt: string;
  genesis: string;
  copiedSize: number;
  archivedSize: number;
  backlogEntries: number;
  backlogBytes: number;
  oldestUncopiedAt: string | null;
  stoppedReason: string | null;
  /** Where the rows lie. */
  shards: ShardRange[];
}

/** The object that puts entries in order (durable-objects/domain-log.ts). */
export interface DomainLogCalls {
  append(call: AppendCall): Promise<AppendResult>;
  head(): Promise<HeadResult>;
  /** Resolves to where the rows lie. */
  flush(): Promise<ShardRange[]>;
}

export type VerifyCall = { run: VerifyRun } | { from: number; to: number | null };

/** The object for the domain's heavy work (durable-objects/domain-keeper.ts). */
export interface DomainKeeperCalls {
  verify(call: VerifyCall): Promise<VerifyStep>;
}
