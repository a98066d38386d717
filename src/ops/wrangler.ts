/** Runs the project's own wrangler: quiet, offline and without the account of whoever is logged in. */
import { spawn } from "node:child_process";
import path from "node:path";
import { REPOSITORY } from "./paths.ts";

export const WRANGLER = path.join(REPOSITORY, "node_modules/wrangler/bin/wrangler.js");

export interface Finished {
  code: number;
  /** Both streams, in the order of arrival. */
  output: string;
}

/** The caller's environment without whatever would steer wrangler to an account, plus what keeps it quiet. */
export function wranglerEnvironment(root: string, base: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const kept = Object.entries(base).filter(
    ([name]) => !/^(?:CLOUDFLARE|WRANGLER|MINIFLARE|CF|FORCE_COLOR)(?:_|$)/.test(name),
  );
  return {
    ...Object.fromEntries(kept),
    CI: "1",
    NO_COLOR: "1",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    CLOUDFLARE_LOAD_DEV_VARS_FROM_DOT_ENV: "false",
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_SEND_METRICS: "false",
    WRANGLER_SEND_ERROR_REPORTS: "false",
    WRANGLER_WRITE_LOGS: "false",
    // The default one is of the whole machine: two clones would answer each other's service bindings.
    WRANGLER_REGISTRY_PATH: path.join(root, ".wrangler/local/registry"),
    X_LOCAL_OBSERVABILITY: "false",
  };
}

/** Runs one wrangler command to its end. Never throws for a failing command: look at `code`. */
export function runWrangler(
  root: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = wranglerEnvironment(root),
): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [WRANGLER, ...args], {
      cwd: root,
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const collect = (chunk: Buffer) => {
      output += chunk;
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code: signal ? 1 : (code ?? 1), output }));
  });
}
