/** Public-key checks only: what a verifier may import of `crypto`. */
import { createPublicKey, verify } from "node:crypto";
import { equalBytes, fromBase64, toHex } from "../core/bytes.ts";
import { type Note, noteKeyHash, parseNote } from "../core/note.ts";
import { sha256 } from "./sha256.ts";

export { verifyMlDsa44 } from "./verify-ml-dsa.ts";

export type NoteVerdict =
  | { ok: true; note: Note }
  | { ok: false; fault: "key_malformed" | "note_malformed" | "key_not_found" | "signature_wrong" };

/** Whether an untrusted note is signed by the pinned verifier key (`<name>+<hash>+<base64>`, Ed25519). */
export function verifyNote(noteText: string, verifierKey: string): NoteVerdict {
  const key = parseVerifierKey(verifierKey);
  if (!key) return { ok: false, fault: "key_malformed" };
  const note = parseNote(noteText);
  if (!note) return { ok: false, fault: "note_malformed" };
  const mine = note.signatures.filter(({ name, keyHash }) => name === key.name && equalBytes(keyHash, key.hash));
  if (mine.length === 0) return { ok: false, fault: "key_not_found" };
  const right = mine.every(({ signature }) => verifyEd25519(key.publicKey, note.text, signature));
  return right ? { ok: true, note } : { ok: false, fault: "signature_wrong" };
}

/** RFC 8032 verification. False, never an exception, for whatever is no signature or no key. */
export function verifyEd25519(publicKey: Uint8Array, message: string, signature: Uint8Array): boolean {
  try {
    const spki = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: "der", type: "spki" });
    return verify(null, Buffer.from(message), spki, signature);
  } catch {
    return false;
  }
}

function parseVerifierKey(text: string): { name: string; hash: Uint8Array; publicKey: Uint8Array } | null {
  const [, name, hex, base64] = /^([^\s\u0085+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u.exec(text) ?? [];
  const bytes = base64 ? fromBase64(base64) : null;
  if (!name || !bytes || bytes.length !== 33 || bytes[0] !== 0x01) return null;
  const publicKey = bytes.slice(1);
  const hash = noteKeyHash(sha256, name, publicKey);
  return toHex(hash) === hex ? { name, hash, publicKey } : null;
}

/** RFC 8410 SubjectPublicKeyInfo of a raw Ed25519 public key. */
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
