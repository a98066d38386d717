/** What `npm run ops -- deploy …` understands. */
import { parseArgs } from "node:util";
import { isJurisdiction, JURISDICTIONS, type Jurisdiction } from "../core/ids.ts";
import { REPOSITORY } from "./paths.ts";

export const DEPLOY_HELP = `npm run ops -- deploy [options]

Deploys both cells, then the gateway, when the gate finds no reason not to. Every reason is printed with its code.

  --jurisdiction eu|us   only that cell, and not the gateway
  --dry-run              run the gate as far as it goes here, say what would be done, and deploy nothing
  --url URL              where the gateway answers: afterwards the signed residency report there must say what it should
  --log-key KEY          a cell's log key that the report must be signed with; once for each cell
  --domain HOST          a custom domain of your account for the gateway
  --public-cells         let cells have addresses of their own (routes, workers_dev)
  --root DIR             the folder with the configurations and migrations (default: this repository)
  --help                 this text

The account is the one of CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID. Exit codes: 0 done, 1 refused or failed, 2 usage.
`;

export interface DeployOptions {
  jurisdictions: readonly Jurisdiction[];
  gateway: boolean;
  dryRun: boolean;
  url: string | undefined;
  logKeys: string[];
  domain: string | undefined;
  publicCells: boolean;
  root: string;
}

/** `null`: the help was asked for. Throws with a plain line on anything it does not know. */
export function parseDeployOptions(argv: string[]): DeployOptions | null {
  const { values } = parseArgs({
    args: argv,
    options: {
      jurisdiction: { type: "string" },
      "dry-run": { type: "boolean", default: false },
      url: { type: "string" },
      "log-key": { type: "string", multiple: true, default: [] },
      domain: { type: "string" },
      "public-cells": { type: "boolean", default: false },
      root: { type: "string", default: REPOSITORY },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const { jurisdiction, url, domain } = values;
  if (jurisdiction !== undefined && !isJurisdiction(jurisdiction)) throw new Error("--jurisdiction must be eu or us");
  if (url !== undefined && !URL.canParse(url)) throw new Error("--url must be a URL");
  if (domain !== undefined && jurisdiction !== undefined) throw new Error("--domain belongs to the gateway");
  return {
    jurisdictions: jurisdiction === undefined ? JURISDICTIONS : [jurisdiction],
    gateway: jurisdiction === undefined,
    dryRun: values["dry-run"],
    url,
    logKeys: values["log-key"],
    domain,
    publicCells: values["public-cells"],
    root: values.root,
  };
}
