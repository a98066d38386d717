/** Prunes in tests: the keeper's own run, with a policy and a clock of the test's. Runs in workerd. */
import { runInDurableObject } from "cloudflare:test";
import { vi } from "vitest";
import type { DomainKeeper } from "../../durable-objects/domain-keeper.ts";
import type { Alert } from "../../src/services/alerts/alert.ts";
import type { DomainPolicy, DomainRun } from "../../src/services/retention/calls.ts";
import type { LogRunDeps } from "../../src/services/retention/log-run.ts";
import { alarmLater, env, keeperOf, logOf } from "./cell.ts";

export const DAY_MS = 86_400_000;

type Wired = Omit<LogRunDeps, "book" | "clock">;

export interface RetainOptions extends Partial<Omit<DomainPolicy, "referenceMs">> {
  /** How much later than now it is for the keeper; what a store says the time is: the same, unless told. */
  laterMs?: number;
  referenceLaterMs?: number;
  /** Stores that fail. */
  faulty?: (wired: Wired) => Partial<Wired>;
  /** Turns; without it until the run is over. */
  turns?: number;
}

export interface Retained {
  runs: DomainRun[];
  alerts: Alert[];
  /** Codes of turns that failed, each tried again. */
  faults: unknown[];
}

export const confirmed = (domainId: string, duration: string, keptFor = duration) => ({
  ...{ domainId, duration, keptFor, toSeq: 1, dryRunAtMs: 0, confirmedAtMs: 0 },
  by: { type: "service" as const, id: "key" },
});

/** One run of the keeper, as its alarm makes it. By default everything that is older than a day leaves the hot store. */
export function retain(domainId: string, options: RetainOptions = {}): Promise<Retained> {
  const { laterMs = 2 * DAY_MS, referenceLaterMs = laterMs, hot = "P1D", whole = "P7Y", turns = 400 } = options;
  const policy = { hot, whole, allHeld: false, confirmation: confirmed(domainId, hot, whole), ...options };
  const seen: Retained = { runs: [], alerts: [], faults: [] };
  return runInDurableObject(env.DOMAIN_KEEPER.getByName(domainId), async (keeper: DomainKeeper) => {
    const { context } = keeper.retaining;
    const { deps, clock } = context;
    context.clock = () => Date.now() + laterMs;
    context.deps = () => {
      const wired: Wired = {
        ...deps(),
        policy: async () => ({ ...policy, referenceMs: Date.now() + referenceLaterMs }),
        ran: async (_, run) => void seen.runs.push(run),
        raise: async (alert) => void seen.alerts.push(alert),
        resolve: async () => {},
      };
      return { ...wired, ...options.faulty?.(wired) };
    };
    context.book.setDue(context.clock());
    try {
      for (let turn = 0; turn < turns; turn++) {
        const next = await keeper.retaining.turn().catch((error: unknown) => void seen.faults.push(error));
        if (next !== undefined && context.book.open() === null) break;
      }
    } finally {
      Object.assign(context, { deps, clock });
    }
    return seen;
  });
}

/** Everything is copied, archived, under a mirrored checkpoint and indexed. */
export async function settled(domainId: string): Promise<number> {
  const { size } = await logOf(domainId).head();
  await vi.waitFor(
    async () => {
      await alarmLater(domainId);
      const { archivedSize, mirroredSize, copiedSize } = await logOf(domainId).head();
      if (Math.min(archivedSize, mirroredSize, copiedSize) < size) throw new Error("not yet");
    },
    { timeout: 20_000, interval: 50 },
  );
  await keeperOf(domainId).catchUp({ size, withinMs: 10_000 });
  return size;
}

/** Seqs of the rows that the hot store has. */
export async function hotSeqs(domainId: string): Promise<number[]> {
  const sql = "SELECT seq FROM audit_log WHERE domain_id = ? ORDER BY seq";
  const { results } = await env.LEDGER_00.prepare(sql).bind(domainId).all<{ seq: number }>();
  return results.map(({ seq }) => seq);
}

/** How many rows a table of the ledger has for the domain. */
export async function rowsIn(domainId: string, table: "audit_posting" | "audit_tally"): Promise<number> {
  const sql = `SELECT count(*) AS n FROM ${table} t JOIN audit_index i USING (number) WHERE i.domain_id = ?`;
  return (await env.LEDGER_00.prepare(sql).bind(domainId).first<number>("n")) ?? -1;
}

/** What it had in memory is gone. */
export const killKeeper = (domainId: string): Promise<void> =>
  runInDurableObject(env.DOMAIN_KEEPER.getByName(domainId), (_: DomainKeeper, state) => void state.abort()).catch(
    () => {},
  );
