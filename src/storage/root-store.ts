/**
 * Tenant roots in R2 KEYS. R2 has no point-in-time restore, so what is deleted here is gone (decision 7). A root is never
 * written to any other store.
 */
import { AppError } from "../core/errors.ts";
import { ROOT_BYTES } from "../crypto/tenant-keys.ts";
import type { RootStore } from "../services/ports.ts";

export class R2RootStore implements RootStore {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  async get(tenantId: string): Promise<Uint8Array | null> {
    const object = await asking(() => this.#bucket.get(rootKey(tenantId)));
    if (!object) return null;
    const root = new Uint8Array(await asking(() => object.arrayBuffer()));
    if (root.length !== ROOT_BYTES) throw new AppError("internal", { internal: `the root of ${tenantId} is damaged` });
    return root;
  }

  async create(tenantId: string, root: Uint8Array): Promise<Uint8Array> {
    const stored = await asking(() =>
      this.#bucket.put(rootKey(tenantId), root, { onlyIf: new Headers({ "If-None-Match": "*" }) }),
    );
    if (stored) return root;
    const existing = await this.get(tenantId);
    if (!existing) throw new AppError("storage.unavailable", { internal: "keys: the root was there and is not" });
    return existing;
  }
}

const rootKey = (tenantId: string) => `tenant-root/${tenantId}`;

async function asking<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw new AppError("storage.unavailable", { internal: "keys: no answer", cause: error });
  }
}
