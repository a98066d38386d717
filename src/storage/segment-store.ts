/** A domain's archive in R2 LOG. Segments are created once, with a server-checked SHA-256, and never overwritten. */
import { Buffer } from "node:buffer";
import { AppError } from "../core/errors.ts";
import { LIMITS } from "../core/limits.ts";
import {
  decodeSegment,
  encodeSegment,
  parseSegmentKey,
  parseSegmentMetadata,
  type SegmentHead,
  segmentKey,
  segmentMetadata,
  segmentPrefix,
} from "../core/segment.ts";
import { sha256 } from "../crypto/sha256.ts";
import type { SegmentStore } from "../services/ports.ts";
import { asking, unlessThere } from "./r2-asking.ts";
import { compress, decompress } from "./zstd.ts";

const ask = asking("archive");
const LIST_PAGE = 1000;
const MAX_SEGMENT_BYTES = LIMITS.segmentBytes + LIMITS.segmentEntriesMax + LIMITS.payloadBytes;
/** Nothing that is compressed grows by more: a larger object is no segment, and is not read. */
const MOST_COMPRESSED_BYTES = MAX_SEGMENT_BYTES + MAX_SEGMENT_BYTES / 64;

/** The payloads of an untrusted compressed segment; null: it is damaged. */
export async function decodedSegment(bytes: Uint8Array): Promise<string[] | null> {
  return decodeSegment(await decompress(bytes, MAX_SEGMENT_BYTES).catch(() => ""));
}

export class R2SegmentStore implements SegmentStore {
  readonly #bucket: R2Bucket;
  readonly #domainId: string;

  constructor(bucket: R2Bucket, domainId: string) {
    this.#bucket = bucket;
    this.#domainId = domainId;
  }

  async put(head: SegmentHead, payloads: readonly string[]): Promise<boolean> {
    const text = encodeSegment(payloads);
    // It could never be read back, and what is put stays.
    if (Buffer.byteLength(text) > MAX_SEGMENT_BYTES) {
      throw new AppError("internal", { internal: `archive: segment ${head.firstSeq} is larger than a segment may be` });
    }
    const bytes = await compress(text);
    const stored = await ask(() =>
      this.#bucket.put(segmentKey(this.#domainId, head.firstSeq), bytes, {
        ...unlessThere(),
        sha256: sha256(bytes),
        customMetadata: segmentMetadata(head),
        httpMetadata: { contentType: "application/zstd" },
      }),
    );
    return stored !== null;
  }

  async get(firstSeq: number): Promise<{ head: SegmentHead | null; payloads: string[] } | null> {
    const object = await ask(() => this.#bucket.get(segmentKey(this.#domainId, firstSeq)));
    if (!object) return null;
    if (object.size > MOST_COMPRESSED_BYTES) {
      await object.body.cancel();
      return { head: parseSegmentMetadata(object.customMetadata), payloads: [] };
    }
    const bytes = await ask(() => object.arrayBuffer());
    const payloads = await decodedSegment(new Uint8Array(bytes));
    return { head: parseSegmentMetadata(object.customMetadata), payloads: payloads ?? [] };
  }

  async list(fromSeq: number, limit: number): Promise<number[]> {
    const starts: number[] = [];
    const prefix = segmentPrefix(this.#domainId);
    let startAfter = fromSeq > 0 ? segmentKey(this.#domainId, fromSeq - 1) : prefix;
    while (starts.length < limit) {
      const pageSize = Math.min(LIST_PAGE, limit - starts.length);
      const page = await ask(() => this.#bucket.list({ prefix, startAfter, limit: pageSize }));
      for (const { key } of page.objects) {
        const seq = parseSegmentKey(this.#domainId, key);
        if (seq !== null) starts.push(seq);
        startAfter = key;
      }
      if (!page.truncated) break;
    }
    return starts;
  }
}
