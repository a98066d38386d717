/** After every run: all of the log is recomputed, and what was acknowledged is counted against what is stored. */
import { setTimeout as sleep } from "node:timers/promises";
import { sha256 } from "../src/crypto/sha256.ts";
import { ChainVerifier } from "../src/verifier/chain.ts";
import type { BenchCell } from "./cell.ts";
import { openLedger, rowsOf } from "./ledger-file.ts";

const POLL_MS = 100;
const SETTLES_WITHIN_MS = 15 * 60_000;

/** Waits until the copies hold everything: a run must not pay for the one before. Resolves to the sizes, in order. */
export async function settled(cell: BenchCell, domainIds: readonly string[], segmentEntries = 256): Promise<number[]> {
  const deadline = Date.now() + SETTLES_WITHIN_MS;
  const sizes: number[] = [];
  for (const domainId of domainIds) {
    for (let before = -1; ; ) {
      const head = await cell.client.head(domainId);
      if (head.status === "stopped") throw new Error(`${domainId} was stopped: ${head.stopped_reason}`);
      const quiet = head.size === before && head.copied_size === head.size;
      if (quiet && head.size - head.archived_size < segmentEntries) {
        sizes.push(head.size);
        break;
      }
      if (Date.now() > deadline) throw new Error(`the copies of ${domainId} do not catch up`);
      before = head.size;
      await sleep(POLL_MS);
    }
  }
  return sizes;
}

export interface RunCount {
  run: string;
  eventsPerRequest: number;
  /** Requests that were answered with success. */
  acknowledged: number;
  /** Requests that may be stored without an answer: those under way when the load ended. */
  underWay: number;
}

/** What is wrong with the log after a run; `null` when it is whole. Each request stands in it completely and once, or not. */
export async function auditRun(
  cell: BenchCell,
  domainIds: readonly string[],
  count: RunCount,
  segmentEntries?: number,
): Promise<string | null> {
  const sizes = await settled(cell, domainIds, segmentEntries);
  const ledger = openLedger(cell.state);
  try {
    const requests = new Map<string, number>();
    for (const [d, domainId] of domainIds.entries()) {
      const verifier = new ChainVerifier(sha256, domainId);
      for (const row of rowsOf(ledger, domainId, 0)) {
        const finding = verifier.feed(row);
        if (finding) return `${domainId}: entry ${finding.seq} ${finding.fault}: ${finding.detail}`;
        const request = JSON.parse(row.payload).metadata?.request;
        if (String(request).startsWith(`${count.run}-`)) requests.set(request, (requests.get(request) ?? 0) + 1);
      }
      if (verifier.entries !== sizes[d]) return `${domainId}: ${verifier.entries} rows, the head says ${sizes[d]}`;
    }
    return miscounted(requests, count);
  } finally {
    ledger.close();
  }
}

export function miscounted(stored: ReadonlyMap<string, number>, count: RunCount): string | null {
  const { acknowledged, underWay, eventsPerRequest } = count;
  const broken = [...stored].find(([, events]) => events !== eventsPerRequest);
  if (broken) return `request ${broken[0]} is stored with ${broken[1]} events instead of ${eventsPerRequest}`;
  if (stored.size < acknowledged) return `${acknowledged} requests were acknowledged, ${stored.size} are stored`;
  if (stored.size > acknowledged + underWay) {
    return `${stored.size} requests are stored, only ${acknowledged} were acknowledged and ${underWay} under way`;
  }
  return null;
}
