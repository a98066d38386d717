/** Key services of tenants in D1 control. Credentials come in and go out sealed. */
import { and, asc, eq, isNotNull, isNull, ne, type SQL } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import type { KeyServiceState } from "../core/key-service.ts";
import { LIMITS } from "../core/limits.ts";
import type { KeyServiceRecord, KeyServiceStore } from "../services/ports.ts";
import { storeUnavailable } from "./d1-errors.ts";
import { tenantKeyService as table } from "./schema.ts";

export class D1KeyServiceStore implements KeyServiceStore {
  readonly #db: DrizzleD1Database;

  constructor(db: D1Database) {
    this.#db = drizzle(db);
  }

  async list(tenantId: string): Promise<KeyServiceRecord[]> {
    const rows = await asking(() =>
      this.#db
        .select()
        .from(table)
        .where(eq(table.tenantId, tenantId))
        .orderBy(asc(table.service))
        .limit(LIMITS.keyServicesPerTenant),
    );
    return rows.map(({ kind: _, ...row }) => row);
  }

  async put(record: KeyServiceRecord): Promise<void> {
    await asking(() => this.#upsert(record));
  }

  async activate(record: KeyServiceRecord, at: string): Promise<void> {
    const others = and(isActive(record.tenantId), ne(table.service, record.service));
    await asking(() => this.#db.batch([this.#retire(others, at), this.#upsert({ ...record, retiredAt: null })]));
  }

  async deactivate(tenantId: string, at: string): Promise<void> {
    await asking(() => this.#retire(isActive(tenantId), at));
  }

  async setState(tenantId: string, service: number, state: KeyServiceState, checkedAt: string): Promise<void> {
    await asking(() =>
      this.#db
        .update(table)
        .set({ state, checkedAt })
        .where(and(eq(table.tenantId, tenantId), eq(table.service, service))),
    );
  }

  async remove(tenantId: string, service: number): Promise<void> {
    const idle = and(eq(table.tenantId, tenantId), eq(table.service, service), isNotNull(table.retiredAt));
    await asking(() => this.#db.delete(table).where(idle));
  }

  #upsert({ tenantId, service, ...rest }: KeyServiceRecord) {
    const set = { ...rest, kind: rest.settings.kind };
    return this.#db
      .insert(table)
      .values({ tenantId, service, ...set })
      .onConflictDoUpdate({ target: [table.tenantId, table.service], set });
  }

  #retire(which: SQL | undefined, retiredAt: string) {
    return this.#db.update(table).set({ retiredAt }).where(which);
  }
}

const isActive = (tenantId: string) => and(eq(table.tenantId, tenantId), isNull(table.retiredAt));

async function asking<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw storeUnavailable("control", error);
  }
}
