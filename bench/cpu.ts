/** CPU time of a process and of what it started: comparable on a machine that does other things too, which a rate is not. */
import { readdirSync, readFileSync } from "node:fs";

/** Linux counts in hundredths of a second. */
const TICK_MS = 10;

/** Processes whose command line contains `part`, started directly or indirectly by `root`. */
export function descendants(part: string, root = process.pid): number[] {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const parents = new Map(all.map((pid) => [Number(pid), Number(fields(pid)?.[1] ?? 0)]));
  const isOurs = (pid: number): boolean => pid === root || (pid > 1 && isOurs(parents.get(pid) ?? 0));
  return [...parents.keys()].filter((pid) => pid !== root && isOurs(pid) && commandLine(pid).includes(part));
}

/** User and system time. Milliseconds; 0 where there is no /proc. */
export function cpuMs(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => {
    const stat = fields(String(pid));
    return stat ? sum + (Number(stat[11]) + Number(stat[12])) * TICK_MS : sum;
  }, 0);
}

/** The fields of /proc/<pid>/stat after the name in parentheses. */
function fields(pid: string): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return null;
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
