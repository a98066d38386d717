/**
 * `npm run ops -- sql`: one SQL statement against a local database, for looking and for trying what a thief could do.
 * Local only: in the account, wrangler itself is the tool, with the account owner's own rights.
 */
import { parseArgs } from "node:util";
import { isJurisdiction } from "../core/ids.ts";
import { generatedConfig, localPaths, REPOSITORY } from "./paths.ts";
import { runWrangler } from "./wrangler.ts";

const HELP = `npm run ops -- sql --jurisdiction eu|us --local [--database LEDGER_00|CONTROL] "SQL"

Runs one statement against a database on this machine and prints the rows. The guards refuse what they refuse.

Exit codes: 0 done, 1 refused or failed, 2 usage.
`;

export async function sql(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      jurisdiction: { type: "string" },
      local: { type: "boolean", default: false },
      database: { type: "string", default: "LEDGER_00" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const { jurisdiction, database } = values;
  const [statement] = positionals;
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  if (!isJurisdiction(jurisdiction) || !values.local || positionals.length !== 1 || !statement) {
    console.error(HELP);
    return 2;
  }
  const config = generatedConfig(REPOSITORY, jurisdiction);
  const where = ["-c", config, "--local", "--persist-to", localPaths(REPOSITORY).state];
  const { code, output } = await runWrangler(REPOSITORY, [
    "d1",
    "execute",
    database,
    ...where,
    "--json",
    "--command",
    statement,
  ]);
  if (code === 0) console.log(rowsIn(output));
  else console.error(faultIn(output));
  return code === 0 ? 0 : 1;
}

function rowsIn(output: string): string {
  const json = /^\[\n[\s\S]*^\]$/m.exec(output)?.[0];
  if (!json) return output.trim();
  const [answer] = JSON.parse(json) as { results: object[]; meta?: { changes?: number } }[];
  const rows = answer?.results ?? [];
  return rows.length > 0 ? rows.map((row) => JSON.stringify(row)).join("\n") : "done";
}

/** The database's own words out of what wrangler wraps around them. */
function faultIn(output: string): string {
  const quoted = /"text":\s*("(?:[^"\\]|\\.)*")/.exec(output)?.[1];
  const text: string = quoted ? JSON.parse(quoted) : output.trim();
  const refusal = /^(.*?): SQLITE_CONSTRAINT/m.exec(text)?.[1];
  return refusal ? `refused: ${refusal}` : text;
}
