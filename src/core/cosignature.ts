/**
 * C2SP tlog-cosignature with Ed25519: what a witness says of a checkpoint, and when. Keys sign in `crypto`; this file makes
 * the message that is signed and takes the signature apart.
 */
import { concatBytes, toBase64, toHex } from "./bytes.ts";
import type { Sha256 } from "./sha256.ts";

/** Signature type in key ids and verifier keys. */
export const COSIGNATURE_V1 = 0x04;

const TIMESTAMP_BYTES = 8;
const ED25519_BYTES = 64;

/** First 4 bytes of SHA-256(name ‖ LF ‖ 0x04 ‖ public key). */
export function cosignerKeyHash(sha256: Sha256, name: string, ed25519PublicKey: Uint8Array): Uint8Array {
  return sha256(`${name}\n`, Uint8Array.of(COSIGNATURE_V1), ed25519PublicKey).slice(0, 4);
}

/** The verifier key of a cosigner: `<name>+<hex key hash>+<base64 of 0x04 and key>`. */
export function formatCosignerKey(sha256: Sha256, name: string, ed25519PublicKey: Uint8Array): string {
  const hash = toHex(cosignerKeyHash(sha256, name, ed25519PublicKey));
  return `${name}+${hash}+${toBase64(concatBytes(Uint8Array.of(COSIGNATURE_V1), ed25519PublicKey))}`;
}

/** The bytes that are signed. `timestamp`: POSIX seconds. `checkpointText` is the note's text and ends with LF. */
export function cosignatureMessage(checkpointText: string, timestamp: number): string {
  if (!checkpointText.endsWith("\n")) throw new RangeError("the text of a checkpoint ends with LF");
  return `cosignature/v1\ntime ${demandTimestamp(timestamp)}\n${checkpointText}`;
}

/** timestamped_signature of the specification: u64 big endian ‖ signature. */
export function formatCosignature(timestamp: number, signature: Uint8Array): Uint8Array {
  if (signature.length !== ED25519_BYTES) throw new RangeError("an Ed25519 signature has 64 bytes");
  const time = new Uint8Array(TIMESTAMP_BYTES);
  new DataView(time.buffer).setBigUint64(0, BigInt(demandTimestamp(timestamp)));
  return concatBytes(time, signature);
}

/** Untrusted; null for another length, and for a time past 2^53-1. */
export function parseCosignature(bytes: Uint8Array): { timestamp: number; signature: Uint8Array } | null {
  if (bytes.length !== TIMESTAMP_BYTES + ED25519_BYTES) return null;
  const timestamp = Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0));
  return Number.isSafeInteger(timestamp) ? { timestamp, signature: bytes.slice(TIMESTAMP_BYTES) } : null;
}

function demandTimestamp(timestamp: number): number {
  if (!Number.isSafeInteger(timestamp) || timestamp < 0) throw new RangeError("a time is whole POSIX seconds");
  return timestamp;
}
