/** Starts workerd over files on disk, and kills it as a crash would: the whole group, with SIGKILL, at any moment. */
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { commandOf, signalGroup } from "../../../src/ops/processes.ts";
import { wranglerEnvironment } from "../../../src/ops/wrangler.ts";
import type { Started } from "./host.ts";
import type { RunPlan } from "./plan.ts";

const STARTED_WITHIN_MS = 60_000;
const GONE_WITHIN_MS = 10_000;

export interface CellProcess {
  /** Address of a Worker by its name (`gateway`, `moonseal-cell-eu`). */
  url(name: string): string;
  workerdPid: number;
  /** One run of a cell's cron. */
  cron(name: string): Promise<void>;
  /** Resident memory of workerd now. Bytes. */
  residentBytes(): number;
  /** SIGKILL to the whole group; resolves when no member is left. */
  kill(): Promise<void>;
}

/** `environment` adds to the child's: `MINIFLARE_WORKERD_PATH` puts something between miniflare and workerd. */
export async function startCells(plan: RunPlan, environment: Record<string, string> = {}): Promise<CellProcess> {
  mkdirSync(plan.state, { recursive: true });
  const log = `${plan.state}.log`;
  const output = openSync(log, "a");
  const host = fork(path.join(import.meta.dirname, "host.ts"), [JSON.stringify(plan)], {
    detached: true,
    env: { ...wranglerEnvironment(plan.state), ...environment },
    execArgv: [],
    stdio: ["ignore", output, output, "ipc"],
  });
  const group = host.pid ?? 0;
  const ended = new Promise<void>((resolve) => host.once("exit", () => resolve()));
  const kill = async () => {
    signalGroup(group, "SIGKILL");
    await ended;
    await untilGone(group);
  };
  const started = await Promise.race([
    new Promise<Started>((resolve) => host.once("message", (message) => resolve(message as Started))),
    ended.then(() => null),
    sleep(STARTED_WITHIN_MS, null, { ref: false }),
  ]);
  if (!started) {
    await kill();
    throw new Error(`workerd did not start:\n${readFileSync(log, "utf8").slice(-4000)}`);
  }
  const workerdPid = membersOf(group).find((pid) => /(^|\/)workerd /.test(commandOf(pid) ?? "")) ?? 0;
  return {
    url: (name) => started.urls[name] ?? "",
    workerdPid,
    cron: async (name) => {
      const ran = once(host, "message");
      host.send(name);
      const [{ outcome }] = (await ran) as [{ outcome: string }];
      if (outcome !== "ok") throw new Error(`cron of ${name}: ${outcome}`);
    },
    residentBytes: () => residentBytes(workerdPid),
    kill,
  };
}

/** Only when the last member is gone has the kernel taken back its locks on the databases. */
async function untilGone(group: number): Promise<void> {
  const deadline = Date.now() + GONE_WITHIN_MS;
  while (membersOf(group).length > 0) {
    if (Date.now() > deadline) throw new Error(`process group ${group} does not end`);
    await sleep(5);
  }
}

function membersOf(group: number): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => statOf(pid)?.group === group && statOf(pid)?.state !== "Z");
}

function statOf(pid: number): { state: string; group: number } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state = "", , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state, group: Number(group) };
  } catch {
    return null;
  }
}

function residentBytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
