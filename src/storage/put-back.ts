/** Objects of a copy of R2 LOG that are put back. Nothing is ever replaced. */
import { type SegmentHead, segmentMetadata } from "../core/segment.ts";
import { sha256 } from "../crypto/sha256.ts";
import { asking, unlessThere } from "./r2-asking.ts";

const ask = asking("archive");

/** False: there is one of this name. The caller has judged key and bytes. */
export async function putBack(
  bucket: R2Bucket,
  { key, bytes }: { key: string; bytes: Uint8Array },
  head: SegmentHead | null,
): Promise<boolean> {
  const beside =
    head === null ? {} : { customMetadata: segmentMetadata(head), httpMetadata: { contentType: "application/zstd" } };
  const stored = await ask(() => bucket.put(key, bytes, { ...unlessThere(), ...beside, sha256: sha256(bytes) }));
  return stored !== null;
}
