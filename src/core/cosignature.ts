/**
 * C2SP tlog-cosignature: what a witness says of a checkpoint, and when, with Ed25519 and with ML-DSA-44. Keys sign in `crypto`;
 * this file makes the messages that are signed and takes signatures apart.
 */
import { concatBytes, toBase64, toHex, utf8 } from "./bytes.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { Sha256 } from "./sha256.ts";

/** Signature types in key ids and verifier keys: over the note's text, and over origin, size and root. */
export const COSIGNATURE_V1 = 0x04;
export const SUBTREE_V1 = 0x06;
export type CosignatureType = typeof COSIGNATURE_V1 | typeof SUBTREE_V1;

/** RFC 8032 §5.1.5, §5.1.6; FIPS 204 §4, table 2. */
export const COSIGNATURES = {
  [COSIGNATURE_V1]: { algorithm: "Ed25519", publicKeyBytes: 32, signatureBytes: 64 },
  [SUBTREE_V1]: { algorithm: "ML-DSA-44", publicKeyBytes: 1312, signatureBytes: 2420 },
} as const;
export type CosignatureAlgorithm = (typeof COSIGNATURES)[CosignatureType]["algorithm"];

const TIMESTAMP_BYTES = 8;
/** opaque cosigner_name<1..2^8-1>, log_origin<1..2^8-1>. */
const MAX_NAME_BYTES = 255;

/** First 4 bytes of SHA-256(name ‖ LF ‖ type ‖ public key). */
export function cosignerKeyHash(
  sha256: Sha256,
  name: string,
  publicKey: Uint8Array,
  type: CosignatureType = COSIGNATURE_V1,
): Uint8Array {
  return sha256(`${name}\n`, Uint8Array.of(type), publicKey).slice(0, 4);
}

/** The verifier key of a cosigner: `<name>+<hex key hash>+<base64 of type and key>`. */
export function formatCosignerKey(
  sha256: Sha256,
  name: string,
  publicKey: Uint8Array,
  type: CosignatureType = COSIGNATURE_V1,
): string {
  const hash = toHex(cosignerKeyHash(sha256, name, publicKey, type));
  return `${name}+${hash}+${toBase64(concatBytes(Uint8Array.of(type), publicKey))}`;
}

/** What Ed25519 signs. `timestamp`: POSIX seconds. `checkpointText` is the note's text and ends with LF. */
export function cosignatureMessage(checkpointText: string, timestamp: number): string {
  if (!checkpointText.endsWith("\n")) throw new RangeError("the text of a checkpoint ends with LF");
  return `cosignature/v1\ntime ${demandTimestamp(timestamp)}\n${checkpointText}`;
}

/**
 * What ML-DSA-44 signs, the structure `cosigned_message` for a whole tree: extension lines of the checkpoint are not in it, the
 * cosigner's name is. Null where a name is too long to stand in it (255 bytes).
 */
export function subtreeMessage(cosigner: string, { origin, size, root }: Checkpoint, timestamp: number) {
  const names = [utf8(cosigner), utf8(origin)] as const;
  if (names.some(({ length }) => length < 1 || length > MAX_NAME_BYTES)) return null;
  const [name, log] = names;
  return concatBytes(
    utf8("subtree/v1\n\0"),
    Uint8Array.of(name.length),
    name,
    u64(demandTimestamp(timestamp)),
    Uint8Array.of(log.length),
    log,
    u64(0),
    u64(size),
    root,
  );
}

/** timestamped_signature of the specification: u64 big endian ‖ signature. */
export function formatCosignature(
  timestamp: number,
  signature: Uint8Array,
  type: CosignatureType = COSIGNATURE_V1,
): Uint8Array {
  const { algorithm, signatureBytes } = COSIGNATURES[type];
  if (signature.length !== signatureBytes)
    throw new RangeError(`an ${algorithm} signature has ${signatureBytes} bytes`);
  return concatBytes(u64(demandTimestamp(timestamp)), signature);
}

/** Untrusted; null for another length than the type's, and for a time past 2^53-1. */
export function parseCosignature(
  bytes: Uint8Array,
  type: CosignatureType = COSIGNATURE_V1,
): { timestamp: number; signature: Uint8Array } | null {
  if (bytes.length !== TIMESTAMP_BYTES + COSIGNATURES[type].signatureBytes) return null;
  const timestamp = Number(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getBigUint64(0));
  return Number.isSafeInteger(timestamp) ? { timestamp, signature: bytes.slice(TIMESTAMP_BYTES) } : null;
}

function u64(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

function demandTimestamp(timestamp: number): number {
  if (!Number.isSafeInteger(timestamp) || timestamp < 0) throw new RangeError("a time is whole POSIX seconds");
  return timestamp;
}
