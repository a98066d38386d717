/** Counts of refused events of one tenant, as retention removes them from D1 control. Every statement names the tenant. */
import type { Retained } from "../services/ports.ts";
import { storeUnavailable } from "./d1-errors.ts";

const OLD = `domain_id IN (SELECT id FROM domain WHERE tenant_id = ?1) AND last_at < ?2`;
const FREE = `${OLD} AND domain_id NOT IN (SELECT value FROM json_each(?3))`;
const KEY = "domain_id, code, action, pointer, schema_version, credential_id";

const COUNT = `SELECT (SELECT count(*) FROM rejected_event WHERE ${OLD}) AS expired,
  (SELECT count(*) FROM rejected_event WHERE ${FREE}) AS free`;
const DROP = `DELETE FROM rejected_event WHERE domain_id IN (SELECT id FROM domain WHERE tenant_id = ?1)
  AND (${KEY}) IN (SELECT ${KEY} FROM rejected_event WHERE ${FREE} LIMIT ?4)`;

export function retainedRejected(db: D1Database, tenantId: string): Retained {
  return {
    own: false,
    async count(beforeMs, held) {
      const values = [tenantId, new Date(beforeMs).toISOString(), JSON.stringify([...held.domains])];
      const counted = await asking(() =>
        db
          .prepare(COUNT)
          .bind(...values)
          .first<{ expired: number; free: number }>(),
      );
      const { expired = 0, free = 0 } = counted ?? {};
      return { go: free, held: expired - free };
    },
    async drop(beforeMs, held, limit, told) {
      const values = [tenantId, new Date(beforeMs).toISOString(), JSON.stringify([...held.domains]), limit];
      const { meta } = await asking(() =>
        db
          .prepare(DROP)
          .bind(...values)
          .run(),
      );
      told(meta.changes);
    },
  };
}

/** What the control database says the time is, to a thousandth of a second. Unix milliseconds. */
export async function controlTimeMs(db: D1Database): Promise<number> {
  const asked = await asking(() => db.prepare("SELECT unixepoch('subsec') * 1000 AS ms").first<{ ms: number }>());
  return asked?.ms ?? 0;
}

async function asking<T>(ask: () => Promise<T>): Promise<T> {
  return ask().catch((error) => {
    throw storeUnavailable("control", error);
  });
}
