import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { toHex, utf8 } from "../../core/bytes.ts";
import { canonicalJson } from "../../core/canonical.ts";
import { type DomainSettings, settingsOf } from "../../core/domain-settings.ts";
import { AppError } from "../../core/errors.ts";
import { durationOf } from "../../core/retention/duration.ts";
import { sha256 } from "../../crypto/sha256.ts";
import type { DomainRecord } from "../../services/ports.ts";
import { versionOf } from "../../services/retention/change.ts";
import { authorise } from "../auth.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { demandMatch, ifMatchHeaders } from "../etag.ts";
import { askedBy } from "../principal.ts";
import { declareRoute, mount } from "../route.ts";
import { changeDomainSettingsSchema, domainSettingsSchema } from "../schemas/domain-settings.ts";
import { domainIdSchema } from "../schemas/resources.ts";

const TAG = "Domains";
const params = z.object({ domainId: domainIdSchema });
const answer = { "application/json": { schema: domainSettingsSchema } };

const readDomainSettings = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}/settings",
  operationId: "readDomainSettings",
  summary: "How a domain treats what comes to it",
  description: "Send the `ETag` of the answer as `If-Match` to change it.",
  tag: TAG,
  permission: "domain.read",
  problems: ["storage.unavailable"],
  request: { params },
  responses: { 200: { description: "The settings in force", content: answer } },
});

const changeDomainSettings = declareRoute({
  method: "patch",
  path: "/v1/domains/{domainId}/settings",
  operationId: "changeDomainSettings",
  summary: "Change how a domain treats what comes to it",
  description:
    "Felt everywhere within ten seconds. The change stands in the domain's own log and in the tenant's, and is one with both entries. Not of a reserved domain. `retention` is changed first; when it is refused nothing is changed.",
  tag: TAG,
  permission: "domain.update",
  problems: [
    "request.malformed",
    "request.unsupported_media_type",
    "request.too_large",
    "precondition.required",
    "precondition.failed",
    "limit.reached",
    "storage.unavailable",
  ],
  before: [strictJsonBody],
  request: {
    params,
    headers: ifMatchHeaders("The `ETag` of what is to be changed."),
    body: { required: true, content: { "application/json": { schema: changeDomainSettingsSchema } } },
  },
  responses: { 200: { description: "The settings as they are now", content: answer } },
});

export function domainSettingsRoutes(app: CellApp): void {
  mount(app, readDomainSettings, async (c) => {
    const { id, settings } = present(await c.get("services").control.domain(c.req.valid("param").domainId));
    const now = settingsOf({ settings });
    return c.json({ domain_id: id, ...now }, 200, { ETag: etagOf(now), "Cache-Control": "no-store" });
  });

  mount(app, changeDomainSettings, async (c) => {
    const { control, desk } = c.get("services");
    const { domainId } = c.req.valid("param");
    // As it is now, not as it was ten seconds ago.
    const domain = present(await control.domain(domainId));
    const of = settingsOf(domain);
    demandMatch(c.req.header("If-Match"), etagOf(of));
    const { retention, ...change } = c.req.valid("json");
    if (retention) await changeRetention(c, domain, retention.audit_entries);
    const wish = { domainId, change, of, by: askedBy(c) };
    const changed = settingsOf(await desk(domain.tenantId).changeDomainSettings(wish));
    return c.json({ domain_id: domainId, ...changed }, 200, { ETag: etagOf(changed), "Cache-Control": "no-store" });
  });
}

/** Needs what the route of retention needs (S4-1). */
async function changeRetention(c: Context<HttpEnv>, { id, tenantId }: DomainRecord, wanted: string | null) {
  await authorise("retention.manage")(c, async () => undefined);
  const { retention } = c.get("services").desk(tenantId);
  const changes = [{ resource: "audit_entries" as const, duration: wanted === null ? null : durationOf(wanted) }];
  const of = versionOf((await retention.policies()).rows);
  await retention.change({ domainId: id, changes, effectiveFromMs: null, of, by: askedBy(c) });
}

function present(domain: DomainRecord | null): DomainRecord {
  if (!domain) throw new AppError("resource.not_found");
  return domain;
}

function etagOf(settings: DomainSettings): string {
  return `"${toHex(sha256(utf8(canonicalJson({ ...settings })))).slice(0, 32)}"`;
}
