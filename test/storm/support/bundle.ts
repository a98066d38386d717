/** The Workers of the committed configurations as a deployment would bundle them; again only when a source is newer. */
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import path from "node:path";
import { committedConfig, REPOSITORY, type WorkerName } from "../../../src/ops/paths.ts";
import { runWrangler } from "../../../src/ops/wrangler.ts";

const FOLDER = path.join(REPOSITORY, ".wrangler/storm/bundle");
const SOURCES = ["src/**/*.ts", "durable-objects/**/*.ts", "package-lock.json", "wrangler*.toml"];

/** The bundled Worker's code. Throws with wrangler's words. */
export async function bundledWorker(worker: WorkerName): Promise<string> {
  const script = path.join(FOLDER, worker, worker === "gateway" ? "index.js" : "cell.js");
  if (!isFresh(script)) await bundle(worker);
  return readFileSync(script, "utf8");
}

function isFresh(script: string): boolean {
  if (!existsSync(script)) return false;
  const newest = Math.max(
    ...globSync(SOURCES, { cwd: REPOSITORY }).map((file) => changedAt(path.join(REPOSITORY, file))),
  );
  return statSync(script).mtimeMs > newest;
}

const changedAt = (file: string) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Into a folder of its own first: two test files may bundle at once, and none may read half a file. */
async function bundle(worker: WorkerName): Promise<void> {
  const fresh = path.join(FOLDER, `${worker}-${process.pid}`);
  const config = committedConfig(REPOSITORY, worker);
  const { code, output } = await runWrangler(REPOSITORY, ["deploy", "--dry-run", "-c", config, "--outdir", fresh]);
  if (code !== 0) throw new Error(`bundling ${worker} failed:\n${output}`);
  mkdirSync(FOLDER, { recursive: true });
  rmSync(path.join(FOLDER, worker), { recursive: true, force: true });
  renameSync(fresh, path.join(FOLDER, worker));
}
