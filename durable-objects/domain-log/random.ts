import type { RandomBytes } from "../../src/services/ports.ts";

/** `getRandomValues` fills at most 64 KiB a call. */
const CALL_BYTES = 65_536;

export const randomBytes: RandomBytes = (byteLength) => {
  const bytes = new Uint8Array(byteLength);
  for (let at = 0; at < byteLength; at += CALL_BYTES) crypto.getRandomValues(bytes.subarray(at, at + CALL_BYTES));
  return bytes;
};
