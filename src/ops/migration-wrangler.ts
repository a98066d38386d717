/** Runs wrangler for a migration: offline for local databases, with the caller's account for remote ones. */
import type { StoredTrigger } from "../storage/guards.ts";
import type { MigrateOptions } from "./migration-options.ts";
import { type Finished, runWrangler } from "./wrangler.ts";

export type RunWrangler = (options: MigrateOptions, args: readonly string[]) => Promise<Finished>;

export const runFor: RunWrangler = ({ root, place }, args) =>
  place === "local" ? runWrangler(root, args) : runWithAccount(root, args);

/** What `d1 execute --json` printed, found among whatever else wrangler says; `null` when it is not there. */
export function triggersIn(output: string): StoredTrigger[] | null {
  const json = /^\[\n[\s\S]*?^\]$/m.exec(output.replaceAll("\r\n", "\n"))?.[0];
  try {
    const [answer] = JSON.parse(json ?? "null") as { success: boolean; results: StoredTrigger[] }[];
    return answer?.success === true ? answer.results : null;
  } catch {
    return null;
  }
}

/** CI makes wrangler apply without asking: who types the command has been asked. */
function runWithAccount(root: string, args: readonly string[]): Promise<Finished> {
  const quiet = { CI: "1", NO_COLOR: "1", WRANGLER_HIDE_BANNER: "true", WRANGLER_SEND_METRICS: "false" };
  return runWrangler(root, args, { ...process.env, ...quiet });
}
