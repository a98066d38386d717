/** An erasure as the object of a domain keeps it (GDPR Art. 17, DESIGN §4). Plain values: they are stored and cross RPC. */
import type { AskedBy } from "../tenancy/jobs.ts";

/** Grounds of Art. 17(1), as codes: free text would be a place for personal data. */
export const ERASURE_REASONS = [
  "data_subject_request",
  "no_longer_necessary",
  "consent_withdrawn",
  "objection",
  "unlawful_processing",
  "legal_obligation",
  "child_consent",
] as const;
export type ErasureReason = (typeof ERASURE_REASONS)[number];

/** The caller's own reference of a request, and the law: codes, no sentences and no addresses. */
export const REFERENCE_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._:/#-]{0,63}$/;
export const LAW_PATTERN = /^[A-Za-z0-9§][A-Za-z0-9 §.,()/-]{0,63}$/;
export const DEFAULT_LAW = "GDPR Art. 17";

/** What was asked for, by whom and when. Nothing in it tells who the person is. */
export interface ErasureRequest {
  reason: ErasureReason;
  reference: string | null;
  law: string;
  by: AskedBy;
  /** When the person asked, as the caller says; else when the call came. RFC 3339. */
  requestedAt: string;
  /** When the caller made sure who asked; null: the caller did not say. */
  verifiedAt: string | null;
  /** The same in every domain that one decision concerns. */
  correlationId: string;
}

export interface ErasureCounts {
  /** Rows that waited in the object: private values and mentions, and mappings. */
  objectRows: number;
  objectMappings: number;
  /** Keys taken out of R2 KEYS. */
  keys: number;
  /** Rows in D1: private values and mentions, and mappings. */
  ledgerRows: number;
  ledgerMappings: number;
  /** Pages of the archive in whose range entries of the person lie; each holds nothing about them any more. */
  archivePages: number;
  /** Finished exports with private values that were deleted. */
  exports?: number;
  /** Entries that name the person. They stay, under the pseudonym. */
  entries: number;
}

/** The entry that tells of the erasure. */
export interface ErasureEntry {
  seq: number;
  id: string;
  entryHash: string;
  prevHash: string;
  recordedAt: string;
}

export interface Erasure {
  /** A UUID: also the id of the entry that tells of it. */
  id: string;
  /** Lower-case hex. */
  pseudonym: string;
  /** The domain had seen the person. */
  known: boolean;
  request: ErasureRequest;
  /** Entries of the log at that moment: none after them holds anything about the person. */
  size: number;
  /** Page of R2 KEYS that held the key; null: none was known, so it is looked for in all that may hold one. */
  page: number | null;
  suppressedAt: string;
  keyDestroyedAt: string | null;
  rowsDeletedAt: string | null;
  pagesRewrittenAt: string | null;
  /** Exports with private values, of anybody in this domain, are gone; missing: written before there were such exports. */
  exportsDroppedAt?: string | null;
  /** Pages of the archive that begin below this are done. */
  pagesNextSeq: number;
  counts: ErasureCounts;
  entry: ErasureEntry | null;
  finalAt: string | null;
  /** The signed note; never changed once it is there. */
  certificate: string | null;
}

export const NO_COUNTS: ErasureCounts = {
  objectRows: 0,
  objectMappings: 0,
  keys: 0,
  ledgerRows: 0,
  ledgerMappings: 0,
  archivePages: 0,
  entries: 0,
};

export const storesAreDone = ({
  keyDestroyedAt,
  rowsDeletedAt,
  pagesRewrittenAt,
  exportsDroppedAt,
}: Erasure): boolean =>
  keyDestroyedAt !== null && rowsDeletedAt !== null && pagesRewrittenAt !== null && exportsDroppedAt !== null;

export const isFinished = (erasure: Erasure): boolean => storesAreDone(erasure) && erasure.certificate !== null;
