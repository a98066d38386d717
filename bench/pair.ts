/** Two ways of doing the same, in turns, in one run: what the second costs more. */
import type { Protocol } from "./append.ts";
import { auditRun, settled } from "./audit.ts";
import type { BenchCell } from "./cell.ts";
import { cpuMs } from "./cpu.ts";
import { runLoad } from "./load.ts";
import { ms, ratio, spread } from "./stats.ts";

export interface PairCase {
  events: number;
  connections: number;
}

/** One of the two. */
export interface Side {
  name: string;
  cell: BenchCell;
  domainId: string;
  template: string;
}

interface Series {
  perSecond: number[];
  p50Ms: number[];
  p99Ms: number[];
  cpuUs: number[];
}

export interface PairResult {
  pairCase: PairCase;
  names: [string, string];
  without: Series;
  with: Series;
  voids: string[];
}

export const PAIR_HEAD = [
  "events a request",
  "connections",
  "what",
  "events/s",
  "of without",
  "p50 / p99 ms",
  "CPU µs a request",
  "of without",
];

const series = (): Series => ({ perSecond: [], p50Ms: [], p99Ms: [], cpuUs: [] });

export async function measurePair(
  [without, withIt]: readonly [Side, Side],
  pairCase: PairCase,
  { rounds, seconds }: Protocol,
): Promise<PairResult> {
  const { events, connections } = pairCase;
  const names: [string, string] = [without.name, withIt.name];
  const result: PairResult = { pairCase, names, without: series(), with: series(), voids: [] };
  for (let round = 0; round <= rounds; round++) {
    for (const [kind, { name, cell, domainId, template }] of [
      ["without", without],
      ["with", withIt],
    ] as const) {
      const run = `${kind}${events}r${round}`;
      const cpuBefore = cpuMs(cell.processes);
      const paths = [`/v1/domains/${domainId}/audit/entries`];
      const load = await runLoad({ url: cell.url, paths, token: cell.key, template, connections, seconds, run });
      await settled(cell, [domainId]);
      const cpuUs = ((cpuMs(cell.processes) - cpuBefore) * 1000) / load.acknowledged;
      const counted = { run, eventsPerRequest: events, acknowledged: load.acknowledged, underWay: connections };
      const fault = await auditRun(cell, [domainId], counted);
      if (fault || load.failed > 0) result.voids.push(`${name}, round ${round}: ${fault ?? `${load.failed} failed`}`);
      console.log(`  ${name}, ${events} a request, round ${round}: ${Math.round(load.perSecond * events)} events/s`);
      if (round === 0) continue;
      result[kind].perSecond.push(load.perSecond);
      result[kind].p50Ms.push(load.p50Ms);
      result[kind].p99Ms.push(load.p99Ms);
      result[kind].cpuUs.push(cpuUs);
    }
  }
  return result;
}

export function pairRows({ pairCase: { events, connections }, names, without, with: withIt }: PairResult): string[][] {
  const row = (name: string, its: Series) => [
    String(events),
    String(connections),
    name,
    spread(its.perSecond.map((rate) => rate * events)),
    ratio(its.perSecond, without.perSecond),
    `${ms(its.p50Ms)} / ${ms(its.p99Ms)}`,
    spread(its.cpuUs),
    ratio(its.cpuUs, without.cpuUs),
  ];
  return [row(names[0], without), row(names[1], withIt)];
}
