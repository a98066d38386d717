/**
 * `npm run check:keys`: the schema and KEY_REGISTRY seal the same columns, and docs/keys.md says so; `-- --write` writes its
 * tables. Exit codes: 0 so it is, 1 it is not.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { KEY_REGISTRY } from "../crypto/key-registry.ts";
import * as schema from "../storage/schema.ts";
import { encryptionTable, keyFaults, slotTable } from "./key-coverage.ts";
import { withBlocks } from "./marked-blocks.ts";
import { REPOSITORY } from "./paths.ts";

const file = path.join(REPOSITORY, "docs/keys.md");
const name = path.relative(REPOSITORY, file);

const faults = keyFaults(schema, KEY_REGISTRY);
const blocks = { slots: slotTable(KEY_REGISTRY), encryption: encryptionTable(schema) };
const committed = readFileSync(file, "utf8");
const fresh = withBlocks(committed, blocks);
console.log(`${blocks.slots}\n`);

if (process.argv.includes("--write")) {
  writeFileSync(file, fresh);
  console.log(`${name}: ${fresh === committed ? "unchanged" : "written"}`);
} else if (fresh !== committed) {
  faults.push(`${name} is not what the schema and the registry say. Run: npm run check:keys -- --write`);
}
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
