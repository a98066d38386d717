/** What is wrong with a query, and where. */

export interface QueryError {
  /** 1-based, in UTF-16 units of the text; one past the end for what is missing there. */
  column: number;
  /** At least 1. */
  length: number;
  message: string;
  /** What was probably meant, or what to write instead. */
  hint: string | null;
}

/** In one sentence, as it stands in a problem document. */
export function queryErrorDetail({ column, message, hint }: QueryError): string {
  return `column ${column}: ${message}${hint === null ? "" : ` (${hint})`}`;
}

/**
 * For a terminal: the query, carets below the place, and the sentence. Control characters of the query show as spaces, so that
 * nothing moves the cursor and the carets stand where they belong.
 */
export function explainQueryError(text: string, error: QueryError): string {
  const line = text.replaceAll(/\p{Cc}/gu, " ");
  const carets = "^".repeat(Math.max(1, Math.min(error.length, line.length - error.column + 1)));
  const hint = error.hint === null ? "" : `\n${error.hint}`;
  return `${line}\n${" ".repeat(error.column - 1)}${carets} ${error.message}${hint}`;
}
