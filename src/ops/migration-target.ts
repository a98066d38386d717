/** The databases of one cell, the migrations that belong to each, and the wrangler commands that reach them. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parse, type TomlTable } from "smol-toml";
import { CONTROL_GUARDS, type Guards, LEDGER_GUARDS, TRIGGERS_SQL } from "../storage/guards.ts";
import type { MigrateOptions } from "./migration-options.ts";
import { committedConfig, generatedConfig, localPaths } from "./paths.ts";

export interface Database {
  binding: string;
  /** Absent until provisioning wrote it. */
  id: string | undefined;
  folder: string;
  guards: Guards;
}

/** As the committed configuration lists them. Throws when it has none. */
export function databasesOf({ root, jurisdiction }: Pick<MigrateOptions, "root" | "jurisdiction">): Database[] {
  const file = committedConfig(root, jurisdiction);
  const { d1_databases } = parse(readFileSync(file, "utf8"));
  if (!Array.isArray(d1_databases) || d1_databases.length === 0) throw new Error(`${file} names no database`);
  return (d1_databases as TomlTable[]).map(({ binding, database_id, migrations_dir }) => ({
    binding: String(binding),
    id: typeof database_id === "string" && database_id !== "" ? database_id : undefined,
    folder: path.resolve(root, String(migrations_dir)),
    guards: String(binding).startsWith("LEDGER") ? LEDGER_GUARDS : CONTROL_GUARDS,
  }));
}

/** Every SQL file below a folder, in the order of application. */
export function migrationFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.toLowerCase().endsWith(".sql"))
    .sort()
    .map((name) => path.join(folder, name));
}

export function applyArguments(options: MigrateOptions, { binding }: Database): string[] {
  return ["d1", "migrations", "apply", binding, ...where(options)];
}

export function readGuardsArguments(options: MigrateOptions, { binding }: Database): string[] {
  return ["d1", "execute", binding, ...where(options), "--json", "--command", TRIGGERS_SQL];
}

/** Local runs use the generated configuration and this folder's state, as `npm start` does. */
function where({ root, jurisdiction, place }: MigrateOptions): string[] {
  return place === "local"
    ? ["-c", generatedConfig(root, jurisdiction), "--local", "--persist-to", localPaths(root).state]
    : ["-c", committedConfig(root, jurisdiction), "--remote"];
}
