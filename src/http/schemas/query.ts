import { z } from "@hono/zod-openapi";

/**
 * A whole number in a query, in its one spelling. Not `z.coerce`: that reads an empty parameter (a script's unset
 * variable) as 0, and so would verify one entry where all were meant.
 */
export function wholeNumber(minimum: number, maximum: number) {
  return z
    .string()
    .regex(/^(?:0|[1-9]\d{0,15})$/, "must be a whole number")
    .transform(Number)
    .pipe(z.number().min(minimum).max(maximum))
    .openapi({ type: "integer", minimum, maximum });
}

/** A seq in a query. */
export const seqQuery = wholeNumber(0, Number.MAX_SAFE_INTEGER);
