/**
 * zstd as workerd has it. Its encoder takes a full output buffer for the end of the input (workerd#6769, also in production):
 * `zstdCompressSync` fails on anything that compresses to more than 40 KiB, its decoder on lengths of 40,960 times a power of
 * two, and the streams when what is left at the end does not fit their chunk. So: streams, and one chunk that holds all.
 */
import { Buffer } from "node:buffer";
import { constants, createZstdCompress, createZstdDecompress } from "node:zlib";
import { LIMITS } from "../core/limits.ts";

/** A frame names its own window, and the decoder makes room for it: without a limit, as much as the object has memory. */
const WINDOW = { [constants.ZSTD_d_windowLogMax]: LIMITS.zstdWindowLog };

/** One frame with a checksum of its content, so that a reader finds damage before it reads. Rejects only for want of memory. */
export function compress(text: string): Promise<Uint8Array> {
  const bytes = Buffer.from(text);
  const params = { [constants.ZSTD_c_checksumFlag]: 1 };
  const stream = createZstdCompress({ params, chunkSize: mostCompressedBytes(bytes.length) });
  return collected(stream, bytes, Number.POSITIVE_INFINITY);
}

/** Decompresses at most `maxBytes`, in a window of at most `LIMITS.zstdWindowLog`; rejects on damage and on more. */
export async function decompress(bytes: Uint8Array, maxBytes: number): Promise<string> {
  return (await collected(createZstdDecompress({ params: WINDOW }), bytes, maxBytes)).toString("utf8");
}

/** ZSTD_compressBound, and room for what a stream adds. */
function mostCompressedBytes(byteLength: number): number {
  return byteLength + Math.ceil(byteLength / 256) + 64 * 1024;
}

function collected(
  stream: ReturnType<typeof createZstdCompress>,
  bytes: Uint8Array,
  maxBytes: number,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let byteLength = 0;
    stream.on("data", (chunk: Buffer) => {
      byteLength += chunk.length;
      if (byteLength > maxBytes) stream.destroy(new RangeError("the segment is larger than a segment may be"));
      else chunks.push(chunk);
    });
    stream.on("end", () => resolve(Buffer.concat(chunks)));
    stream.on("error", reject);
    stream.end(bytes);
  });
}
