/**
 * `npm run ops -- migrate`: applies the migrations of one cell (S4-4).
 *
 * Order, with the crash after each step:
 *  1. every file is read and judged             nothing changed
 *  2. control, then ledger, through wrangler    wrangler notes each file in the database: a second run goes on
 *  3. the triggers are read back                a second run reads them again; the cell checks them at every start too
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { guardsMissing } from "../storage/guards.ts";
import { writeLocalConfigs } from "./local-config.ts";
import { MIGRATE_HELP, type MigrateOptions, parseMigrateOptions } from "./migration-options.ts";
import { refusalsIn } from "./migration-refusals.ts";
import { applyArguments, type Database, databasesOf, migrationFiles, readGuardsArguments } from "./migration-target.ts";
import { type RunWrangler, runFor, triggersIn } from "./migration-wrangler.ts";

/** Resolves to the exit code; what it has to say goes to `console`. */
export async function migrate(argv: string[], run: RunWrangler = runFor): Promise<number> {
  let options: MigrateOptions | null;
  try {
    options = parseMigrateOptions(argv);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${MIGRATE_HELP}`);
    return 2;
  }
  if (!options) {
    console.log(MIGRATE_HELP);
    return 0;
  }
  const databases = databasesOf(options);
  const faults = faultsBefore(options, databases);
  for (const fault of faults) console.error(fault);
  if (faults.length > 0) return 1;
  if (options.dryRun) return announce(options, databases);
  return apply(options, databases, run);
}

/** Whatever forbids to begin. */
function faultsBefore({ root, place, down }: MigrateOptions, databases: readonly Database[]): string[] {
  if (down) return ["AUDIT_DOWN_REFUSED an audit log has no way down: migrations only go forward"];
  const refused = folders(databases).flatMap((folder) =>
    migrationFiles(folder).flatMap((file) =>
      refusalsIn(readFileSync(file, "utf8")).map(
        ({ line, reason }) => `AUDIT_DOWN_REFUSED ${path.relative(root, file)}:${line} ${reason}`,
      ),
    ),
  );
  const unprovisioned = databases.filter(({ id }) => place === "remote" && id === undefined);
  return [
    ...refused,
    ...unprovisioned.map(({ binding }) => `DATABASE_UNKNOWN ${binding} has no database_id: provision first`),
  ];
}

function announce(options: MigrateOptions, databases: readonly Database[]): number {
  for (const database of databases) {
    console.log(`wrangler ${applyArguments(options, database).join(" ")}`);
    for (const file of migrationFiles(database.folder)) console.log(`  ${path.relative(options.root, file)}`);
  }
  for (const database of databases) {
    console.log(`then ${Object.keys(database.guards).length} guards are read back from ${database.binding}`);
  }
  return 0;
}

/** One database after the other: two wranglers at once find the folder's shared files locked. */
async function apply(options: MigrateOptions, databases: readonly Database[], run: RunWrangler): Promise<number> {
  if (options.place === "local") writeLocalConfigs(options.root);
  for (const database of databases) {
    const { code, output } = await run(options, applyArguments(options, database));
    if (code !== 0) {
      console.error(`MIGRATION_FAILED ${database.binding}\n${output.trim()}`);
      return 1;
    }
    console.log(`${database.binding}: up to date`);
  }
  for (const database of databases) {
    const { code, output } = await run(options, readGuardsArguments(options, database));
    const triggers = code === 0 ? triggersIn(output) : null;
    if (!triggers) {
      console.error(`GUARDS_UNKNOWN ${database.binding} could not be read back\n${output.trim()}`);
      return 1;
    }
    const missing = guardsMissing(database.guards, triggers);
    if (missing.length > 0) {
      console.error(`GUARD_MISSING ${database.binding}: ${missing.join(", ")}`);
      return 1;
    }
    console.log(`${database.binding}: ${Object.keys(database.guards).length} guards in place`);
  }
  return 0;
}

function folders(databases: readonly Database[]): string[] {
  return [...new Set(databases.map(({ folder }) => folder))];
}
