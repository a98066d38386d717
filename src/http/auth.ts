/**
 * Who asks, and whether they may. There is no global middleware: `declareRoute` puts `authorise` in front of each route
 * with the permission that the route declares.
 */
import type { Context, MiddlewareHandler } from "hono";
import { parseOperatorSecret } from "../core/api-key.ts";
import { AppError } from "../core/errors.ts";
import { parseId, platformTenantId } from "../core/ids.ts";
import { equalSecrets } from "../crypto/compare.ts";
import { OPERATOR_PERMISSIONS, OPERATOR_PLATFORM_PERMISSIONS, type Permission } from "../services/permissions.ts";
import { verifyKey } from "../services/tenancy/keys.ts";
import type { CellServices, HttpEnv, Principal } from "./environment.ts";

/**
 * Lets a request through when its credential is right, may know of the path's tenant and holds the permission.
 * 401 without a right credential, whatever the path; 404 for what the caller may not know of, the same as for what does
 * not exist; 403 within the caller's own tenant. `null`: any right credential will do.
 */
export function authorise(permission: Permission | null): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const services = c.get("services");
    const principal = await authenticate(c.req.header("Authorization"), services);
    if (!principal) throw new AppError("auth.required");
    c.set("principal", principal);
    const tenantId = await tenantOfPath(c, services);
    if (tenantId !== null && !mayKnow(principal, tenantId)) throw new AppError("resource.not_found");
    if (permission !== null && !holds(principal, permission, tenantId, services)) {
      throw new AppError("auth.forbidden", { detail: `this needs the permission ${permission}` });
    }
    if (principal.kind === "operator" && tenantId !== null && permission !== "tenant.delete") {
      await demandNotDeleted(tenantId, services);
    }
    await next();
  };
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

async function authenticate(header: string | undefined, services: CellServices): Promise<Principal | null> {
  const credential = /^Bearer ([A-Za-z0-9_]{1,200})$/i.exec(header ?? "")?.[1];
  if (!credential) return null;
  const { config, clock, key } = services;
  if (parseOperatorSecret(credential)) {
    if (!equalSecrets(credential, config.operatorSecret)) return null;
    return { kind: "operator", tenantId: null, keyId: null, permissions: OPERATOR_PERMISSIONS };
  }
  const verified = await verifyKey(credential, config.jurisdiction, config.apiKeyPepper, key, clock());
  return verified && { kind: "api_key", ...verified };
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

function mayKnow(principal: Principal, tenantId: string): boolean {
  return principal.kind === "operator" || principal.tenantId === tenantId;
}

function holds(principal: Principal, permission: Permission, tenantId: string | null, services: CellServices): boolean {
  if (principal.permissions.includes(permission)) return true;
  const onPlatform = tenantId === platformTenantId(services.config.jurisdiction);
  return principal.kind === "operator" && onPlatform && OPERATOR_PLATFORM_PERMISSIONS.includes(permission);
}
