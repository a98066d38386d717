/**
 * `npm run check:retention`: docs/retention.md says what the table of resources says; `-- --write` writes it. Exit codes: 0 so it
 * is, 1 it is not.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { withBlocks } from "./marked-blocks.ts";
import { REPOSITORY } from "./paths.ts";
import { retentionTable } from "./retention-table.ts";

const file = path.join(REPOSITORY, "docs/retention.md");
const name = path.relative(REPOSITORY, file);
const committed = readFileSync(file, "utf8");
const fresh = withBlocks(committed, { resources: retentionTable() });

if (process.argv.includes("--write")) {
  writeFileSync(file, fresh);
  console.log(`${name}: ${fresh === committed ? "unchanged" : "written"}`);
} else if (fresh !== committed) {
  console.error(`${name} is not what the table of resources says. Run: npm run check:retention -- --write`);
  process.exitCode = 1;
}
