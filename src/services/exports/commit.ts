/** How a step of an export ends: parts in the bucket first, then one commit in the object's storage (step.ts). */
import { AppError, isAppError } from "../../core/errors.ts";
import { exportKey } from "../../core/export/key.ts";
import { LIMITS } from "../../core/limits.ts";
import type { ArchiveTail } from "./archive.ts";
import type { ExportDeps } from "./deps.ts";
import type { ExportAdded, ExportRecord } from "./ports.ts";

/** Of an export that is over: neither bytes nor entries wait any more. */
export const NOTHING_LEFT: ExportAdded = { files: [], parts: [], tail: new Uint8Array(), pending: [] };

/** Puts the whole parts (of the last step: all that is left) into the bucket, then commits. */
export async function upload(
  deps: ExportDeps,
  record: ExportRecord,
  change: Partial<ExportRecord>,
  archive: ArchiveTail,
  isLast: boolean,
): Promise<ExportRecord> {
  const uploadId = change.uploadId ?? record.uploadId ?? "";
  if (!(await putParts(deps, record, uploadId, archive))) return beginAgain(record, deps);
  const rest = archive.rest();
  const { parts } = archive;
  if (isLast && rest.length > 0 && !(await putPart(deps, record, uploadId, archive, rest)))
    return beginAgain(record, deps);
  const added: ExportAdded = {
    files: archive.files,
    parts,
    tail: isLast ? new Uint8Array() : rest,
    pending: record.wish.filter ? [] : null,
  };
  return commit(deps, record, { ...change, bytes: archive.bytes, parts: record.parts + parts.length }, added);
}

/** Puts the whole parts into the bucket; false: there is no such upload any more. Made again, it puts the same bytes. */
export async function putParts(
  deps: ExportDeps,
  record: ExportRecord,
  uploadId: string,
  archive: ArchiveTail,
): Promise<boolean> {
  for (let part = archive.part(); part !== null; part = archive.part()) {
    if (!(await putPart(deps, record, uploadId, archive, part))) return false;
  }
  return true;
}

async function putPart(
  { store, domainId }: ExportDeps,
  record: ExportRecord,
  uploadId: string,
  { parts }: ArchiveTail,
  bytes: Uint8Array,
): Promise<boolean> {
  const number = record.parts + parts.length + 1;
  const etag = await store.putPart(exportKey(domainId, record.wish.id), uploadId, number, bytes);
  if (etag !== null) parts.push({ number, etag });
  return etag !== null;
}

/** The bucket has no such upload any more. */
export function beginAgain(record: ExportRecord, { book }: ExportDeps): ExportRecord {
  const restarts = record.restarts + 1;
  if (restarts > LIMITS.exportRestarts) {
    throw new AppError("storage.unavailable", { internal: "export: its upload is gone again and again" });
  }
  return beginAnew({ ...record, restarts }, { book });
}

/** Not for any fault of its own, so it may happen any number of times. */
export function beginAnew(record: ExportRecord, { book }: Pick<ExportDeps, "book">): ExportRecord {
  const anew = { phase: "begin", plan: null, uploadId: null, entries: 0, values: 0, bytes: 0, parts: 0 } as const;
  const next: ExportRecord = { ...record, ...anew, version: record.version + 1 };
  return book.restart(next) ? next : changed();
}

export function commit(
  { book }: Pick<ExportDeps, "book">,
  record: ExportRecord,
  change: Partial<ExportRecord>,
  added: ExportAdded | null,
): ExportRecord {
  const next: ExportRecord = { ...record, failures: 0, dueMs: 0, ...change, version: record.version + 1 };
  return book.commit(next, added) ? next : changed();
}

/** Somebody was faster, or has revoked it. */
function changed(): never {
  throw new AppError("internal", { internal: CHANGED });
}

const CHANGED = "export: it has changed meanwhile";
export const isChanged = (error: unknown): boolean => isAppError(error) && error.internal === CHANGED;
