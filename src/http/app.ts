/** The HTTP API of a cell: every route, the headers that all answers carry, and what an error becomes. */
import { OpenAPIHono } from "@hono/zod-openapi";
import { HTTPException } from "hono/http-exception";
import { secureHeaders } from "hono/secure-headers";
import { AppError, isAppError } from "../core/errors.ts";
import type { CellApp, CellServices, HttpEnv } from "./environment.ts";
import { admit, onlyDeclared } from "./only-declared.ts";
import { pageHeaders, problemPage } from "./pages/headers.ts";
import { problemResponse } from "./problem.ts";
import { rateLimitFields } from "./rate-limit.ts";
import { requestIdOf } from "./request-id.ts";
import { accessRoutes } from "./routes/access.ts";
import { appendRoutes } from "./routes/append.ts";
import { bundleRoutes } from "./routes/bundles.ts";
import { catalogueRoutes } from "./routes/catalogue.ts";
import { claimRoutes } from "./routes/claims.ts";
import { complianceRoutes } from "./routes/compliance.ts";
import { domainHealthRoutes } from "./routes/domain-health.ts";
import { domainRetentionRoutes } from "./routes/domain-retention.ts";
import { domainSettingsRoutes } from "./routes/domain-settings.ts";
import { domainRoutes } from "./routes/domains.ts";
import { encryptionKeyRoutes } from "./routes/encryption-keys.ts";
import { entryRoutes } from "./routes/entries.ts";
import { erasureRoutes } from "./routes/erasure.ts";
import { eventTypeRoutes } from "./routes/event-types.ts";
import { evidenceSetRoutes } from "./routes/evidence-sets.ts";
import { exportDownloadRoutes } from "./routes/export-download.ts";
import { exportRoutes } from "./routes/exports.ts";
import { holdRoutes } from "./routes/holds.ts";
import { identityProviderRoutes } from "./routes/identity-provider.ts";
import { importRoutes } from "./routes/imports.ts";
import { keyServiceRoutes } from "./routes/key-service.ts";
import { keyRoutes } from "./routes/keys.ts";
import { leakRoutes } from "./routes/leaks.ts";
import { logRoutes } from "./routes/log.ts";
import { memberRoutes } from "./routes/members.ts";
import { metaRoutes } from "./routes/meta.ts";
import { queryRoutes } from "./routes/query.ts";
import { rateLimitRoutes } from "./routes/rate-limits.ts";
import { recoveryRoutes } from "./routes/recovery.ts";
import { rejectedRoutes } from "./routes/rejected.ts";
import { restoreRoutes } from "./routes/restores.ts";
import { retentionRoutes } from "./routes/retention.ts";
import { revealRoutes } from "./routes/reveal.ts";
import { searchRoutes } from "./routes/search.ts";
import { secondFactorPageRoutes } from "./routes/second-factor-pages.ts";
import { secondFactorRoutes } from "./routes/second-factors.ts";
import { serviceAccountRoutes } from "./routes/service-accounts.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { signInRoutes } from "./routes/sign-in.ts";
import { signInPageRoutes } from "./routes/sign-in-pages.ts";
import { staffRoutes } from "./routes/staff.ts";
import { statusRoutes } from "./routes/status.ts";
import { tailRoutes } from "./routes/tail.ts";
import { tenantDeletionRoutes } from "./routes/tenant-deletion.ts";
import { tenantQueryRoutes } from "./routes/tenant-query.ts";
import { tenantSettingsRoutes } from "./routes/tenant-settings.ts";
import { tenantRoutes } from "./routes/tenants.ts";
import { verifyRoutes } from "./routes/verify.ts";
import { wellKnownRoutes } from "./routes/well-known.ts";
import { witnessRoutes } from "./routes/witness.ts";
import { SECURE_HEADERS } from "./secure-headers.ts";
import { validationHook } from "./validation.ts";

/** `services` is asked for once a request; it throws when the cell must not serve. */
export function cellApp(services: () => CellServices): CellApp {
  const app: CellApp = new OpenAPIHono<HttpEnv>({ defaultHook: validationHook });
  admit(app, () => firstOfAll(app, services));
  tenantRoutes(app);
  tenantSettingsRoutes(app);
  tenantDeletionRoutes(app);
  domainRoutes(app);
  domainSettingsRoutes(app);
  eventTypeRoutes(app);
  keyRoutes(app);
  serviceAccountRoutes(app);
  leakRoutes(app);
  rateLimitRoutes(app);
  keyServiceRoutes(app);
  holdRoutes(app);
  restoreRoutes(app);
  retentionRoutes(app);
  domainHealthRoutes(app);
  domainRetentionRoutes(app);
  accessRoutes(app);
  recoveryRoutes(app);
  encryptionKeyRoutes(app);
  erasureRoutes(app);
  appendRoutes(app);
  rejectedRoutes(app);
  entryRoutes(app);
  tailRoutes(app);
  queryRoutes(app);
  tenantQueryRoutes(app);
  searchRoutes(app);
  revealRoutes(app);
  verifyRoutes(app);
  evidenceSetRoutes(app);
  bundleRoutes(app);
  exportRoutes(app);
  exportDownloadRoutes(app);
  importRoutes(app);
  logRoutes(app);
  witnessRoutes(app);
  wellKnownRoutes(app);
  complianceRoutes(app);
  catalogueRoutes(app);
  claimRoutes(app);
  memberRoutes(app);
  sessionRoutes(app);
  signInRoutes(app);
  signInPageRoutes(app);
  identityProviderRoutes(app);
  secondFactorRoutes(app);
  secondFactorPageRoutes(app);
  staffRoutes(app);
  statusRoutes(app);
  metaRoutes(app);

  app.notFound((c) => problem(new AppError("resource.not_found"), c.req.url, c.get("requestId")));
  app.onError((error, c) => {
    const requestId = c.get("requestId") ?? requestIdOf(undefined);
    const known = asAppError(error);
    // The name and our own words only: messages of others may carry what was sent or stored.
    if (known.code === "internal" || known.internal !== undefined) {
      const fault = known.internal ?? error.name;
      console.error(JSON.stringify({ at: "http", request_id: requestId, code: known.code, fault }));
    }
    return c.get("isPage") ? problemPage(c, known) : problem(known, c.req.url, requestId);
  });
  return app;
}

/** What every request goes through; the last of it refuses what was not declared. */
function firstOfAll(app: CellApp, services: () => CellServices): void {
  app.use(pageHeaders);
  app.use(secureHeaders(SECURE_HEADERS));
  app.use(async (c, next) => {
    c.set("requestId", requestIdOf(c.req.header("X-Request-Id")));
    c.header("X-Request-Id", c.get("requestId"));
    // Cloudflare adds this at the edge; clients of a local run check their clock by it too.
    c.header("Date", new Date().toUTCString());
    c.set("services", services());
    await next();
    rateLimitFields(c);
  });
  app.use(onlyDeclared);
}

function asAppError(error: unknown): AppError {
  if (isAppError(error)) return error;
  if (error instanceof HTTPException) {
    if (error.status === 415) return new AppError("request.unsupported_media_type");
    if (error.status < 500) return new AppError("request.malformed");
  }
  return new AppError("internal");
}

function problem(error: AppError, url: string, requestId: string): Response {
  return problemResponse(error, new URL(url).origin, requestId);
}
