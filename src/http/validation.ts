/** zod's findings as problem fields. */
import { z } from "@hono/zod-openapi";
import { AppError, type FieldError, isAppError } from "../core/errors.ts";
import { jsonPointer } from "../core/strict-json.ts";

/** At most this many fields are named in one answer. */
const MAX_ERRORS = 100;

// Here, because whatever zod finds is told through this file: its own words speak of `undefined`, which no sender wrote.
z.config({
  customError: ({ code, input }) => (code === "invalid_type" && input === undefined ? "is missing" : undefined),
});

export function fieldErrors(error: z.core.$ZodError, ...prefix: (string | number)[]): FieldError[] {
  return error.issues.flatMap((issue) => {
    const path = [...prefix, ...issue.path.map((token) => (typeof token === "symbol" ? String(token) : token))];
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({ pointer: jsonPointer(...path, key), detail: "is not a field of this" }));
    }
    return [{ pointer: jsonPointer(...path), detail: issue.message }];
  });
}

export function invalid(errors: FieldError[]): AppError {
  const detail = errors.length > MAX_ERRORS ? `the first ${MAX_ERRORS} of ${errors.length} are named` : undefined;
  return new AppError("request.invalid", { errors: errors.slice(0, MAX_ERRORS), detail });
}

/** The hook of every declared route: parameters of the path that are malformed name nothing, so they are a 404. */
export function validationHook(result: { success: boolean; target: string; error?: z.core.$ZodError }): undefined {
  if (result.success || !result.error) return;
  if (result.target === "param") throw new AppError("resource.not_found");
  const errors = fieldErrors(result.error);
  if (result.target === "json") throw invalid(errors);
  throw invalid(errors.map(({ pointer, detail }) => ({ pointer: `${result.target}:${pointer.slice(1)}`, detail })));
}

/** Faults of a body that was made of parameters, named as those: `/filter/actions/0` is `query:action`. */
export async function pointedAtQuery<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isAppError(error) || error.code !== "request.invalid") throw error;
    const errors = (error.errors ?? []).map(({ pointer, detail }) => ({ pointer: parameterOf(pointer), detail }));
    throw new AppError("request.invalid", { errors });
  }
}

const PLURALS: Readonly<Record<string, string>> = { actions: "action", outcomes: "outcome", categories: "category" };

function parameterOf(pointer: string): string {
  const name = pointer.split("/").find((token) => token !== "" && token !== "filter") ?? "";
  return `query:${PLURALS[name] ?? name}`;
}
