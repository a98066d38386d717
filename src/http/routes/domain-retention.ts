import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { AppError } from "../../core/errors.ts";
import { durationOf } from "../../core/retention/duration.ts";
import { versionOf } from "../../services/retention/change.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { demandMatch } from "../etag.ts";
import { askedBy } from "../principal.ts";
import { confirmationJson, domainRetentionJson, iso, retentionEtag } from "../retention-json.ts";
import { declareRoute, mount } from "../route.ts";
import { domainIdSchema } from "../schemas/resources.ts";
import {
  confirmationSchema,
  confirmSchema,
  domainDryRunSchema,
  domainRetentionSchema,
  setDomainRetentionSchema,
} from "../schemas/retention.ts";

const TAG = "Retention";
const PATH = "/v1/domains/{domainId}/retention";
const params = z.object({ domainId: domainIdSchema });
const policies = { description: "What holds now", content: { "application/json": { schema: domainRetentionSchema } } };
const BODY = ["request.malformed", "request.unsupported_media_type", "request.too_large"] as const;

const readDomainRetention = declareRoute({
  method: "get",
  path: PATH,
  operationId: "readDomainRetention",
  summary: "How long the entries of a domain stay in the hot store",
  description: "Send the `ETag` of the answer as `If-Match` to change it.",
  tag: TAG,
  permission: "retention.read",
  problems: ["storage.unavailable"],
  request: { params },
  responses: { 200: policies },
});

const setDomainRetention = declareRoute({
  method: "put",
  path: PATH,
  operationId: "setDomainRetention",
  summary: "Change how long the entries of a domain stay in the hot store",
  description:
    "The change stands in the domain's own log and in the tenant's. Nothing goes because of it before somebody has confirmed a dry run of the domain. Not of a reserved domain.",
  tag: TAG,
  permission: "retention.manage",
  problems: [...BODY, "precondition.required", "precondition.failed", "limit.reached", "storage.unavailable"],
  before: [strictJsonBody],
  request: {
    params,
    headers: z.object({
      "if-match": z.string().optional().openapi({ description: "The `ETag` of what is to be changed. Required." }),
    }),
    body: { required: true, content: { "application/json": { schema: setDomainRetentionSchema } } },
  },
  responses: { 200: policies },
});

const dryRunDomain = declareRoute({
  method: "post",
  path: `${PATH}/dry-run`,
  operationId: "dryRunDomainRetention",
  summary: "Which entries of a domain are older than its policy and not held; nothing goes",
  description:
    "With a token that confirms it for a week, unless the range is empty. While a legal hold that names people is in force the range is empty.",
  tag: TAG,
  permission: "retention.manage",
  problems: ["storage.unavailable"],
  request: { params },
  responses: {
    200: { description: "The range", content: { "application/json": { schema: domainDryRunSchema } } },
  },
});

const confirmDomain = declareRoute({
  method: "post",
  path: `${PATH}/confirm`,
  operationId: "confirmDomainRetention",
  summary: "Confirm a dry run: from now on retention may remove entries of the domain",
  description:
    "As long as its policy is not shorter than the confirmed one. A token that is unknown, too old, or of a policy that was shortened since is a `412`.",
  tag: TAG,
  permission: "retention.manage",
  problems: [...BODY, "precondition.failed", "storage.unavailable"],
  before: [strictJsonBody],
  request: { params, body: { required: true, content: { "application/json": { schema: confirmSchema } } } },
  responses: {
    200: { description: "What was confirmed", content: { "application/json": { schema: confirmationSchema } } },
  },
});

const NOT_KEPT = { "Cache-Control": "no-store" };

export function domainRetentionRoutes(app: CellApp): void {
  mount(app, readDomainRetention, async (c) => {
    const { domainId } = c.req.valid("param");
    const retention = await retentionOf(c, domainId);
    const [view, confirmation] = await Promise.all([retention.policies(), retention.confirmation(domainId)]);
    const answer = domainRetentionJson(view, domainId, confirmation);
    return c.json(answer, 200, { ...NOT_KEPT, ETag: retentionEtag(view) });
  });

  mount(app, setDomainRetention, async (c) => {
    const { domainId } = c.req.valid("param");
    const { policies: wanted, effective_from } = c.req.valid("json");
    const retention = await retentionOf(c, domainId);
    const current = await retention.policies();
    demandMatch(c.req.header("If-Match"), retentionEtag(current));
    const changes = (["audit_entries", "hot_entries"] as const).flatMap((resource) => {
      const duration = wanted[resource];
      return duration === undefined ? [] : [{ resource, duration: duration === null ? null : durationOf(duration) }];
    });
    const view = await retention.change({
      domainId,
      changes,
      effectiveFromMs: effective_from === undefined ? null : Date.parse(effective_from),
      of: versionOf(current.rows),
      by: askedBy(c),
    });
    const answer = domainRetentionJson(view, domainId, await retention.confirmation(domainId));
    return c.json(answer, 200, { ...NOT_KEPT, ETag: retentionEtag(view) });
  });

  mount(app, dryRunDomain, async (c) => {
    const { domainId } = c.req.valid("param");
    const run = await (await retentionOf(c, domainId)).domainDryRun(domainId);
    return c.json(
      {
        domain_id: domainId,
        at: iso(run.atMs),
        duration: run.duration,
        kept_for: run.keptFor,
        before: run.beforeMs === null ? null : iso(run.beforeMs),
        expired_before: run.expiredBeforeMs === null ? null : iso(run.expiredBeforeMs),
        from_seq: run.fromSeq,
        to_seq: run.toSeq,
        entries: run.toSeq - run.fromSeq,
        ends_because: run.endsBecause,
        token: run.token,
        token_expires_at: run.tokenExpiresAtMs === null ? null : iso(run.tokenExpiresAtMs),
      },
      200,
      NOT_KEPT,
    );
  });

  mount(app, confirmDomain, async (c) => {
    const { domainId } = c.req.valid("param");
    const retention = await retentionOf(c, domainId);
    const wish = { domainId, token: c.req.valid("json").token, by: askedBy(c) };
    return c.json(confirmationJson(await retention.confirm(wish)), 200, NOT_KEPT);
  });
}

async function retentionOf(c: Context<HttpEnv>, domainId: string) {
  const { domain, desk } = c.get("services");
  const record = await domain(domainId);
  if (!record) throw new AppError("resource.not_found");
  return desk(record.tenantId).retention;
}
