/** workerd under strace, which makes chosen system calls fail or end the process (`strace -e inject`). */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { REPOSITORY } from "../../../src/ops/paths.ts";

/** A system call of workerd, from the nth one of a thread on, fails, or is the last thing that the process does. */
export interface SyscallFault {
  syscall: "fsync" | "pwrite64";
  fault: "error=EIO" | "error=ENOSPC" | "signal=SIGKILL";
  /** The nth call after the start of the cell (about: its start makes a few more or less). */
  nth: number;
  /** How many calls lie between one fault and the next; null: there is only one. */
  every: number | null;
}

/** Why strace cannot be used here; null when it can. */
export function straceMissing(): string | null {
  const tried = spawnSync("strace", ["-f", "-e", "inject=fdatasync:error=EIO:when=1", "-o", "/dev/null", "true"]);
  if (tried.error) return "strace is not installed";
  return tried.status === 0 ? null : `strace may not trace here: ${String(tried.stderr).trim()}`;
}

/**
 * The environment that puts strace between miniflare and workerd. Without a fault it only counts. Not with --seccomp-bpf:
 * strace 6.1 delivers no signals then.
 */
export function underStrace(state: string, syscall: SyscallFault["syscall"], inject: string | null) {
  const trace = `${state}.strace`;
  const script = `${state}-workerd.sh`;
  const workerd = path.join(REPOSITORY, "node_modules/workerd/bin/workerd");
  const faults = inject === null ? "" : `-e inject=${syscall}:${inject}`;
  mkdirSync(path.dirname(script), { recursive: true });
  writeFileSync(trace, "");
  writeFileSync(
    script,
    `#!/bin/sh\nexec strace -f -q -A -o '${trace}' -e trace=${syscall} ${faults} '${workerd}' "$@"\n`,
  );
  chmodSync(script, 0o755);
  const count = (pattern: RegExp) => readFileSync(trace, "latin1").match(pattern)?.length ?? 0;
  return {
    environment: { MINIFLARE_WORKERD_PATH: script },
    calls: () => count(/^\d+ +(fsync|pwrite64)\(/gm),
    /** Calls that failed, or ended the process. */
    injected: () => count(/\(INJECTED\)|^\d+ \+\+\+ killed by SIGKILL/gm),
  };
}
