/** SHA-256 of `node:crypto`, synchronous in Workers and in Node alike. */
import { createHash } from "node:crypto";
import type { Sha256 } from "../core/sha256.ts";

export const sha256: Sha256 = (...parts) => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part as string);
  return new Uint8Array(hash.digest());
};
