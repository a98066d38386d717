/**
 * `node bench/profile.ts [events a request] [domains] [connections] [seconds] [private]`: a CPU profile of the cell's isolate under load.
 * Prints the functions by their own time; the profile itself opens in Chrome's developer tools.
 * D1 and R2 run in isolates of their own on the same thread: here they are part of `(program)` and `(idle)`.
 */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { freePort } from "../src/ops/free-port.ts";
import { REPOSITORY } from "../src/ops/paths.ts";
import { settled } from "./audit.ts";
import { bundleCell, startCell } from "./cell.ts";
import { bodyTemplate } from "./event.ts";
import { runLoad } from "./load.ts";

const SHOWN = 45;
const SAMPLE_US = 200;

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

const [events = 1, domains = 1, connections = 50, seconds = 6] = process.argv.slice(2).map(Number);
const port = await freePort(9400);
const cell = await startCell(await bundleCell(), port);
const ids: string[] = [];
for (let i = 0; i < domains; i++) ids.push(await cell.domain(`profile ${i}`));
const load = {
  url: cell.url,
  paths: ids.map((id) => `/v1/domains/${id}/audit/entries`),
  token: cell.key,
  template: bodyTemplate(events, process.argv[6] === "private"),
  connections,
  seconds,
};
await runLoad({ ...load, run: "warm-up" });
await settled(cell, ids);
const debug = await connect(port);
await debug("Profiler.enable");
await debug("Profiler.setSamplingInterval", { interval: SAMPLE_US });
await debug("Profiler.start");
const result = await runLoad({ ...load, run: "profile" });
const { profile } = (await debug("Profiler.stop")) as { profile: Profile };
const file = path.join(REPOSITORY, ".wrangler/bench/append.cpuprofile");
writeFileSync(file, JSON.stringify(profile));
const rate = Math.round(result.perSecond);
console.log(`${rate} requests/s, ${rate * events} events/s, p50 ${result.p50Ms.toFixed(1)} ms\n${file}\n`);
for (const line of selfTimes(profile, result.acknowledged)) console.log(line);
process.exit(0);

/** Share of the time and microseconds a request, by function. */
function selfTimes({ nodes, samples, timeDeltas }: Profile, requests: number): string[] {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const times = new Map<string, number>();
  let total = 0;
  samples.forEach((id, i) => {
    const { functionName, url, lineNumber } = byId.get(id)?.callFrame ?? { functionName: "?", url: "", lineNumber: 0 };
    const name = `${functionName || "(anonymous)"} ${url ? `${path.basename(url)}:${lineNumber + 1}` : ""}`;
    const us = timeDeltas[i] ?? 0;
    times.set(name, (times.get(name) ?? 0) + us);
    total += us;
  });
  return [...times]
    .sort((a, b) => b[1] - a[1])
    .slice(0, SHOWN)
    .map(
      ([name, us]) =>
        `${((us / total) * 100).toFixed(1).padStart(5)} %  ${(us / requests).toFixed(1).padStart(8)} µs/request  ${name}`,
    );
}

async function connect(inspector: number): Promise<(method: string, params?: object) => Promise<unknown>> {
  const targets = (await (await fetch(`http://127.0.0.1:${inspector}/json`)).json()) as {
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(targets[0]?.webSocketDebuggerUrl ?? "");
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", () => reject(new Error("workerd's inspector does not answer")));
  });
  const waiting = new Map<number, (result: unknown) => void>();
  socket.addEventListener("message", (event: MessageEvent) => {
    const { id, result } = JSON.parse(String(event.data));
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  let id = 0;
  return (method, params = {}) =>
    new Promise((resolve) => {
      waiting.set(++id, resolve);
      socket.send(JSON.stringify({ id, method, params }));
    });
}
