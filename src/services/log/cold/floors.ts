/** What of a log is where: rows before `firstHot` have left the queryable copy, payloads before `firstKept` are gone. */
import { AppError } from "../../../core/errors.ts";

/** 0 ≤ firstKept ≤ firstHot ≤ size; both 0 until something is pruned. Kept by the domain's object. */
export interface Floors {
  firstHot: number;
  firstKept: number;
}

/** Of an entry that nothing says any more; its hash stays under the root. */
export function expired(seq: number, firstKept: number): AppError {
  return new AppError("entry.expired", {
    detail: `the payload of entry ${seq} is gone by the log's retention policy, its hash is not; the first entry that can be read is ${firstKept}`,
  });
}

/** An entry that the floors say is in the archive, and is not there. */
export const lostFromArchive = (seq: number): AppError =>
  new AppError("storage.unavailable", { internal: `archive: entry ${seq} is not there` });
