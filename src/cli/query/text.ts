/** What was typed as a query, checked here first: a mistake is shown where it stands, and nothing is sent. */

import { LIMITS } from "../../core/limits.ts";
import { explainQueryError } from "../../core/query/language/errors.ts";
import { parseQuery } from "../../core/query/language/parse.ts";
import { CliError } from "../io.ts";
import { safeText } from "../text.ts";

/** Undefined: every entry. Throws `CliError` of several lines, with carets below the mistake. */
export function queryText(words: readonly string[], nowMs: number): string | undefined {
  const text = words.join(" ").trim();
  if (text === "") return undefined;
  if (text.length > LIMITS.queryChars) throw new CliError(`a query has at most ${LIMITS.queryChars} characters`);
  const option = words.find((word) => /^--[a-z]/.test(word));
  if (option) throw new CliError(`there is no option ${safeText(option)}; see: moonseal query --help`);
  const parsed = parseQuery(text, nowMs);
  if (parsed.ok) return text;
  throw new QueryMistake(parsed.errors.map((error) => explainQueryError(text, error)));
}

/** Its message is for the terminal as it is, line by line. */
export class QueryMistake extends CliError {
  readonly lines: readonly string[];

  constructor(explained: readonly string[]) {
    super("the query is not understood");
    this.lines = explained.flatMap((text) => text.split("\n")).map((text) => safeText(text, 2000));
  }
}
