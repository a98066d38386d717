/**
 * `npm run ops -- deploy`: the only way to deploy (DESIGN §7). Plain `wrangler deploy` would create what it misses, unpinned.
 *
 * Order, with the crash after each step:
 *  1. the gate                       nothing changed
 *  2. cell eu, cell us               the new cells answer the old gateway: changes between them are additive; run it again
 *  3. the gateway                    everything is deployed; run it again for the check
 *  4. the residency report is read   nothing changed
 */
import { setTimeout as sleep } from "node:timers/promises";
import { accountWrangler, saidBy } from "./deploy-account.ts";
import type { Cell } from "./deploy-config.ts";
import { type GatePorts, gate, NO_PROVISIONING, workersOf } from "./deploy-gate.ts";
import { DEPLOY_HELP, type DeployOptions, parseDeployOptions } from "./deploy-options.ts";
import { residencyFaults } from "./deploy-residency.ts";
import { refusal, refusalLine } from "./gate.ts";
import { committedConfig, type WorkerName } from "./paths.ts";

export interface DeployPorts extends GatePorts {
  fetchJson: (url: string) => Promise<unknown>;
  sleep: (ms: number) => Promise<unknown>;
}

/** A deployment reaches every place within seconds. */
const RESIDENCY_TRIES = 10;
const RESIDENCY_WAIT_MS = 3000;
const FETCH_TIMEOUT_MS = 30_000;

/** Resolves to the exit code; what it has to say goes to `console`. */
export async function deploy(argv: string[], ports?: DeployPorts): Promise<number> {
  let options: DeployOptions | null;
  try {
    options = parseDeployOptions(argv);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${DEPLOY_HELP}`);
    return 2;
  }
  if (!options) {
    console.log(DEPLOY_HELP);
    return 0;
  }
  return deployWorkers(options, ports ?? processPorts(options));
}

function processPorts({ root }: DeployOptions): DeployPorts {
  return {
    run: accountWrangler(root),
    now: () => new Date(),
    env: process.env,
    sleep,
    fetchJson: async (url) => {
      const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
      return response.json();
    },
  };
}

async function deployWorkers(options: DeployOptions, ports: DeployPorts): Promise<number> {
  const { refusals, unchecked, account, cells, commit } = await gate(options, ports);
  if (!options.dryRun && !account) refusals.push(refusal("ACCOUNT_UNKNOWN", "wrangler has no credentials"));
  for (const refused of refusals) console.error(refusalLine(refused));
  for (const what of unchecked) console.error(`NOT CHECKED ${what}`);
  if (options.dryRun) announce(options, commit, account);
  if (refusals.length > 0) {
    console.error(
      `\nRefused: ${refusals.length} ${refusals.length === 1 ? "reason" : "reasons"}. Nothing was deployed.`,
    );
    return 1;
  }
  if (options.dryRun) return 0;
  if (unchecked.length > 0) {
    console.error("\nRefused: not everything could be checked. Nothing was deployed.");
    return 1;
  }
  const code = await upload(options, ports, commit);
  if (code !== 0 || options.url === undefined) return code;
  return checkResidency(options, ports, options.url, cells);
}

function deployArguments({ root, domain }: DeployOptions, worker: WorkerName, commit: string | null): string[] {
  const tag = commit === null ? [] : ["--tag", commit];
  const where = worker === "gateway" && domain !== undefined ? ["--domains", domain] : [];
  return ["deploy", "-c", committedConfig(root, worker), ...NO_PROVISIONING, ...tag, ...where];
}

function announce(options: DeployOptions, commit: string | null, account: boolean): void {
  if (!account)
    console.log("There is no account here: what needs one was not checked, and a deployment would be refused.");
  console.log("Would run, in this order:");
  for (const worker of workersOf(options))
    console.log(`  wrangler ${deployArguments(options, worker, commit).join(" ")}`);
  if (options.url !== undefined) console.log(`then read ${residencyUrl(options.url)}`);
}

async function upload(options: DeployOptions, { run }: DeployPorts, commit: string | null): Promise<number> {
  const done: WorkerName[] = [];
  for (const worker of workersOf(options)) {
    const ran = await run(deployArguments(options, worker, commit));
    if (/^Provisioning \S+ \(|Resources provisioned/m.test(ran.stdout)) {
      console.error(
        `AUTO_PROVISIONING ${worker}: wrangler made a resource by itself. Find it in the account: it is not pinned.`,
      );
      return 1;
    }
    if (ran.code !== 0) {
      const state = done.length > 0 ? `${done.join(", ")} deployed before it` : "nothing was deployed before it";
      console.error(`DEPLOY_FAILED ${worker}; ${state}. Run it again.\n${saidBy(ran)}`);
      return 1;
    }
    done.push(worker);
    console.log(`${worker}: deployed, commit ${commit}`);
  }
  return 0;
}

async function checkResidency(
  { logKeys }: DeployOptions,
  { fetchJson, sleep, now }: DeployPorts,
  url: string,
  cells: readonly Cell[],
): Promise<number> {
  let faults: string[] = [];
  for (let tries = 0; tries < RESIDENCY_TRIES; tries++) {
    if (tries > 0) await sleep(RESIDENCY_WAIT_MS);
    const body = await fetchJson(residencyUrl(url)).catch((error: Error) => error);
    faults =
      body instanceof Error ? [`no answer: ${body.message}`] : residencyFaults(body, cells, logKeys, now().getTime());
    if (faults.length === 0) {
      const signed = logKeys.length > 0 ? "signed by the given keys" : "signed; give --log-key to pin the signer";
      console.log(
        `residency: ${cells.map(({ jurisdiction }) => jurisdiction).join(", ")} as they should be, ${signed}`,
      );
      return 0;
    }
  }
  for (const fault of faults) console.error(`RESIDENCY_WRONG ${fault}`);
  return 1;
}

function residencyUrl(url: string): string {
  return new URL("/v1/residency", url).href;
}
