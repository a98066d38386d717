/** Tenants, domains and keys in D1 control. Errors of drizzle carry parameters, so they are replaced at this border. */
import { and, asc, eq, gt, isNull } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import { AppError } from "../core/errors.ts";
import { LIMITS } from "../core/limits.ts";
import type { ShardRange } from "../core/shards.ts";
import type { ApiKeyRecord, ControlStore, DomainRecord, TenantRecord } from "../services/ports.ts";
import { storeUnavailable } from "./d1-errors.ts";
import { apiKey, domain, ledgerShard, provisionedResource, tenant } from "./schema.ts";

export class D1ControlStore implements ControlStore {
  readonly #db: DrizzleD1Database;

  constructor(db: D1Database) {
    this.#db = drizzle(db);
  }

  async addTenant(row: TenantRecord, tenantDomain: DomainRecord, shard: string): Promise<void> {
    const db = this.#db;
    await asking(() =>
      db.batch([
        db.insert(tenant).values(row).onConflictDoNothing({ target: tenant.id }),
        db.insert(domain).values(tenantDomain).onConflictDoNothing({ target: domain.id }),
        db.insert(ledgerShard).values({ domainId: tenantDomain.id, fromSeq: 0, shard }).onConflictDoNothing(),
      ]),
    );
  }

  async tenant(tenantId: string): Promise<TenantRecord | null> {
    const [row] = await asking(() => this.#db.select().from(tenant).where(eq(tenant.id, tenantId)));
    return row ?? null;
  }

  async tenants(afterId: string, limit: number): Promise<TenantRecord[]> {
    return asking(() =>
      this.#db.select().from(tenant).where(gt(tenant.id, afterId)).orderBy(asc(tenant.id)).limit(limit),
    );
  }

  async addDomain(row: DomainRecord, shard: string): Promise<boolean> {
    const db = this.#db;
    await asking(() => db.insert(domain).values(row).onConflictDoNothing());
    if (!(await this.domain(row.id))) return false;
    await asking(() => db.insert(ledgerShard).values({ domainId: row.id, fromSeq: 0, shard }).onConflictDoNothing());
    return true;
  }

  async domain(domainId: string): Promise<DomainRecord | null> {
    const [row] = await asking(() => this.#db.select().from(domain).where(eq(domain.id, domainId)));
    return row ?? null;
  }

  async domainsOf(tenantId: string): Promise<DomainRecord[]> {
    return asking(() =>
      this.#db
        .select()
        .from(domain)
        .where(eq(domain.tenantId, tenantId))
        .orderBy(asc(domain.id))
        .limit(LIMITS.domainsPerTenant + 1),
    );
  }

  async domains(afterId: string, limit: number): Promise<DomainRecord[]> {
    return asking(() =>
      this.#db.select().from(domain).where(gt(domain.id, afterId)).orderBy(asc(domain.id)).limit(limit),
    );
  }

  async shards(domainId: string): Promise<ShardRange[]> {
    const { fromSeq, shard } = ledgerShard;
    return asking(() =>
      this.#db
        .select({ fromSeq, shard })
        .from(ledgerShard)
        .where(eq(ledgerShard.domainId, domainId))
        .orderBy(asc(fromSeq)),
    );
  }

  async putShards(domainId: string, ranges: readonly ShardRange[]): Promise<void> {
    const db = this.#db;
    const rows = ranges.map(({ fromSeq, shard }) =>
      db
        .insert(ledgerShard)
        .values({ domainId, fromSeq, shard })
        .onConflictDoUpdate({ target: [ledgerShard.domainId, ledgerShard.fromSeq], set: { shard } }),
    );
    // Nothing is ever taken away: a range without entries is replaced under its own first seq.
    const [first, ...rest] = rows;
    if (first) await asking(() => db.batch([first, ...rest]));
  }

  async addKey(key: ApiKeyRecord): Promise<void> {
    const row = { ...key, secretMac: Buffer.from(key.secretMac) };
    await asking(() => this.#db.insert(apiKey).values(row).onConflictDoNothing({ target: apiKey.id }));
  }

  async key(keyId: string): Promise<ApiKeyRecord | null> {
    const [row] = await asking(() => this.#db.select().from(apiKey).where(eq(apiKey.id, keyId)));
    return row ? toKeyRecord(row) : null;
  }

  async keysOf(tenantId: string): Promise<ApiKeyRecord[]> {
    const rows = await asking(() =>
      this.#db
        .select()
        .from(apiKey)
        .where(eq(apiKey.tenantId, tenantId))
        .orderBy(asc(apiKey.id))
        .limit(LIMITS.keysPerTenant),
    );
    return rows.map(toKeyRecord);
  }

  async revokeKey(tenantId: string, keyId: string, revokedAt: string): Promise<ApiKeyRecord | null> {
    const mine = and(eq(apiKey.tenantId, tenantId), eq(apiKey.id, keyId));
    await asking(() =>
      this.#db
        .update(apiKey)
        .set({ revokedAt })
        .where(and(mine, isNull(apiKey.revokedAt))),
    );
    const [row] = await asking(() => this.#db.select().from(apiKey).where(mine));
    return row ? toKeyRecord(row) : null;
  }

  async provisioned() {
    return asking(() => this.#db.select().from(provisionedResource));
  }
}

function toKeyRecord(row: typeof apiKey.$inferSelect): ApiKeyRecord {
  return { ...row, secretMac: new Uint8Array(row.secretMac) };
}

async function asking<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw error instanceof AppError ? error : storeUnavailable("control", error);
  }
}
