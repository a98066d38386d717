/**
 * C2SP signed-note: a text and the signatures under it. This file formats and takes apart; keys sign in
 * `crypto/signer.ts` and verify in `crypto/verify.ts`.
 */
import { concatBytes, fromBase64, toBase64, utf8 } from "./bytes.ts";
import type { Sha256 } from "./sha256.ts";

const ED25519 = 0x01;
const KEY_HASH_BYTES = 4;
const MAX_NOTE_CHARS = 64 * 1024;
const MAX_SIGNATURES = 64;
const DASH = "\u2014";

export interface NoteSignature {
  name: string;
  /** The first 4 bytes of SHA-256(name ‖ LF ‖ type ‖ public key). */
  keyHash: Uint8Array;
  signature: Uint8Array;
}

export interface Note {
  /** Ends with LF. */
  text: string;
  signatures: NoteSignature[];
}

export function noteKeyHash(sha256: Sha256, name: string, ed25519PublicKey: Uint8Array): Uint8Array {
  return sha256(`${name}\n`, Uint8Array.of(ED25519), ed25519PublicKey).slice(0, KEY_HASH_BYTES);
}

/** The verifier key as strangers pin it: `<name>+<hex key hash>+<base64 of type and key>`. */
export function formatVerifierKey(sha256: Sha256, name: string, ed25519PublicKey: Uint8Array): string {
  const hash = [...noteKeyHash(sha256, name, ed25519PublicKey)].map((b) => b.toString(16).padStart(2, "0")).join("");
  return `${name}+${hash}+${toBase64(concatBytes(Uint8Array.of(ED25519), ed25519PublicKey))}`;
}

export function formatNote(note: Note): string {
  return `${note.text}\n${note.signatures.map(formatSignatureLine).join("")}`;
}

/** Ends with LF. */
export const formatSignatureLine = ({ name, keyHash, signature }: NoteSignature): string =>
  `${DASH} ${name} ${toBase64(concatBytes(keyHash, signature))}\n`;

/** Takes an untrusted note apart; `null` for anything that `formatNote` would not have written. No signature is checked. */
export function parseNote(text: string): Note | null {
  if (text.length > MAX_NOTE_CHARS || !text.isWellFormed() || hasControlCharacters(text)) return null;
  const split = text.lastIndexOf("\n\n");
  if (split < 0 || !text.endsWith("\n")) return null;
  const lines = text.slice(split + 2, -1).split("\n");
  if (lines.length > MAX_SIGNATURES) return null;
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const [, name, base64] = /^\u2014 ([^\s\u0085+]+) ([A-Za-z0-9+/=]+)$/u.exec(line) ?? [];
    const bytes = base64 ? fromBase64(base64) : null;
    if (!name || !bytes || bytes.length <= KEY_HASH_BYTES) return null;
    signatures.push({ name, keyHash: bytes.slice(0, KEY_HASH_BYTES), signature: bytes.slice(KEY_HASH_BYTES) });
  }
  const note = { text: text.slice(0, split + 1), signatures };
  return formatNote(note) === text && utf8(text).length <= MAX_NOTE_CHARS ? note : null;
}

function hasControlCharacters(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c < 0x20 && c !== 0x0a) return true;
  }
  return false;
}
