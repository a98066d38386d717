import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { v7 as uuidv7 } from "uuid";
import { AppError, type ErrorCode, isAppError } from "../../core/errors.ts";
import { makeId } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import type { AskedFilter } from "../../core/query/asked.ts";
import type { DescribedHold } from "../../services/holds/hold-desk.ts";
import { lastChange, statusOf } from "../../services/holds/legal-hold.ts";
import { countOf } from "../../services/query/count.ts";
import { recordRead } from "../../services/query/record-read.ts";
import { readAsked } from "../../services/query/resolve.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { askedBy } from "../principal.ts";
import { declareRoute, mount } from "../route.ts";
import {
  type heldQuery,
  holdIdSchema,
  holdPreviewSchema,
  holdSchema,
  placeHoldSchema,
  previewHoldSchema,
  releaseHoldSchema,
  reviewHoldSchema,
} from "../schemas/holds.ts";
import { tenantIdSchema } from "../schemas/resources.ts";
import { searchedDomains } from "../searched.ts";
import { invalid } from "../validation.ts";

const TAG = "Legal holds";
const PATH = "/v1/tenants/{tenantId}/legal-holds";
const params = z.object({ tenantId: tenantIdSchema, holdId: holdIdSchema });
const shown = { description: "The legal hold", content: { "application/json": { schema: holdSchema } } };
const AWAY: ErrorCode[] = ["storage.unavailable", "keys.unavailable"];
const BODY: ErrorCode[] = ["request.malformed", "request.unsupported_media_type", "request.too_large"];

const placeHold = declareRoute({
  method: "post",
  path: PATH,
  operationId: "placeLegalHold",
  summary: "Place a legal hold: an order to keep, before which erasure and retention stop",
  description:
    "Over whole domains, ranges of entries, people, entries that a query asks for, or several of these (GDPR Art. 17(3)(e)). Each domain concerned holds from the moment on at which its own log says so; `active` when all of them do. One that cannot be reached keeps the hold `placing` and is named.",
  tag: TAG,
  permission: "hold.manage",
  problems: [...BODY, "limit.reached", ...AWAY],
  before: [strictJsonBody],
  request: {
    params: z.object({ tenantId: tenantIdSchema }),
    body: { required: true, content: { "application/json": { schema: placeHoldSchema } } },
  },
  responses: { 201: shown },
});

const listHolds = declareRoute({
  method: "get",
  path: PATH,
  operationId: "listLegalHolds",
  summary: "List the legal holds of a tenant, released ones too",
  tag: TAG,
  permission: "hold.read",
  problems: AWAY,
  request: { params: z.object({ tenantId: tenantIdSchema }) },
  responses: {
    200: {
      description: "The legal holds, oldest first",
      content: { "application/json": { schema: z.object({ legal_holds: z.array(holdSchema) }) } },
    },
  },
});

const readHold = declareRoute({
  method: "get",
  path: `${PATH}/{holdId}`,
  operationId: "readLegalHold",
  summary: "Read a legal hold",
  tag: TAG,
  permission: "hold.read",
  problems: AWAY,
  request: { params },
  responses: { 200: shown },
});

const previewHold = declareRoute({
  method: "post",
  path: `${PATH}/preview`,
  operationId: "previewLegalHold",
  summary: "Count what a hold by query would cover now; nothing is held by it",
  description:
    "By the index, so entries that are in the archive alone are not counted; a hold covers them too while their payloads are there. Each count is an entry, as every read is.",
  tag: TAG,
  permission: "hold.manage",
  problems: [...BODY, "subject.erased", ...AWAY],
  before: [strictJsonBody],
  request: {
    params: z.object({ tenantId: tenantIdSchema }),
    body: { required: true, content: { "application/json": { schema: previewHoldSchema } } },
  },
  responses: {
    200: {
      description: "How many entries, in all and in each domain",
      content: { "application/json": { schema: holdPreviewSchema } },
    },
  },
});

const reviewHold = declareRoute({
  method: "post",
  path: `${PATH}/{holdId}/review`,
  operationId: "reviewLegalHold",
  summary: "Record that a legal hold was reviewed, and when the next review is due",
  tag: TAG,
  permission: "hold.manage",
  problems: [...BODY, "hold.released", "limit.reached", ...AWAY],
  before: [strictJsonBody],
  request: { params, body: { required: true, content: { "application/json": { schema: reviewHoldSchema } } } },
  responses: { 200: shown },
});

const releaseHold = declareRoute({
  method: "post",
  path: `${PATH}/{holdId}/release`,
  operationId: "releaseLegalHold",
  summary: "Release a legal hold: for good, and in each domain at once",
  tag: TAG,
  permission: "hold.manage",
  problems: [...BODY, "hold.released", ...AWAY],
  before: [strictJsonBody],
  request: { params, body: { required: true, content: { "application/json": { schema: releaseHoldSchema } } } },
  responses: { 200: shown },
});

export function holdRoutes(app: CellApp): void {
  mount(app, placeHold, async (c) => {
    const { tenantId } = c.req.valid("param");
    const desk = await deskOf(c, tenantId);
    const { reason, owner = null, review_at, scope } = c.req.valid("json");
    const described = await desk.placeHold({
      id: makeId("legalHold", c.get("services").config.jurisdiction, uuidv7()),
      reason,
      owner,
      reviewAt: inTheFuture(review_at, c),
      allDomains: scope.all_domains ?? false,
      domains: scope.domains ?? [],
      ranges: (scope.ranges ?? []).map(({ domain_id, from, to = null }) => ({
        domainId: domain_id,
        fromSeq: from,
        toSeq: to,
      })),
      people: scope.people ?? [],
      resources: scope.resources ?? [],
      query: queryOf(scope.query, c),
      by: askedBy(c),
    });
    return c.json(holdJson(described), 201, NOT_KEPT);
  });

  mount(app, listHolds, async (c) => {
    const desk = await deskOf(c, c.req.valid("param").tenantId);
    return c.json({ legal_holds: (await desk.holds()).map(holdJson) }, 200, NOT_KEPT);
  });

  mount(app, readHold, async (c) => {
    const { tenantId, holdId } = c.req.valid("param");
    return c.json(holdJson(await (await deskOf(c, tenantId)).hold(holdId)), 200, NOT_KEPT);
  });

  mount(app, previewHold, async (c) => {
    const services = c.get("services");
    const { tenantId } = c.req.valid("param");
    if (!(await services.control.tenant(tenantId))) throw new AppError("resource.not_found");
    const { all_domains = false, domains: named = [], ...asked } = c.req.valid("json").query;
    const query = demandAsked(asked, "/query", services.clock());
    const ofTenant = await services.control.domainsOf(tenantId);
    const unknown = named.flatMap((id, i) => (ofTenant.some((domain) => domain.id === id) ? [] : [i]));
    if (unknown.length > 0) {
      throw invalid(unknown.map((i) => ({ pointer: `/query/domains/${i}`, detail: "is no domain of this tenant" })));
    }
    const wanted = ofTenant.filter(({ id }) => all_domains || named.includes(id));
    if (wanted.length > LIMITS.holdQueryDomains) {
      throw invalid([{ pointer: "/query", detail: `counts in at most ${LIMITS.holdQueryDomains} domains; name them` }]);
    }
    const found = await searchedDomains(
      services,
      wanted.map(({ id }) => id),
      query,
      false,
    );
    const domains = [];
    for (const domain of found) {
      const { count, exact, size } = await countOf(domain);
      const of = wanted.find(({ id }) => id === domain.domainId);
      if (of) await recordRead(services, askedBy(c), of, { kind: "count", filter: domain.filter });
      domains.push({ domain_id: domain.domainId, entries: count, exact, searchable_through: size - 1 });
    }
    const entries = domains.reduce((sum, domain) => sum + domain.entries, 0);
    return c.json({ entries, exact: domains.every(({ exact }) => exact), domains }, 200, NOT_KEPT);
  });

  mount(app, reviewHold, async (c) => {
    const { tenantId, holdId } = c.req.valid("param");
    const desk = await deskOf(c, tenantId);
    const { note, review_at } = c.req.valid("json");
    const wish = { note, reviewAt: inTheFuture(review_at, c), by: askedBy(c) };
    return c.json(holdJson(await desk.reviewHold(holdId, wish)), 200, NOT_KEPT);
  });

  mount(app, releaseHold, async (c) => {
    const { tenantId, holdId } = c.req.valid("param");
    const desk = await deskOf(c, tenantId);
    const { reason } = c.req.valid("json");
    return c.json(holdJson(await desk.releaseHold(holdId, { reason, by: askedBy(c) })), 200, NOT_KEPT);
  });
}

/** Throws `request.invalid`. */
function queryOf(query: z.infer<typeof heldQuery> | undefined, c: Context<HttpEnv>) {
  if (query === undefined) return null;
  const { all_domains = false, domains = [], ...asked } = query;
  demandAsked(asked, "/scope/query", c.get("services").clock());
  return { asked, allDomains: all_domains, domains };
}

function demandAsked(asked: AskedFilter, at: string, nowMs: number) {
  try {
    return readAsked(asked, nowMs);
  } catch (error) {
    if (!isAppError(error)) throw error;
    throw invalid((error.errors ?? []).map(({ pointer, detail }) => ({ pointer: `${at}${pointer}`, detail })));
  }
}

const NOT_KEPT = { "Cache-Control": "no-store" };

async function deskOf(c: Context<HttpEnv>, tenantId: string) {
  const { control, desk } = c.get("services");
  if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
  return desk(tenantId);
}

function inTheFuture(reviewAt: string, c: Context<HttpEnv>): string {
  if (Date.parse(reviewAt) <= c.get("services").clock()) {
    throw invalid([{ pointer: "/review_at", detail: "must be in the future" }]);
  }
  return new Date(reviewAt).toISOString();
}

function holdJson({ hold, words }: DescribedHold) {
  const last = lastChange(hold);
  const { scope } = hold;
  return {
    id: hold.id,
    status: statusOf(hold),
    reason: words[0]?.reason ?? null,
    owner: words[0]?.owner ?? null,
    placed_at: hold.changes[0]?.at ?? last.at,
    placed_by: hold.changes[0]?.by.id ?? last.by.id,
    review_at: last.reviewAt,
    released_at: last.kind === "released" ? last.at : null,
    scope: {
      all_domains: scope.allDomains,
      domains: [...scope.domains],
      ranges: scope.ranges.map(({ domainId, fromSeq, toSeq }) => ({ domain_id: domainId, from: fromSeq, to: toSeq })),
      resources: [...(scope.resources ?? [])],
      people: scope.people === 0 ? [] : words[0]?.people ? [...words[0].people] : null,
      query: scope.query
        ? {
            q: words[0]?.query?.q ?? null,
            filter: words[0]?.query?.filter ?? null,
            all_domains: scope.query.allDomains,
            domains: [...scope.query.domains],
          }
        : null,
    },
    changes: hold.changes.map(({ change, kind, at, by, reviewAt, correlationId }, i) => ({
      change,
      kind,
      at,
      by: by.id,
      review_at: reviewAt,
      note: words[i]?.reason ?? null,
      correlation_id: correlationId,
    })),
    domains: hold.domains.map(({ domainId, confirmed, fault }) => ({
      domain_id: domainId,
      confirmed: confirmed === last.change,
      fault,
    })),
  };
}
