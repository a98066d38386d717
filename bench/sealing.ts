/** What sealing adds to the append path: the same events with and without private values, in turns, in one run. */
import type { Protocol } from "./append.ts";
import { auditRun, settled } from "./audit.ts";
import type { BenchCell } from "./cell.ts";
import { cpuMs } from "./cpu.ts";
import { bodyTemplate } from "./event.ts";
import { runLoad } from "./load.ts";
import { ms, ratio, spread } from "./stats.ts";

export interface SealingCase {
  events: number;
  connections: number;
}

interface Series {
  perSecond: number[];
  p50Ms: number[];
  p99Ms: number[];
  cpuUs: number[];
}

export interface SealingResult {
  sealingCase: SealingCase;
  plain: Series;
  sealed: Series;
  voids: string[];
}

const series = (): Series => ({ perSecond: [], p50Ms: [], p99Ms: [], cpuUs: [] });

export async function measureSealing(
  cell: BenchCell,
  sealingCase: SealingCase,
  { rounds, seconds }: Protocol,
): Promise<SealingResult> {
  const { events, connections } = sealingCase;
  const result: SealingResult = { sealingCase, plain: series(), sealed: series(), voids: [] };
  const domains = {
    plain: await cell.domain(`without private values ${events}`),
    sealed: await cell.domain(`with private values ${events}`),
  };
  for (let round = 0; round <= rounds; round++) {
    for (const kind of ["plain", "sealed"] as const) {
      const domainId = domains[kind];
      const run = `${kind}${events}r${round}`;
      const cpuBefore = cpuMs(cell.processes);
      const load = await runLoad({
        url: cell.url,
        paths: [`/v1/domains/${domainId}/audit/entries`],
        token: cell.key,
        template: bodyTemplate(events, kind === "sealed"),
        connections,
        seconds,
        run,
      });
      await settled(cell, [domainId]);
      const cpuUs = ((cpuMs(cell.processes) - cpuBefore) * 1000) / load.acknowledged;
      const counted = { run, eventsPerRequest: events, acknowledged: load.acknowledged, underWay: connections };
      const fault = await auditRun(cell, [domainId], counted);
      if (fault || load.failed > 0) result.voids.push(`${kind}, round ${round}: ${fault ?? `${load.failed} failed`}`);
      console.log(`  ${kind} ${events} round ${round}: ${Math.round(load.perSecond * events)} events/s`);
      if (round === 0) continue;
      result[kind].perSecond.push(load.perSecond);
      result[kind].p50Ms.push(load.p50Ms);
      result[kind].p99Ms.push(load.p99Ms);
      result[kind].cpuUs.push(cpuUs);
    }
  }
  return result;
}

export const SEALING_HEAD = [
  "events a request",
  "connections",
  "private values",
  "events/s",
  "of without",
  "p50 / p99 ms",
  "CPU µs a request",
  "of without",
];

export function sealingRows({ sealingCase: { events, connections }, plain, sealed }: SealingResult): string[][] {
  const row = (name: string, its: Series) => [
    String(events),
    String(connections),
    name,
    spread(its.perSecond.map((rate) => rate * events)),
    ratio(its.perSecond, plain.perSecond),
    `${ms(its.p50Ms)} / ${ms(its.p99Ms)}`,
    spread(its.cpuUs),
    ratio(its.cpuUs, plain.cpuUs),
  ];
  return [row("none", plain), row("name, e-mail, IP, user agent", sealed)];
}
