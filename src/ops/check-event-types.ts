/**
 * `npm run check:event-types`: docs/event-types.md says what the registry of actions says; `-- --write` writes it. Exit codes:
 * 0 so it is, 1 it is not.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { eventTypesDocument } from "../http/event-types.ts";
import { eventTypeCounts, eventTypeTables } from "./event-type-tables.ts";
import { withBlocks } from "./marked-blocks.ts";
import { REPOSITORY } from "./paths.ts";

const file = path.join(REPOSITORY, "docs/event-types.md");
const name = path.relative(REPOSITORY, file);
const committed = readFileSync(file, "utf8");
const fresh = withBlocks(committed, {
  counts: eventTypeCounts(eventTypesDocument()),
  product: eventTypeTables(eventTypesDocument({ writtenBy: "product" })),
  tenant: eventTypeTables(eventTypesDocument({ writtenBy: "tenant" })),
});

if (process.argv.includes("--write")) {
  writeFileSync(file, fresh);
  console.log(`${name}: ${fresh === committed ? "unchanged" : "written"}`);
} else if (fresh !== committed) {
  console.error(`${name} is not what the registry says. Run: npm run check:event-types -- --write`);
  process.exitCode = 1;
}
