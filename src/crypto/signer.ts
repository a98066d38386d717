/** Signs notes with the cell's log key (Ed25519, RFC 8032). */
import { createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";
import { toHex } from "../core/bytes.ts";
import { formatNote, formatVerifierKey, noteKeyHash, parseNote } from "../core/note.ts";
import { sha256 } from "./sha256.ts";

export interface NoteSigner {
  /** `<log host>/<name>`, the name on the signature line. */
  name: string;
  /** Lower-case hex of the 4-byte key hash: the log key id. */
  keyId: string;
  /** As strangers pin it. */
  verifierKey: string;
  /** The same key under another name: a log's checkpoints are signed by a key that is named like its origin. */
  named(name: string): NoteSigner;
  /** The whole signed note. Throws when `text` does not end with LF or would make a note that `parseNote` refuses. */
  sign(text: string): string;
}

/** `seed` is the 32-byte Ed25519 private key of RFC 8032. Throws on any other length. */
export function noteSigner(name: string, seed: Uint8Array): NoteSigner {
  const key = privateKey(seed);
  return signerOf(name, key, rawPublicKey(key));
}

function signerOf(name: string, key: KeyObject, publicKey: Uint8Array): NoteSigner {
  const keyHash = noteKeyHash(sha256, name, publicKey);
  return {
    name,
    keyId: toHex(keyHash),
    verifierKey: formatVerifierKey(sha256, name, publicKey),
    named: (other) => signerOf(other, key, publicKey),
    sign(text) {
      if (!text.endsWith("\n")) throw new RangeError("the text of a note ends with LF");
      const signature = new Uint8Array(sign(null, Buffer.from(text), key));
      const note = formatNote({ text, signatures: [{ name, keyHash, signature }] });
      if (!parseNote(note)) throw new RangeError("nobody could read a note with this name or text");
      return note;
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
