/** Writes what the account gave a database into its configuration; comments, order and everything else stay. */
import { readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { parse, type TomlTable } from "smol-toml";
import { canonicalJson } from "../core/canonical.ts";
import { tables } from "./deploy-config.ts";

/**
 * The text with `database_id` of that binding set, as a line below the binding's name of the database. Throws rather than
 * return a text that says anything else than before besides that id.
 */
export function withDatabaseId(toml: string, binding: string, databaseId: string): string {
  const lines = toml.split("\n");
  const [begin, end] = blockOf(lines, binding);
  const line = `database_id = ${JSON.stringify(databaseId)}`;
  const at = (key: string) => {
    const found = lines.slice(begin, end).findIndex((text) => new RegExp(`^\\s*${key}\\s*=`).test(text));
    return found < 0 ? -1 : begin + found;
  };
  if (at("database_id") >= 0) lines[at("database_id")] = line;
  else lines.splice(at("database_name") + 1, 0, line);
  const edited = lines.join("\n");
  if (canonicalJson(parse(edited)) !== canonicalJson(expected(parse(toml), binding, databaseId)))
    throw new Error(`the configuration has a form that cannot be edited: write ${line} for ${binding} by hand`);
  return edited;
}

/** Replaces the file in one step when the id is not there yet. */
export function writeDatabaseId(file: string, binding: string, databaseId: string): void {
  const text = readFileSync(file, "utf8");
  const edited = withDatabaseId(text, binding, databaseId);
  if (edited === text) return;
  const draft = `${file}.${process.pid}.draft`;
  writeFileSync(draft, edited, { mode: statSync(file).mode });
  renameSync(draft, file);
}

/** Lines of the `[[d1_databases]]` table with this binding. */
function blockOf(lines: readonly string[], binding: string): [begin: number, end: number] {
  const headings = lines.flatMap((line, at) => (/^\s*\[/.test(line) ? [at] : []));
  for (const [index, begin] of headings.entries()) {
    const end = headings[index + 1] ?? lines.length;
    const names = lines.slice(begin, end).some((line) => new RegExp(`^\\s*binding\\s*=\\s*"${binding}"`).test(line));
    if (/^\s*\[\[d1_databases\]\]/.test(lines[begin] ?? "") && names) return [begin, end];
  }
  throw new Error(`the configuration has no [[d1_databases]] with binding = "${binding}"`);
}

function expected(config: TomlTable, binding: string, databaseId: string): TomlTable {
  const databases = tables(config.d1_databases).map((database) =>
    database.binding === binding ? { ...database, database_id: databaseId } : database,
  );
  return { ...config, d1_databases: databases };
}
