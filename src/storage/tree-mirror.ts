/** A log's tree in R2 LOG, under the paths of C2SP tlog-tiles: `tlog/<domain id>/checkpoint`, `tlog/<domain id>/tile/…`. */
import type { TreeMirror } from "../services/ports.ts";
import { asking, deleteUnder } from "./r2-asking.ts";

const ask = asking("tree mirror");

export const treePrefix = (domainId: string): string => `tlog/${domainId}/`;

export class R2TreeMirror implements TreeMirror {
  readonly #bucket: R2Bucket;
  readonly #domainId: string;

  constructor(bucket: R2Bucket, domainId: string) {
    this.#bucket = bucket;
    this.#domainId = domainId;
  }

  async checkpoint(): Promise<string | null> {
    const object = await ask(() => this.#bucket.get(this.#key("checkpoint")));
    return object ? ask(() => object.text()) : null;
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
    const object = await ask(() => this.#bucket.get(this.#key(path)));
    return object ? new Uint8Array(await ask(() => object.arrayBuffer())) : null;
  }

  #key(path: string): string {
    return `${treePrefix(this.#domainId)}${path}`;
  }
}
