/**
 * `npm start`: the gateway and both cells on this machine, without an account, a network or a container.
 * Start it through `start.mjs`, which checks Node and the dependencies first.
 */
import { existsSync, readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline/promises";
import { JURISDICTIONS, type Jurisdiction } from "../core/ids.ts";
import { startBox } from "./box.ts";
import { type Demos, ensureDemos, readDemos } from "./demo.ts";
import { type DevServer, isHealthy, lastOutput, startDevServer } from "./dev-server.ts";
import { localApi } from "./local-api.ts";
import { writeLocalConfigs } from "./local-config.ts";
import { tellMails } from "./local-mails.ts";
import { localWitnesses } from "./local-witnesses.ts";
import { migrateLocal } from "./migrations.ts";
import { HELP, parseOptions, type StartOptions } from "./options.ts";
import { localPaths, REPOSITORY } from "./paths.ts";
import { onceOrphaned } from "./processes.ts";
import { claimRun, type Run, releaseRun, updateRun } from "./run-file.ts";
import { ensureSecrets, hasSecrets } from "./secrets.ts";
import { selfCheck } from "./self-check.ts";

const root = REPOSITORY;
const paths = localPaths(root);
let server: DevServer | undefined;
let stopping = false;

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(signal, () => {
    if (stopping) process.exit(1);
    console.log("\nStopping …");
    stop(0);
  });
}

// npm hands a signal to the shell that it runs this in, which ends and hands it to nobody: the folder would be held for good.
if (process.env["npm_lifecycle_event"] !== undefined) {
  onceOrphaned(() => {
    if (!stopping) stop(0);
  });
}

try {
  await main(parseOptions(process.argv.slice(2)));
} catch (error) {
  if (!stopping) {
    console.error(`\n${(error as Error).message}`);
    await stop(1);
  }
}

async function main(options: StartOptions): Promise<void> {
  if (options.help) return console.log(HELP);
  const other = await claimRun(root);
  if (other) return useOther(other, options);
  if (options.fresh && !(await deleteState())) return stop(0);
  const operatorSecrets = await prepare();

  console.log("Starting the gateway and both cells …");
  const onLaunch = (launched: DevServer) => {
    server = launched;
    updateRun(root, runOf(launched));
  };
  // The cells witness each other through the gateway, like anybody outside.
  const configure = (url: string) => writeLocalConfigs(root, localWitnesses(root, url));
  const started = await startDevServer(root, options.port, options.verbose, onLaunch, configure);
  const api = localApi(started.url);
  const demos = await ensureDemos(root, api, operatorSecrets);
  updateRun(root, { ...runOf(started), url: started.url });
  const { port } = new URL(started.url);
  if (Number(port) !== options.port) console.log(`Port ${options.port} is taken: this is ${port}.`);
  console.log(`\n${startBox(started.url, demos)}`);

  if (options.once) {
    console.log((await selfCheck(api, demos)).join("\n"));
    return stop(0);
  }
  const telling = new AbortController();
  void tellMails(started.url, operatorSecrets, console.log, telling.signal);
  void started.ended.finally(() => telling.abort());
  // A runtime that crashes is started again by wrangler itself.
  const code = await started.ended;
  if (!stopping) throw new Error(`wrangler stopped unexpectedly (exit code ${code}).\n\n${lastOutput(root)}`);
}

/** Everything up to the first request that needs no server: configurations, secrets, databases. */
async function prepare(): Promise<Record<Jurisdiction, string>> {
  if (hasState() && !hasSecrets(root)) {
    throw new Error(
      "There is local state in .wrangler/state, but the secrets that it was written with are gone from .wrangler/local.\n" +
        "Nothing can read it. Begin anew with: npm start -- --fresh",
    );
  }
  writeLocalConfigs(root);
  const secrets = JURISDICTIONS.map((jurisdiction) => [
    jurisdiction,
    ensureSecrets(root, jurisdiction).OPERATOR_SECRET,
  ]);
  console.log("Bringing the databases up to date …");
  await migrateLocal(root);
  return Object.fromEntries(secrets);
}

/** A run of this folder is under way already: two would write to the same databases. */
async function useOther(other: Run, { once, fresh }: StartOptions): Promise<void> {
  if (fresh)
    throw new Error(`Moonseal runs from this folder (process ${other.pid}). Stop it before you reset its state.`);
  if (!other.url || !(await isHealthy(other.url))) {
    throw new Error(`Another npm start of this folder (process ${other.pid}) is under way.`);
  }
  const demos = readDemos(root) as Demos;
  console.log(`Moonseal already runs from this folder (process ${other.pid}).\n\n${startBox(other.url, demos)}`);
  if (once) console.log((await selfCheck(localApi(other.url), demos)).join("\n"));
}

function hasState(): boolean {
  return existsSync(paths.state) && readdirSync(paths.state).length > 0;
}

/** Deletes state, secrets and demo keys; asks first when somebody can answer. Whether it did. */
async function deleteState(): Promise<boolean> {
  if (hasState() && process.stdin.isTTY && process.stdout.isTTY) {
    const terminal = createInterface({ input: process.stdin, output: process.stdout });
    terminal.once("SIGINT", () => process.emit("SIGINT"));
    const answer = await terminal.question("Delete all local logs, tenants, keys and secrets of this folder? [y/N] ");
    terminal.close();
    if (!/^y(?:es)?$/i.test(answer.trim())) return false;
  }
  rmSync(paths.state, { recursive: true, force: true });
  for (const name of readdirSync(paths.local)) {
    const file = path.join(paths.local, name);
    if (file !== paths.run) rmSync(file, { recursive: true, force: true });
  }
  return true;
}

function runOf({ supervisorPid, wranglerPid }: DevServer): Run {
  return { pid: process.pid, supervisorPid, wranglerPid };
}

async function stop(code: number): Promise<void> {
  stopping = true;
  await server?.stop();
  releaseRun(root);
  process.exit(code);
}
