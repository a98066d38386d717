/** `npm run openapi` writes the API description; `npm run check:openapi` fails when the committed one differs. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { openApiDocument } from "../http/openapi.ts";
import { REPOSITORY } from "./paths.ts";

const file = path.join(REPOSITORY, "docs/openapi.json");
const name = path.relative(REPOSITORY, file);
const fresh = `${JSON.stringify(openApiDocument(), null, 2)}\n`;
const committed = existsSync(file) ? readFileSync(file, "utf8") : undefined;

if (!process.argv.includes("--check")) {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, fresh);
  console.log(`${name}: ${fresh === committed ? "unchanged" : "written"}`);
} else if (fresh !== committed) {
  console.error(`${name} is not what the routes declare. Run: npm run openapi`);
  process.exitCode = 1;
}
