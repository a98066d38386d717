/** A verifier key as strangers pin it (C2SP signed-note, tlog-cosignature), and what it is trusted for. */
import { fromBase64, fromHex, toHex } from "../core/bytes.ts";
import { cosignerKeyHash } from "../core/cosignature.ts";
import { noteKeyHash } from "../core/note.ts";
import type { Sha256 } from "../core/sha256.ts";

/** Type byte of a log's key; that of a cosigner is `COSIGNATURE_V1`. */
export const ED25519 = 0x01;

export interface TrustedKey {
  name: string;
  keyHash: Uint8Array;
  /** Ed25519, 32 bytes. */
  publicKey: Uint8Array;
}

export interface TrustedWitness extends TrustedKey {
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
  const [, name, hex, base64] = /^([^\s\u0085+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u.exec(text) ?? [];
  const bytes = base64 ? fromBase64(base64) : null;
  const keyHash = hex ? fromHex(hex) : null;
  if (!name || !keyHash || bytes?.length !== 33 || bytes[0] !== type) return null;
  const publicKey = bytes.slice(1);
  const hash = type === ED25519 ? noteKeyHash : cosignerKeyHash;
  return toHex(hash(sha256, name, publicKey)) === hex ? { name, keyHash, publicKey } : null;
}
