/**
 * Evidence of any entry out of a large log, from an object that is warm: how long, how much processor time, how many bytes. The log is filled
 * through the API, its checkpoint is cosigned by one witness (a second cell), and every file is verified before it counts.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { utf8 } from "../src/core/bytes.ts";
import { sha256 } from "../src/crypto/sha256.ts";
import { verifyEd25519, verifyMlDsa44 } from "../src/crypto/verify.ts";
import { verifyEvidence } from "../src/verifier/evidence.ts";
import { parsePolicy, type TrustPolicy } from "../src/verifier/policy.ts";
import { settled } from "./audit.ts";
import type { BenchCell } from "./cell.ts";
import { cpuMs } from "./cpu.ts";
import { bodyTemplate } from "./event.ts";
import { runLoad } from "./load.ts";
import { median } from "./stats.ts";

const EVENTS_A_REQUEST = 100;
const CONNECTIONS = 10;
const LOAD_SECONDS = 20;
const WARM_UP = 200;
const PROOFS = 2000;
/** A witness is asked again at its own pace. */
const WITNESSED_WITHIN_MS = 120_000;
const POLL_MS = 500;

export interface ProofResult {
  entries: number;
  proofs: number;
  p50Ms: number;
  p99Ms: number;
  /** Processor time of the whole runtime for each request: key check, D1's row, the object's proof. */
  cpuMs: number;
  /** Likewise for the entry alone, without its proof. */
  entryCpuMs: number;
  /** Without the entry itself, the line `extra`. */
  bytes: { median: number; most: number };
  voids: string[];
}

export const PROOF_HEAD = [
  "entries",
  "proofs",
  "p50 / p99 ms",
  "CPU ms a proof",
  "of that the entry alone",
  "bytes without the entry, median / most",
];

export const proofRow = ({ entries, proofs, p50Ms, p99Ms, cpuMs, entryCpuMs, bytes }: ProofResult): string[] => [
  entries.toLocaleString("en-US"),
  proofs.toLocaleString("en-US"),
  `${p50Ms.toFixed(1)} / ${p99Ms.toFixed(1)}`,
  cpuMs.toFixed(2),
  entryCpuMs.toFixed(2),
  `${bytes.median.toLocaleString("en-US")} / ${bytes.most.toLocaleString("en-US")}`,
];

/** `witnessKey`: of the cell's one witness. */
export async function measureProof(cell: BenchCell, witnessKey: string, rows: number): Promise<ProofResult> {
  const domainId = await cell.domain("proof");
  const entries = await fill(cell, domainId, rows);
  const policy = await policyOf(cell, witnessKey);
  await witnessed(cell, domainId, policy);
  for (let i = 0; i < WARM_UP; i++) await evidenceOf(cell, domainId, randomSeq(entries));
  const beforeMs = cpuMs(cell.processes);
  for (let i = 0; i < PROOFS; i++) await ask(cell, domainId, randomSeq(entries), "");
  const entryMs = cpuMs(cell.processes) - beforeMs;
  const [latencies, files]: [number[], string[]] = [[], []];
  const usedMs = cpuMs(cell.processes);
  for (let i = 0; i < PROOFS; i++) {
    const began = performance.now();
    files.push(await evidenceOf(cell, domainId, randomSeq(entries)));
    latencies.push(performance.now() - began);
  }
  const spentMs = cpuMs(cell.processes) - usedMs;
  latencies.sort((a, b) => a - b);
  const sizes = files.map((file) => utf8(file.replace(/^extra .*\n/m, "")).length);
  const refuted: string[] = [];
  for (const file of files) {
    const verdict = verdictOf(file, policy);
    if (verdict !== "verified") refuted.push(`evidence was ${verdict}`);
  }
  return {
    entries,
    proofs: PROOFS,
    p50Ms: median(latencies),
    p99Ms: latencies[Math.floor(PROOFS * 0.99)] ?? Number.NaN,
    cpuMs: spentMs / PROOFS,
    entryCpuMs: entryMs / PROOFS,
    bytes: { median: median(sizes), most: Math.max(...sizes) },
    voids: [...new Set(refuted)],
  };
}

async function fill(cell: BenchCell, domainId: string, rows: number): Promise<number> {
  const load = {
    url: cell.url,
    paths: [`/v1/domains/${domainId}/audit/entries`],
    token: cell.key,
    template: bodyTemplate(EVENTS_A_REQUEST),
    connections: CONNECTIONS,
    seconds: LOAD_SECONDS,
  };
  for (let size = 0, burst = 0; ; burst++) {
    ({ size } = await cell.client.head(domainId));
    console.log(`  ${size} entries of ${rows}`);
    if (size >= rows) break;
    await runLoad({ ...load, run: `proof${burst}` });
  }
  return (await settled(cell, [domainId]))[0] ?? 0;
}

const randomSeq = (entries: number) => Math.floor(Math.random() * entries);

const evidenceOf = (cell: BenchCell, domainId: string, seq: number) => ask(cell, domainId, seq, "/evidence");

/** Through the API, as anybody asks; never twice. */
async function ask(cell: BenchCell, domainId: string, seq: number, what: string): Promise<string> {
  const url = `${cell.url}/v1/domains/${domainId}/audit/entries/${seq}${what}`;
  const answer = await fetch(url, { headers: { Authorization: `Bearer ${cell.key}` } });
  if (!answer.ok) throw new Error(`entry ${seq}${what}: ${answer.status} ${await answer.text()}`);
  return answer.text();
}

/** Trust in the key that the cell names, and one cosignature of the witness asked for. */
async function policyOf(cell: BenchCell, witnessKey: string): Promise<TrustPolicy> {
  const answer = await fetch(`${cell.url}/.well-known/moonseal`);
  const { cells } = (await answer.json()) as {
    cells: { origin_prefix: string; log_keys: { verifier_key: string }[] }[];
  };
  const logs = cells.map(({ origin_prefix, log_keys }) => ({
    origin_prefix,
    keys: log_keys.map(({ verifier_key }) => verifier_key),
  }));
  const policy = parsePolicy(sha256, { logs, witnesses: [{ key: witnessKey, independent: true }], required: 1 });
  if (typeof policy === "string") throw new Error(policy);
  return policy;
}

const verdictOf = (file: string, policy: TrustPolicy) =>
  verifyEvidence(file, policy, { sha256, verify: verifyEd25519, verifyMlDsa44 }).verdict;

/** Waits until the newest entry is proved under a checkpoint that the witness cosigned. */
async function witnessed(cell: BenchCell, domainId: string, policy: TrustPolicy): Promise<void> {
  const { size } = await cell.client.head(domainId);
  for (const deadline = Date.now() + WITNESSED_WITHIN_MS; ; await sleep(POLL_MS)) {
    const verdict = verdictOf(await evidenceOf(cell, domainId, size - 1), policy);
    if (verdict === "verified") return;
    if (Date.now() > deadline) throw new Error(`the newest entry is ${verdict}`);
  }
}
