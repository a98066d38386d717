/**
 * Rate limits at the door (S1-24). Each answer to a client that is limited tells of its limits (RateLimit header fields for
 * HTTP, draft-ietf-httpapi-ratelimit-headers-11): `RateLimit-Policy: "requests";q=600;w=60` is the quota and the seconds
 * that it takes to come back, `RateLimit: "requests";r=598;t=1` what is left and when all of it is. What is refused (429)
 * says so before anything of the request was looked up or stored.
 */
import type { Context, MiddlewareHandler } from "hono";
import { AppError } from "../core/errors.ts";
import { platformTenantId } from "../core/ids.ts";
import { askerOf } from "../services/access/networks.ts";
import type { Verdict } from "../services/rates/leases.ts";
import type { AskerPolicy, Bucket } from "../services/rates/limits.ts";
import type { HttpEnv, Principal } from "./environment.ts";

/** Counts the request. The operator's secret is a machine of whoever runs the cell: it has no limit. Throws `rate.limited`. */
export async function limitRequests(c: Context<HttpEnv>, principal: Principal): Promise<void> {
  await limitClient(c, principal, "requests", 1);
}

/** Counts the events of an append, which the request has counted once already. Throws `rate.limited`. */
export async function limitEvents(c: Context<HttpEnv>, events: number): Promise<void> {
  await limitClient(c, c.get("principal"), "events", events);
}

async function limitClient(c: Context<HttpEnv>, principal: Principal, bucket: Bucket, tokens: number): Promise<void> {
  const clientId = principal.person?.id ?? principal.keyId;
  if (clientId === null) return;
  const { rates, config } = c.get("services");
  const tenantId = principal.tenantId ?? platformTenantId(config.jurisdiction);
  demand(c, bucket, await rates.client(tenantId, clientId, bucket, tokens, behind(c)));
}

/** For routes that ask for no credential: counts by where the request comes from. */
export function limitAskers(policy: AskerPolicy): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const place = askerOf(addressOf(c));
    demand(c, policy, await c.get("services").rates.asker(place, policy, behind(c)));
    await next();
  };
}

/** Where the request comes from, as the edge says; what a client says in this header is replaced there. */
export const addressOf = (c: Context<HttpEnv>): string | null => c.req.header("CF-Connecting-IP") ?? null;

/** Puts the fields on the answer, whatever it says. */
export function rateLimitFields(c: Context<HttpEnv>): void {
  const verdicts = c.get("rateVerdicts");
  if (!verdicts) return;
  const items = [...verdicts];
  const policy = items.map(
    ([name, { rate }]) => `"${name}";q=${rate.burst};w=${Math.ceil(rate.burst / rate.perSecond)}`,
  );
  const left = items.map(([name, { left, resetMs }]) => `"${name}";r=${left};t=${Math.ceil(resetMs / 1000)}`);
  c.header("RateLimit-Policy", policy.join(", "));
  c.header("RateLimit", left.join(", "));
}

function demand(c: Context<HttpEnv>, name: string, verdict: Verdict): void {
  c.set("rateVerdicts", new Map([...(c.get("rateVerdicts") ?? []), [name, verdict]]));
  if (verdict.admitted) return;
  throw new AppError("rate.limited", {
    detail: `the limit of ${name} is reached`,
    retryAfterSeconds: Math.max(1, Math.ceil(verdict.waitMs / 1000)),
  });
}

const behind = (c: Context<HttpEnv>) => (work: Promise<unknown>) => c.executionCtx.waitUntil(work);
