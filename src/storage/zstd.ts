import { Buffer } from "node:buffer";
import { createZstdDecompress, zstdCompressSync } from "node:zlib";

export function compress(text: string): Uint8Array {
  return zstdCompressSync(Buffer.from(text));
}

/**
 * Decompresses at most `maxBytes`; rejects on damage and on more. The stream and not `zstdDecompressSync`: that one fails
 * in workerd on valid input whose length is 40,960 times a power of two.
 */
export function decompress(bytes: Uint8Array, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const stream = createZstdDecompress();
    const chunks: Buffer[] = [];
    let byteLength = 0;
    stream.on("data", (chunk: Buffer) => {
      byteLength += chunk.length;
      if (byteLength > maxBytes) stream.destroy(new RangeError("the segment is larger than a segment may be"));
      else chunks.push(chunk);
    });
    stream.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
    stream.on("error", reject);
    stream.end(bytes);
  });
}
