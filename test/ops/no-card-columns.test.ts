/** S0-29 no table anywhere is made to hold a card: neither in the databases nor in the objects. */
import { getTableColumns, is } from "drizzle-orm";
import { SQLiteTable } from "drizzle-orm/sqlite-core";
import { expect, test } from "vitest";
import { readSources } from "../../src/ops/query-scopes.ts";
import * as schema from "../../src/storage/schema.ts";

const CARD_WORDS = new Set([
  "pan",
  "card",
  "cardnumber",
  "cvv",
  "cvv2",
  "cvc",
  "cvc2",
  "ccv",
  "expiry",
  "cardholder",
  "track1",
  "track2",
]);
const isOfCards = (column: string) => column.split("_").some((word) => CARD_WORDS.has(word));

test("S0-29 no column of a database is named like a part of a card", () => {
  const columns = Object.values(schema)
    .filter((table) => is(table, SQLiteTable))
    .flatMap((table) => Object.values(getTableColumns(table as SQLiteTable)).map(({ name }) => name));
  expect(columns).toContain("entry_hash");
  expect(columns.filter(isOfCards)).toEqual([]);
});

test("S0-29 nor is one of an object's own tables", () => {
  const tables = readSources().flatMap(({ text }) => [...text.matchAll(/CREATE TABLE[^(]*\((?<columns>[^;`]*)/g)]);
  const columns = tables.flatMap(({ groups }) => groups?.columns?.match(/\b[a-z][a-z0-9_]*\b/g) ?? []);
  expect(columns).toContain("seq");
  expect(columns.filter(isOfCards)).toEqual([]);
});

test.each(["card_number", "pan", "primary_pan", "cvc"])("%s would be found", (column) => {
  expect(isOfCards(column)).toBe(true);
});
