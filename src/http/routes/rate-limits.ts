import { z } from "@hono/zod-openapi";
import { toHex, utf8 } from "../../core/bytes.ts";
import { AppError } from "../../core/errors.ts";
import { sha256 } from "../../crypto/sha256.ts";
import {
  BUCKETS,
  mostOf,
  type Quota,
  quotasOf,
  type RateSettings,
  type ShareQuotas,
} from "../../services/rates/limits.ts";
import type { RateLimitsView } from "../../services/tenancy/calls.ts";
import { limitsOf } from "../../services/tiers.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp } from "../environment.ts";
import { demandMatch, ifMatchHeaders } from "../etag.ts";
import { askedBy } from "../principal.ts";
import { declareRoute, mount } from "../route.ts";
import { rateLimitsSchema, rateSettingsSchema } from "../schemas/keys.ts";
import { tenantIdSchema } from "../schemas/resources.ts";

const TAG = "Tenants";
const params = z.object({ tenantId: tenantIdSchema });
const answer = { "application/json": { schema: rateLimitsSchema } };

const readRateLimits = declareRoute({
  method: "get",
  path: "/v1/tenants/{tenantId}/rate-limits",
  operationId: "readRateLimits",
  summary: "Read the tenant's rate limits",
  description: "Send the `ETag` of the answer as `If-Match` to change them.",
  tag: TAG,
  permission: "rate_limit.read",
  problems: ["storage.unavailable"],
  request: { params },
  responses: { 200: { description: "The limits", content: answer } },
});

const setRateLimits = declareRoute({
  method: "put",
  path: "/v1/tenants/{tenantId}/rate-limits",
  operationId: "setRateLimits",
  summary: "Change the tenant's rate limits, within its tier",
  description:
    "Replaces all that was set; what is absent is as the tier says. Felt everywhere within ten seconds. An append of 1,000 events must fit into the burst of events.",
  tag: TAG,
  permission: "rate_limit.manage",
  problems: [
    "request.malformed",
    "request.unsupported_media_type",
    "request.too_large",
    "precondition.required",
    "precondition.failed",
    "tier.required",
    "limit.reached",
    "storage.unavailable",
  ],
  before: [strictJsonBody],
  request: {
    params,
    headers: ifMatchHeaders("The `ETag` of what is to be replaced."),
    body: { required: true, content: { "application/json": { schema: rateSettingsSchema } } },
  },
  responses: { 200: { description: "The limits as they are now", content: answer } },
});

export function rateLimitRoutes(app: CellApp): void {
  mount(app, readRateLimits, async (c) => {
    const { control, desk } = c.get("services");
    const { tenantId } = c.req.valid("param");
    if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
    const view = await desk(tenantId).rateLimits();
    return c.json(rateLimitsJson(view), 200, { ETag: etagOf(view), "Cache-Control": "no-store" });
  });

  mount(app, setRateLimits, async (c) => {
    const { control, desk } = c.get("services");
    const { tenantId } = c.req.valid("param");
    if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
    const current = await desk(tenantId).rateLimits();
    demandMatch(c.req.header("If-Match"), etagOf(current));
    const settings = settingsOf(c.req.valid("json"));
    const view = await desk(tenantId).setRateLimits({ settings, of: current.version, by: askedBy(c) });
    return c.json(rateLimitsJson(view), 200, { ETag: etagOf(view), "Cache-Control": "no-store" });
  });
}

/** Of the whole answer: a change of the tier changes it as well. */
function etagOf(view: RateLimitsView): string {
  const answer = sha256(utf8(JSON.stringify(rateLimitsJson(view))));
  return `"${view.version}.${toHex(answer.subarray(0, 8))}"`;
}

type SettingsJson = z.infer<typeof rateSettingsSchema>;
type QuotasJson = NonNullable<SettingsJson["keys"]>;

function settingsOf({ clients, ...shares }: SettingsJson): RateSettings {
  const quotas = (json: QuotasJson) =>
    Object.fromEntries(
      BUCKETS.flatMap((bucket) => {
        const quota = json[bucket];
        return quota ? [[bucket, { perMinute: quota.per_minute, burst: quota.burst }]] : [];
      }),
    ) as { requests?: Quota; events?: Quota };
  const set = Object.entries(shares).map(([share, json]) => [share, json && quotas(json)]);
  return {
    ...Object.fromEntries(set),
    ...(clients ? { clients: clients.map((its) => ({ id: its.id, ...quotas(its) })) } : {}),
  };
}

const quotaJson = ({ perMinute, burst }: Quota) => ({ per_minute: perMinute, burst });

function rateLimitsJson({ settings, tenant }: RateLimitsView) {
  const quotas = (its: { requests?: Quota | undefined; events?: Quota | undefined }) => ({
    ...(its.requests ? { requests: quotaJson(its.requests) } : {}),
    ...(its.events ? { events: quotaJson(its.events) } : {}),
  });
  const { clients, ...shares } = settings;
  const set = Object.entries(shares).flatMap(([share, its]) => (its ? [[share, quotas(its)]] : []));
  return {
    in_force: sharesJson(quotasOf(tenant, settings)),
    set: {
      ...(Object.fromEntries(set) as Omit<SettingsJson, "clients">),
      ...(clients ? { clients: clients.map(({ id, ...its }) => ({ id, ...quotas(its) })) } : {}),
    },
    most: sharesJson(mostOf(limitsOf(tenant))),
  };
}

function sharesJson({ keys, members, tenant }: ShareQuotas) {
  const all = ({ requests, events }: ShareQuotas["keys"]) => ({
    requests: quotaJson(requests),
    events: quotaJson(events),
  });
  return { keys: all(keys), members: all(members), tenant: all(tenant) };
}
