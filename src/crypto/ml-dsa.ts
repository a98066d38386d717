/**
 * ML-DSA-44 keys that sign (FIPS 204). WebCrypto does it where the runtime has the algorithm (workerd under
 * `webcrypto_modern_algorithms`, Node from 24.7 on), noble where not. Both make the same key of a seed, and each takes the
 * other's signatures. Signatures are hedged (§3.4): two of the same message differ.
 */
import { webcrypto } from "node:crypto";
import { ml_dsa44 } from "@noble/post-quantum/ml-dsa.js";

const ALGORITHM = "ML-DSA-44";
export const ML_DSA_SEED_BYTES = 32;

export interface MlDsaKey {
  /** 1,312 bytes. */
  publicKey: Uint8Array;
  /** 2,420 bytes. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** `seed`: the ξ of FIPS 204, algorithm 6. Throws on any length but 32. */
export function mlDsaKey(seed: Uint8Array): Promise<MlDsaKey> {
  return supported() ? webCryptoKey(seed) : nobleKey(seed);
}

/** The public key alone, at once: some 3 ms. For tools; a cell asks `mlDsaKey`. */
export const mlDsaPublicKey = (seed: Uint8Array): Uint8Array => ml_dsa44.keygen(demandSeed(seed)).publicKey;

/** In JavaScript: some 5 ms a signature, and not in constant time. */
export async function nobleKey(seed: Uint8Array): Promise<MlDsaKey> {
  const { publicKey, secretKey } = ml_dsa44.keygen(demandSeed(seed));
  return { publicKey, sign: async (message) => ml_dsa44.sign(message, secretKey) };
}

/** Parts of the Web Crypto API's draft "Modern Algorithms" that no types have yet. */
interface ModernSubtle {
  importKey(
    format: "raw-seed",
    seed: Uint8Array,
    algorithm: string,
    extractable: boolean,
    usages: string[],
  ): Promise<CryptoKey>;
  getPublicKey(key: CryptoKey, usages: string[]): Promise<CryptoKey>;
  exportKey(format: "raw-public", key: CryptoKey): Promise<ArrayBuffer>;
  sign(algorithm: string, key: CryptoKey, message: Uint8Array): Promise<ArrayBuffer>;
}

export async function webCryptoKey(seed: Uint8Array): Promise<MlDsaKey> {
  const subtle = webcrypto.subtle as unknown as ModernSubtle;
  const key = await subtle.importKey("raw-seed", demandSeed(seed), ALGORITHM, false, ["sign"]);
  const publicKey = await subtle.exportKey("raw-public", await subtle.getPublicKey(key, ["verify"]));
  return {
    publicKey: new Uint8Array(publicKey),
    sign: async (message) => new Uint8Array(await subtle.sign(ALGORITHM, key, message)),
  };
}

/** Whether WebCrypto here has the algorithm and says so. */
export function supported(): boolean {
  const made = webcrypto.subtle.constructor as unknown as { supports?(operation: string, algorithm: string): boolean };
  try {
    return made.supports?.("sign", ALGORITHM) === true;
  } catch {
    return false;
  }
}

function demandSeed(seed: Uint8Array): Uint8Array {
  if (seed.length !== ML_DSA_SEED_BYTES) throw new RangeError("an ML-DSA seed has 32 bytes");
  return seed;
}
