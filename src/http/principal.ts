import type { Context } from "hono";
import { AppError } from "../core/errors.ts";
import type { AskedBy } from "../services/tenancy/jobs.ts";
import type { HttpEnv } from "./environment.ts";

/** Who asks, as the tenant's log names them. Credentials are not people, so their ids stand in clear. */
export function askedBy(c: Context<HttpEnv>): AskedBy {
  return { type: "service", id: scopeOf(c) };
}

/** What an idempotency key is bound to: the credential. */
export function scopeOf(c: Context<HttpEnv>): string {
  const { kind, keyId } = c.get("principal");
  if (kind === "operator") return "operator";
  if (!keyId) throw new AppError("auth.required");
  return keyId;
}
