/** The checks of a domain's events, and the count of those that were refused. */
import type { Context } from "hono";
import type { FieldError } from "../../core/errors.ts";
import type { JsonValue } from "../../core/strict-json.ts";
import type { EventCheck } from "../../services/intake/checks.ts";
import type { EventResult, RefusedEvent } from "../../services/intake/offered.ts";
import type { HttpEnv } from "../environment.ts";
import { lengthFault } from "../lengths.ts";
import { eventSchema } from "../schemas/event.ts";
import { fieldErrors } from "../validation.ts";

export const domainChecks = (c: Context<HttpEnv>): Promise<EventCheck> => c.get("services").checks(c.get("domain"));

export function shapeErrors(value: JsonValue): FieldError[] {
  // Looked for when it has happened: every event of every request comes by here, and nearly none is such.
  try {
    const result = eventSchema.safeParse(value);
    return result.success ? [] : fieldErrors(result.error);
  } catch (error) {
    const fault = lengthFault(value);
    if (!fault) throw error;
    return [fault];
  }
}

/** Counts them without a word of their content; behind the answer. */
export function noteRefused(c: Context<HttpEnv>, refused: readonly RefusedEvent[]): void {
  if (refused.length === 0) return;
  const { id: domainId } = c.get("domain");
  const { keyId, kind } = c.get("principal");
  const credentialId = keyId ?? (kind === "operator" ? "operator" : null);
  const rejected = refused.map(({ code, action, errors, schemaVersion }) => {
    return { domainId, code, action, pointer: errors[0]?.pointer ?? "", schemaVersion, credentialId };
  });
  c.get("services").rejected.note(rejected, (work) => c.executionCtx.waitUntil(work));
}

export const refusedAmong = (results: readonly EventResult[]): RefusedEvent[] =>
  results.flatMap((result) => (result.status === "refused" ? [result.refused] : []));
