/**
 * Errors of D1 and drizzle. Their messages may carry statements and parameters, and those may be about people, so they end
 * here: what goes on is the constraint's own name and where it happened.
 */
import { AppError } from "../core/errors.ts";

export function storeUnavailable(store: string, error: unknown): AppError {
  const internal = `${store}: ${constraintOf(error) ?? "no answer"}`;
  return new AppError("storage.unavailable", { internal, cause: withoutWords(error, internal) });
}

/** The text of a RAISE or the code of SQLite; null for other failures. Only the innermost error is D1's own. */
export function constraintOf(error: unknown): string | null {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause instanceof Error) innermost = innermost.cause;
  const text = innermost instanceof Error ? innermost.message : "";
  return GUARD_TEXT.exec(text)?.[0] ?? SQLITE_CODE.exec(text)?.[1] ?? null;
}

/** The error's kind and stack without its message and its own causes. */
function withoutWords(error: unknown, message: string): Error {
  const bare = new Error(message);
  if (!(error instanceof Error)) return bare;
  const frames = (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line));
  bare.stack = [`${error.name}: ${message}`, ...frames].join("\n");
  return bare;
}

const GUARD_TEXT =
  /(?:audit_log|ledger_base|ledger_release) (?:is append-only: [a-z_ ]+|is a chain: [a-z ]+|holds names of caveats only)/;
const SQLITE_CODE = /(?:\(extended: |: )(SQLITE_[A-Z_]+)\)?$/;
