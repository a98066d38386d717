/** The claims of this repository, read from its files. */
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { claimsOf } from "./claims.ts";
import { GDPR_MATRIX } from "./matrices/gdpr.ts";
import { RETENTION_MATRIX } from "./matrices/retention.ts";
import { IN_PART, MISSING } from "./missing.ts";
import { parseRequirements } from "./requirements.ts";
import { type TitledTest, testTitles } from "./test-titles.ts";

/** Takes about two seconds: every test file is parsed, none is run. */
export function claimsOfRepository(root: string): ReturnType<typeof claimsOf> {
  return claimsOf({
    documents: parseRequirements(readFileSync(path.join(root, "docs/requirements.md"), "utf8")),
    tests: testsOfRepository(root),
    missing: MISSING,
    inPart: IN_PART,
    retention: RETENTION_MATRIX,
    gdpr: GDPR_MATRIX,
    exists: (file) => existsSync(path.join(root, file)),
  });
}

/** What vitest.config.ts includes. */
export function testsOfRepository(root: string): TitledTest[] {
  const files = globSync("test/**/*.test.ts", { cwd: root }).map((file) => file.split(path.sep).join("/"));
  return files.sort().flatMap((file) => testTitles(file, readFileSync(path.join(root, file), "utf8")));
}
