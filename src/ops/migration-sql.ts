/** SQL taken apart far enough to see what a migration does to which table. Not a parser: it accepts what SQLite refuses. */

export interface SqlToken {
  /** Lower case, without quotes: `DROP`, "audit_log", [audit_log] and 'audit_log' read the same. */
  text: string;
  /** Whether it stood in quotes: then it is never a keyword, but SQLite takes even '…' for a name where it wants one. */
  quoted: boolean;
  /** 1-based. */
  line: number;
}

const TOKEN =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'((?:[^']|'')*)'|"((?:[^"]|"")*)"|`((?:[^`]|``)*)`|\[([^\]]*)\]|[\p{L}\p{N}_$]+|[^\s]/gu;

/** The tokens of a text without its comments. O(length). */
export function sqlTokens(sql: string): SqlToken[] {
  const tokens: SqlToken[] = [];
  let line = 1;
  let at = 0;
  for (const match of sql.matchAll(TOKEN)) {
    for (; at < match.index; at++) if (sql[at] === "\n") line++;
    const [whole, ...quoted] = match;
    const inside = quoted.find((text) => text !== undefined);
    if (inside === undefined && /^(?:--|\/\*)/.test(whole)) continue;
    tokens.push({ text: (inside ?? whole).toLowerCase(), quoted: inside !== undefined, line });
  }
  return tokens;
}
