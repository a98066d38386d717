/** Retention policies in D1 control. Every statement names the tenant. */
import { and, asc, eq, inArray } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import type { PolicyRow, RetentionStore } from "../services/ports.ts";
import { storeUnavailable } from "./d1-errors.ts";
import { dataRetentionPolicies } from "./schema.ts";

export class D1RetentionStore implements RetentionStore {
  readonly #db: DrizzleD1Database;

  constructor(db: D1Database) {
    this.#db = drizzle(db);
  }

  async policies(tenantId: string): Promise<PolicyRow[]> {
    return asking(() =>
      this.#db
        .select()
        .from(dataRetentionPolicies)
        .where(eq(dataRetentionPolicies.tenantId, tenantId))
        .orderBy(asc(dataRetentionPolicies.version)),
    );
  }

  async add(tenantId: string, rows: readonly PolicyRow[], gone: readonly number[]): Promise<void> {
    const db = this.#db;
    const inserts = rows.map((row) =>
      db
        .insert(dataRetentionPolicies)
        .values({ ...row, tenantId })
        .onConflictDoNothing(),
    );
    // D1 takes 100 values a statement; what is left over goes with the next change.
    const outlived = and(
      eq(dataRetentionPolicies.tenantId, tenantId),
      inArray(dataRetentionPolicies.version, gone.slice(0, 90)),
    );
    const [first, ...rest] = [...inserts, db.delete(dataRetentionPolicies).where(outlived)];
    if (first) await asking<unknown>(() => db.batch([first, ...rest]));
  }
}

async function asking<T>(ask: () => Promise<T>): Promise<T> {
  return ask().catch((error) => {
    throw storeUnavailable("control", error);
  });
}
