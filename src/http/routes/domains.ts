import { z } from "@hono/zod-openapi";
import { AppError } from "../../core/errors.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp } from "../environment.ts";
import { indexedSize } from "../indexed-size.ts";
import { askedBy } from "../principal.ts";
import { domainJson } from "../records.ts";
import { declareRoute, mount } from "../route.ts";
import { createDomainSchema, domainIdSchema, domainSchema, headSchema, tenantIdSchema } from "../schemas/resources.ts";

const TAG = "Domains";

const createDomain = declareRoute({
  method: "post",
  path: "/v1/tenants/{tenantId}/domains",
  operationId: "createDomain",
  summary: "Create a domain: one log with one chain",
  tag: TAG,
  permission: "domain.create",
  problems: [
    "request.malformed",
    "request.unsupported_media_type",
    "request.too_large",
    "domain.name_taken",
    "limit.reached",
    "storage.unavailable",
  ],
  before: [strictJsonBody],
  request: {
    params: z.object({ tenantId: tenantIdSchema }),
    body: { required: true, content: { "application/json": { schema: createDomainSchema } } },
  },
  responses: { 201: { description: "Created", content: { "application/json": { schema: domainSchema } } } },
});

const listDomains = declareRoute({
  method: "get",
  path: "/v1/tenants/{tenantId}/domains",
  operationId: "listDomains",
  summary: "List the domains of a tenant",
  tag: TAG,
  permission: "domain.list",
  request: { params: z.object({ tenantId: tenantIdSchema }) },
  responses: {
    200: {
      description: "The domains, oldest first",
      content: { "application/json": { schema: z.object({ domains: z.array(domainSchema) }) } },
    },
  },
});

const readDomain = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}",
  operationId: "readDomain",
  summary: "Read a domain",
  tag: TAG,
  permission: "domain.read",
  request: { params: z.object({ domainId: domainIdSchema }) },
  responses: { 200: { description: "The domain", content: { "application/json": { schema: domainSchema } } } },
});

const readHead = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}/audit/head",
  operationId: "readHead",
  summary: "The head of a domain's log, and how far its copies have come",
  tag: TAG,
  permission: "domain.read",
  problems: ["residency.unknown"],
  request: { params: z.object({ domainId: domainIdSchema }) },
  responses: { 200: { description: "The head", content: { "application/json": { schema: headSchema } } } },
});

export function domainRoutes(app: CellApp): void {
  mount(app, createDomain, async (c) => {
    const { config, control, desk } = c.get("services");
    const { tenantId } = c.req.valid("param");
    if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
    const { name, segment_entries } = c.req.valid("json");
    const wanted = { name, segmentEntries: segment_entries ?? null, by: askedBy(c) };
    return c.json(domainJson(await desk(tenantId).createDomain(wanted), config.jurisdiction), 201);
  });

  mount(app, listDomains, async (c) => {
    const { config, control } = c.get("services");
    const { tenantId } = c.req.valid("param");
    if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
    const domains = await control.domainsOf(tenantId);
    return c.json({ domains: domains.map((domain) => domainJson(domain, config.jurisdiction)) }, 200);
  });

  mount(app, readDomain, async (c) => {
    return c.json(domainJson(c.get("domain"), c.get("services").config.jurisdiction), 200);
  });

  mount(app, readHead, async (c) => {
    const { domainId } = c.req.valid("param");
    const services = c.get("services");
    const head = await services.log(domainId).head();
    const indexed_size = await indexedSize(services, domainId, head.shards);
    return c.json(
      {
        domain_id: domainId,
        size: head.size,
        entry_hash: head.entryHash,
        recorded_at: head.recordedAt,
        genesis: head.genesis,
        copied_size: head.copiedSize,
        first_hot_seq: head.firstHot,
        first_kept_seq: head.firstKept,
        indexed_size,
        archived_size: head.archivedSize,
        signed_size: head.signedSize,
        mirrored_size: head.mirroredSize,
        witnesses: head.witnesses,
        backlog_entries: head.backlogEntries,
        backlog_bytes: head.backlogBytes,
        oldest_uncopied_at: head.oldestUncopiedAt,
        oldest_unarchived_at: head.oldestUnarchivedAt,
        status: head.stoppedReason === null ? ("running" as const) : ("stopped" as const),
        stopped_reason: head.stoppedReason,
      },
      200,
      { "Cache-Control": "no-store" },
    );
  });
}
