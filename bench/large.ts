/** One log grown to many rows: copying to D1 beside them, verifying all of them, and what they take in the archive. */
import { setTimeout as sleep } from "node:timers/promises";
import { sha256 } from "../src/crypto/sha256.ts";
import { ChainVerifier } from "../src/verifier/chain.ts";
import type { Protocol } from "./append.ts";
import { auditRun, settled } from "./audit.ts";
import type { BenchCell } from "./cell.ts";
import { bodyTemplate } from "./event.ts";
import { openLedger, rowsOf } from "./ledger-file.ts";
import { runLoad } from "./load.ts";

const EVENTS_A_REQUEST = 1000;
const CONNECTIONS = 4;
/** With a smaller backlog the drain is over before it can be timed. */
const LEAST_BACKLOG = 2000;
const POLL_MS = 20;

export interface LargeResult {
  rows: number;
  /** Rows a second of the copy to D1 while nothing is appended. */
  drain: number[];
  /** Events a second over the whole burst, until the last one is copied: what can go on for ever. */
  sustained: number[];
  verifyInWorkerd: number[];
  verifyInNode: number[];
  readInNode: number[];
  archiveBytes: number;
  voids: string[];
}

export async function measureLarge(
  cell: BenchCell,
  rows: number,
  segmentEntries: number,
  { rounds, seconds }: Protocol,
): Promise<LargeResult> {
  const domainId = await cell.domain(`large ${segmentEntries}`, segmentEntries);
  const result: LargeResult = {
    rows: 0,
    drain: [],
    sustained: [],
    verifyInWorkerd: [],
    verifyInNode: [],
    readInNode: [],
    archiveBytes: 0,
    voids: [],
  };
  const load = {
    url: cell.url,
    paths: [`/v1/domains/${domainId}/audit/entries`],
    token: cell.key,
    template: bodyTemplate(EVENTS_A_REQUEST),
    connections: CONNECTIONS,
  };
  for (let size = 0, burst = 0; size < rows; burst++) {
    await runLoad({ ...load, seconds: 10, run: `grow${segmentEntries}b${burst}` });
    await settled(cell, [domainId], segmentEntries);
    ({ size } = await cell.client.head(domainId));
    console.log(`  ${size} rows of ${rows}`);
  }
  for (let round = 0; round <= rounds; round++) {
    const run = `large${segmentEntries}r${round}`;
    const began = performance.now();
    const before = await cell.client.head(domainId);
    const { acknowledged, failed } = await runLoad({ ...load, seconds, run });
    const drain = await drainRate(cell, domainId);
    const { size } = await cell.client.head(domainId);
    const counted = { run, eventsPerRequest: EVENTS_A_REQUEST, acknowledged, underWay: CONNECTIONS };
    const seconds_ = (performance.now() - began) / 1000;
    const fault = await auditRun(cell, [domainId], counted, segmentEntries);
    if (fault || failed > 0) result.voids.push(`round ${round}: ${fault ?? `${failed} requests failed`}`);
    if (round === 0) continue;
    if (drain !== null) result.drain.push(drain);
    result.sustained.push((size - before.size) / seconds_);
  }
  result.rows = (await cell.client.head(domainId)).size;
  for (let round = 0; round <= Math.min(rounds, 3); round++) {
    const [inWorkerd, inNode, reading] = [
      await byServer(cell, domainId),
      inThisNode(cell, domainId, true),
      inThisNode(cell, domainId, false),
    ];
    if (round === 0) continue;
    result.verifyInWorkerd.push(inWorkerd);
    result.verifyInNode.push(inNode);
    result.readInNode.push(reading);
  }
  result.archiveBytes = await archiveBytesAnEntry(cell, domainId);
  return result;
}

/** Rows a second from now until everything is copied, without the pause in which rows are gathered; null when too little waits. */
async function drainRate(cell: BenchCell, domainId: string): Promise<number | null> {
  const first = await cell.client.head(domainId);
  const waiting = first.size - first.copied_size;
  const began = performance.now();
  const entries = `${cell.url}/v1/domains/${domainId}/audit/entries?limit=1&consistency=latest`;
  const answer = await fetch(entries, { headers: { Authorization: `Bearer ${cell.key}` } });
  if (!answer.ok) throw new Error(`flushing answered ${answer.status}`);
  const copyMs = performance.now() - began;
  for (let head = first; head.copied_size < head.size; head = await cell.client.head(domainId)) await sleep(POLL_MS);
  return waiting < LEAST_BACKLOG ? null : (waiting / copyMs) * 1000;
}

async function byServer(cell: BenchCell, domainId: string): Promise<number> {
  const began = performance.now();
  let answer = await cell.client.verify(domainId);
  while (answer.next_cursor !== null) answer = await cell.client.verify(domainId, { cursor: answer.next_cursor });
  if (answer.verdict !== "verified") throw new Error(`the server says ${answer.verdict}: ${answer.detail}`);
  return (answer.entries / (performance.now() - began)) * 1000;
}

/** From the database file, with the verifier or without. */
function inThisNode(cell: BenchCell, domainId: string, verify: boolean): number {
  const ledger = openLedger(cell.state);
  const verifier = new ChainVerifier(sha256, domainId);
  const began = performance.now();
  let rows = 0;
  for (const row of rowsOf(ledger, domainId, 0)) {
    rows++;
    if (verify && verifier.feed(row)) throw new Error(`entry ${row.seq}: ${verifier.finding?.detail}`);
  }
  ledger.close();
  return (rows / (performance.now() - began)) * 1000;
}

async function archiveBytesAnEntry(cell: BenchCell, domainId: string): Promise<number> {
  const bucket = await cell.miniflare.getR2Bucket("LOG");
  const { archived_size } = await cell.client.head(domainId);
  let bytes = 0;
  for (let cursor: string | undefined; ; ) {
    const page = await bucket.list({ prefix: `audit/${domainId}/`, ...(cursor ? { cursor } : {}) });
    bytes += page.objects.reduce((sum, { size }) => sum + size, 0);
    if (!page.truncated) return bytes / archived_size;
    cursor = page.cursor;
  }
}
