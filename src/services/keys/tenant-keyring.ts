/**
 * The keys of one tenant, in memory for a short while. Holds no key of another tenant and derives nothing.
 *
 * A tenant without a key gets version 1:
 *  1. list                        none: nobody made one yet, or somebody is about to
 *  2. create version 1            crash, or an answer that got lost: the next call lists again and finds it or not
 *  3. "that version exists"       somebody was faster: list again and use theirs; ours is forgotten
 */
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { equalSecrets } from "../../crypto/compare.ts";
import type { Clock, RandomBytes, TenantKeyRecord, TenantKeyStore } from "../ports.ts";
import { UnwrappedKeys } from "./unwrapped-keys.ts";

export interface KeyringDeps {
  tenantId: string;
  store: TenantKeyStore;
  random: RandomBytes;
  clock: Clock;
  /** Opens a wrapped version: asks the tenant's own key service. Resolves to 32 bytes; throws `keys.unavailable`. */
  unwrap: (record: TenantKeyRecord, version: number) => Promise<Uint8Array>;
}

export interface TenantKey {
  version: number;
  /** 32 bytes. The same array while the key is the same and stays in memory. */
  key: Uint8Array;
}

const KEY_BYTES = 32;

interface Known {
  records: ReadonlyMap<number, TenantKeyRecord>;
  readAtMs: number;
}

export class TenantKeyring {
  readonly #deps: KeyringDeps;
  readonly #unwrapped: UnwrappedKeys;
  #known: Known | null = null;
  #reading: Promise<Known> | null = null;
  #beginning: Promise<Known> | null = null;

  constructor(deps: KeyringDeps) {
    this.#deps = deps;
    this.#unwrapped = new UnwrappedKeys(deps.clock, deps.unwrap);
  }

  /**
   * The newest version; made when the tenant has none. After a rotation elsewhere the one before for at most 60 s more.
   * Throws `storage.unavailable`, and what `unwrap` throws.
   */
  async current(): Promise<TenantKey> {
    const known = await this.#versions();
    const newest = newestOf(known) ?? newestOf(await this.#begin());
    // Made and gone again: the tenant is being deleted.
    if (!newest) throw new AppError("storage.unavailable", { internal: "keys: the tenant's key was there and is not" });
    return { version: newest.version, key: await this.#keyOf(newest) };
  }

  /** The key of this version, or null when the tenant has no such version (any more). Throws as `current` does. */
  async ofVersion(version: number): Promise<Uint8Array | null> {
    const known = await this.#versions();
    const record = known.records.get(version) ?? (await this.#unknownVersion(version, known));
    return record ? this.#keyOf(record) : null;
  }

  /**
   * Throws `keys.unavailable` when the service that wrapped this version has withdrawn it, or does not answer. For whoever holds
   * something that the key has opened: asks nobody about a key of the cell, nor about one that is still in memory.
   */
  async demandUsable(version: number): Promise<void> {
    const record = this.#known?.records.get(version);
    if (!record) await this.ofVersion(version);
    else if (record.material.kind === "wrapped") await this.#unwrapped.keyOf(record);
  }

  /** Drops every key. What is being read at this moment is not kept either. */
  forget(): void {
    this.#known = null;
    this.#reading = null;
    this.#unwrapped.forget();
  }

  async #versions(): Promise<Known> {
    return this.#known && this.#isYoung(this.#known, LIMITS.tenantKeyCacheMs) ? this.#known : this.#read();
  }

  /** A version that is newer than all that are known was made since. Older ones do not come back. */
  async #unknownVersion(version: number, known: Known): Promise<TenantKeyRecord | undefined> {
    const isNewer = version > (newestOf(known)?.version ?? 0);
    if (!isNewer || this.#isYoung(known, LIMITS.tenantKeyRereadMs)) return undefined;
    return (await this.#read()).records.get(version);
  }

  #isYoung({ readAtMs }: Known, ageMs: number): boolean {
    const age = this.#deps.clock() - readAtMs;
    return age >= 0 && age < ageMs;
  }

  /** One reading at a time; everybody who asks meanwhile gets its outcome. After `forget` that outcome is not kept. */
  #read(): Promise<Known> {
    if (this.#reading) return this.#reading;
    const reading = this.#list().then(
      (known) => {
        if (this.#reading === reading) {
          this.#reading = null;
          this.#known = known;
        }
        return known;
      },
      (error) => {
        if (this.#reading === reading) this.#reading = null;
        throw error;
      },
    );
    this.#reading = reading;
    return reading;
  }

  async #list(): Promise<Known> {
    const { store, tenantId, clock } = this.#deps;
    // The age counts from the question: what changes while it is under way may be missing from the answer.
    const readAtMs = clock();
    const before = this.#known;
    const records = (await store.list(tenantId)).map((record) =>
      sameArray(record, before?.records.get(record.version)),
    );
    return { records: new Map(records.map((record) => [record.version, record])), readAtMs };
  }

  /** One at a time, as readings are. */
  #begin(): Promise<Known> {
    this.#beginning ??= this.#makeFirst().finally(() => {
      this.#beginning = null;
    });
    return this.#beginning;
  }

  async #makeFirst(): Promise<Known> {
    const { store, tenantId, clock, random } = this.#deps;
    const createdAt = new Date(clock()).toISOString();
    const material = { kind: "raw" as const, key: random(KEY_BYTES) };
    await store.create(tenantId, { version: 1, createdAt, retiredAt: null, material });
    // Also when it was ours: what is used is what is stored. A reading that began before may not show it.
    this.#reading = null;
    return this.#read();
  }

  async #keyOf(record: TenantKeyRecord): Promise<Uint8Array> {
    return record.material.kind === "raw" ? record.material.key : this.#unwrapped.keyOf(record);
  }
}

function newestOf({ records }: Known): TenantKeyRecord | undefined {
  return records.get(Math.max(...records.keys()));
}

/** The record with the array that is known already, when the key did not change: what is derived from it stays. */
function sameArray(record: TenantKeyRecord, before: TenantKeyRecord | undefined): TenantKeyRecord {
  if (record.material.kind !== "raw" || before?.material.kind !== "raw") return record;
  return equalSecrets(record.material.key, before.material.key) ? { ...record, material: before.material } : record;
}
