/** Brings the local databases of every cell to the newest schema. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { parse, type TomlTable } from "smol-toml";
import { JURISDICTIONS } from "../core/ids.ts";
import { generatedConfig, localPaths } from "./paths.ts";
import { runWrangler } from "./wrangler.ts";

/**
 * Idempotent. One database after the other: two wranglers at once find the folder's shared files locked. Throws with
 * wrangler's words.
 */
export async function migrateLocal(root: string): Promise<void> {
  for (const jurisdiction of JURISDICTIONS) {
    const config = generatedConfig(root, jurisdiction);
    for (const binding of databaseBindings(config)) await migrateOne(root, config, binding);
  }
}

async function migrateOne(root: string, config: string, binding: string): Promise<void> {
  const { state } = localPaths(root);
  const command = ["d1", "migrations", "apply", binding, "-c", config, "--local", "--persist-to", state];
  const { code, output } = await runWrangler(root, command);
  if (code !== 0)
    throw new Error(`migrating ${binding} of ${path.basename(path.dirname(config))} failed:\n${output.trim()}`);
}

function databaseBindings(config: string): string[] {
  const { d1_databases } = parse(readFileSync(config, "utf8"));
  return ((d1_databases ?? []) as TomlTable[]).map(({ binding }) => String(binding));
}
