/** Signs notes with the cell's log key (Ed25519, RFC 8032). */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { toHex } from "../core/bytes.ts";
import {
  formatNote,
  formatSignatureLine,
  formatVerifierKey,
  type Note,
  type NoteSignature,
  noteKeyHash,
  parseNote,
} from "../core/note.ts";
import { sha256 } from "./sha256.ts";

export interface NoteSigner {
  /** `<log host>/<name>`, the name on the signature lines. */
  name: string;
  /** Lower-case hex of the 4-byte key hash: the log key id. */
  keyId: string;
  /** As strangers pin it. */
  verifierKey: string;
  /** While the key is being replaced, the previous one's too: it signs beside the present one. */
  verifierKeys: readonly string[];
  /** The same keys under another name: a log's checkpoints are signed by a key that is named like its origin. */
  named(name: string): NoteSigner;
  /** The whole signed note. Throws when `text` does not end with LF or would make a note that `parseNote` refuses. */
  sign(text: string): string;
  /** Whether one of these keys has signed the note. Ed25519 is deterministic, so the signature is made again and compared. */
  hasSigned(note: Note): boolean;
}

interface SigningKey {
  key: KeyObject;
  publicKey: Uint8Array;
}

/** `seed` is the 32-byte Ed25519 private key of RFC 8032; `previous`, the one that it replaces. Throws on any other length. */
export function noteSigner(name: string, seed: Uint8Array, previous: Uint8Array | null = null): NoteSigner {
  const keys = [seed, ...(previous ? [previous] : [])].map(privateKey);
  return signerOf(
    name,
    keys.map((key) => ({ key, publicKey: rawPublicKey(key) })),
  );
}

function signerOf(name: string, keys: readonly SigningKey[]): NoteSigner {
  const hashes = keys.map(({ publicKey }) => noteKeyHash(sha256, name, publicKey));
  const verifierKeys = keys.map(({ publicKey }) => formatVerifierKey(sha256, name, publicKey));
  const signaturesOf = (text: string): NoteSignature[] =>
    keys.map(({ key }, i) => ({
      name,
      keyHash: hashes[i] as Uint8Array,
      signature: new Uint8Array(sign(null, Buffer.from(text), key)),
    }));
  return {
    name,
    keyId: toHex(hashes[0] as Uint8Array),
    verifierKey: verifierKeys[0] as string,
    verifierKeys,
    named: (other) => signerOf(other, keys),
    sign(text) {
      if (!text.endsWith("\n")) throw new RangeError("the text of a note ends with LF");
      const note = formatNote({ text, signatures: signaturesOf(text) });
      if (!parseNote(note)) throw new RangeError("nobody could read a note with this name or text");
      return note;
    },
    hasSigned({ text, signatures }) {
      const lines = new Set(signatures.map(formatSignatureLine));
      return signaturesOf(text).some((signature) => lines.has(formatSignatureLine(signature)));
    },
  };
}

/** RFC 8410 PKCS #8 wrapping of a raw Ed25519 private key. */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");

/** From the raw bytes of RFC 8032. Throws on any length but 32. */
export function privateKey(seed: Uint8Array): KeyObject {
  if (seed.length !== 32) throw new RangeError("an Ed25519 seed has 32 bytes");
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: "der", type: "pkcs8" });
}

export function rawPublicKey(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32));
}
