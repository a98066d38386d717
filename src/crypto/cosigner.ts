/** Cosigns checkpoints with the cell's witness key (C2SP tlog-cosignature, Ed25519). Never the log key. */
import { sign } from "node:crypto";
import { cosignatureMessage, cosignerKeyHash, formatCosignature, formatCosignerKey } from "../core/cosignature.ts";
import { formatSignatureLine } from "../core/note.ts";
import { sha256 } from "./sha256.ts";
import { privateKey, rawPublicKey } from "./signer.ts";

export interface Cosigner {
  /** `<log host>/witness-<jurisdiction>`, the name on the signature line. */
  name: string;
  publicKey: Uint8Array;
  /** As strangers pin it: type 4. */
  verifierKey: string;
  /** One signature line, with its LF. `checkpointText` ends with LF. `timestamp`: POSIX seconds, from 1 on. */
  cosign(checkpointText: string, timestamp: number): string;
}

/** `seed` is the 32-byte Ed25519 private key of RFC 8032. Throws on any other length. */
export function cosigner(name: string, seed: Uint8Array): Cosigner {
  const key = privateKey(seed);
  const publicKey = rawPublicKey(key);
  const keyHash = cosignerKeyHash(sha256, name, publicKey);
  return {
    name,
    publicKey,
    verifierKey: formatCosignerKey(sha256, name, publicKey),
    cosign(checkpointText, timestamp) {
      if (timestamp < 1) throw new RangeError("a cosignature of a witness says when it was made");
      const message = Buffer.from(cosignatureMessage(checkpointText, timestamp));
      const signature = formatCosignature(timestamp, new Uint8Array(sign(null, message, key)));
      return formatSignatureLine({ name, keyHash, signature });
    },
  };
}
