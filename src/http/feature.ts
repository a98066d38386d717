/** Refusing what the tier of the path's tenant does not include. */
import type { MiddlewareHandler } from "hono";
import { AppError } from "../core/errors.ts";
import { demandFeature, type Feature } from "../services/tiers.ts";
import type { HttpEnv } from "./environment.ts";

/**
 * For `before` of a route, so after its authorisation: of the tenant of its path, else of the credential's own. Throws `tier.required`. Costs one
 * read of the control database; the platform's own tenant has every feature.
 */
export function needsFeature(feature: Feature): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const named = c.get("domain")?.tenantId ?? (c.req.param() as { tenantId?: string }).tenantId;
    const tenantId = named ?? c.get("principal").tenantId;
    const tenant = tenantId === null ? null : await c.get("services").control.tenant(tenantId);
    if (!tenant) throw new AppError("resource.not_found");
    demandFeature(tenant.tier, feature);
    await next();
  };
}
