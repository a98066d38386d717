/** A log's tree in R2 LOG, under the paths of C2SP tlog-tiles: `tlog/<domain id>/checkpoint`, `tlog/<domain id>/tile/…`. */
import { TILE_WIDTH } from "../core/merkle/tiles.ts";
import { HASH_BYTES } from "../core/sha256.ts";
import type { TreeMirror } from "../services/ports.ts";
import { asking, deleteUnder } from "./r2-asking.ts";

const ask = asking("tree mirror");
/** What stands in the bucket is untrusted. A bundle has two bytes before each leaf; a note has at most so many. */
const TILE_BYTES = TILE_WIDTH * (2 + HASH_BYTES);
const CHECKPOINT_BYTES = 64 * 1024;

export const treePrefix = (domainId: string): string => `tlog/${domainId}/`;

export class R2TreeMirror implements TreeMirror {
  readonly #bucket: R2Bucket;
  readonly #domainId: string;

  constructor(bucket: R2Bucket, domainId: string) {
    this.#bucket = bucket;
    this.#domainId = domainId;
  }

  async checkpoint(): Promise<string | null> {
    const bytes = await this.#read("checkpoint", CHECKPOINT_BYTES);
    return bytes && new TextDecoder().decode(bytes);
  }

  /** When R2 stored it, by its own clock; null: there is none. Unix milliseconds. */
  async checkpointWrittenMs(): Promise<number | null> {
    const object = await ask(() => this.#bucket.head(this.#key("checkpoint")));
    return object ? object.uploaded.getTime() : null;
  }

  async putCheckpoint(note: string): Promise<void> {
    const httpMetadata = { contentType: "text/plain; charset=utf-8", cacheControl: "no-cache" };
    await ask(() => this.#bucket.put(this.#key("checkpoint"), note, { httpMetadata }));
  }

  async putTile(path: string, bytes: Uint8Array, endsPartials: boolean): Promise<void> {
    const httpMetadata = { contentType: "application/octet-stream", cacheControl: "max-age=31536000, immutable" };
    await ask(() => this.#bucket.put(this.#key(path), bytes, { httpMetadata }));
    if (endsPartials) await deleteUnder(this.#bucket, this.#key(`${path}.p/`), ask);
  }

  async tile(path: string): Promise<Uint8Array | null> {
    return this.#read(path, TILE_BYTES);
  }

  /** An object that is larger than it can be comes without a byte of it: it would have to be in memory as a whole. */
  async #read(path: string, most: number): Promise<Uint8Array | null> {
    const object = await ask(() => this.#bucket.get(this.#key(path)));
    if (object && object.size > most) {
      await object.body.cancel();
      return new Uint8Array();
    }
    return object ? new Uint8Array(await ask(() => object.arrayBuffer())) : null;
  }

  #key(path: string): string {
    return `${treePrefix(this.#domainId)}${path}`;
  }
}
