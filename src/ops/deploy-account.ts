/** Runs wrangler with the caller's account: secrets go in through its input, and nothing that it is told is written down. */
import { spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import { WRANGLER } from "./wrangler.ts";

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs one wrangler command to its end. Never rejects for a command that fails: look at `code`. */
export type RunAccount = (args: readonly string[], input?: string) => Promise<Ran>;

export const PASSPHRASE_VARIABLE = "MOONSEAL_ESCROW_PASSPHRASE";

/** What would choose another environment, or write requests with their secrets into a log file. */
const DROPPED = new Set([PASSPHRASE_VARIABLE, "CLOUDFLARE_ENV", "WRANGLER_LOG", "WRANGLER_LOG_PATH", "FORCE_COLOR"]);

/** The caller's environment and account, quiet and without questions. */
export function accountEnvironment(base: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  return {
    ...Object.fromEntries(Object.entries(base).filter(([name]) => !DROPPED.has(name))),
    CI: "1",
    NO_COLOR: "1",
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_WRITE_LOGS: "false",
    WRANGLER_LOG_SANITIZE: "true",
  };
}

export function accountWrangler(root: string, base?: NodeJS.ProcessEnv, program: string = WRANGLER): RunAccount {
  return (args, input = "") =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [program, ...args], { cwd: root, env: accountEnvironment(base) });
      const collected = { stdout: "", stderr: "" };
      for (const name of ["stdout", "stderr"] as const) {
        child[name].setEncoding("utf8").on("data", (chunk: string) => {
          collected[name] += chunk;
        });
      }
      // A wrangler that ended early: its exit code says why.
      child.stdin.on("error", () => {});
      child.stdin.end(input);
      child.once("error", reject);
      child.once("close", (code, signal) => resolve({ code: signal ? 1 : (code ?? 1), ...plain(collected) }));
    });
}

/** What a failed command said, on few lines. */
export function saidBy({ stdout, stderr }: Ran): string {
  const lines = `${stderr}\n${stdout}`.split("\n").map((line) => line.trimEnd());
  return lines
    .filter((line) => line.trim() !== "")
    .slice(0, 12)
    .join("\n");
}

/** Whether wrangler failed because it has no credentials. */
export function lacksAccount(ran: Ran): boolean {
  return (
    ran.code !== 0 &&
    /CLOUDFLARE_API_TOKEN environment variable|not logged in|Not authenticated|wrangler login/i.test(saidBy(ran))
  );
}

/** The JSON that a command printed; `undefined` when there is none. */
export function jsonOf({ stdout }: Ran): unknown {
  const begin = stdout.search(/^[[{]/m);
  try {
    return begin < 0 ? undefined : JSON.parse(stdout.slice(begin));
  } catch {
    return undefined;
  }
}

function plain(streams: { stdout: string; stderr: string }) {
  return { stdout: stripVTControlCharacters(streams.stdout), stderr: stripVTControlCharacters(streams.stderr) };
}
