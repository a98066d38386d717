/**
 * F15: system calls of workerd fail while it appends. What it acknowledged nevertheless has to be on disk in one chain; after
 * a restart without faults every request is answered, none twice, and the log verifies.
 */
import { cpSync, rmSync } from "node:fs";
import { type CellProcess, startCells } from "./cell-process.ts";
import { checkStored } from "./check-stored.ts";
import { headOf, untilDrained } from "./drain.ts";
import { startLocalCell } from "./local-cell.ts";
import { cellName, type RunPlan } from "./plan.ts";
import { readStoredLog } from "./stored-log.ts";
import { ask, auditUrl, type Domain, event, expectStatus, post, type Receipt } from "./story.ts";
import { type SyscallFault, underStrace } from "./strace.ts";

export interface FaultReport {
  /** System calls that failed, or ended the process. */
  injected: number;
  requests: number;
  /** Of them, answered while faults came. */
  acknowledged: number;
  size: number;
}

const REQUESTS = 60;
const AT_ONCE = 6;
const EVENTS = 5;
const SEGMENT_ENTRIES = 32;
const ATTEMPTS = 3;

/** Throws when a promise was broken. */
export async function appendUnderFaults(state: string, fault: SyscallFault): Promise<FaultReport> {
  const { cell, domain } = await startLocalCell({ state, segmentEntries: SEGMENT_ENTRIES });
  await cell.kill();
  const plan: RunPlan = { state, cells: [{ name: cellName("eu"), jurisdiction: "eu" }], gateway: false };
  const first = (await callsAtStart(plan, fault.syscall, domain)) + fault.nth;
  const when = fault.every === null ? `${first}` : `${first}+${fault.every}`;
  const strace = underStrace(state, fault.syscall, `${fault.fault}:when=${when}`);
  const faulty = await startCells(plan, strace.environment).catch(() => null);
  const receipts = new Map<number, Receipt[]>();
  if (faulty) await sendAll(faulty, domain, receipts);
  const injected = strace.injected();
  await faulty?.kill();
  const acknowledged = [...receipts.values()].flat();
  const copy = `${state}-copy`;
  rmSync(copy, { recursive: true, force: true });
  cpSync(state, copy, { recursive: true });
  checkStored(readStoredLog(copy, domain.domainId), acknowledged);

  const whole = await startCells(plan);
  try {
    const again = new Map<number, Receipt[]>();
    await sendAll(whole, domain, again);
    if (again.size !== REQUESTS) throw new Error(`${REQUESTS - again.size} requests are refused after the faults`);
    for (const [i, first] of receipts) {
      if (JSON.stringify(first) !== JSON.stringify(again.get(i))) throw new Error(`request ${i} got other receipts`);
    }
    const url = whole.url(cellName("eu"));
    const { size } = await untilDrained(url, domain, SEGMENT_ENTRIES);
    if (size !== 1 + REQUESTS * EVENTS) throw new Error(`the log has ${size} entries for ${REQUESTS * EVENTS} events`);
    const verdict = expectStatus(200, await ask(`${auditUrl(url, domain)}/verify`, domain.key));
    if (verdict.verdict !== "verified") throw new Error(`refuted at entry ${verdict.first_bad_seq}`);
    return { injected, requests: REQUESTS, acknowledged: receipts.size, size };
  } finally {
    await whole.kill();
  }
}

/** How many of these calls workerd makes until it serves and the object is awake. */
async function callsAtStart(plan: RunPlan, syscall: SyscallFault["syscall"], domain: Domain): Promise<number> {
  const strace = underStrace(plan.state, syscall, null);
  const cell = await startCells(plan, strace.environment);
  await headOf(cell.url(cellName("eu")), domain);
  await cell.kill();
  return strace.calls();
}

/** Several at once, each a few times: whatever is not answered with receipts stays without. */
async function sendAll(cell: CellProcess, domain: Domain, receipts: Map<number, Receipt[]>): Promise<void> {
  let next = 0;
  const sender = async () => {
    for (let i = next++; i < REQUESTS; i = next++) {
      const events = Array.from({ length: EVENTS }, (_, n) => event({ id: `fault-${i}-${n}` }));
      const url = `${auditUrl(cell.url(cellName("eu")), domain)}/entries`;
      for (let attempt = 0; attempt < ATTEMPTS && !receipts.has(i); attempt++) {
        const answer = await post(url, domain.key, events, { "idempotency-key": `fault-${i}` }).catch(() => null);
        if (answer && answer.status < 300) receipts.set(i, answer.body.receipts);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, sender));
}
