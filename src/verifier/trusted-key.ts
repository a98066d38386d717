/** A verifier key as strangers pin it (C2SP signed-note, tlog-cosignature), and what it is trusted for. */
import { equalBytes, fromBase64, fromHex } from "../core/bytes.ts";
import {
  COSIGNATURE_V1,
  COSIGNATURES,
  type CosignatureType,
  cosignerKeyHash,
  SUBTREE_V1,
} from "../core/cosignature.ts";
import { noteKeyHash } from "../core/note.ts";
import type { Sha256 } from "../core/sha256.ts";

/** Type byte of a log's key; those of cosigners are in `COSIGNATURES`. */
export const ED25519 = 0x01;

export interface TrustedKey {
  name: string;
  keyHash: Uint8Array;
  /** Ed25519, 32 bytes. */
  publicKey: Uint8Array;
}

export interface CosignerKey {
  name: string;
  keyHash: Uint8Array;
  type: CosignatureType;
  /** As long as `COSIGNATURES` says of the type. */
  publicKey: Uint8Array;
}

export interface TrustedWitness {
  /** Of its first key. */
  name: string;
  /** All of one witness: it counts once, whichever of them it used, and all that it used must be right. At least one. */
  keys: CosignerKey[];
  /** Run by somebody else than the log's operator. Only these count. */
  independent: boolean;
}

export interface TrustedLog {
  /** Exact, or the beginning of one up to and with its last `/`. */
  origin: string;
  isPrefix: boolean;
  /** As they were written; under a prefix their names say nothing. */
  keys: TrustedKey[];
}

/** `<name>+<hex key hash>+<base64 of type and key>` of signed-note; null unless all of it fits. */
export function parseTrustedKey(sha256: Sha256, text: string, type: number): TrustedKey | null {
  const parts = takeApart(text);
  if (parts?.type !== type || parts.publicKey.length !== 32) return null;
  const { name, keyHash, publicKey } = parts;
  const hash = type === ED25519 ? noteKeyHash : cosignerKeyHash;
  return equalBytes(hash(sha256, name, publicKey), keyHash) ? { name, keyHash, publicKey } : null;
}

/** The same for the key of a cosigner, type 4 (Ed25519) or 6 (ML-DSA-44). */
export function parseCosignerKey(sha256: Sha256, text: string): CosignerKey | null {
  const parts = takeApart(text);
  const type = TYPES.find((each) => each === parts?.type);
  if (!parts || !type || parts.publicKey.length !== COSIGNATURES[type].publicKeyBytes) return null;
  const { name, keyHash, publicKey } = parts;
  return equalBytes(cosignerKeyHash(sha256, name, publicKey, type), keyHash)
    ? { name, keyHash, type, publicKey }
    : null;
}

const TYPES = [COSIGNATURE_V1, SUBTREE_V1] as const;

function takeApart(text: string): (TrustedKey & { type: number }) | null {
  const [, name, hex, base64] = /^([^\s\u0085+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u.exec(text) ?? [];
  const bytes = base64 ? fromBase64(base64) : null;
  const keyHash = hex ? fromHex(hex) : null;
  if (!name || !keyHash || !bytes || bytes.length < 1) return null;
  return { name, keyHash, type: bytes[0] as number, publicKey: bytes.slice(1) };
}
