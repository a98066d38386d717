/** Tenants, domains and keys in D1 control. Errors of drizzle carry parameters, so they are replaced at this border. */
import { and, asc, eq, gt, inArray, isNull, or } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import { AppError } from "../core/errors.ts";
import { LIMITS } from "../core/limits.ts";
import type { ShardRange } from "../core/shards.ts";
import type {
  ApiKeyRecord,
  ControlStore,
  DomainRecord,
  ServiceAccountRecord,
  TenantChange,
  TenantRecord,
} from "../services/ports.ts";
import { storeUnavailable } from "./d1-errors.ts";
import { apiKey, domain, ledgerShard, provisionedResource, serviceAccount, tenant } from "./schema.ts";

/** D1 takes 100 values a statement. */
const IDS_A_STATEMENT = 90;
const KEY_ROWS = LIMITS.keysPerTenant + LIMITS.endedKeysKept;
/** Removed ones that a key row belongs to stay beside the newest. */
const ACCOUNT_ROWS = LIMITS.serviceAccountsPerTenant + LIMITS.removedAccountsKept + KEY_ROWS;

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
    return row ? toTenantRecord(row) : null;
  }

  async tenants(afterId: string, limit: number): Promise<TenantRecord[]> {
    const rows = await asking(() =>
      this.#db.select().from(tenant).where(gt(tenant.id, afterId)).orderBy(asc(tenant.id)).limit(limit),
    );
    return rows.map(toTenantRecord);
  }

  async changeTenant(tenantId: string, change: TenantChange): Promise<void> {
    await asking(() => this.#db.update(tenant).set(change).where(eq(tenant.id, tenantId)));
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
    return row ? toDomainRecord(row) : null;
  }

  async changeDomain(tenantId: string, domainId: string, settings: DomainRecord["settings"]): Promise<void> {
    const mine = and(eq(domain.tenantId, tenantId), eq(domain.id, domainId));
    await asking(() => this.#db.update(domain).set({ settings }).where(mine));
  }

  async domainsOf(tenantId: string): Promise<DomainRecord[]> {
    const rows = await asking(() =>
      this.#db
        .select()
        .from(domain)
        .where(eq(domain.tenantId, tenantId))
        .orderBy(asc(domain.id))
        .limit(LIMITS.domainsPerTenant + 1),
    );
    return rows.map(toDomainRecord);
  }

  async domains(afterId: string, limit: number): Promise<DomainRecord[]> {
    const rows = await asking(() =>
      this.#db.select().from(domain).where(gt(domain.id, afterId)).orderBy(asc(domain.id)).limit(limit),
    );
    return rows.map(toDomainRecord);
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
      this.#db.select().from(apiKey).where(eq(apiKey.tenantId, tenantId)).orderBy(asc(apiKey.id)).limit(KEY_ROWS),
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

  async expireKey(tenantId: string, keyId: string, expiresAt: string): Promise<void> {
    const mine = and(eq(apiKey.tenantId, tenantId), eq(apiKey.id, keyId), isNull(apiKey.revokedAt));
    const later = or(isNull(apiKey.expiresAt), gt(apiKey.expiresAt, expiresAt));
    await asking(() => this.#db.update(apiKey).set({ expiresAt }).where(and(mine, later)));
  }

  async dropKeys(tenantId: string, keyIds: readonly string[]): Promise<void> {
    for (let at = 0; at < keyIds.length; at += IDS_A_STATEMENT) {
      const ids = keyIds.slice(at, at + IDS_A_STATEMENT);
      await asking(() => this.#db.delete(apiKey).where(and(eq(apiKey.tenantId, tenantId), inArray(apiKey.id, ids))));
    }
  }

  async addServiceAccount(account: ServiceAccountRecord): Promise<void> {
    await asking(() => this.#db.insert(serviceAccount).values(account).onConflictDoNothing());
  }

  async serviceAccount(tenantId: string, id: string): Promise<ServiceAccountRecord | null> {
    const mine = and(eq(serviceAccount.tenantId, tenantId), eq(serviceAccount.id, id));
    const [row] = await asking(() => this.#db.select().from(serviceAccount).where(mine));
    return row ?? null;
  }

  async serviceAccountsOf(tenantId: string): Promise<ServiceAccountRecord[]> {
    return asking(() =>
      this.#db
        .select()
        .from(serviceAccount)
        .where(eq(serviceAccount.tenantId, tenantId))
        .orderBy(asc(serviceAccount.id))
        .limit(ACCOUNT_ROWS),
    );
  }

  async dropServiceAccounts(tenantId: string, accountIds: readonly string[]): Promise<void> {
    for (let at = 0; at < accountIds.length; at += IDS_A_STATEMENT) {
      const ids = accountIds.slice(at, at + IDS_A_STATEMENT);
      const mine = and(eq(serviceAccount.tenantId, tenantId), inArray(serviceAccount.id, ids));
      await asking(() => this.#db.delete(serviceAccount).where(mine));
    }
  }

  async describeServiceAccount(
    tenantId: string,
    id: string,
    words: { name: string; description: string | null },
  ): Promise<void> {
    const mine = and(eq(serviceAccount.tenantId, tenantId), eq(serviceAccount.id, id));
    await asking(() => this.#db.update(serviceAccount).set(words).where(mine));
  }

  async removeServiceAccount(tenantId: string, id: string, removedAt: string): Promise<void> {
    const db = this.#db;
    const account = and(eq(serviceAccount.tenantId, tenantId), eq(serviceAccount.id, id));
    const keys = and(eq(apiKey.tenantId, tenantId), eq(apiKey.serviceAccountId, id));
    await asking(() =>
      db.batch([
        db
          .update(serviceAccount)
          .set({ removedAt })
          .where(and(account, isNull(serviceAccount.removedAt))),
        db
          .update(apiKey)
          .set({ revokedAt: removedAt })
          .where(and(keys, isNull(apiKey.revokedAt))),
      ]),
    );
  }

  async provisioned() {
    return asking(() => this.#db.select().from(provisionedResource));
  }
}

function toTenantRecord(row: typeof tenant.$inferSelect): TenantRecord {
  return { ...row, settings: row.settings ?? {} };
}

function toDomainRecord(row: typeof domain.$inferSelect): DomainRecord {
  return { ...row, settings: row.settings ?? {} };
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
