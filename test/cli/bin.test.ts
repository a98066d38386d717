import { stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { REPOSITORY } from "../../src/ops/paths.ts";

test("the program may be executed as it is checked out: npx makes it so once for each folder, and never again", async () => {
  const { mode } = await stat(join(REPOSITORY, "src/cli/bin.mjs"));
  expect(mode & 0o111).toBe(0o111);
});
