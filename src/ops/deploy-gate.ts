/** The whole gate for one deployment: configurations, folder, bundles, account. */
import path from "node:path";
import type { TomlTable } from "smol-toml";
import type { RunAccount } from "./deploy-account.ts";
import { saidBy } from "./deploy-account.ts";
import { type Cell, cellOf, readConfigurations } from "./deploy-config.ts";
import type { DeployOptions } from "./deploy-options.ts";
import { type GateReport, type Refusal, refusal } from "./gate.ts";
import { accountReport, gatewayReport } from "./gate-account.ts";
import { configRefusals } from "./gate-config.ts";
import { newestCompatibilityDate, repositoryRefusals } from "./gate-repository.ts";
import type { Configurations } from "./isolation.ts";
import { committedConfig, REPOSITORY, type WorkerName } from "./paths.ts";

/** No resource is ever made by a deployment: both names of the switch in wrangler 4.155.0, which is on by default. */
export const NO_PROVISIONING = ["--no-x-provision", "--no-x-auto-create"] as const;

export interface GatePorts {
  run: RunAccount;
  now: () => Date;
  env: NodeJS.ProcessEnv;
}

export interface Gate extends GateReport {
  /** The cells that are to be deployed. */
  cells: Cell[];
  /** Names the commit in the account; null when there is none. */
  commit: string | null;
}

export async function gate(options: DeployOptions, { run, now, env }: GatePorts): Promise<Gate> {
  const { root, jurisdictions, publicCells } = options;
  const { id: commit, refusals: found } = repositoryRefusals(root, env);
  let configurations: Configurations;
  try {
    configurations = readConfigurations(root);
  } catch (error) {
    const unreadable = refusal("CONFIG_UNREADABLE", (error as Error).message);
    return {
      refusals: [...found, unreadable],
      unchecked: ["the account: no configuration says what to ask for"],
      account: true,
      cells: [],
      commit,
    };
  }
  const cells = jurisdictions.map((jurisdiction) => cellOf(root, jurisdiction, configurations[jurisdiction]));
  const facts = {
    newestDate: newestCompatibilityDate(path.join(REPOSITORY, "node_modules/workerd")),
    today: now().toISOString().slice(0, 10),
    publicCells,
  };
  const report: Gate = {
    refusals: [...found, ...configRefusals(configurations, facts), ...(await bundleRefusals(options, run))],
    unchecked: [],
    account: true,
    cells,
    commit,
  };
  const asks = [
    ...cells.map(
      (cell) => async () => accountReport(run, root, cell, (configurations[cell.jurisdiction].vars ?? {}) as TomlTable),
    ),
    ...(options.gateway ? [async () => gatewayReport(run, committedConfig(root, "gateway"))] : []),
  ];
  for (const ask of asks) {
    const part = await ask();
    report.refusals.push(...part.refusals);
    report.unchecked.push(...part.unchecked);
    report.account &&= part.account;
  }
  return report;
}

/** The Workers of a deployment in its order: a gateway never calls a cell that is older than itself. */
export function workersOf({ jurisdictions, gateway: withGateway }: DeployOptions): WorkerName[] {
  return [...jurisdictions, ...(withGateway ? (["gateway"] as const) : [])];
}

/** Every bundle before any is uploaded: a broken one would leave half a deployment. */
async function bundleRefusals(options: DeployOptions, run: RunAccount): Promise<Refusal[]> {
  const refusals: Refusal[] = [];
  for (const worker of workersOf(options)) {
    const folder = path.join(options.root, ".wrangler/dry-run", worker);
    const config = committedConfig(options.root, worker);
    const ran = await run(["deploy", "--dry-run", "-c", config, "--outdir", folder, ...NO_PROVISIONING]);
    const unknown = /Unexpected fields found in .*/.exec(saidBy(ran))?.[0];
    if (ran.code !== 0) refusals.push(refusal("BUNDLE_REFUSED", `${worker}: ${saidBy(ran).split("\n")[0]?.trim()}`));
    else if (unknown) refusals.push(refusal("BUNDLE_REFUSED", `${worker}: ${unknown}`));
  }
  return refusals;
}
