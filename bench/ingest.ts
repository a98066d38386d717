/**
 * `node bench/ingest.ts [--quick] [--events N] [--memory MB]`: the same events as arrays of 1,000 and as one stream of NDJSON, on one connection,
 * in turns in one run; and the memory of the runtime while a long stream goes through it. Prints ratios: the machine does other
 * things too. Every round is counted in the log afterwards.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type BenchCell, bundleCell, startCell } from "./cell.ts";
import { cpuMs } from "./cpu.ts";
import { bodyTemplate } from "./event.ts";
import { median, ratio, spread } from "./stats.ts";

const GROUP = 1000;
const { values } = parseArgs({
  options: { quick: { type: "boolean", default: false }, events: { type: "string" }, memory: { type: "string" } },
});
const rounds = values.quick ? 3 : 7;
/** A whole number of groups. */
const events = Number(values.events ?? (values.quick ? 20_000 : 50_000));
const memoryMb = Number(values.memory ?? 100);

interface Series {
  perSecond: number[];
  cpuUs: number[];
}

const template = JSON.parse(bodyTemplate(GROUP)) as object[];
/** `group` differs in every event, so that nothing is the same twice. */
const groupOf = (run: string, group: number): string[] =>
  template.map((event) =>
    JSON.stringify(event)
      .replaceAll("@", `${run}-${group}`)
      .replaceAll("#", String(group % 10)),
  );

async function asArrays(cell: BenchCell, domainId: string, run: string): Promise<void> {
  for (let group = 0; group < events / GROUP; group++) {
    const body = `[${groupOf(run, group).join()}]`;
    const answer = await post(cell, domainId, "", "application/json", body);
    if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
    await answer.text();
  }
}

async function asStream(cell: BenchCell, domainId: string, run: string): Promise<void> {
  let group = 0;
  const body = streamOf(() => (group < events / GROUP ? `${groupOf(run, group++).join("\n")}\n` : null));
  const answer = await post(cell, domainId, "?mode=partial", "application/x-ndjson", body);
  const text = await answer.text();
  if (!text.includes(`"stored":${events},`)) throw new Error(`${answer.status} ${text.slice(-500)}`);
}

function streamOf(next: () => string | null): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream({
    pull(controller) {
      const text = next();
      if (text === null) controller.close();
      else controller.enqueue(encoder.encode(text));
    },
  });
}

function post(cell: BenchCell, domainId: string, query: string, type: string, body: BodyInit): Promise<Response> {
  const headers = { Authorization: `Bearer ${cell.key}`, "Content-Type": type };
  const init = { method: "POST", headers, body, duplex: "half" } as RequestInit;
  return fetch(`${cell.url}/v1/domains/${domainId}/audit/entries${query}`, init);
}

const rssMb = (cell: BenchCell) =>
  cell.processes.reduce((sum, pid) => {
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return sum + Number(kilobytes ?? 0) / 1024;
  }, 0);

/** Lines that are refused: what goes through the reader alone, since entries that wait for their copies are memory too. */
async function memory(cell: BenchCell, domainId: string, line: string): Promise<{ before: number; most: number }> {
  const piece = line.repeat(Math.ceil(1_000_000 / line.length));
  const before = rssMb(cell);
  let most = before;
  let sent = 0;
  const body = streamOf(() => {
    most = Math.max(most, rssMb(cell));
    return sent++ < memoryMb ? piece : null;
  });
  const answer = await post(cell, domainId, "?mode=partial&results=refused", "application/x-ndjson", body);
  for await (const _ of answer.body as unknown as AsyncIterable<Uint8Array>) most = Math.max(most, rssMb(cell));
  return { before, most };
}

const cell = await startCell(await bundleCell());
try {
  const domains = { array: await cell.domain("ingest array"), stream: await cell.domain("ingest stream") };
  const series: Record<"array" | "stream", Series> = {
    array: { perSecond: [], cpuUs: [] },
    stream: { perSecond: [], cpuUs: [] },
  };
  const ways = { array: asArrays, stream: asStream };
  for (let round = 0; round <= rounds; round++) {
    for (const way of round % 2 === 0 ? (["array", "stream"] as const) : (["stream", "array"] as const)) {
      const cpuBefore = cpuMs(cell.processes);
      const started = performance.now();
      await ways[way](cell, domains[way], `r${round}`);
      const seconds = (performance.now() - started) / 1000;
      if (round === 0) continue;
      series[way].perSecond.push(events / seconds);
      series[way].cpuUs.push(((cpuMs(cell.processes) - cpuBefore) * 1000) / events);
      console.log(`  ${way} round ${round}: ${Math.round(events / seconds)} events/s`);
    }
  }
  for (const [way, domainId] of Object.entries(domains)) {
    const { size } = await cell.client.head(domainId);
    const wanted = 1 + events * (rounds + 1);
    if (size !== wanted) throw new Error(`VOID: ${way} has ${size} entries, not ${wanted}`);
  }
  for (const [way, { perSecond, cpuUs }] of Object.entries(series)) {
    console.log(`${way}: ${spread(perSecond)} events/s, CPU ${median(cpuUs).toFixed(0)} µs an event`);
  }
  console.log(`stream over array: ${ratio(series.stream.perSecond, series.array.perSecond)}`);
  const domainId = await cell.domain("ingest memory");
  for (const [what, line] of [
    ["events that are stored", `${groupOf("memory", 0)[0]}\n`],
    ["lines that are refused", `{"action":"x","padding":"${"p".repeat(400)}"}\n`],
    ["one line without an end", "p".repeat(1000)],
  ] as const) {
    const { before, most } = await memory(cell, domainId, line);
    console.log(`${memoryMb} MB of ${what}: RSS ${before.toFixed(0)} MB before, ${most.toFixed(0)} MB at most`);
  }
} finally {
  await cell.stop();
}
