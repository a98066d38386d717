/** Looking at processes by id, and ending a process group that this repository started. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** The command line of a live process; `null` when there is none or it cannot be seen. */
export function commandOf(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim() || null;
  } catch {
    return spawnSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" }).stdout?.trim() || null;
  }
}

/** Whether the process is alive and its command line contains `part` (an id may belong to a stranger by now). */
export function isAlive(pid: number, part: string): boolean {
  return commandOf(pid)?.includes(part) ?? false;
}

/** Command lines of the live members of a process group. */
function groupMembers(group: number): string[] {
  try {
    return readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name) && processGroup(name) === group)
      .flatMap((name) => commandOf(Number(name)) ?? []);
  } catch {
    const { stdout } = spawnSync("ps", ["-A", "-o", "pgid=,args="], { encoding: "utf8" });
    const lines = (stdout ?? "").split("\n").map((line) => /^\s*(\d+)\s+(.*)$/.exec(line));
    return lines.flatMap((match) => (match && Number(match[1]) === group ? [match[2] ?? ""] : []));
  }
}

function processGroup(pid: string): number | null {
  try {
    // After the name in parentheses: state, parent, process group.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[2]);
  } catch {
    return null;
  }
}

/** Signals a process group; a group that is gone is no fault. */
export function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(process.platform === "win32" ? group : -group, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** Ends what is left of a group of ours: nothing happens unless a live member's command line contains `part`. */
export async function endGroup(group: number, part: string): Promise<void> {
  const isOurs = () => groupMembers(group).some((command) => command.includes(part));
  if (!isOurs()) return;
  signalGroup(group, "SIGKILL");
  for (let tries = 0; tries < 50 && groupMembers(group).length > 0; tries++) await sleep(100);
}

const LOOK_FOR_PARENT_MS = 500;

/** Calls back, once, when the process that started this one has ended. Keeps nothing alive. */
export function onceOrphaned(run: () => void): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    run();
  }, LOOK_FOR_PARENT_MS);
  timer.unref();
}
