/**
 * `npm run check:access`: docs/permissions.md says what the tables of permissions and tiers say; `-- --write` writes it. Exit
 * codes: 0 so it is, 1 it is not.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { declaredOperations, permissionsDocument, tiersDocument } from "../http/catalogue.ts";
import { openApiDocument } from "../http/openapi.ts";
import { permissionTable, tierTable } from "./access-tables.ts";
import { withBlocks } from "./marked-blocks.ts";
import { REPOSITORY } from "./paths.ts";

const file = path.join(REPOSITORY, "docs/permissions.md");
const name = path.relative(REPOSITORY, file);
const committed = readFileSync(file, "utf8");
const fresh = withBlocks(committed, {
  permissions: permissionTable(permissionsDocument(declaredOperations(openApiDocument()))),
  tiers: tierTable(tiersDocument()),
});

if (process.argv.includes("--write")) {
  writeFileSync(file, fresh);
  console.log(`${name}: ${fresh === committed ? "unchanged" : "written"}`);
} else if (fresh !== committed) {
  console.error(`${name} is not what the tables say. Run: npm run check:access -- --write`);
  process.exitCode = 1;
}
