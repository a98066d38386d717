/** One run per folder: two runs would open the same databases. `run.json` says who runs, where, and what to end after a crash. */
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { localPaths } from "./paths.ts";
import { writePrivateFile } from "./private-file.ts";
import { endGroup, isAlive } from "./processes.ts";

export interface Run {
  pid: number;
  supervisorPid?: number;
  wranglerPid?: number;
  /** Set once the gateway answers and the demo is there. */
  url?: string;
}

const STARTER = "src/ops/start";
const SUPERVISOR = "src/ops/supervisor";
const SUPERVISOR_ENDS_WITHIN_MS = 10_000;

/**
 * Claims the folder for this process. Answers the live run that holds it instead, if there is one. What a killed run left
 * behind is ended first: its supervisor notices by itself; had that been killed too, its process group is ended here.
 */
export async function claimRun(root: string): Promise<Run | null> {
  const { local, run: file } = localPaths(root);
  mkdirSync(local, { recursive: true });
  for (;;) {
    try {
      writeFileSync(file, JSON.stringify({ pid: process.pid } satisfies Run), { flag: "wx", mode: 0o600 });
      return null;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
    const found = readRun(file);
    if (found && found.pid !== process.pid && isAlive(found.pid, STARTER)) return found;
    if (found) await endLeftovers(root, found);
    rmSync(file, { force: true });
  }
}

export function updateRun(root: string, run: Run): void {
  writePrivateFile(localPaths(root).run, JSON.stringify(run));
}

/** Forgets this process's run; another's is left alone. */
export function releaseRun(root: string): void {
  const { run: file } = localPaths(root);
  if (existsSync(file) && readRun(file)?.pid === process.pid) rmSync(file, { force: true });
}

async function endLeftovers(root: string, { supervisorPid, wranglerPid }: Run): Promise<void> {
  const deadline = Date.now() + SUPERVISOR_ENDS_WITHIN_MS;
  while (supervisorPid && isAlive(supervisorPid, SUPERVISOR) && Date.now() < deadline) await sleep(100);
  if (wranglerPid) await endGroup(wranglerPid, realpathSync(path.join(root, "node_modules")));
}

function readRun(file: string): Run | null {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Run;
  } catch {
    return null;
  }
}
