/** What an append says about single events. */
import type { z } from "@hono/zod-openapi";
import type { AppError, FieldError } from "../../core/errors.ts";
import type { EventResult, RefusedEvent } from "../../services/intake/offered.ts";
import type { Summary } from "../../services/intake/stream.ts";
import type { eventResultSchema, summarySchema } from "../schemas/append.ts";

/** Fields that one refused event names at most. */
const ERRORS_OF_ONE = 20;

type Fields = (errors: readonly FieldError[]) => FieldError[];

export function resultView(result: EventResult, fields: Fields): z.infer<typeof eventResultSchema> {
  const { index, line } = result;
  const place = line === undefined ? { index } : { index, line };
  if (result.status === "refused") return { ...place, status: "refused", problem: problemOf(result.refused, fields) };
  return { ...place, status: result.status, receipt: result.receipt };
}

export function summaryView({ stopped, ...counts }: Summary): z.infer<typeof summarySchema> {
  if (!stopped) return { ...counts, complete: true };
  const { index, line = 1, error } = stopped;
  return {
    ...counts,
    complete: false,
    stopped: {
      index,
      line,
      problem: problemOf(error, (errors) => [...errors]),
      ...(error.retryAfterSeconds === undefined ? {} : { retry_after_s: error.retryAfterSeconds }),
    },
  };
}

/** A pointer repeats keys of the caller's, in which half a surrogate pair can stand. */
function problemOf(
  { code, detail, errors = [] }: Pick<RefusedEvent | AppError, "code" | "detail" | "errors">,
  fields: Fields,
) {
  const named = fields(errors.slice(0, ERRORS_OF_ONE));
  return {
    code,
    ...(detail === undefined ? {} : { detail }),
    errors: named.map(({ pointer, detail: why }) => ({ pointer: pointer.toWellFormed(), detail: why })),
  };
}
