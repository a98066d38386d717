/** What the making of exports needs: a book in the object's own storage, and the bucket. */
import type { PlacedZipFile } from "../../core/zip.ts";
import type { ReadRow } from "../log/read-through.ts";
import type { AskedBy } from "../tenancy/jobs.ts";
import type { ExportLink, ExportStatus, ExportWish } from "./calls.ts";

/** What an export is proved against, fixed when it begins. Hashes in base64 but for `prevHash`, which is hex. */
export interface ExportPlan {
  /** Later than it was asked for when what was before is gone by policy. */
  from: number;
  to: number;
  checkpoint: string;
  size: number;
  root: string;
  /** Before the first entry. */
  prevHash: string;
  /** Of a range; null for a selection, whose groups have their own. */
  hashes: string[] | null;
  madeAtMs: number;
}

export type ExportPhase = "begin" | "entries" | "end" | "complete";

/** One export. `version` grows with each change; a change of an older version is refused. */
export interface ExportRecord {
  wish: ExportWish;
  createdAtMs: number;
  version: number;
  status: ExportStatus;
  phase: ExportPhase;
  plan: ExportPlan | null;
  uploadId: string | null;
  /** The next seq to be read, and the entry hash before it (hex). */
  next: number;
  lastHash: string;
  entries: number;
  /** Private values in it so far. */
  values: number;
  /** Bytes of the archive so far, those of `tail` among them. */
  bytes: number;
  parts: number;
  failures: number;
  restarts: number;
  /** Not before. */
  dueMs: number;
  finishedAtMs: number | null;
  expiresAtMs: number | null;
  failure: string | null;
  revokedBy: AskedBy | null;
  /** The entries that tell of it and are written already. */
  told: ("created" | "ended" | "revoked")[];
  /** Times that the file was deleted after the end. */
  deleted: number;
}

export interface ListedFile extends PlacedZipFile {
  sha256: string;
}

/** What one step adds. `tail` and `pending` are what is there afterwards. */
export interface ExportAdded {
  files: readonly ListedFile[];
  parts: readonly { number: number; etag: string }[];
  /** The bytes that are in no part yet; null: as they were. */
  tail: Uint8Array | null;
  /** Selected entries that are in no file yet; null: as they were. */
  pending: readonly ReadRow[] | null;
}

export interface LinkRecord extends ExportLink {
  exportId: string;
  by: AskedBy;
}

/** In the object's own SQLite; every call is synchronous and whole. */
export interface ExportBook {
  /** False: there is one of this id. */
  add(record: ExportRecord): boolean;
  get(id: string): ExportRecord | null;
  /** Newest first. */
  all(): ExportRecord[];
  /**
   * Replaces the record if it still has the version before, with what the step has added; false: it has changed, and nothing is
   * written. `added` null: nothing more than the record.
   */
  commit(record: ExportRecord, added: ExportAdded | null): boolean;
  /** Back to the beginning of the file: no file, no part, no tail. Part of a commit. */
  restart(record: ExportRecord): boolean;
  tail(id: string): Uint8Array;
  pending(id: string): ReadRow[];
  files(id: string): ListedFile[];
  parts(id: string): { number: number; etag: string }[];
  /** For good, with everything of it. */
  forget(id: string): void;
  addLink(link: LinkRecord, tokenHash: Uint8Array): void;
  links(exportId: string): LinkRecord[];
  linkOf(tokenHash: Uint8Array): LinkRecord | null;
  changeLink(id: string, change: { revokedAt: string } | { usedAt: string }): void;
}
