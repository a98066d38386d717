/** What the verifier needs of a browser: synchronous and without WebCrypto, so that the page also works from a file. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 as nobleSha256 } from "@noble/hashes/sha2.js";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { utf8 } from "../../core/bytes.ts";
import type { Platform } from "../../verifier/report.ts";

export const WEB: Platform = {
  sha256: (...parts) => {
    const hash = nobleSha256.create();
    for (const part of parts) hash.update(typeof part === "string" ? utf8(part) : part);
    return hash.digest();
  },
  verify: (publicKey, message, signature) => {
    try {
      // RFC 8032 as `node:crypto` has it, not the laxer rules of ZIP 215.
      return ed25519.verify(signature, utf8(message), publicKey, { zip215: false });
    } catch {
      return false;
    }
  },
  verifyMlDsa44: (publicKey, message, signature) => {
    try {
      return ml_dsa44.verify(signature, message, publicKey);
    } catch {
      return false;
    }
  },
};
