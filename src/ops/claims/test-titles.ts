/**
 * The titles of tests, read from their sources without running them, so that the list needs seconds and no platform. A title that is
 * put together while the tests run stands with `%s` or `${…}` where its parts will be.
 */
import { parseAst } from "vitest/node";
import { idsOf } from "./requirement-ids.ts";

export interface TitledTest {
  /** Relative to the repository. */
  file: string;
  /** Those of the groups around it, then its own. */
  titles: readonly string[];
}

interface Node {
  type: string;
  start: number;
  end: number;
  [key: string]: unknown;
}

const GROUPS = new Set(["describe", "suite"]);
const TESTS = new Set(["test", "it"]);

/** In the order of the source. Tests whose title is no text at all, a variable, stand as `${its source}`. */
export function testTitles(file: string, source: string): TitledTest[] {
  const found: TitledTest[] = [];
  const visit = (node: Node, around: readonly string[]): void => {
    const declared = declaration(node, source);
    if (declared?.isTest) {
      for (const title of declared.titles) found.push({ file, titles: [...around, title] });
    } else if (declared) {
      for (const title of declared.titles) {
        for (const child of childrenOf(node)) visit(child, [...around, title]);
      }
    } else {
      for (const child of childrenOf(node)) visit(child, around);
    }
  };
  visit(parseAst(source, { lang: "ts" }, file) as unknown as Node, []);
  return found;
}

/** `test("…", …)`, `describe.each(rows)("…", …)`: what declares a test or a group has its title first and more behind it. */
function declaration(node: Node, source: string): { isTest: boolean; titles: string[] } | null {
  if (node.type !== "CallExpression") return null;
  const [first, ...others] = node.arguments as Node[];
  if (!first || others.length === 0) return null;
  const chain = chainOf(node.callee as Node);
  if (chain === null) return null;
  const title = textOf(first, source);
  return { isTest: TESTS.has(chain.root), titles: [title, ...rowTitles(title, chain.rows, source)] };
}

/** `describe.skipIf(x).each(rows)` down to its root; null for what is no declaration of vitest. */
function chainOf(callee: Node): { root: string; rows: Node[] } | null {
  let rows: Node[] = [];
  let node = callee;
  while (node.type !== "Identifier") {
    if (node.type === "CallExpression") {
      const [table] = node.arguments as Node[];
      if (table?.type === "ArrayExpression") rows = table.elements as Node[];
      node = node.callee as Node;
    } else if (node.type === "MemberExpression") node = node.object as Node;
    else if (node.type === "TaggedTemplateExpression") node = node.tag as Node;
    else return null;
  }
  const root = node.name as string;
  return GROUPS.has(root) || TESTS.has(root) ? { root, rows } : null;
}

/** Of a title that begins with its row's first cell: those of the rows that are written out and carry a requirement's number. */
function rowTitles(title: string, rows: readonly Node[], source: string): string[] {
  if (!title.startsWith("%s")) return [];
  return rows.flatMap((row) => {
    const cell = row.type === "ArrayExpression" ? (row.elements as Node[])[0] : row;
    const text = cell?.type === "Literal" ? textOf(cell, source) : "";
    return idsOf([text]).length > 0 ? [text + title.slice(2)] : [];
  });
}

function textOf(node: Node, source: string): string {
  if (node.type === "Literal") return String(node.value);
  if (node.type !== "TemplateLiteral") return hole(node, source);
  const words = (node.quasis as (Node & { value: { cooked: string } })[]).map(({ value }) => value.cooked);
  const between = (node.expressions as Node[]).map((expression) => hole(expression, source));
  return words.map((word, index) => word + (between[index] ?? "")).join("");
}

/** Where a part of a title will be. Braces within would hide its end. */
function hole({ start, end }: Node, source: string): string {
  const expression = source.slice(start, end);
  return `\${${/[{}]/.test(expression) ? "…" : expression}}`;
}

function childrenOf(node: Node): Node[] {
  return Object.values(node)
    .flatMap((value) => (Array.isArray(value) ? value : [value]))
    .filter((value): value is Node => typeof value === "object" && value !== null && typeof value.type === "string");
}
