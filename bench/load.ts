/** Load from a process of its own: wrk when it is installed, else a small generator in Node. */
import { spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { REPOSITORY } from "../src/ops/paths.ts";

export interface Load {
  url: string;
  /** Taken in turn. */
  paths: readonly string[];
  token: string;
  /** Body with `@` for the number of the request and `#` for its last digit. */
  template: string;
  /** Names this run in bodies and idempotency keys. */
  run: string;
  connections: number;
  seconds: number;
}

export interface LoadResult {
  /** Answered with success. */
  acknowledged: number;
  failed: number;
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

export const GENERATOR = spawnSync("wrk", ["--version"]).error ? "node" : "wrk";

export async function runLoad(load: Load): Promise<LoadResult> {
  const folder = path.join(REPOSITORY, ".wrangler/bench");
  mkdirSync(folder, { recursive: true });
  const template = path.join(folder, "body.json");
  const paths = path.join(folder, "paths.txt");
  writeFileSync(template, load.template);
  writeFileSync(paths, load.paths.map((each) => `${each}\n`).join(""));
  const values = [template, load.token, load.run, paths];
  const [command, ...args] =
    GENERATOR === "wrk"
      ? ["wrk", "-t1", `-c${load.connections}`, `-d${load.seconds}s`, "--timeout", "30s"].concat(
          "-s",
          path.join(import.meta.dirname, "load.lua"),
          load.url,
          "--",
          values,
        )
      : [process.execPath, path.join(import.meta.dirname, "generator.ts")].concat(
          load.url,
          String(load.connections),
          String(load.seconds),
          values,
        );
  const { requests, failed, ms, p50Ms, p99Ms } = await resultOf(command as string, args);
  const acknowledged = requests - failed;
  return { acknowledged, failed, perSecond: (acknowledged / ms) * 1000, p50Ms, p99Ms };
}

type Counted = { requests: number; failed: number; ms: number; p50Ms: number; p99Ms: number };

function resultOf(command: string, args: string[]): Promise<Counted> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => {
      output += chunk;
    });
    child.once("error", reject);
    child.once("close", () => {
      const line = /^RESULT (.*)$/m.exec(output)?.[1];
      if (line) resolve(JSON.parse(line));
      else reject(new Error(`the load generator gave no result:\n${output}`));
    });
  });
}
