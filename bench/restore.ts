/**
 * `npm run drill [-- --rows N --segment N --keep DIR]`: the drill that loses something (S4-11). A whole cell on generated entries: archive, wipe
 * D1, restore, compare byte for byte, and verify a copy of the bucket offline. Prints entries a second and what a million would take.
 * Exits with 1 when anything is not as it was.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { forAMillion } from "../src/ops/drill.ts";
import { REPOSITORY } from "../src/ops/paths.ts";
import { testBindings } from "../test/support/bindings.ts";
import { settled } from "./audit.ts";
import { type BenchCell, bundleCell, startCell } from "./cell.ts";
import { cpuMs } from "./cpu.ts";
import { bodyTemplate } from "./event.ts";
import { runLoad } from "./load.ts";

const { values } = parseArgs({
  options: { rows: { type: "string" }, segment: { type: "string" }, keep: { type: "string" } },
});
const rows = Number(values.rows ?? 20_000);
const segmentEntries = Number(values.segment ?? 4096);
const POLL_MS = 100;
const operator = testBindings("eu").OPERATOR_SECRET as string;

interface RestoreJson {
  phase: string;
  inserted: number;
  compared: number;
  entries_per_s: number | null;
  refused: { code: string; seq: number | null } | null;
}

const cell = await startCell(await bundleCell());
try {
  const domainId = await grown(cell);
  const { size } = await indexed(cell, domainId);
  await wipe(cell, domainId);
  await restored(cell, domainId, size, "D1 lost");
  const folder = await copyOfBucket(cell, domainId);
  verifyOffline(folder, await logKey(cell));
  if (values.keep === undefined) rmSync(folder, { recursive: true });
} finally {
  await cell.stop();
}

async function grown(bench: BenchCell): Promise<string> {
  const { client, url, key } = bench;
  const domainId = await bench.domain("restore", segmentEntries);
  const load = { url, paths: [`/v1/domains/${domainId}/audit/entries`], token: key, template: bodyTemplate(1000) };
  for (let size = 0, burst = 0; size < rows; burst++) {
    await runLoad({ ...load, connections: 2, seconds: Math.min(5, Math.ceil(rows / 40_000)), run: `grow${burst}` });
    await settled(bench, [domainId], segmentEntries);
    ({ size } = await client.head(domainId));
  }
  console.log(`${(await client.head(domainId)).size} entries, archived in segments of ${segmentEntries}`);
  return domainId;
}

/** Nothing else is under way in the cell when the restore begins. */
async function indexed({ client }: BenchCell, domainId: string) {
  for (;;) {
    const head = await client.head(domainId);
    if ((head.indexed_size ?? 0) >= head.size) return head;
    await sleep(POLL_MS);
  }
}

/** As a D1 that was made anew: the guards are of the database, so they are dropped for it and put back. */
async function wipe({ miniflare }: BenchCell, domainId: string): Promise<void> {
  const ledger = await miniflare.getD1Database("LEDGER_00");
  const { results } = await ledger
    .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    .all<{ name: string; sql: string }>();
  await ledger.batch(results.map(({ name }) => ledger.prepare(`DROP TRIGGER ${name}`)));
  for (const table of ["audit_log", "ledger_base"]) {
    await ledger.prepare(`DELETE FROM ${table} WHERE domain_id = ?`).bind(domainId).run();
  }
  await ledger.batch(results.map(({ sql }) => ledger.prepare(sql)));
}

async function restored({ url, processes }: BenchCell, domainId: string, size: number, what: string): Promise<void> {
  const headers = { authorization: `Bearer ${operator}`, "content-type": "application/json" };
  const at = `${url}/v1/restores/${domainId}`;
  const beganMs = performance.now();
  const beganCpuMs = cpuMs(processes);
  let writtenCpuMs: number | null = null;
  const begun = await fetch(at, { method: "POST", headers, body: JSON.stringify({ drill: true }) });
  if (begun.status !== 202) throw new Error(`${begun.status} ${await begun.text()}`);
  let now = (await begun.json()) as RestoreJson;
  while (now.phase !== "done" && now.phase !== "refused") {
    await sleep(POLL_MS);
    now = (await (await fetch(at, { headers })).json()) as RestoreJson;
    if (now.phase !== "rows") writtenCpuMs ??= cpuMs(processes) - beganCpuMs;
  }
  const elapsedS = (performance.now() - beganMs) / 1000;
  const isWhole = now.phase === "done" && now.compared >= Math.min(rows, size) - segmentEntries;
  if (!isWhole) process.exitCode = 1;
  const rate = now.entries_per_s ?? 0;
  const perCpu = Math.round((now.inserted * 1000) / Math.max(1, writtenCpuMs ?? 0));
  console.log(`  ${perCpu} rows written a second of CPU, until the first look after the last row`);
  console.log(`${what}: ${now.phase}${now.refused ? ` ${now.refused.code} at ${now.refused.seq}` : ""}`);
  console.log(
    `  ${now.inserted} rows written at ${rate} entries/s, ${now.compared} compared, ${elapsedS.toFixed(1)} s in all`,
  );
  console.log(
    `  a million: ${forAMillion(rate)} to write; ${forAMillion(now.compared / elapsedS)} with the comparison`,
  );
}

/** What of this log is in R2 LOG, as files. */
async function copyOfBucket({ miniflare }: BenchCell, domainId: string): Promise<string> {
  const folder = values.keep ?? mkdtempSync(path.join(tmpdir(), "bucket-"));
  const bucket = await miniflare.getR2Bucket("LOG");
  for (const prefix of ["audit", "sealed", "tlog"]) {
    for (let cursor: string | undefined; ; ) {
      const page = await bucket.list({ prefix: `${prefix}/${domainId}/`, ...(cursor === undefined ? {} : { cursor }) });
      for (const { key } of page.objects) {
        const object = await bucket.get(key);
        const file = path.join(folder, key);
        mkdirSync(path.dirname(file), { recursive: true });
        writeFileSync(file, Buffer.from((await object?.arrayBuffer()) ?? new ArrayBuffer(0)));
      }
      if (!page.truncated) break;
      ({ cursor } = page);
    }
  }
  return folder;
}

/** The key that the cell's logs are signed with: who verifies gets it before the loss, from elsewhere than the bucket. */
async function logKey({ url }: BenchCell): Promise<string> {
  const answer = await fetch(`${url}/.well-known/moonseal`);
  const { cells } = (await answer.json()) as { cells: { log_keys: { verifier_key: string }[] }[] };
  const key = cells[0]?.log_keys[0]?.verifier_key;
  if (key === undefined) throw new Error("the cell names no key");
  return key;
}

function verifyOffline(folder: string, key: string): void {
  const beganMs = performance.now();
  const args = [path.join(REPOSITORY, "src/cli/main.ts"), "verify", "--bucket", folder, "--key", key];
  try {
    console.log(execFileSync(process.execPath, args, { encoding: "utf8" }));
  } catch (error) {
    console.log((error as { stdout: string }).stdout);
    process.exitCode = 1;
  }
  console.log(`verified offline in ${((performance.now() - beganMs) / 1000).toFixed(1)} s`);
}
