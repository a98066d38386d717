/**
 * Exports in R2 LOG, by multipart upload: parts of one size but the last, and nobody sees the file before it is whole. Uploads that
 * nobody completes are dropped by R2 after seven days.
 */
import { AppError } from "../core/errors.ts";
import type { ExportStore } from "../services/ports.ts";
import { asking } from "./r2-asking.ts";

const ask = asking("exports");
/** R2: 10024 no such upload, 10025 a part that is not there; local workerd says it in words alone. */
const GONE = /10024|10025|does not exist|could not be found|no such upload|NoSuchUpload|InvalidPart/i;

export class R2ExportStore implements ExportStore {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  async begin(key: string, exportId: string): Promise<string> {
    const options = { httpMetadata: { contentType: "application/zip" }, customMetadata: { export: exportId } };
    const upload = await ask(() => this.#bucket.createMultipartUpload(key, options));
    return upload.uploadId;
  }

  async putPart(key: string, uploadId: string, number: number, bytes: Uint8Array): Promise<string | null> {
    const part = await unlessGone(() => this.#bucket.resumeMultipartUpload(key, uploadId).uploadPart(number, bytes));
    return part?.etag ?? null;
  }

  async complete(key: string, uploadId: string, parts: readonly { number: number; etag: string }[]): Promise<boolean> {
    const named = parts.map(({ number, etag }) => ({ partNumber: number, etag }));
    return (await unlessGone(() => this.#bucket.resumeMultipartUpload(key, uploadId).complete(named))) !== null;
  }

  async size(key: string, exportId: string): Promise<number | null> {
    const object = await ask(() => this.#bucket.head(key));
    return object?.customMetadata?.export === exportId ? object.size : null;
  }

  async abort(key: string, uploadId: string): Promise<void> {
    await unlessGone(() => this.#bucket.resumeMultipartUpload(key, uploadId).abort());
  }

  async delete(key: string): Promise<void> {
    await ask(() => this.#bucket.delete(key));
  }
}

/** The bytes of a file, or of a range of it; null: it is not there. Throws `storage.unavailable`. */
export async function exportFile(
  bucket: R2Bucket,
  key: string,
  range: { offset: number; length: number } | null,
): Promise<ReadableStream<Uint8Array> | null> {
  const object = await ask(() => bucket.get(key, range ? { range } : {}));
  return object?.body ?? null;
}

/** Null: the upload, or a part of it, is not there. */
async function unlessGone<T>(run: () => Promise<T>): Promise<T | null> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Error && GONE.test(error.message)) return null;
    throw new AppError("storage.unavailable", { internal: "exports: no answer", cause: error });
  }
}
