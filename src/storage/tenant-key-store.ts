/**
 * Tenant keys in R2 KEYS, one object a version: `tenant-key/<tenant id>/<version, 5 digits>`. R2 has no point-in-time
 * restore, so a version that is destroyed here is gone. A key is never written to any other store.
 */
import { fromBase64, toBase64 } from "../core/bytes.ts";
import { canonicalJson } from "../core/canonical.ts";
import { AppError } from "../core/errors.ts";
import { MAX_VERSION } from "../crypto/slot-keys.ts";
import type { TenantKeyRecord, TenantKeyStore } from "../services/ports.ts";
import { asking, deleteUnder, namesUnder, unlessThere } from "./r2-asking.ts";

const FORMAT_VERSION = 1;
const KEY_BYTES = 32;
const ask = asking("keys");

export class R2TenantKeyStore implements TenantKeyStore {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  async list(tenantId: string): Promise<TenantKeyRecord[]> {
    const names = await namesUnder(this.#bucket, prefixOf(tenantId), ask);
    const found = await Promise.all(names.map((name) => this.#read(name)));
    // One that was destroyed in between is not there.
    return found.flatMap((stored) => (stored ? [stored.record] : []));
  }

  async create(tenantId: string, record: TenantKeyRecord): Promise<boolean> {
    const name = nameOf(tenantId, record.version);
    const text = encode(record);
    return (await ask(() => this.#bucket.put(name, text, unlessThere()))) !== null;
  }

  async retire(tenantId: string, version: number, retiredAt: string): Promise<void> {
    const name = nameOf(tenantId, version);
    for (;;) {
      const stored = await this.#read(name);
      if (!stored || stored.record.retiredAt !== null) return;
      const { etag } = stored;
      const retired = encode({ ...stored.record, retiredAt });
      // Never brings back one that was destroyed since it was read; whoever was faster left something to look at again.
      if (await ask(() => this.#bucket.put(name, retired, { onlyIf: { etagMatches: etag } }))) return;
    }
  }

  async destroy(tenantId: string, version: number): Promise<void> {
    const name = nameOf(tenantId, version);
    await ask(() => this.#bucket.delete(name));
  }

  async destroyAll(tenantId: string): Promise<void> {
    await deleteUnder(this.#bucket, prefixOf(tenantId), ask);
  }

  async #read(name: string): Promise<{ record: TenantKeyRecord; etag: string } | null> {
    const object = await ask(() => this.#bucket.get(name));
    if (!object) return null;
    const record = decode(await ask(() => object.text()));
    if (!record || !name.endsWith(`/${digitsOf(record.version)}`)) {
      throw new AppError("internal", { internal: `keys: ${name} is damaged` });
    }
    return { record, etag: object.etag };
  }
}

const prefixOf = (tenantId: string) => `tenant-key/${tenantId}/`;
const digitsOf = (version: number) => String(version).padStart(5, "0");

function nameOf(tenantId: string, version: number): string {
  if (!Number.isInteger(version) || version < 1 || version > MAX_VERSION) {
    throw new RangeError(`a version is 1 to ${MAX_VERSION}`);
  }
  return prefixOf(tenantId) + digitsOf(version);
}

/** Canonical JSON; of a raw key base64, of a wrapped one the text that the tenant's key service gave. */
function encode({ version, createdAt, retiredAt, material }: TenantKeyRecord): string {
  const kept = material.kind === "raw" ? { key: toBase64(material.key) } : { wrapped: material.wrapped };
  return canonicalJson({ v: FORMAT_VERSION, version, created_at: createdAt, retired_at: retiredAt, ...kept });
}

/** Null for everything that `encode` does not write. */
function decode(text: string): TenantKeyRecord | null {
  let stored: Partial<Record<string, unknown>> | null;
  try {
    stored = JSON.parse(text);
  } catch {
    return null;
  }
  const { version, created_at: createdAt, retired_at: retiredAt = null, key, wrapped } = stored ?? {};
  if (typeof version !== "number" || typeof createdAt !== "string") return null;
  if (retiredAt !== null && typeof retiredAt !== "string") return null;
  const material = materialOf(key, wrapped);
  const record = material && { version, createdAt, retiredAt, material };
  return record && encode(record) === text ? record : null;
}

function materialOf(key: unknown, wrapped: unknown): TenantKeyRecord["material"] | null {
  if (typeof wrapped === "string") return { kind: "wrapped", wrapped };
  const bytes = typeof key === "string" ? fromBase64(key) : null;
  return bytes?.length === KEY_BYTES ? { kind: "raw", key: bytes } : null;
}
