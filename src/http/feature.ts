/** Refusing what the tier of the path's tenant does not include. */
import type { MiddlewareHandler } from "hono";
import { AppError } from "../core/errors.ts";
import { demandFeature, type Feature } from "../services/tiers.ts";
import type { HttpEnv } from "./environment.ts";

/**
 * For `before` of a route with a domain or a tenant in its path, so after its authorisation. Throws `tier.required`. Costs one
 * read of the control database; the platform's own tenant has every feature.
 */
export function needsFeature(feature: Feature): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const tenantId = c.get("domain")?.tenantId ?? (c.req.param() as { tenantId?: string }).tenantId;
    const tenant = tenantId === undefined ? null : await c.get("services").control.tenant(tenantId);
    if (!tenant) throw new AppError("resource.not_found");
    demandFeature(tenant.tier, feature);
    await next();
  };
}
