/** `npm run ops -- status`: how full the databases of a cell are, and how far its copies lag behind. Changes nothing. */
import { parseArgs } from "node:util";
import { isJurisdiction, type Jurisdiction } from "../core/ids.ts";
import { accountWrangler, type RunAccount } from "./deploy-account.ts";
import { type Cell, type CellDatabase, cellOf, readConfigurations } from "./deploy-config.ts";
import { type Answer, databaseRecord, remoteRows, rowsOf } from "./deploy-readback.ts";
import { expectStatus, type LocalApi, localApi } from "./local-api.ts";
import { generatedConfig, localPaths, REPOSITORY } from "./paths.ts";
import { localByteLength, ROWS_SQL, sizeLines } from "./status-sizes.ts";
import { sayWatched } from "./status-watched.ts";
import { runWrangler } from "./wrangler.ts";

export const STATUS_HELP = `npm run ops -- status --jurisdiction eu|us --local|--remote [options]

Says how full each database of a cell is and how many entries still fit at their present size, with a WARNING from 70 % on;
with an address, also what the cell says of its jobs, backups and alerts; with a key, how many entries of each of its tenant's
domains wait to be copied.

  --jurisdiction eu|us   which cell
  --local, --remote      the databases on this machine, or those in the account
  --url URL --key KEY    where the gateway answers, and a tenant's key (default: MOONSEAL_URL, MOONSEAL_KEY)
  --root DIR             the folder with the configurations (default: this repository)
  --help                 this text

Exit codes: 0 said, 1 could not be read or something needs attention, 2 usage.
`;

interface StatusOptions {
  jurisdiction: Jurisdiction;
  place: "local" | "remote";
  url: string | undefined;
  key: string | undefined;
  root: string;
}

export interface StatusPorts {
  run: RunAccount;
  api: (url: string) => LocalApi;
}

/** Resolves to the exit code. */
export async function status(argv: string[], ports?: StatusPorts): Promise<number> {
  let options: StatusOptions | null;
  try {
    options = parseStatusOptions(argv);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${STATUS_HELP}`);
    return 2;
  }
  if (!options) {
    console.log(STATUS_HELP);
    return 0;
  }
  const { run, api } = ports ?? { run: runFor(options), api: localApi };
  const { root, jurisdiction, url, key } = options;
  const cell = cellOf(root, jurisdiction, readConfigurations(root)[jurisdiction]);
  let code = 0;
  for (const database of cell.databases) {
    const fault = await sayDatabase(run, options, cell, database);
    if (fault === null) continue;
    console.error(`${database.binding.padEnd(10)} could not be read: ${fault}`);
    code = 1;
  }
  if (url !== undefined && key !== undefined) await sayBacklog(api(url), key);
  if (url !== undefined && !(await sayWatched(url, jurisdiction))) code = 1;
  return code;
}

function runFor({ root, place }: StatusOptions): RunAccount {
  if (place === "remote") return accountWrangler(root);
  return async (args) => {
    const { code, output } = await runWrangler(root, args);
    return { code, stdout: output, stderr: "" };
  };
}

/** Prints a database's lines; what went wrong instead. */
async function sayDatabase(run: RunAccount, options: StatusOptions, cell: Cell, it: CellDatabase) {
  const { root, place } = options;
  let byteLength: number | undefined;
  if (place === "local") byteLength = localByteLength(localPaths(root).state, it.previewId ?? it.binding);
  else {
    if (it.id === undefined) return "it has no database_id: provision first";
    const record = await databaseRecord(run, cell, it.binding);
    if (!record.ok) return record.said;
    byteLength = record.value.byteLength;
  }
  if (place === "local" && byteLength === undefined) return "there is none on this machine yet: npm start makes it";
  const counted = it.binding.startsWith("LEDGER") ? await rowsIn(run, options, cell, it) : null;
  if (counted?.ok === false) return counted.said;
  const rows = counted?.value[0]?.n;
  console.log(sizeLines({ binding: it.binding, byteLength, rows }).join("\n"));
  return null;
}

async function rowsIn(
  run: RunAccount,
  { root, jurisdiction, place }: StatusOptions,
  cell: Cell,
  { binding }: CellDatabase,
): Promise<Answer<{ n: number }[]>> {
  if (place === "remote") return remoteRows(run, cell, binding, ROWS_SQL);
  const where = ["-c", generatedConfig(root, jurisdiction), "--local", "--persist-to", localPaths(root).state];
  return rowsOf(await run(["d1", "execute", binding, ...where, "--json", "--command", ROWS_SQL]));
}

async function sayBacklog(api: LocalApi, key: string): Promise<void> {
  const { tenant_id } = expectStatus("whoami", 200, await api.get("/v1/whoami", key));
  const { domains } = expectStatus("domains", 200, await api.get(`/v1/tenants/${tenant_id}/domains`, key));
  for (const { id } of domains as { id: string }[]) {
    const head = expectStatus(`head of ${id}`, 200, await api.get(`/v1/domains/${id}/audit/head`, key));
    const { size, backlog_entries, backlog_bytes, oldest_uncopied_at, status } = head;
    const since = oldest_uncopied_at ? ` since ${oldest_uncopied_at}` : "";
    console.log(`${id}  ${size} entries, ${backlog_entries} wait (${backlog_bytes} bytes)${since}, ${status}`);
  }
}

function parseStatusOptions(argv: string[]): StatusOptions | null {
  const { values } = parseArgs({
    args: argv,
    options: {
      jurisdiction: { type: "string" },
      local: { type: "boolean", default: false },
      remote: { type: "boolean", default: false },
      url: { type: "string" },
      key: { type: "string" },
      root: { type: "string", default: REPOSITORY },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const { jurisdiction, local, remote, root } = values;
  const { url = process.env.MOONSEAL_URL, key = process.env.MOONSEAL_KEY } = values;
  if (!isJurisdiction(jurisdiction)) throw new Error("--jurisdiction must be eu or us");
  if (local === remote) throw new Error("say either --local or --remote");
  if (values.url !== undefined && key === undefined) throw new Error("--url needs --key or MOONSEAL_KEY");
  if (values.key !== undefined && url === undefined) throw new Error("--key needs --url or MOONSEAL_URL");
  return { jurisdiction, place: local ? "local" : "remote", url, key, root };
}
