/**
 * The deploy gate: every reason not to deploy, each with a stable code. It decides nothing by itself and changes nothing; the
 * checks stand in gate-config.ts (the three files), gate-repository.ts (this folder) and gate-account.ts (the account).
 */

/** What to do about each refusal. docs/deploying.md lists the same codes. */
export const REMEDIES = {
  CONFIG_UNREADABLE: "restore the wrangler configuration from the repository",
  DATABASE_UNKNOWN: "run npm run ops -- provision for that cell",
  AUTO_PROVISIONING: "name the resource and let provisioning create it: wrangler would create one that is not pinned",
  JURISDICTION_WRONG: "set vars.JURISDICTION to the jurisdiction of the file",
  OBJECTS_UNPINNED: "set vars.DO_JURISDICTION to the jurisdiction of the file",
  UNPINNED_LOCAL: "remove it: it belongs to generated local configurations",
  BUCKET_UNPINNED: "give the bucket the jurisdiction of the file",
  CELLS_CROSS: "give each cell its own resources, and the same shape as the other",
  GATEWAY_EXTRA: "leave the gateway exactly its two service bindings",
  CELL_PUBLIC: "remove the address, or deploy with --public-cells when you mean it",
  SECRET_IN_CONFIG: "remove it from the file and replace that secret: it was readable",
  LOG_HOST_EXAMPLE: "set vars.LOG_HOST in both cells to the host name of your log: it stands in every log for good",
  TOKEN_CONFIG:
    "set vars.TOKEN_AUDIENCE in both cells to the address of your API, another one in each environment (docs/deploying.md)",
  MAIL_CONFIG:
    "set vars.PUBLIC_ORIGIN and vars.MAIL_FROM in both cells to your own, or remove MAIL_FROM and the binding MAIL: then nobody is sent mail (docs/deploying.md)",
  WITNESS_CONFIG: "correct the setting (docs/witnesses.md): a cell with a wrong one refuses to serve",
  COMPATIBILITY_DATE: "set compatibility_date to one that the installed runtime knows and that is not in the future",
  REPOSITORY_DIRTY: "commit or remove the changes: what runs must be a commit",
  REPOSITORY_UNKNOWN: "deploy from a git clone: what runs must be a commit",
  SECRET_IN_REPOSITORY: "take it out of the repository and replace that secret",
  GLOBAL_KEY: "use a scoped CLOUDFLARE_API_TOKEN and unset the global key",
  BUNDLE_REFUSED: "see npm run deploy:dry",
  ACCOUNT_UNKNOWN: "set CLOUDFLARE_API_TOKEN and CLOUDFLARE_ACCOUNT_ID",
  ACCOUNT_FAILED: "run it again; the token may lack a permission (docs/deploying.md)",
  RESOURCE_MISSING: "run npm run ops -- provision for that cell",
  RESOURCE_DIFFERS: "correct database_id in the configuration",
  JURISDICTION_MISMATCH: "use a resource of the cell's jurisdiction: one never changes",
  REPLICATION_ON: "turn read replication of the database off: where replicas live is not documented",
  SECRET_MISSING: "run npm run ops -- provision for that cell",
  SECRET_SHADOWS: "delete that secret of the Worker: it hides a setting of the configuration",
  GUARD_MISSING: "find out who dropped it and verify the logs before you run npm run ops -- migrate",
  GUARD_ALTERED: "find out who altered it and verify the logs; a guard is never re-made silently",
  MIGRATIONS_PENDING: "run npm run ops -- migrate --remote for that cell",
  RECORD_MISSING: "run npm run ops -- provision for that cell: the residency report needs the read-back",
} as const;
export type GateCode = keyof typeof REMEDIES;

export interface Refusal {
  code: GateCode;
  /** What is wrong, and where. */
  detail: string;
}

export interface GateReport {
  refusals: Refusal[];
  /** What could not be looked at, in plain words. A deployment needs this empty. */
  unchecked: string[];
  /** Whether there was an account to ask. */
  account: boolean;
}

export const refusal = (code: GateCode, detail: string): Refusal => ({ code, detail });

export function refusalLine({ code, detail }: Refusal): string {
  return `${code} ${detail}. To do: ${REMEDIES[code]}.`;
}
