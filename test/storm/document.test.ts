import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { REPOSITORY } from "../../src/ops/paths.ts";

const read = (name: string) => readFileSync(path.join(REPOSITORY, name), "utf8");
const text = read("docs/fault-injection.md");

test("docs/fault-injection.md names only scripts and files that exist", () => {
  const { scripts } = JSON.parse(read("package.json"));
  const commands = [...text.matchAll(/npm run ([a-z:]+)/g)].map(([, name]) => name ?? "");
  const files = [...text.matchAll(/`((?:src|test)\/[^`\s]+)`/g)].map(([, name]) => name ?? "");
  expect(commands.length).toBeGreaterThan(0);
  expect(files.length).toBeGreaterThan(0);
  expect(commands.filter((name) => !(name in scripts))).toEqual([]);
  expect(files.filter((name) => !existsSync(path.join(REPOSITORY, name)))).toEqual([]);
});
