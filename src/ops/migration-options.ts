/** What `npm run ops -- migrate …` understands. */
import { parseArgs } from "node:util";
import { isJurisdiction, type Jurisdiction } from "../core/ids.ts";
import { REPOSITORY } from "./paths.ts";

export const MIGRATE_HELP = `npm run ops -- migrate --jurisdiction eu|us --local|--remote [options]

Brings both databases of a cell to the newest schema, then reads the guards back.

  --jurisdiction eu|us   which cell
  --local, --remote      the databases on this machine, or those in the account
  --dry-run              print what would be done, and do nothing
  --root DIR             the folder with the configurations and migrations (default: this repository)
  --help                 this text

There is no way down: a migration that drops, renames, rebuilds or empties an audit table, or drops a guard, is refused
with AUDIT_DOWN_REFUSED before anything is applied. Exit codes: 0 done, 1 refused or failed, 2 usage.
`;

export interface MigrateOptions {
  jurisdiction: Jurisdiction;
  place: "local" | "remote";
  dryRun: boolean;
  down: boolean;
  root: string;
}

/** `null`: the help was asked for. Throws with a plain line on anything it does not know. */
export function parseMigrateOptions(argv: string[]): MigrateOptions | null {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      jurisdiction: { type: "string" },
      local: { type: "boolean", default: false },
      remote: { type: "boolean", default: false },
      "dry-run": { type: "boolean", default: false },
      down: { type: "boolean", default: false },
      root: { type: "string", default: REPOSITORY },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const down = values.down || positionals[0] === "down";
  const unknown = positionals.find((word) => word !== "down");
  if (unknown !== undefined) throw new Error(`unexpected word ${unknown}`);
  if (!isJurisdiction(values.jurisdiction)) throw new Error("--jurisdiction must be eu or us");
  if (values.local === values.remote) throw new Error("say either --local or --remote");
  const place = values.local ? "local" : "remote";
  return { jurisdiction: values.jurisdiction, place, dryRun: values["dry-run"], down, root: values.root };
}
