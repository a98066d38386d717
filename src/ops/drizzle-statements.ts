/** The statements that are written with drizzle, as text: enough to see whether one names its tenant. Pure. */

export interface DrizzleStatement {
  file: string;
  line: number;
  verb: "from" | "update" | "delete" | "insert";
  /** As schema.ts exports it. */
  table: string;
  /** The call and whatever is chained to it, with constants of the same source put in. */
  text: string;
}

const CALL = /\.(from|update|delete|insert)\(\s*(\w+)\s*\)/g;

/** `tables`: what schema.ts exports. */
export function drizzleStatementsOf(file: string, source: string, tables: readonly string[]): DrizzleStatement[] {
  const constants = [...source.matchAll(/const (\w+) = ((?:and|or|eq|inArray)\([^;]*\));/g)].map(
    ({ 1: name, 2: text, index }) => ({ name: name as string, text: text as string, index }),
  );
  return [...source.matchAll(CALL)]
    .filter(([, , table]) => tables.includes(table as string))
    .map((match) => ({
      file,
      line: source.slice(0, match.index).split("\n").length,
      verb: match[1] as DrizzleStatement["verb"],
      table: match[2] as string,
      text: filled(
        chain(source, match.index),
        constants.filter(({ index }) => index < match.index),
      ),
    }));
}

/** From a `.call(` on for as long as calls are chained. */
function chain(source: string, start: number): string {
  let at = start;
  for (;;) {
    const call = /^\s*\.\w+\(/.exec(source.slice(at));
    if (!call) return source.slice(start, at);
    at = closing(source, at + call[0].length);
  }
}

/** The place after the parenthesis that closes the one before `from`. */
function closing(source: string, from: number): number {
  let depth = 1;
  let at = from;
  while (depth > 0 && at < source.length) {
    if (source[at] === "(") depth++;
    if (source[at] === ")") depth--;
    at++;
  }
  return at;
}

/** The nearest constant of the name above the statement. */
const filled = (text: string, constants: readonly { name: string; text: string }[]) =>
  text.replaceAll(/(?<![\w.])(\w+)(?=[,)])/g, (word) => constants.findLast(({ name }) => name === word)?.text ?? word);

/** Whether its WHERE binds one of the columns (`table.column` as drizzle spells them), not as one side of an OR. */
export function isScoped({ verb, table, text }: DrizzleStatement, columns: readonly string[]): boolean {
  if (verb === "insert") return true;
  const where = /\.where\(([\s\S]*)/.exec(text)?.[1] ?? "";
  const bound = columns.flatMap((column) => [
    ...where.matchAll(new RegExp(`\\b(?:eq|inArray)\\(\\s*${table}\\.${column}\\b`, "g")),
  ]);
  return bound.some(({ index }) => !callsAround(where, index).some((name) => name === "or" || name === "not"));
}

/** The names of the calls that a place is an argument of. */
function callsAround(text: string, place: number): string[] {
  const open: string[] = [];
  for (const match of text.slice(0, place).matchAll(/(\w*)\(|\)/g)) {
    if (match[0] === ")") open.pop();
    else open.push(match[1] ?? "");
  }
  return open;
}
