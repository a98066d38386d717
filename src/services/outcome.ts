/**
 * What an object answers over RPC: the value, or an expected failure as plain data. A throw across RPC loses its class and
 * counts as an uncaught exception of the object, so only what nobody expected is thrown.
 */
import { AppError, type AppErrorOptions, type ErrorCode, isAppError } from "../core/errors.ts";

export type Outcome<T> =
  | { ok: true; value: T }
  | { ok: false; code: ErrorCode; options: Omit<AppErrorOptions, "cause"> };

export async function outcomeOf<T>(run: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { ok: true, value: await run() };
  } catch (error) {
    if (!isAppError(error)) throw error;
    const { code, detail, errors, internal, retryAfterSeconds, continueAt, needs } = error;
    return { ok: false, code, options: { detail, errors, internal, retryAfterSeconds, continueAt, needs } };
  }
}

/**
 * The value, or the failure thrown again on this side. An object that gives no answer (its storage is full, it was reset, it
 * is overloaded) is a store that is away; a defect keeps its own name and stays one.
 */
export async function valueOf<T>(answer: Promise<Outcome<T>>): Promise<T> {
  const outcome = await answer.catch((error: unknown) => {
    if (!(error instanceof Error) || error.name !== "Error") throw error;
    throw new AppError("storage.unavailable", { internal: "object: no answer", cause: error });
  });
  if (outcome.ok) return outcome.value;
  throw new AppError(outcome.code, outcome.options);
}
