/** A log as a witness sees it: signed checkpoints and proofs over leaves that are kept in full. Runs anywhere. */
import { toBase64, utf8 } from "../../src/core/bytes.ts";
import { formatCheckpoint } from "../../src/core/checkpoint.ts";
import { proveConsistency } from "../../src/core/merkle/consistency.ts";
import { readFromTiles, TILE_HEIGHT } from "../../src/core/merkle/tiles.ts";
import { Frontier, leafHash } from "../../src/core/merkle/tree.ts";
import { formatAddCheckpoint } from "../../src/core/witness-request.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { type NoteSigner, noteSigner } from "../../src/crypto/signer.ts";
import { WITNESSED_PREFIX, WITNESSED_SEED } from "./bindings.ts";

/** Leaf hashes; the first `common` are the same in every fork. */
export class WitnessedLog {
  readonly origin: string;
  readonly signer: NoteSigner;
  readonly #leaf: (index: number) => Uint8Array;

  constructor(name: string, fork = { at: Number.MAX_SAFE_INTEGER, name: "" }, seed: Uint8Array = WITNESSED_SEED) {
    this.origin = WITNESSED_PREFIX + name;
    this.signer = noteSigner(this.origin, seed);
    this.#leaf = (index) => leafHash(sha256, utf8(index < fork.at ? `${index}` : `${fork.name} ${index}`));
  }

  /** Computed from all leaves each time: nothing is shared with what is tested but the hash functions. */
  root(size: number): Uint8Array {
    const frontier = new Frontier(sha256);
    for (let i = 0; i < size; i++) frontier.append(this.#leaf(i));
    return frontier.root();
  }

  text = (size: number): string => formatCheckpoint({ origin: this.origin, size, root: this.root(size) });
  note = (size: number): string => this.signer.sign(this.text(size));

  proof(oldSize: number, size: number): Uint8Array[] {
    if (oldSize === 0) return [];
    const tiles = new Map<string, Uint8Array[]>();
    const frontier = new Frontier(sha256);
    for (let i = 0; i < size; i++) {
      frontier.append(this.#leaf(i), ({ level, index }, hash) => {
        if (level % TILE_HEIGHT !== 0) return;
        const key = `${level / TILE_HEIGHT}/${Math.floor(index / 256)}`;
        tiles.set(key, [...(tiles.get(key) ?? []), hash]);
      });
    }
    const read = readFromTiles(sha256, size, ({ level, index }) => Buffer.concat(tiles.get(`${level}/${index}`) ?? []));
    return proveConsistency(sha256, oldSize, size, read);
  }

  /** The body of add-checkpoint. */
  body = (oldSize: number, size: number, proof = this.proof(oldSize, size)): string =>
    formatAddCheckpoint({ oldSize, proof, checkpoint: this.note(size) });
}

/** A body with a proof that is spelled but wrong. */
export const hashLine = (fill: number): string => `${toBase64(new Uint8Array(32).fill(fill))}\n`;
