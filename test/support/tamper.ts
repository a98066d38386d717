/** What somebody with the database can do: drop the guards, change rows, put the guards back. Runs in workerd. */
import { LIMITS } from "../../src/core/limits.ts";
import { env } from "./cell.ts";

/** Runs the statements with all guards of the ledger away; afterwards they stand as before, so that other domains go on. */
export async function withoutGuards(run: (ledger: D1Database) => Promise<unknown>): Promise<void> {
  const sql = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'";
  const { results } = await env.LEDGER_00.prepare(sql).all<{ name: string; sql: string }>();
  if (results.length === 0) throw new Error("the ledger has no guards to drop");
  await env.LEDGER_00.batch(results.map(({ name }) => env.LEDGER_00.prepare(`DROP TRIGGER ${name}`)));
  try {
    await run(env.LEDGER_00);
  } finally {
    await env.LEDGER_00.batch(results.map((guard) => env.LEDGER_00.prepare(guard.sql)));
  }
}

/** Statements about one domain: its id is `?1`. Each must change something. */
export function tamper(domainId: string, ...statements: string[]): Promise<void> {
  return withoutGuards(async (ledger) => {
    for (const statement of statements) {
      const { meta } = await ledger.prepare(statement).bind(domainId).run();
      if (meta.changes === 0) throw new Error(`changed nothing: ${statement}`);
    }
  });
}

/** Other bounds while `run` runs: the Worker and its objects share this module with the test. */
export async function withLimits<T>(
  limits: Partial<Record<keyof typeof LIMITS, number>>,
  run: () => Promise<T>,
): Promise<T> {
  const before = { ...LIMITS };
  Object.assign(LIMITS, limits);
  try {
    return await run();
  } finally {
    Object.assign(LIMITS, before);
  }
}
