/** The check of all sources for statements on tenants' tables that name no tenant (S1-11). */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { getTableColumns, getTableName, is } from "drizzle-orm";
import { SQLiteTable } from "drizzle-orm/sqlite-core";
import * as schema from "../storage/schema.ts";
import { RECORD_TABLES } from "../storage/tenant-sweep-sql.ts";
import { drizzleStatementsOf, isScoped } from "./drizzle-statements.ts";
import { REPOSITORY } from "./paths.ts";
import { sqlTextsOf } from "./sql-tokens.ts";
import { CELL_DESK_TABLES, EXCEPTIONS, type Exception, SCOPES } from "./table-scopes.ts";
import { namesTable, type Scopes, statementFaults } from "./tenant-predicate.ts";

export interface Source {
  file: string;
  text: string;
}

/** What runs in a cell. The operator's tools ask D1 through wrangler, for whole databases. */
export function readSources(): Source[] {
  return ["src", "durable-objects"].flatMap((folder) =>
    readdirSync(path.join(REPOSITORY, folder), { recursive: true, encoding: "utf8" })
      .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
      .filter((file) => file.endsWith(".ts") && !/^src\/(?:ops|cli|console|client)\//.test(file))
      .map((file) => ({ file, text: readFileSync(path.join(REPOSITORY, file), "utf8") })),
  );
}

/** What is wrong, one line each; empty when nothing is. Pure. */
export function queryFaults(
  sources: readonly Source[],
  exceptions = EXCEPTIONS,
  scopes = SCOPES,
): { statements: number; faults: string[] } {
  const found = sources.flatMap((source) => [...sqlFaults(source, scopes), ...drizzleFaults(source, scopes)]);
  const used = new Set<Exception>();
  const faults = found.flatMap(({ file, line, text, faults: its }) => {
    const exception = exceptions.find((listed) => listed.file === file && text.includes(listed.has));
    if (exception && its.length > 0) used.add(exception);
    return exception ? [] : its.map((fault) => `${file}:${line}: ${fault}: ${text.slice(0, 160)}`);
  });
  for (const exception of exceptions) {
    if (!used.has(exception)) faults.push(`${exception.file}: no statement needs the exception ${exception.has}`);
  }
  return {
    statements: found.length,
    faults: [...classFaults(scopes), ...sweepFaults(scopes), ...cellDeskFaults(sources), ...faults],
  };
}

interface Found {
  file: string;
  line: number;
  text: string;
  faults: string[];
}

/** Statements on the tables of D1 stand in src/storage; what objects write into their own storage is theirs alone. */
function sqlFaults({ file, text }: Source, scopes: Scopes): Found[] {
  const tables = Object.keys(scopes);
  const inStorage = file.startsWith("src/storage/");
  return sqlTextsOf(file, text)
    .filter(({ sql }) => inStorage || namesTable(sql, tables))
    .map(({ line, sql }) => ({
      file,
      line,
      text: sql,
      faults: inStorage ? statementFaults(sql, scopes) : ["a table of D1 is asked outside of src/storage"],
    }));
}

const EXPORTED = new Map(
  Object.entries(schema).flatMap(([name, value]) => (is(value, SQLiteTable) ? [[name, value] as const] : [])),
);

function drizzleFaults({ file, text }: Source, scopes: Scopes): Found[] {
  return drizzleStatementsOf(file, text, [...EXPORTED.keys()]).map((statement) => {
    const table = EXPORTED.get(statement.table) as SQLiteTable;
    const name: string = getTableName(table);
    const columns = scopes[name] ?? "cell";
    const spelled = Object.entries(getTableColumns(table))
      .filter(([, column]) => columns !== "cell" && columns.includes(column.name))
      .map(([property]) => property);
    const right = columns === "cell" || isScoped(statement, spelled);
    const folded = statement.text.replaceAll(/\s+/g, " ").replaceAll(/ (?=\.)/g, "");
    return { file, line: statement.line, text: folded, faults: right ? [] : [`lacks the predicate of ${name}`] };
  });
}

function classFaults(scopes: Scopes): string[] {
  const tables = new Map<string, ReturnType<typeof getTableColumns>>(
    [...EXPORTED.values()].map((table) => [getTableName(table), getTableColumns(table)]),
  );
  const faults = Object.keys(scopes).flatMap((name) => (tables.has(name) ? [] : [`${name} is no table of schema.ts`]));
  for (const [name, columns] of tables) {
    const scope = Object.hasOwn(scopes, name) ? scopes[name] : undefined;
    const names = Object.values(columns).map((column) => column.name);
    if (scope === undefined) faults.push(`${name} is not classified: whose are its rows?`);
    else if (scope === "cell" && names.some((column) => column === "tenant_id" || column === "domain_id")) {
      faults.push(`${name} is classified as the cell's and has a column of a tenant or a domain`);
    } else if (scope !== "cell" && !scope.every((column) => names.includes(column))) {
      faults.push(`${name} has not the columns ${scope.join(", ")}`);
    }
  }
  return faults;
}

function cellDeskFaults(sources: readonly Source[]): string[] {
  const own = sources.filter(({ file }) => /^durable-objects\/cell-desk\b/.test(file));
  if (own.length === 0) return [];
  const tables = own.flatMap(({ file, text }) =>
    [...text.matchAll(/CREATE TABLE (?:IF NOT EXISTS )?(\w+)/g)].map(([, table]) => ({ file, table: table as string })),
  );
  const there = new Set(tables.map(({ table }) => table));
  return [
    ...tables
      .filter(({ table }) => !Object.hasOwn(CELL_DESK_TABLES, table))
      .map(
        ({ file, table }) => `${file}: ${table} is not classified: what of which tenants does the cell's object hold?`,
      ),
    ...Object.keys(CELL_DESK_TABLES)
      .filter((table) => !there.has(table))
      .map((table) => `${table} is no table of the cell's object`),
  ];
}

/** The sweep puts its statements together out of tables and predicates. */
const sweepFaults = (scopes: Scopes): string[] =>
  RECORD_TABLES.flatMap(({ table, where }) => statementFaults(`DELETE FROM ${table} WHERE ${where}`, scopes));
