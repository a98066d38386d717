/**
 * Tenant roots in R2 KEYS. R2 has no point-in-time restore, so what is deleted here is gone (decision 7). A root is never
 * written to any other store.
 */
import { AppError } from "../core/errors.ts";
import { ROOT_BYTES } from "../crypto/tenant-keys.ts";
import type { RootStore } from "../services/ports.ts";
import { asking, unlessThere } from "./r2-asking.ts";

const ask = asking("keys");

export class R2RootStore implements RootStore {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  async get(tenantId: string): Promise<Uint8Array | null> {
    const object = await ask(() => this.#bucket.get(rootKey(tenantId)));
    if (!object) return null;
    const root = new Uint8Array(await ask(() => object.arrayBuffer()));
    if (root.length !== ROOT_BYTES) throw new AppError("internal", { internal: `the root of ${tenantId} is damaged` });
    return root;
  }

  async create(tenantId: string, root: Uint8Array): Promise<Uint8Array> {
    const stored = await ask(() => this.#bucket.put(rootKey(tenantId), root, unlessThere()));
    if (stored) return root;
    const existing = await this.get(tenantId);
    if (!existing) throw new AppError("storage.unavailable", { internal: "keys: the root was there and is not" });
    return existing;
  }

  async destroy(tenantId: string): Promise<void> {
    await ask(() => this.#bucket.delete(rootKey(tenantId)));
  }
}

const rootKey = (tenantId: string) => `tenant-root/${tenantId}`;
