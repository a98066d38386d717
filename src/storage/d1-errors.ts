/**
 * Errors of D1. Their messages may carry statements and parameters, so they never travel further than `internal`, and
 * only the constraint's own name is kept.
 */
import { AppError } from "../core/errors.ts";

export function storeUnavailable(store: string, error: unknown): AppError {
  return new AppError("storage.unavailable", {
    internal: `${store}: ${constraintOf(error) ?? "no answer"}`,
    cause: error,
  });
}

/** The text of a RAISE or the extended code of a constraint; null for other failures. */
export function constraintOf(error: unknown): string | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    const guard = GUARD_TEXT.exec(at.message)?.[0];
    const code = /\(extended: (SQLITE_[A-Z_]+)\)/.exec(at.message)?.[1];
    if (guard || code) return guard ?? code ?? null;
  }
  return null;
}

const GUARD_TEXT =
  /(?:audit_log|ledger_base|ledger_release) (?:is append-only: [a-z_ ]+|is a chain: [a-z ]+|holds names of caveats only)/;
