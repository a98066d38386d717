/** What a cell's Worker asks of a domain's keeper about moving a log into it. Plain values: they cross RPC. */
import type { AskedBy } from "../tenancy/jobs.ts";

/** `queued` → `running` → `done`, or `refused` before anything was written into the log. */
export const IMPORT_STATUSES = ["queued", "running", "done", "refused"] as const;
export type ImportStatus = (typeof IMPORT_STATUSES)[number];

/** Why an import was refused. */
export const IMPORT_REFUSALS = ["not_proved", "not_whole", "not_for_this_domain", "not_empty", "archive_gone"] as const;
export type ImportRefusal = (typeof IMPORT_REFUSALS)[number];

export interface ImportWish {
  by: AskedBy;
  /** Where the archive was put (`core/moving/keys.ts`), its SHA-256 in lower-case hex, and its size. */
  upload: string;
  sha256: string;
  bytes: number;
  /** The verifier key of the old log that the caller trusts. */
  trustedKey: string;
}

export interface ImportView {
  status: ImportStatus;
  sha256: string;
  bytes: number;
  startedAt: string;
  finishedAt: string | null;
  /** What the export is of; null until it is proved. */
  from: { origin: string; manifestHash: string; first: number; last: number; size: number; root: string } | null;
  entries: { imported: number; total: number | null };
  /** Private values that came along, and that stayed behind. */
  values: { carried: number; leftBehind: number } | null;
  refusal: { code: ImportRefusal; detail: string } | null;
}

export interface ImportCalls {
  /** The same archive again: the import that there is. Throws `import.exists` for another one. */
  begin(wish: ImportWish): Promise<ImportView>;
  /** Null: none was ever begun. */
  read(): Promise<ImportView | null>;
}

export const IMPORT_CALLS = ["begin", "read"] as const;
