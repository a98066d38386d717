/**
 * What archiving costs beside appends: the same load on domains whose objects in the archive have 256 entries, and on domains of which
 * no object is full before the load is over (4,096), so that nothing is archived. CPU time of the whole runtime, the rounds in turn;
 * then how many bytes the archive and the database take.
 */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { bundleCell, startCell } from "./cell.ts";
import { cpuMs } from "./cpu.ts";

const ROUNDS = Number(process.argv[2] ?? 5);
const EVENTS_A_REQUEST = 100;
/** Below 4,096 with entry 0. */
const EVENTS = 4000;
const DOMAINS = 4;
const POLL_MS = 20;

const event = (i: number) => ({
  action: "invoice.exported",
  actor: { type: "service", id: `importer-${i % 7}` },
  targets: [{ type: "invoice", id: `inv_${i}` }],
  metadata: { region: "eu-central", batch: i % 97, note: `run ${i * 2654435761}` },
});

const cell = await startCell(await bundleCell());
const cpuUs: Record<"archived" | "not archived", number[]> = { archived: [], "not archived": [] };
let archived: string[] = [];
for (let round = 0; round <= ROUNDS; round++) {
  for (const kind of round % 2 === 0
    ? (["archived", "not archived"] as const)
    : (["not archived", "archived"] as const)) {
    const segmentEntries = kind === "archived" ? 256 : 4096;
    const domains = await Promise.all(
      Array.from({ length: DOMAINS }, (_, i) => cell.domain(`${kind} ${round} ${i}`, segmentEntries)),
    );
    const beganMs = cpuMs(cell.processes);
    await Promise.all(domains.map(append));
    for (const id of domains) await settled(id, segmentEntries);
    const us = ((cpuMs(cell.processes) - beganMs) * 1000) / (DOMAINS * EVENTS);
    console.log(
      `round ${round} ${kind.padEnd(12)} ${us.toFixed(1)} CPU µs an entry${round === 0 ? " (not counted)" : ""}`,
    );
    if (round > 0) cpuUs[kind].push(us);
    if (kind === "archived") archived = domains;
  }
}
const [with_, without] = [median(cpuUs.archived), median(cpuUs["not archived"])];
console.log(
  `\narchiving takes ${(with_ - without).toFixed(1)} of ${with_.toFixed(1)} CPU µs an entry: ${share(with_ - without, without)} of the rest`,
);

const bucket = await cell.miniflare.getR2Bucket("LOG");
let archiveBytes = 0;
let entries = 0;
for (const id of archived) {
  const { archived_size } = await cell.client.head(id);
  entries += archived_size;
  for (const { size } of (await bucket.list({ prefix: `audit/${id}/` })).objects) archiveBytes += size;
}
const ledger = await cell.miniflare.getD1Database("LEDGER_00");
const { meta } = await ledger.prepare("SELECT count(*) FROM audit_log").run();
const { rows } = (await ledger.prepare("SELECT count(*) AS rows FROM audit_log").first()) as { rows: number };
const inD1 = meta.size_after / rows;
const inArchive = archiveBytes / entries;
console.log(
  `archive ${inArchive.toFixed(1)} bytes an entry; D1 with its indexes ${inD1.toFixed(1)}; ratio ${share(inArchive, inD1)}`,
);
console.log(`load average ${readFileSync("/proc/loadavg", "utf8").split(" ").slice(0, 1)}`);
await cell.stop();

async function append(id: string): Promise<void> {
  for (let from = 0; from < EVENTS; from += EVENTS_A_REQUEST) {
    const body = Array.from({ length: EVENTS_A_REQUEST }, (_, i) => event(from + i));
    const answer = await fetch(`${cell.url}/v1/domains/${id}/audit/entries`, {
      method: "POST",
      headers: { Authorization: `Bearer ${cell.key}`, "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer();
  }
}

/** Copied, indexed, and archived as far as objects are full. */
async function settled(id: string, segmentEntries: number): Promise<void> {
  for (;;) {
    const { size, copied_size, indexed_size, archived_size } = await cell.client.head(id);
    if (copied_size === size && indexed_size === size && size - archived_size < segmentEntries) return;
    await sleep(POLL_MS);
  }
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

function share(part: number, of: number): string {
  return `${((100 * part) / of).toFixed(1)} %`;
}
