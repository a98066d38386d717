/** Cosigns checkpoints with the cell's second witness key (C2SP tlog-cosignature, ML-DSA-44), beside the Ed25519 one. */
import { parseCheckpoint } from "../core/checkpoint.ts";
import {
  cosignerKeyHash,
  formatCosignature,
  formatCosignerKey,
  SUBTREE_V1,
  subtreeMessage,
} from "../core/cosignature.ts";
import { formatSignatureLine } from "../core/note.ts";
import type { Cosigner } from "./cosigner.ts";
import { ML_DSA_SEED_BYTES, type MlDsaKey, mlDsaKey, mlDsaPublicKey } from "./ml-dsa.ts";
import { sha256 } from "./sha256.ts";

export interface MlDsaCosigner {
  /** As strangers pin it: type 6, some 1,800 characters. */
  verifierKey(): Promise<string>;
  /**
   * One signature line of some 3,300 characters, with its LF; none for an origin of more than 255 bytes, which the format cannot
   * say. `checkpointText`: of a checkpoint that was parsed. `timestamp`: POSIX seconds, from 1 on.
   */
  cosign(checkpointText: string, timestamp: number): Promise<string>;
}

/** `seed` is what FIPS 204 makes a key of, 32 bytes; the key is made when it is needed first. Throws on any other length. */
export function mlDsaCosigner(name: string, seed: Uint8Array): MlDsaCosigner {
  if (seed.length !== ML_DSA_SEED_BYTES) throw new RangeError("an ML-DSA seed has 32 bytes");
  // The key is kept, never the promise of it: a promise belongs to the request that it was made in.
  let made: MlDsaKey | null = null;
  const key = async () => {
    made ??= await mlDsaKey(seed);
    return made;
  };
  return {
    verifierKey: async () => formatCosignerKey(sha256, name, (await key()).publicKey, SUBTREE_V1),
    async cosign(checkpointText, timestamp) {
      if (timestamp < 1) throw new RangeError("a cosignature of a witness says when it was made");
      const checkpoint = parseCheckpoint(checkpointText);
      if (!checkpoint) throw new RangeError("only a checkpoint is cosigned");
      const message = subtreeMessage(name, checkpoint, timestamp);
      if (message === null) return "";
      const { publicKey, sign } = await key();
      const signature = formatCosignature(timestamp, await sign(message), SUBTREE_V1);
      return formatSignatureLine({ name, keyHash: cosignerKeyHash(sha256, name, publicKey, SUBTREE_V1), signature });
    },
  };
}

/** The same verifier key for tools, at once. Throws on a seed of another length than 32. */
export const mlDsaVerifierKey = (name: string, seed: Uint8Array): string =>
  formatCosignerKey(sha256, name, mlDsaPublicKey(seed), SUBTREE_V1);

/** The lines of both keys, the Ed25519 one first. A key that cannot sign fails both: half an answer would be a silent step back. */
export const cosignWith =
  (cosigner: Cosigner, second: MlDsaCosigner | null) =>
  async (checkpointText: string, timestamp: number): Promise<string> =>
    cosigner.cosign(checkpointText, timestamp) + ((await second?.cosign(checkpointText, timestamp)) ?? "");
