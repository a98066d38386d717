/**
 * The bytes of an archive on their way to the bucket: files are put behind each other, and whole parts are cut from the front. What it
 * holds: the tail of the step before (less than a part) and the files of this step.
 */
import { toHex } from "../../core/bytes.ts";
import { crc32 } from "../../core/crc32.ts";
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Sha256 } from "../../core/sha256.ts";
import { zipHeader } from "../../core/zip.ts";
import type { ExportDeps } from "./deps.ts";
import type { ListedFile } from "./ports.ts";

export class ArchiveTail {
  readonly #sha256: Sha256;
  readonly #partBytes: number;
  readonly #chunks: Uint8Array[];
  #held: number;
  #bytes: number;
  /** Of the parts, one after the other. */
  #part: Uint8Array | null = null;
  readonly files: ListedFile[] = [];
  /** That are in the bucket, since the last commit. */
  readonly parts: { number: number; etag: string }[] = [];

  /** `bytes`: of the archive so far, those of `tail` among them. */
  constructor({ sha256, bounds }: Pick<ExportDeps, "sha256" | "bounds">, bytes: number, tail: Uint8Array) {
    this.#sha256 = sha256;
    this.#partBytes = bounds.partBytes;
    this.#bytes = bytes;
    this.#chunks = [tail];
    this.#held = tail.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  addFile(name: string, bytes: Uint8Array): void {
    if (bytes.length > LIMITS.bundleFileBytes)
      throw new RangeError("a file of an export is larger than a reader takes");
    const file = { name, bytes: bytes.length, crc32: crc32(bytes) };
    this.files.push({ ...file, offset: this.#bytes, sha256: toHex(this.#sha256(bytes)) });
    this.add(zipHeader(file));
    this.add(bytes);
  }

  add(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.#held += bytes.length;
    this.#bytes += bytes.length;
    if (this.#bytes > this.#partBytes * LIMITS.exportParts) {
      throw new AppError("limit.reached", {
        detail: "an export is larger than the bucket takes; export fewer entries",
      });
    }
  }

  /** The next whole part, until the one after it is asked for: they share their memory. Null: less is there. */
  part(): Uint8Array | null {
    if (this.#held < this.#partBytes) return null;
    this.#part ??= new Uint8Array(this.#partBytes);
    return this.#cut(this.#part);
  }

  /** What is left, which may be nothing. */
  rest(): Uint8Array {
    return this.#cut(new Uint8Array(this.#held));
  }

  #cut(cut: Uint8Array): Uint8Array {
    let at = 0;
    while (at < cut.length) {
      const chunk = this.#chunks.shift() as Uint8Array;
      const taken = chunk.subarray(0, cut.length - at);
      cut.set(taken, at);
      at += taken.length;
      if (taken.length < chunk.length) this.#chunks.unshift(chunk.subarray(taken.length));
    }
    this.#held -= cut.length;
    return cut;
  }
}
