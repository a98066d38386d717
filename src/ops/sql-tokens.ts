/** SQL texts in TypeScript sources, and the tokens of one. Just enough of SQLite's grammar to see tables and predicates. Pure. */

export interface SqlText {
  file: string;
  line: number;
  /** White space folded; `${…}` replaced by what it names, or by a token that no table has: `⟨name⟩`. */
  sql: string;
}

const BEGINS = /^\s*(?:SELECT|INSERT|UPDATE|DELETE|REPLACE|WITH)\s/i;
const LITERAL = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g;

/** Every string or template of a source that begins like a statement, with constants of the same source put in. */
export function sqlTextsOf(file: string, source: string): SqlText[] {
  const bare = source.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/[^\n]*/g, (comment) => comment.replace(/[^\n]/g, " "));
  const constants = new Map(
    [...bare.matchAll(/const (\w+)(?:: [^=]+)? =\s*("(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`);/g)].map(
      ([, name, text]) => [name as string, (text as string).slice(1, -1)],
    ),
  );
  return [...bare.matchAll(LITERAL)]
    .map(({ 0: text, index }) => ({ text: text.slice(1, -1), line: bare.slice(0, index).split("\n").length }))
    .filter(({ text }) => BEGINS.test(text))
    .map(({ text, line }) => ({ file, line, sql: filled(text, constants, 0).replaceAll(/\s+/g, " ").trim() }));
}

function filled(text: string, constants: ReadonlyMap<string, string>, depth: number): string {
  return text.replaceAll(/\$\{([^{}]*)\}/g, (_, expression: string) => {
    const constant = constants.get(expression);
    return constant === undefined || depth > 5 ? `⟨${expression}⟩` : filled(constant, constants, depth + 1);
  });
}

const TOKEN = /'(?:[^']|'')*'|"[^"]*"|⟨[^⟩]*⟩|\?\d*|[A-Za-z_]\w*|\d+(?:\.\d+)?|->>|->|\|\||<=|>=|<>|!=|==|[^\s]/g;

/** Words in lower case, also names in double quotes; texts as they are. */
export function tokensOf(sql: string): string[] {
  return [...sql.matchAll(TOKEN)].map(([token]) => {
    const name = /^"(.*)"$/.exec(token)?.[1] ?? token;
    return /^[A-Za-z_]/.test(name) ? name.toLowerCase() : token;
  });
}
