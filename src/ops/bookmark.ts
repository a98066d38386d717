/**
 * `npm run ops -- bookmark`: what Time Travel would restore each database of a cell to, read in the account and taken down in the cell's
 * own control database, where its status shows how old it is. The cell itself holds no token that could read it.
 *
 * Commit order, with the crash after each step:
 *  1. the bookmarks are read               nothing changed
 *  2. one statement writes them all        all or none; a second run writes them again
 */
import { parseArgs } from "node:util";
import { isJurisdiction, type Jurisdiction } from "../core/ids.ts";
import { accountWrangler, type RunAccount } from "./deploy-account.ts";
import { cellOf, readConfigurations } from "./deploy-config.ts";
import { remoteRows } from "./deploy-readback.ts";
import { REPOSITORY } from "./paths.ts";

export const BOOKMARK_HELP = `npm run ops -- bookmark --jurisdiction eu|us --remote [--root DIR]

Reads of each database of a cell what D1 Time Travel would restore it to (wrangler d1 time-travel info), and takes it down in the
cell's control database: its status then says how old that is. Run it daily, where the account's token is. Databases on this
machine have no Time Travel.

Exit codes: 0 taken down, 1 could not be read or written, 2 usage.
`;

const BOOKMARK = /^[0-9a-f-]{10,120}$/;

/** Resolves to the exit code. */
export async function bookmark(
  argv: string[],
  given?: RunAccount,
  now: () => Date = () => new Date(),
): Promise<number> {
  let options: { jurisdiction: Jurisdiction; root: string } | null;
  try {
    options = parseOptions(argv);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${BOOKMARK_HELP}`);
    return 2;
  }
  if (!options) {
    console.log(BOOKMARK_HELP);
    return 0;
  }
  const { root, jurisdiction } = options;
  const run = given ?? accountWrangler(root);
  const cell = cellOf(root, jurisdiction, readConfigurations(root)[jurisdiction]);
  const rows: string[] = [];
  for (const { binding } of cell.databases) {
    const read = await run(["d1", "time-travel", "info", binding, "--json", "-c", cell.config]);
    const found = read.code === 0 ? bookmarkIn(read.stdout) : null;
    if (found === null) {
      console.error(`${binding.padEnd(10)} has no bookmark that could be read; nothing was taken down`);
      return 1;
    }
    rows.push(`('${binding}', '${found}', '${now().toISOString()}')`);
    console.log(`${binding.padEnd(10)} ${found}`);
  }
  const sql = [
    "INSERT INTO backup_bookmark (binding, bookmark, recorded_at)",
    `VALUES ${rows.join(", ")}`,
    "ON CONFLICT (binding) DO UPDATE SET bookmark = excluded.bookmark, recorded_at = excluded.recorded_at",
    "RETURNING binding",
  ];
  const written = await remoteRows<{ binding: string }>(run, cell, "CONTROL", sql.join(" "));
  if (written.ok && written.value.length === rows.length) return 0;
  console.error(`they could not be taken down${written.ok ? "" : `: ${written.said}`}`);
  return 1;
}

function bookmarkIn(text: string): string | null {
  try {
    const { bookmark: found } = JSON.parse(text) as { bookmark?: unknown };
    return typeof found === "string" && BOOKMARK.test(found) ? found : null;
  } catch {
    return null;
  }
}

/** `null`: the help was asked for. Throws with a plain line on anything it does not know. */
function parseOptions(argv: string[]): { jurisdiction: Jurisdiction; root: string } | null {
  const { values } = parseArgs({
    args: argv,
    options: {
      jurisdiction: { type: "string" },
      local: { type: "boolean", default: false },
      remote: { type: "boolean", default: false },
      root: { type: "string", default: REPOSITORY },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return null;
  const { jurisdiction, local, remote, root } = values;
  if (!isJurisdiction(jurisdiction)) throw new Error("--jurisdiction must be eu or us");
  if (local) throw new Error("databases on this machine have no Time Travel: there is no bookmark");
  if (!remote) throw new Error("say --remote");
  return { jurisdiction, root };
}
