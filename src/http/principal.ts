import type { Context } from "hono";
import { AppError } from "../core/errors.ts";
import type { AskedBy } from "../services/tenancy/jobs.ts";
import type { HttpEnv } from "./environment.ts";

/** Who asks, as the tenant's log names them. Credentials are not people, so their ids stand in clear. */
export function askedBy(c: Context<HttpEnv>): AskedBy {
  const { kind, person, keyId, serviceAccountId } = c.get("principal");
  if (serviceAccountId && keyId) return { type: "service", id: serviceAccountId, via: { type: "api_key", id: keyId } };
  if (person === null) return { type: "service", id: scopeOf(c) };
  const accessId = c.get("accessId");
  const via = accessId
    ? ({ type: "access", id: accessId } as const)
    : ({ type: "session", id: person.sessionId } as const);
  return { type: kind === "staff" ? "support" : "user", id: person.id, via };
}

/** What an idempotency key is bound to: the credential, or the person. */
export function scopeOf(c: Context<HttpEnv>): string {
  const { kind, keyId, person } = c.get("principal");
  if (kind === "operator") return "operator";
  const scope = person?.id ?? keyId;
  if (!scope) throw new AppError("auth.required");
  return scope;
}
