import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parse, type TomlTable } from "smol-toml";
import { describe, expect, test } from "vitest";
import { committedConfig, REPOSITORY } from "../../src/ops/paths.ts";
import { CELL_SECRETS } from "../../src/ops/secrets.ts";

const read = (name: string) => readFileSync(path.join(REPOSITORY, name), "utf8");

describe.each(["SECURITY.md", "CHANGELOG.md", "docs/keys.md"])("%s", (name) => {
  test("names only files that exist", () => {
    const named = [...read(name).matchAll(/`((?:src|test|docs|migrations|durable-objects)\/[^`\s]+)`/g)];
    expect(named.length).toBeGreaterThan(0);
    expect(named.map((match) => match[1] ?? "").filter((file) => !existsSync(path.join(REPOSITORY, file)))).toEqual([]);
  });

  test("names only scripts of package.json", () => {
    const { scripts } = JSON.parse(read("package.json"));
    const named = [...read(name).matchAll(/npm (?:run )?(?!ci\b)([a-z][a-z:-]+)/g)].map((match) => match[1] ?? "");
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });
});

test("SECURITY.md says for every store and every secret of a cell what its thief could do", () => {
  const { d1_databases, r2_buckets } = parse(readFileSync(committedConfig(REPOSITORY, "eu"), "utf8"));
  const stores = [
    ...(d1_databases as TomlTable[]).map(({ binding }) => `D1 ${String(binding).toLowerCase().replace(/_\d+$/, "")}`),
    ...(r2_buckets as TomlTable[]).map(({ binding }) => `R2 ${binding}`),
    "Storage of the Durable Objects",
  ];
  const rows = read("SECURITY.md")
    .split("\n")
    .filter((line) => line.startsWith("| "));
  for (const store of stores) {
    expect(
      rows.some((row) => row.startsWith(`| ${store}, read |`)),
      `${store}, read`,
    ).toBe(true);
    expect(
      rows.some((row) => row.startsWith(`| ${store}, write |`)),
      `${store}, write`,
    ).toBe(true);
  }
  // One row for all slots; what each one seals has a table of its own.
  expect(rows.some((row) => row.startsWith("| `SLOT_…_V…`"))).toBe(true);
  for (const secret of CELL_SECRETS) {
    const isSlot = secret.startsWith("SLOT_");
    expect(
      isSlot
        ? read("docs/keys.md").includes(`| \`${secret}\` |`)
        : rows.some((row) => row.startsWith(`| \`${secret}\``)),
      secret,
    ).toBe(true);
  }
});

test("LICENSE is the Apache License 2.0 that package.json names", () => {
  expect(JSON.parse(read("package.json")).license).toBe("Apache-2.0");
  expect(read("LICENSE")).toContain("Apache License\n                           Version 2.0, January 2004");
  expect(read("LICENSE")).toContain("Copyright 2026 The Moonseal Authors");
});
