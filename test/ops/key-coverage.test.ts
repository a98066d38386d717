import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { is } from "drizzle-orm";
import { blob, customType, getTableConfig, SQLiteTable, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { describe, expect, test } from "vitest";
import { KEY_REGISTRY, type SlotDeclaration, type SlotName } from "../../src/crypto/key-registry.ts";
import { encryptionTable, keyFaults, type Registry, slotTable } from "../../src/ops/key-coverage.ts";
import { withBlocks } from "../../src/ops/marked-blocks.ts";
import { REPOSITORY } from "../../src/ops/paths.ts";
import * as schema from "../../src/storage/schema.ts";
import { sealedColumn } from "../../src/storage/sealed-column.ts";

/** The declared registry with other columns: `contact` and `network` alone have some. */
function registryOf(columns: Partial<Record<SlotName, SlotDeclaration["columns"]>>): Record<string, SlotDeclaration> {
  const slots = Object.entries(KEY_REGISTRY);
  return Object.fromEntries(slots.map(([name, slot]) => [name, { ...slot, columns: columns[name as SlotName] ?? [] }]));
}

const person = sqliteTable("person", {
  id: text("id").primaryKey(),
  email: sealedColumn("contact")("email").notNull(),
  ip: sealedColumn("network")("ip"),
});
const right = () => registryOf({ contact: ["person.email"], network: ["person.ip"] });

describe("S2-5 the check of the schema against KEY_REGISTRY", () => {
  test("finds nothing where they say the same, and nothing in what is no table", () => {
    expect(keyFaults({ person, other: 1, nothing: null, text: "person" }, right())).toEqual([]);
  });

  test.each<[string, object, () => Registry, string]>([
    [
      "a column that is sealed under a slot which does not declare it",
      { person },
      () => registryOf({ contact: ["person.email"] }),
      "person.ip is sealed under network, which does not declare it",
    ],
    [
      "a column that is sealed under another slot than declares it",
      { person },
      () => registryOf({ contact: ["person.email", "person.ip"] }),
      "person.ip is sealed under network, declared for contact",
    ],
    [
      "a column that two slots declare",
      { person },
      () => registryOf({ contact: ["person.email"], network: ["person.ip", "person.email"] }),
      "person.email is declared for contact and for network",
    ],
    [
      "a declared column that is not there",
      { person },
      () => registryOf({ contact: ["person.email", "person.phone"], network: ["person.ip"] }),
      "contact declares person.phone, which is not there",
    ],
    [
      "a declared table that is not there",
      {},
      () => registryOf({ tax_ids: ["company.tax_id"] }),
      "tax_ids declares company.tax_id, which is not there",
    ],
    [
      "a declared column that holds text",
      { company: sqliteTable("company", { taxId: text("tax_id") }) },
      () => registryOf({ tax_ids: ["company.tax_id"] }),
      "company.tax_id is declared for tax_ids and is not sealed",
    ],
    [
      "a declared column that holds any bytes",
      { company: sqliteTable("company", { taxId: blob("tax_id", { mode: "buffer" }) }) },
      () => registryOf({ tax_ids: ["company.tax_id"] }),
      "company.tax_id is declared for tax_ids and is not sealed",
    ],
    [
      "a declared column of a type that only looks sealed",
      {
        company: sqliteTable("company", {
          taxId: customType<{ data: Uint8Array }>({ dataType: () => "blob" })("tax_id"),
        }),
      },
      () => registryOf({ tax_ids: ["company.tax_id"] }),
      "company.tax_id is declared for tax_ids and is not sealed",
    ],
    [
      "a column that one slot declares twice",
      { person },
      () => registryOf({ contact: ["person.email", "person.email"], network: ["person.ip"] }),
      "contact declares a column twice",
    ],
  ])("names %s", (_, tables, registry, fault) => {
    expect(keyFaults(tables, registry())).toEqual([fault]);
  });

  test.each<[string, (registry: Record<string, SlotDeclaration>) => unknown, RegExp]>([
    ["eleven slots", (it) => delete it.tax_ids, /there are 11 slots/],
    ["thirteen slots", (it) => (it.more = { ...right().records, number: 13 } as SlotDeclaration), /there are 13 slots/],
    ["a number twice", (it) => Object.assign(it.tax_ids ?? {}, { number: 1 }), /numbered 1, 1, 2/],
    ["a number left out", (it) => Object.assign(it.tax_ids ?? {}, { number: 14 }), /numbered .*, 14$/],
    [
      "a secret twice",
      (it) => Object.assign(it.tax_ids ?? {}, { secret: "SLOT_CONTACT" }),
      /tax_ids has the secret SLOT_CONTACT/,
    ],
  ])("S2-1 names %s", (_, change, fault) => {
    const registry = right();
    change(registry);
    expect(keyFaults({ person }, registry).join("\n")).toMatch(new RegExp(fault.source, "m"));
  });
});

describe("S2-1 this schema and this registry", () => {
  test("seal the same columns", () => {
    expect(keyFaults(schema, KEY_REGISTRY)).toEqual([]);
  });

  test("make npm run check:keys end with 0, and with 1 and the reason when the document is old", () => {
    const run = spawnSync(process.execPath, [path.join(REPOSITORY, "src/ops/check-keys.ts")], { encoding: "utf8" });
    expect(run.stderr).toBe("");
    expect(run.status).toBe(0);
    expect(run.stdout).toContain(slotTable(KEY_REGISTRY));
  });
});

describe("S1-10 docs/keys.md", () => {
  const document = readFileSync(path.join(REPOSITORY, "docs/keys.md"), "utf8");

  test("lists every slot with its secret, what it holds and where", () => {
    expect(document).toContain(`\n${slotTable(KEY_REGISTRY)}\n`);
    for (const [name, { number, secret, holds, columns }] of Object.entries(KEY_REGISTRY)) {
      const row = document.split("\n").find((line) => line.startsWith(`| ${number} | \`${name}\` | \`${secret}_V1\``));
      expect(row, name).toContain(`| ${holds} |`);
      for (const column of columns) expect(row).toContain(`\`${column}\``);
    }
  });

  test("says of every column of every table whether the application seals it or only the storage layer encrypts it", () => {
    expect(document).toContain(`\n${encryptionTable(schema)}\n`);
    const tables = Object.values(schema)
      .filter((value) => is(value, SQLiteTable))
      .map((table) => getTableConfig(table));
    expect(tables.length).toBeGreaterThanOrEqual(11);
    const sealed = Object.values(KEY_REGISTRY).flatMap(({ columns }) => columns as readonly string[]);
    for (const { name: table, columns } of tables) {
      const [, , first = "", second = ""] =
        document
          .split("\n")
          .find((line) => line.startsWith(`| \`${table}\` |`))
          ?.split("|") ?? [];
      for (const { name } of columns) {
        const isSealed = sealed.includes(`${table}.${name}`);
        expect(first.includes(`\`${name}\``), `${table}.${name}, sealed`).toBe(isSealed);
        expect(second.includes(`\`${name}\``), `${table}.${name}, not sealed`).toBe(!isSealed);
      }
    }
  });
});

describe("blocks of a document", () => {
  const document =
    "# T\n\n<!-- a: written -->\nold\n<!-- end of a -->\n\ntext\n<!-- b: written -->\n<!-- end of b -->\n";

  test("are replaced between their marks, and nothing else is", () => {
    const written = withBlocks(document, { a: "new $& $1", b: "other" });
    expect(written).toBe(
      "# T\n\n<!-- a: written -->\n\nnew $& $1\n\n<!-- end of a -->\n\ntext\n<!-- b: written -->\n\nother\n\n<!-- end of b -->\n",
    );
    expect(withBlocks(written, { a: "new $& $1", b: "other" })).toBe(written);
  });

  test("without a place, or with two, are refused", () => {
    expect(() => withBlocks(document, { c: "x" })).toThrow(/no one place for c/);
    expect(() => withBlocks(document + document, { a: "x" })).toThrow(/no one place for a/);
  });
});
