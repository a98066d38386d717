/** Where local runs keep their files: all below `.wrangler`, which git ignores. */
import path from "node:path";
import { JURISDICTIONS } from "../core/ids.ts";

export const REPOSITORY = path.resolve(import.meta.dirname, "../..");

/** The Workers of one deployment; the first is the one that `wrangler dev` serves over HTTP. */
export const WORKERS = ["gateway", ...JURISDICTIONS] as const;
export type WorkerName = (typeof WORKERS)[number];

export interface LocalPaths {
  root: string;
  /** Generated configurations, secrets, demo keys, the log of `wrangler dev`. */
  local: string;
  /** Databases, buckets and objects: the one `--persist-to` of every command. */
  state: string;
  /** What wrangler printed while it served. */
  log: string;
  demo: string;
  run: string;
}

export function localPaths(root: string): LocalPaths {
  const local = path.join(root, ".wrangler/local");
  return {
    root,
    local,
    state: path.join(root, ".wrangler/state"),
    log: path.join(local, "dev.log"),
    demo: path.join(local, "demo.json"),
    run: path.join(local, "run.json"),
  };
}

/** The committed configuration of a Worker, and the one generated from it. */
export function committedConfig(root: string, worker: WorkerName): string {
  return path.join(root, worker === "gateway" ? "wrangler.toml" : `wrangler.${worker}.toml`);
}

export function generatedConfig(root: string, worker: WorkerName): string {
  return path.join(localPaths(root).local, worker, "wrangler.toml");
}

export function devVarsFile(root: string, worker: WorkerName): string {
  return path.join(localPaths(root).local, worker, ".dev.vars");
}
