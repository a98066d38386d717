/**
 * Whether every statement on a table of tenants names the tenant or the domain that it is about (S1-11). A checker and no
 * review: statements are taken out of the sources, SQL and drizzle's, and each use of such a table needs its predicate in the
 * same SELECT, UPDATE or DELETE; a row that is inserted carries its own. What has to reach over tenants is listed, with why.
 */
import { equalTo, isInside, VALUE } from "./sql-bindings.ts";
import { tokensOf } from "./sql-tokens.ts";

/** The columns by which a table's rows belong to one tenant or domain; `cell`: its rows belong to none. */
export type Scopes = Readonly<Record<string, readonly string[] | "cell">>;

/** What is wrong with one SQL statement, one line each. `relevant`: it names a table of `scopes` at all. */
export function statementFaults(sql: string, scopes: Scopes): string[] {
  return blocksOf(tokensOf(sql)).flatMap((block) => blockFaults(block, scopes));
}

export const namesTable = (sql: string, tables: readonly string[]): boolean =>
  blocksOf(tokensOf(sql)).some((block) => usesOf(block).some(({ table }) => tables.includes(table)));

/** The tokens of one statement or sub-select, each nested sub-select replaced by `(…)`; compound SELECTs are blocks of their own. */
function blocksOf(tokens: readonly string[]): string[][] {
  const blocks: string[][] = [];
  const walk = (at: number): { own: string[]; next: number } => {
    const own: string[] = [];
    let i = at;
    while (i < tokens.length && tokens[i] !== ")") {
      const token = tokens[i] as string;
      if (token !== "(") {
        own.push(token);
        i++;
        continue;
      }
      const inner = walk(i + 1);
      const isSelect = inner.own[0] === "select" || inner.own[0] === "with" || inner.own[0] === "values";
      if (isSelect) blocks.push(...compounds(inner.own));
      own.push("(", ...(isSelect ? ["…"] : inner.own), ")");
      i = inner.next;
    }
    return { own, next: i + 1 };
  };
  blocks.push(...compounds(walk(0).own));
  return blocks;
}

/** Splits at UNION and the like, and a SELECT from the INSERT that takes its rows. */
function compounds(tokens: readonly string[]): string[][] {
  const blocks: string[][] = [[]];
  let depth = 0;
  for (const [i, token] of tokens.entries()) {
    if (token === "(") depth++;
    if (token === ")") depth--;
    const splits = depth === 0 && (/^(?:union|except|intersect)$/.test(token) || (token === "select" && i > 0));
    if (splits) blocks.push([]);
    if (!/^(?:union|except|intersect)$/.test(token)) blocks.at(-1)?.push(token);
  }
  return blocks.filter((block) => block.length > 0 && !(block.length === 1 && block[0] === "all"));
}

interface Use {
  verb: "from" | "update" | "insert";
  table: string;
  alias: string | null;
}

const NO_ALIAS =
  /^(?:where|on|set|order|group|limit|cross|left|inner|join|natural|using|values|as|select|do|indexed|not|having|window|returning|default)$/;

function usesOf(block: readonly string[]): Use[] {
  const uses: Use[] = [];
  const use = (verb: Use["verb"], at: number) => {
    const place = block[at + 1] === "." ? at + 2 : at;
    const table = block[place];
    if (table === undefined || !/^[a-z_⟨]/.test(table) || (block[place + 1] === "(" && verb === "from")) return;
    const next = block[place + 1] === "as" ? block[place + 2] : block[place + 1];
    uses.push({
      verb,
      table,
      alias: next !== undefined && /^[a-z_]\w*$/.test(next) && !NO_ALIAS.test(next) ? next : null,
    });
  };
  let inFrom = false;
  for (const [i, token] of block.entries()) {
    if (token === "from" || token === "join") use("from", i + 1);
    if (token === "from") inFrom = true;
    else if (/^(?:where|order|group|limit|set)$/.test(token)) inFrom = false;
    else if (token === "," && inFrom && !isInside(block, i)) use("from", i + 1);
    if (token === "update" && block[i + 1] !== "set" && block[i - 1] !== "do")
      use("update", i + (block[i + 1] === "or" ? 3 : 1));
    if (token === "into") use("insert", i + 1);
  }
  return uses;
}

function blockFaults(block: readonly string[], scopes: Scopes): string[] {
  const bound = boundNames(block, scopes);
  return usesOf(block).flatMap(({ verb, table, alias }) => {
    if (table.startsWith("⟨")) return [`names the table ${table}, which cannot be read here`];
    const columns = Object.hasOwn(scopes, table) ? scopes[table] : undefined;
    if (columns === undefined || columns === "cell") return [];
    const wanted = `${table}: ${columns.join(" or ")}`;
    if (verb === "insert") return inserts(block, table, columns) ? [] : [`inserts a row without ${wanted}`];
    if (hasOr(block)) return [`has an OR beside the predicate of ${wanted}`];
    return bound.has(alias ?? table) ? [] : [`lacks the predicate of ${wanted}`];
  });
}

function inserts(block: readonly string[], table: string, columns: readonly string[]): boolean {
  const at = block.indexOf(table, block.indexOf("into"));
  const named = block.slice(at + 2, block.indexOf(")", at));
  return block[at + 1] === "(" && columns.some((column) => named.includes(column));
}

/** An OR on the level of the WHERE, or of an ON, opens what the predicate closes. */
function hasOr(block: readonly string[]): boolean {
  const where = block.findIndex((token) => token === "where" || token === "on");
  return where >= 0 && block.some((token, i) => token === "or" && i > where && !isInside(block, i));
}

/** The uses that have their predicate: on a value, on a table outside, or on another use that has. Two that name only each other have none. */
function boundNames(block: readonly string[], scopes: Scopes): ReadonlySet<string> {
  const uses = usesOf(block);
  const names = new Set(uses.map(({ table, alias }) => alias ?? table));
  const found = uses.flatMap(({ table, alias }) => {
    const columns = Object.hasOwn(scopes, table) ? scopes[table] : undefined;
    if (columns === undefined || columns === "cell") return [];
    const name = alias ?? table;
    const to = columns.flatMap((column) => equalTo(block, column, name, uses.length > 1));
    return [{ name, to }];
  });
  const unscoped = (other: string) => !found.some(({ name }) => name === other);
  const bound = new Set<string>();
  for (let before = -1; before < bound.size; ) {
    before = bound.size;
    for (const { name, to } of found) {
      const isBound = to.some((other) => other === VALUE || bound.has(other) || !names.has(other) || unscoped(other));
      if (isBound) bound.add(name);
    }
  }
  return bound;
}
