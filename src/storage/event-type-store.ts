/** Action types of tenants in D1 control. Every statement names the tenant. */
import { and, asc, eq, gt, isNull, sql } from "drizzle-orm";
import { type DrizzleD1Database, drizzle } from "drizzle-orm/d1";
import { LIMITS } from "../core/limits.ts";
import type { EventTypeRecord, EventTypeStore, EventTypeVersion, NumberedVersion } from "../services/ports.ts";
import { storeUnavailable } from "./d1-errors.ts";
import { eventType, eventTypeVersion } from "./schema.ts";

const TYPES = LIMITS.eventTypesPerTenant;

export class D1EventTypeStore implements EventTypeStore {
  readonly #db: DrizzleD1Database;

  constructor(db: D1Database) {
    this.#db = drizzle(db);
  }

  async types(tenantId: string): Promise<EventTypeRecord[]> {
    return asking(() => this.#typesOf(tenantId));
  }

  #typesOf(tenantId: string) {
    const mine = eq(eventType.tenantId, tenantId);
    return this.#db.select().from(eventType).where(mine).orderBy(asc(eventType.action)).limit(TYPES);
  }

  async type(tenantId: string, action: string): Promise<EventTypeRecord | null> {
    const mine = and(eq(eventType.tenantId, tenantId), eq(eventType.action, action));
    const [row] = await asking(() => this.#db.select().from(eventType).where(mine));
    return row ?? null;
  }

  async version(tenantId: string, action: string, version: number): Promise<EventTypeVersion | null> {
    const one = and(
      eq(eventTypeVersion.tenantId, tenantId),
      eq(eventTypeVersion.action, action),
      eq(eventTypeVersion.version, version),
    );
    const [row] = await asking(() => this.#db.select().from(eventTypeVersion).where(one));
    return row ? withoutNumber(row) : null;
  }

  async versions(tenantId: string, action: string): Promise<EventTypeVersion[]> {
    const mine = and(eq(eventTypeVersion.tenantId, tenantId), eq(eventTypeVersion.action, action));
    const rows = await asking(() =>
      this.#db
        .select()
        .from(eventTypeVersion)
        .where(mine)
        .orderBy(asc(eventTypeVersion.version))
        .limit(LIMITS.eventTypeVersions),
    );
    return rows.map(withoutNumber);
  }

  async newest(tenantId: string): Promise<EventTypeVersion[]> {
    const newest = and(
      eq(eventTypeVersion.tenantId, eventType.tenantId),
      eq(eventTypeVersion.action, eventType.action),
      eq(eventTypeVersion.version, eventType.newest),
    );
    const rows = await asking(() =>
      this.#db
        .select({ of: eventTypeVersion })
        .from(eventType)
        .innerJoin(eventTypeVersion, newest)
        .where(eq(eventType.tenantId, tenantId))
        .orderBy(asc(eventType.action))
        .limit(TYPES),
    );
    return rows.map(({ of }) => withoutNumber(of));
  }

  async after(tenantId: string, number: number) {
    const mine = and(eq(eventTypeVersion.tenantId, tenantId), gt(eventTypeVersion.number, number));
    const [types, versions] = await asking(() =>
      this.#db.batch([
        this.#typesOf(tenantId),
        this.#db
          .select()
          .from(eventTypeVersion)
          .where(mine)
          .orderBy(asc(eventTypeVersion.number))
          .limit(TYPES * LIMITS.eventTypeVersions),
      ]),
    );
    return { types, versions: versions satisfies NumberedVersion[] };
  }

  async schemaBytes(tenantId: string): Promise<number> {
    const { metadataSchema, eventSchema } = eventTypeVersion;
    const bytes = sql<number>`total(octet_length(${metadataSchema}) + coalesce(octet_length(${eventSchema}), 0))`;
    const [row] = await asking(() =>
      this.#db.select({ bytes }).from(eventTypeVersion).where(eq(eventTypeVersion.tenantId, tenantId)),
    );
    return row?.bytes ?? 0;
  }

  async add(version: EventTypeVersion): Promise<void> {
    const db = this.#db;
    const { tenantId, action, createdAt, version: newest } = version;
    const mine = and(eq(eventType.tenantId, tenantId), eq(eventType.action, action));
    // The version first: a type never names one that is not there.
    const own = db.insert(eventTypeVersion).values(version).onConflictDoNothing();
    const type =
      newest === 1
        ? db.insert(eventType).values({ tenantId, action, newest, createdAt }).onConflictDoNothing()
        : db.update(eventType).set({ newest, withdrawnAt: null }).where(mine);
    await asking<unknown>(() => db.batch([own, type]));
  }

  async withdraw(tenantId: string, action: string, at: string): Promise<void> {
    const mine = and(eq(eventType.tenantId, tenantId), eq(eventType.action, action), isNull(eventType.withdrawnAt));
    await asking(() => this.#db.update(eventType).set({ withdrawnAt: at }).where(mine));
  }
}

function withoutNumber({ number: _, ...version }: typeof eventTypeVersion.$inferSelect): EventTypeVersion {
  return version;
}

async function asking<T>(ask: () => Promise<T>): Promise<T> {
  return ask().catch((error) => {
    throw storeUnavailable("control", error);
  });
}
