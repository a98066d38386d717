/** What a cell's Worker asks of the objects of a domain. Plain values: they cross RPC. */

import type { PersonalDataGuard } from "../../core/domain-settings.ts";
import type { SchemaNote } from "../../core/event-schema/note.ts";
import type { ShardRange } from "../../core/shards.ts";
import type { ErasureCalls } from "../erasure/calls.ts";
import type { ExportCalls } from "../exports/calls.ts";
import type { HoldCall } from "../holds/hold.ts";
import type { HoldScan, HoldScanCall } from "../holds/scan.ts";
import type { ImportCalls } from "../imports/calls.ts";
import type { ResealCursor, ResealStep, ResealWork } from "../keys/resealing/calls.ts";
import type { DomainKind, EntryRow } from "../ports.ts";
import type { IndexCalls } from "../query/ports.ts";
import type { RestoreCalls } from "../restore/calls.ts";
import type { LogRetentionCalls } from "../retention/log-calls.ts";
import type { DomainHealth } from "../self-check/view.ts";
import type { TailCall, TailKind, Watched } from "../tail/calls.ts";
import type { WitnessView } from "../witness/view.ts";
import type { Receipt } from "./append.ts";
import type { BodyForm } from "./body.ts";
import type { ColdCalls } from "./cold/calls.ts";
import type { EachUnder } from "./each-under.ts";
import type { EvidenceCalls } from "./evidence-calls.ts";
import type { SetProver } from "./evidence-set.ts";
import type { RevealCall, RevealResult } from "./reveal/reveal.ts";
import type { PersonResult, SearchCall, SearchResult } from "./reveal/search.ts";
import type { OpenCall, OpenedRows } from "./sealing/opening.ts";
import type { LogTreeCalls } from "./tree-calls.ts";
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
  /** What the tenant's schemas say about each event, in the order of the body; absent: nothing about any. */
  schemas?: readonly (SchemaNote | null)[];
  /**
   * What the domain's guard does with personal data, which the caller has applied: the object itself looks again for card
   * numbers, secrets and, unless this is `off`, e-mail addresses. Absent: `refuse`.
   */
  personalData?: PersonalDataGuard;
  /** The credential, for what the idempotency key is bound to. */
  scope: string;
  idempotencyKey: string | null;
  /** Events without an id get one of this; not together with `idempotencyKey`. */
  eachUnder?: EachUnder;
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
  /** Seq of the first entry whose row may be in D1: those before were pruned, and the archive has their payloads. 0: none was. */
  firstHot: number;
  /** Seq of the first entry whose payload exists anywhere (at most `firstHot`): of those before, hashes and tiles remain. */
  firstKept: number;
  /** Under a signed checkpoint, and under the one that the archive shows. */
  signedSize: number;
  mirroredSize: number;
  witnesses: WitnessView[];
  backlogEntries: number;
  backlogBytes: number;
  oldestUncopiedAt: string | null;
  oldestUnarchivedAt: string | null;
  stoppedReason: string | null;
  /** Where the rows lie. */
  shards: ShardRange[];
}

/** The object that puts entries in order (durable-objects/domain-log.ts). */
export interface DomainLogCalls extends ErasureCalls, LogTreeCalls, LogRetentionCalls, Pick<SetProver, "setProof"> {
  append(call: AppendCall): Promise<AppendResult>;
  head(): Promise<HeadResult>;
  /** Resolves to where the rows lie. */
  flush(): Promise<ShardRange[]>;
  /** Somebody listens from now on, for `LIMITS.tailInterestMs`: the keeper is told of growth. */
  watch(): Promise<Watched>;
  /** What the object has not released yet, from `fromSeq` on or later, at most `limit` rows and `LIMITS.pageChars`. */
  waiting(fromSeq: number, limit: number): Promise<EntryRow[]>;
  /** In force at once; false: not confirmed yet, ask again. Throws `request.invalid` for a range past the newest entry. */
  placeHold(call: HoldCall): Promise<boolean>;
  /** Seals anew what is sealed under older keys; goes on from `cursor`, null: from the beginning. */
  reseal(work: ResealWork, cursor: ResealCursor | null): Promise<ResealStep>;
  /** Blocks nothing at once; false as above. */
  releaseHold(holdId: string): Promise<boolean>;
  person(identityId: string): Promise<PersonResult>;
  /** Bounded by the caller (`LIMITS.revealBytes`). Only for objects of this cell. */
  openSealed(call: OpenCall): Promise<OpenedRows>;
}

/** What a domain's self-check found (src/services/self-check). */
export interface HealthCalls {
  health(): Promise<DomainHealth>;
  /** The next run comes now and reads everything. `forgetHeads`: the log was put back from its archive, and is shorter on purpose. */
  checkAnew(call: { forgetHeads: boolean }): Promise<void>;
}

export type VerifyCall = { run: VerifyRun } | { from: number; to: number | null };

/** The object for the domain's heavy work (durable-objects/domain-keeper.ts). */
export interface DomainKeeperCalls extends ColdCalls, EvidenceCalls, IndexCalls, HealthCalls {
  verify(call: VerifyCall): Promise<VerifyStep>;
  search(call: SearchCall): Promise<SearchResult>;
  reveal(call: RevealCall): Promise<RevealResult>;
  /** Judges a bounded part of the log for a hold by query. Only for the domain's own log. */
  scanForHold(call: HoldScanCall): Promise<HoldScan>;
  exports: ExportCalls;
  restoring: RestoreCalls;
  imports: ImportCalls;
  /**
   * A live connection: status 101 with the WebSocket, or 200 with the events. Throws `rate.limited`, `request.invalid`,
   * `domain.stopped`, and what the log's own calls throw.
   */
  tail(call: TailCall, kind: TailKind): Promise<Response>;
}
