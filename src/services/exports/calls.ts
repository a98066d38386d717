/** What a cell's Worker asks of a domain's keeper about exports. Plain values: they cross RPC. */
import type { EntryFilter } from "../../core/query/filter.ts";
import type { AskedBy } from "../tenancy/jobs.ts";

/** `ndjson` is always there: the others are made of it. */
export const EXPORT_FORMATS = ["ndjson", "json", "csv", "pdf"] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

/**
 * `queued` → `running` → `done` or `failed`. `revoked` from any of these, `expired` from `done`: the file is deleted then, and its
 * links are dead.
 */
export const EXPORT_STATUSES = ["queued", "running", "done", "failed", "revoked", "expired"] as const;
export type ExportStatus = (typeof EXPORT_STATUSES)[number];

export interface ExportWish {
  id: string;
  by: AskedBy;
  from: number;
  /** Null: to the newest entry. */
  to: number | null;
  /** Null: every entry of the range, provably complete. People are pseudonyms in it. */
  filter: EntryFilter | null;
  /** The same in the canonical language; stands in the manifest. */
  filterText: string | null;
  formats: readonly ExportFormat[];
  /** Seconds that the file is kept, from when it is done. */
  lifeS: number;
  /** Private values come with it, in clear. Why is in the entry that tells of it, and nowhere else. */
  isPrivate: boolean;
  /** The tenant's reserved domain, whose entries tell of the export. */
  recordIn: string;
}

export interface ExportLink {
  id: string;
  createdAt: string;
  expiresAt: string;
  revokedAt: string | null;
  /** When it was first used. */
  usedAt: string | null;
}

export interface ExportView {
  id: string;
  status: ExportStatus;
  createdAt: string;
  from: number;
  /** Null until the export has begun, when its last entry was not named. */
  to: number | null;
  filter: string | null;
  formats: readonly ExportFormat[];
  isPrivate: boolean;
  /** Entries in it so far, looked through so far, and to be looked through (null until it has begun). */
  entries: number;
  scanned: number;
  total: number | null;
  /** Of the archive, so far. */
  bytes: number;
  finishedAt: string | null;
  /** When the file is deleted; null until it is there. */
  expiresAt: string | null;
  /** An error code: why it has failed. */
  failure: string | null;
  links: ExportLink[];
}

export interface NewExportLink {
  link: ExportLink;
  /** 256 random bits; shown once and kept as their hash. */
  token: string;
}

/** A file that may be read now. */
export interface OpenedExport {
  key: string;
  bytes: number;
}

/** All throw `resource.not_found` for an export, or a link, that is not there. */
export interface ExportCalls {
  /** `reason`: of an export with private values. The same id again: the export that is there. Throws `request.invalid` (a range past the newest entry, a PDF of too many entries or without a key to sign it), `limit.reached`. */
  create(wish: ExportWish, reason: string | null): Promise<ExportView>;
  list(): Promise<ExportView[]>;
  read(id: string): Promise<ExportView>;
  /** Throws `export.not_ready`. */
  link(id: string, by: AskedBy, lifeS: number): Promise<NewExportLink>;
  revokeLink(id: string, linkId: string): Promise<void>;
  /** Links die at once; the file is deleted, or its deletion is tried until it is. Idempotent. */
  revoke(id: string, by: AskedBy): Promise<ExportView>;
  /** Not found for a wrong or revoked token; throws `export.expired` for a right one that came too late. */
  open(id: string, token: string): Promise<OpenedExport>;
}

export const EXPORT_CALLS = ["create", "list", "read", "link", "revokeLink", "revoke", "open"] as const;
