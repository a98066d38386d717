/** Public-key checks with ML-DSA-44 (FIPS 204). By itself, so that the script inside export bundles takes nothing else along. */
import { createPublicKey, verify } from "node:crypto";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";
import { COSIGNATURES, SUBTREE_V1 } from "../core/cosignature.ts";

const { publicKeyBytes, signatureBytes } = COSIGNATURES[SUBTREE_V1];

/**
 * ML-DSA.Verify of FIPS 204 with an empty context. False, never an exception, for whatever is no signature or no key. By
 * `node:crypto` where that knows the algorithm by name (Node from 24.6 on), in some 0.1 ms; by noble elsewhere, in some 1 ms.
 * Workers read such keys and do not name them: what they do with them is written nowhere, so noble it is.
 */
export function verifyMlDsa44(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== publicKeyBytes || signature.length !== signatureBytes) return false;
  try {
    return nativeMlDsa()
      ? verify(null, message, mlDsaKeyObject(publicKey), signature)
      : ml_dsa44.verify(signature, message, publicKey);
  } catch {
    return false;
  }
}

let native: boolean | null = null;

/** Whether `node:crypto` here has the algorithm. */
export function nativeMlDsa(): boolean {
  if (native !== null) return native;
  try {
    // Any bytes of this length are a public key (FIPS 204, algorithm 23).
    native = mlDsaKeyObject(new Uint8Array(publicKeyBytes)).asymmetricKeyType === "ml-dsa-44";
  } catch {
    native = false;
  }
  return native;
}

/** RFC 9881 SubjectPublicKeyInfo. */
function mlDsaKeyObject(publicKey: Uint8Array) {
  return createPublicKey({ key: Buffer.concat([ML_DSA_SPKI_PREFIX, publicKey]), format: "der", type: "spki" });
}

const ML_DSA_SPKI_PREFIX = Buffer.from("30820532300b06096086480165030403110382052100", "hex");
