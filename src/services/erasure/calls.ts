/** What is asked of the objects about erasures. Plain values: they cross RPC. */
import type { AskedBy } from "../tenancy/jobs.ts";
import { type Erasure, type ErasureCounts, type ErasureEntry, type ErasureRequest, isFinished } from "./erasure.ts";

export interface EraseCall {
  /** Either who the person is, as this call alone knows, or the pseudonym that the domain itself has told. */
  person: { identityId: string } | { pseudonym: string };
  /** A UUID: what this erasure is known by, unless the person is erased already. */
  erasureId: string;
  request: ErasureRequest;
}

export interface HoldReference {
  holdId: string;
  reason: string;
  reviewAt: string;
}

/** How far an erasure has come. */
export interface ErasureView {
  id: string;
  status: "finishing" | "executed";
  pseudonym: string;
  known: boolean;
  correlationId: string;
  requestedAt: string;
  suppressedAt: string;
  keyDestroyedAt: string | null;
  rowsDeletedAt: string | null;
  pagesRewrittenAt: string | null;
  finalAt: string | null;
  counts: ErasureCounts;
  entry: ErasureEntry | null;
}

export interface EraseResult {
  erasure: ErasureView;
  /** The person was suppressed before this call; nothing was done or appended for it. */
  already: boolean;
}

/** A domain's word on an erasure that concerns several: it will not be refused here any more. */
export interface ErasurePromise {
  pseudonym: string;
  hold: HoldReference | null;
  /** The erasure of this person that is there already. */
  erasure: ErasureView | null;
}

export interface ReplayCall {
  by: AskedBy;
  fromSeq: number;
}

export interface ReplayResult {
  /** Erasures that the entries of this part of the log tell of: each is being executed again. */
  erasures: number;
  /** Where the next call goes on; null: this was the end of the log. */
  nextSeq: number | null;
  /** Erasures of the domain that are not finished. */
  unfinished: number;
}

/** What the object of a domain does (durable-objects/domain-log.ts). */
export interface ErasureCalls {
  /** Throws `subject.held`. */
  erase(call: EraseCall): Promise<EraseResult>;
  promiseErasure(call: { identityId: string; erasureId: string }): Promise<ErasurePromise>;
  /** Throws `resource.not_found`. */
  erasure(id: string): Promise<ErasureView>;
  /** The signed note. Throws `resource.not_found`, `erasure.unfinished`. */
  erasureCertificate(id: string): Promise<string>;
  replayErasures(call: ReplayCall): Promise<ReplayResult>;
}

export interface EraseEverywhereCall {
  identityId: string;
  request: Omit<ErasureRequest, "correlationId">;
}

export interface EraseEverywhereResult {
  correlationId: string;
  domains: ({ domainId: string } & EraseResult)[];
}

export function viewOf(erasure: Erasure): ErasureView {
  const { id, pseudonym, known, request, suppressedAt, keyDestroyedAt, rowsDeletedAt, pagesRewrittenAt, finalAt } =
    erasure;
  return {
    id,
    status: isFinished(erasure) ? "executed" : "finishing",
    pseudonym,
    known,
    correlationId: request.correlationId,
    requestedAt: request.requestedAt,
    suppressedAt,
    keyDestroyedAt,
    rowsDeletedAt,
    pagesRewrittenAt,
    finalAt,
    counts: erasure.counts,
    entry: erasure.entry,
  };
}
