/**
 * Who asks, and whether they may. There is no global middleware: `declareRoute` puts `authorise` in front of each route
 * with the permission that the route declares.
 */
import type { Context, MiddlewareHandler } from "hono";
import { parseOperatorSecret } from "../core/api-key.ts";
import { AppError } from "../core/errors.ts";
import { parseId, platformTenantId } from "../core/ids.ts";
import { equalSecrets } from "../crypto/compare.ts";
import { isShownLately } from "../services/access/step-up.ts";
import {
  isSensitive,
  OPERATOR_PERMISSIONS,
  OPERATOR_PLATFORM_PERMISSIONS,
  type Permission,
} from "../services/permissions.ts";
import { verifyKey } from "../services/tenancy/keys.ts";
import type { CellServices, HttpEnv, Principal } from "./environment.ts";
import { addressOf, limitRequests } from "./rate-limit.ts";
import { demandAccess, mayBeApproved } from "./staff-access.ts";

/**
 * Lets a request through when its credential is right, may know of the path's tenant and holds the permission.
 * 401 without a right credential, whatever the path; 404 for what the caller may not know of, the same as for what does
 * not exist; 403 within the caller's own tenant. `null`: any right credential will do.
 */
export function authorise(permission: Permission | null): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const services = c.get("services");
    const principal = await authenticate(c, services);
    if (!principal) throw new AppError("auth.required");
    c.set("principal", principal);
    await limitRequests(c, principal);
    const tenantId = await tenantOfPath(c, services);
    if (tenantId !== null && !mayKnow(principal, tenantId)) throw new AppError("resource.not_found");
    if (permission !== null) {
      demandPermission(principal, permission, tenantId, services);
      if (secondFactorFault(principal, permission, services)) {
        // It may have been shown a moment ago: what is known from memory is not enough to refuse.
        const now = await authenticate(c, services, true);
        if (!now) throw new AppError("auth.required");
        demandPermission(now, permission, tenantId, services);
        const fault = secondFactorFault(now, permission, services);
        if (fault) throw fault;
        c.set("principal", now);
      }
    }
    if (isOperators(principal) && tenantId !== null && permission !== "tenant.delete") {
      await demandNotDeleted(tenantId, services);
    }
    if (permission !== null && tenantId !== null && !holds(c.get("principal"), permission, tenantId, services)) {
      await demandAccess(c, permission, tenantId);
    }
    await next();
  };
}

/**
 * The operator's people need a second factor for everything (S2-11), members for what is sensitive; and what is sensitive
 * asks for it again when it was shown too long ago (S2-12). Keys and the operator's secret are machines'.
 */
function secondFactorFault(
  { kind, person }: Principal,
  permission: Permission,
  services: CellServices,
): AppError | null {
  if (person === null) return null;
  const continueAt = `POST /v1/auth/${services.config.jurisdiction}/second-factor`;
  const atMs = person.secondFactorAtMs;
  if (kind === "staff" && atMs === null) return new AppError("auth.mfa_required", { continueAt });
  if (!isSensitive(permission)) return null;
  return isShownLately(atMs, services.clock()) ? null : new AppError("auth.step_up_required", { continueAt });
}

/**
 * The operator's credential outlives a tenant, so it is asked at each request. API keys are revoked when a deletion begins, and
 * their requests end with that: within `LIMITS.keyCacheMs`, or `keyStaleMs` while the control database is away.
 */
async function demandNotDeleted(tenantId: string, services: CellServices): Promise<void> {
  const deletion = await services.deletion(tenantId);
  if (deletion?.finished) throw new AppError("resource.not_found");
  if (deletion) throw new AppError("tenant.deleting");
}

async function authenticate(c: Context<HttpEnv>, services: CellServices, fresh = false): Promise<Principal | null> {
  const credential = /^Bearer ([A-Za-z0-9_.-]{1,4096})$/i.exec(c.req.header("Authorization") ?? "")?.[1];
  if (!credential) return null;
  const { config, clock, key } = services;
  if (credential.includes(".")) {
    const session = await services.session(credential, fresh);
    return session && { ...session, keyId: null };
  }
  if (parseOperatorSecret(credential)) {
    if (!equalSecrets(credential, config.operatorSecret)) return null;
    return { kind: "operator", tenantId: null, keyId: null, permissions: OPERATOR_PERMISSIONS, person: null };
  }
  const verified = await verifyKey(credential, config.jurisdiction, config.apiKeyPepper, key, clock(), addressOf(c));
  return verified && { kind: "api_key", ...verified, person: null };
}

/** The tenant that the path is about; null for a path about none. Throws 404 for an id that names nothing here. */
async function tenantOfPath(c: Context<HttpEnv>, services: CellServices): Promise<string | null> {
  const { domainId, tenantId } = c.req.param() as { domainId?: string; tenantId?: string };
  const here = (id: string, kind: "tenant" | "domain") => {
    const parsed = parseId(id);
    if (parsed?.kind !== kind || parsed.jurisdiction !== services.config.jurisdiction) {
      throw new AppError("resource.not_found");
    }
  };
  if (tenantId !== undefined) {
    here(tenantId, "tenant");
    return tenantId;
  }
  if (domainId === undefined) return null;
  here(domainId, "domain");
  const domain = await services.domain(domainId);
  if (!domain) throw new AppError("resource.not_found");
  c.set("domain", domain);
  return domain.tenantId;
}

/**
 * A permission that a route needs for some bodies only, besides its own, under the same rules of second factors. 403 names it. An
 * approved access of the operator's people is to the route's own permission, so it does not reach this one.
 */
export async function demandBesides(c: Context<HttpEnv>, permission: Permission): Promise<void> {
  const services = c.get("services");
  const demanded = (principal: Principal) => {
    if (!principal.permissions.includes(permission)) {
      throw new AppError("auth.forbidden", { detail: `this needs the permission ${permission} too` });
    }
    return secondFactorFault(principal, permission, services);
  };
  if (!demanded(c.get("principal"))) return;
  const now = await authenticate(c, services, true);
  if (!now) throw new AppError("auth.required");
  const fault = demanded(now);
  if (fault) throw fault;
}

function mayKnow(principal: Principal, tenantId: string): boolean {
  return isOperators(principal) || principal.tenantId === tenantId;
}

const isOperators = ({ kind }: Principal) => kind === "operator" || kind === "staff";

function demandPermission(
  principal: Principal,
  permission: Permission,
  tenantId: string | null,
  services: CellServices,
): void {
  if (holds(principal, permission, tenantId, services) || mayBeApproved(principal, permission, tenantId)) return;
  throw new AppError("auth.forbidden", { detail: `this needs the permission ${permission}` });
}

function holds(principal: Principal, permission: Permission, tenantId: string | null, services: CellServices): boolean {
  if (principal.permissions.includes(permission)) return true;
  const onPlatform = tenantId === platformTenantId(services.config.jurisdiction);
  return isOperators(principal) && onPlatform && OPERATOR_PLATFORM_PERMISSIONS.includes(permission);
}
