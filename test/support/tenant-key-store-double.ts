/**
 * Tenant keys in memory, stricter than the port's contract: every call takes a while, what goes in and comes out is a copy,
 * versions come one after the other, and a call can be held back after it was carried out.
 */
import type { TenantKeyRecord, TenantKeyStore } from "../../src/services/ports.ts";

type Call = "list" | "create" | "retire" | "destroy" | "destroyAll";

export class TenantKeyStoreDouble implements TenantKeyStore {
  readonly calls: Call[] = [];
  readonly #records = new Map<string, Map<number, TenantKeyRecord>>();
  /** Answers that wait: what the call said when it was carried out does not change any more. */
  readonly #held = new Map<Call, Promise<void>>();

  list(tenantId: string): Promise<TenantKeyRecord[]> {
    return this.#carryOut("list", () => {
      const records = [...this.#of(tenantId).values()].sort((a, b) => a.version - b.version);
      return records.map(copyOf);
    });
  }

  create(tenantId: string, record: TenantKeyRecord): Promise<boolean> {
    return this.#carryOut("create", () => {
      demand(record);
      const records = this.#of(tenantId);
      if (records.has(record.version)) return false;
      if (record.version > Math.max(0, ...records.keys()) + 1) throw new Error("a version was left out");
      records.set(record.version, copyOf(record));
      return true;
    });
  }

  retire(tenantId: string, version: number, retiredAt: string): Promise<void> {
    return this.#carryOut("retire", () => {
      const record = this.#of(tenantId).get(version);
      if (record) record.retiredAt ??= retiredAt;
    });
  }

  destroy(tenantId: string, version: number): Promise<void> {
    return this.#carryOut("destroy", () => void this.#of(tenantId).delete(version));
  }

  destroyAll(tenantId: string): Promise<void> {
    return this.#carryOut("destroyAll", () => this.#of(tenantId).clear());
  }

  /** The answers of the calls of this name that are made from now on wait until the returned function is called. */
  hold(call: Call): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#held.set(call, promise);
    return () => {
      this.#held.delete(call);
      resolve();
    };
  }

  count(call: Call): number {
    return this.calls.filter((made) => made === call).length;
  }

  async #carryOut<T>(call: Call, run: () => T): Promise<T> {
    this.calls.push(call);
    const held = this.#held.get(call);
    for (let turn = 0; turn < 3; turn++) await Promise.resolve();
    const answer = run();
    await held;
    for (let turn = 0; turn < 3; turn++) await Promise.resolve();
    return answer;
  }

  #of(tenantId: string): Map<number, TenantKeyRecord> {
    const records = this.#records.get(tenantId) ?? new Map<number, TenantKeyRecord>();
    this.#records.set(tenantId, records);
    return records;
  }
}

function copyOf({ material, ...record }: TenantKeyRecord): TenantKeyRecord {
  return {
    ...record,
    material: material.kind === "raw" ? { kind: "raw", key: material.key.slice() } : { ...material },
  };
}

function demand({ version, createdAt, retiredAt, material }: TenantKeyRecord): void {
  if (!Number.isInteger(version) || version < 1 || version > 65_535) throw new RangeError("no version");
  if (new Date(createdAt).toISOString() !== createdAt || retiredAt !== null) throw new Error("made at no time");
  if (material.kind === "raw" && (material.key.length !== 32 || material.key.every((byte) => byte === 0))) {
    throw new Error("no random key");
  }
}
