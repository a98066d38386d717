/** Appends over HTTP on the full path, interleaved with a Worker that does nothing and with PostgreSQL behind Node. */
import { auditRun, miscounted, settled } from "./audit.ts";
import type { BenchCell } from "./cell.ts";
import { cpuMs } from "./cpu.ts";
import { bodyTemplate } from "./event.ts";
import { type LoadResult, runLoad } from "./load.ts";
import type { Postgres } from "./postgres.ts";
import { ms, ratio, spread } from "./stats.ts";

export interface AppendCase {
  events: number;
  domains: number;
  connections: number;
}

export interface Protocol {
  /** Measured rounds; one more comes before and is not counted. */
  rounds: number;
  seconds: number;
}

export interface Systems {
  cell: BenchCell;
  noOpUrl: string;
  postgres: Postgres | null;
}

type SystemName = "no-op" | "moonseal" | "postgres same" | "postgres bare";
/** Of each measured round. */
interface Series {
  perSecond: number[];
  p50Ms: number[];
  p99Ms: number[];
  /** Of the runtime, for one request, with everything that comes after it: copies, archive. */
  cpuUs: number[];
}

export interface AppendResult {
  appendCase: AppendCase;
  series: Partial<Record<SystemName, Series>>;
  /** Why a run does not count; empty when every run does. */
  voids: string[];
}

export async function measureAppend(
  systems: Systems,
  appendCase: AppendCase,
  { rounds, seconds }: Protocol,
): Promise<AppendResult> {
  const { cell, postgres } = systems;
  const { events, domains, connections } = appendCase;
  const result: AppendResult = { appendCase, series: {}, voids: [] };
  const name = `${events}-${domains}-${connections}`;
  const ids: string[] = [];
  for (let i = 0; i < domains; i++) ids.push(await cell.domain(`append ${name} ${i}`));
  const load = {
    paths: ids.map((id) => `/v1/domains/${id}/audit/entries`),
    token: cell.key,
    template: bodyTemplate(events),
    connections,
    seconds,
  };
  for (let round = 0; round <= rounds; round++) {
    const run = `run${name}r${round}`;
    const keep = (system: SystemName, { perSecond, p50Ms, p99Ms }: LoadResult, cpuUs?: number) => {
      if (round === 0) return;
      const series = result.series[system] ?? { perSecond: [], p50Ms: [], p99Ms: [], cpuUs: [] };
      result.series[system] = series;
      series.perSecond.push(perSecond);
      series.p50Ms.push(p50Ms);
      series.p99Ms.push(p99Ms);
      if (cpuUs !== undefined) series.cpuUs.push(cpuUs);
    };
    const count = (system: SystemName, fault: string | null, { failed }: LoadResult) => {
      if (fault) result.voids.push(`${system}, round ${round}: ${fault}`);
      if (failed > 0) result.voids.push(`${system}, round ${round}: ${failed} requests failed`);
    };
    keep("no-op", await runLoad({ ...load, url: systems.noOpUrl, run }));

    const cpuBefore = cpuMs(cell.processes);
    const ours = await runLoad({ ...load, url: cell.url, run });
    await settled(cell, ids);
    keep("moonseal", ours, ((cpuMs(cell.processes) - cpuBefore) * 1000) / ours.acknowledged);
    const counted = { run, eventsPerRequest: events, acknowledged: ours.acknowledged, underWay: connections };
    count("moonseal", await auditRun(cell, ids, counted), ours);

    for (const work of postgres ? (["same", "bare"] as const) : []) {
      const its = await runLoad({ ...load, url: postgres?.url[work] ?? "", run: `${work}${run}` });
      keep(`postgres ${work}`, its);
      const asked = { ...counted, run: `${work}${run}`, acknowledged: its.acknowledged };
      count(`postgres ${work}`, miscounted(postgres?.takeStored() ?? new Map(), asked), its);
    }
    console.log(`  ${name} round ${round}: ${Math.round(ours.perSecond * events)} events/s`);
  }
  return result;
}

export const APPEND_HEAD = [
  "events a request",
  "domains",
  "connections",
  "system",
  "requests/s",
  "events/s",
  "p50 / p99 ms",
  "of the no-op",
  "Moonseal is … times this",
  "CPU µs a request",
];

export function appendRows({ appendCase, series, voids }: AppendResult): string[][] {
  const { events, domains, connections } = appendCase;
  const ours = series.moonseal?.perSecond ?? [];
  return (Object.entries(series) as [SystemName, Series][]).map(([system, { perSecond, p50Ms, p99Ms, cpuUs }]) => [
    String(events),
    String(domains),
    String(connections),
    system + (voids.some((fault) => fault.startsWith(`${system},`)) ? " (VOID)" : ""),
    spread(perSecond),
    system === "no-op" ? "-" : spread(perSecond.map((rate) => rate * events)),
    `${ms(p50Ms)} / ${ms(p99Ms)}`,
    ratio(perSecond, series["no-op"]?.perSecond ?? []),
    system === "moonseal" ? "1" : ratio(ours, perSecond),
    spread(cpuUs),
  ]);
}
