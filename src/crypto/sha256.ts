/** SHA-256 of `node:crypto`, synchronous in Workers and in Node alike. */
import { Buffer } from "node:buffer";
import { createHash, hash } from "node:crypto";
import type { Sha256 } from "../core/sha256.ts";

/** Inputs up to this many bytes are put together and hashed in one call: `createHash` makes a stream, which costs more. */
const scratch = Buffer.alloc(16_384);
/** UTF-8 bytes that one UTF-16 unit can take. */
const MOST_BYTES_A_UNIT = 3;

export const sha256: Sha256 = (...parts) => {
  const together = inScratch(parts);
  const digest = together ? hash("sha256", together, "buffer") : digestOf(parts);
  return new Uint8Array(digest.buffer, digest.byteOffset, digest.length);
};

function inScratch(parts: readonly (Uint8Array | string)[]): Uint8Array | null {
  let at = 0;
  for (const part of parts) {
    const most = typeof part === "string" ? part.length * MOST_BYTES_A_UNIT : part.length;
    if (at + most > scratch.length) return null;
    if (typeof part === "string") at += scratch.write(part, at, "utf8");
    else {
      scratch.set(part, at);
      at += part.length;
    }
  }
  return scratch.subarray(0, at);
}

function digestOf(parts: readonly (Uint8Array | string)[]): Buffer {
  const stream = createHash("sha256");
  for (const part of parts) stream.update(part);
  return stream.digest();
}
