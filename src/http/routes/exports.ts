/** Exports: copies of entries that leave the building whole (docs/exporting.md). */
import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { v7 as uuidv7 } from "uuid";
import { AppError, type ErrorCode } from "../../core/errors.ts";
import { makeId } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import { printFilter } from "../../core/query/language/print.ts";
import { withoutIdentities } from "../../core/query/people.ts";
import type { ExportLink, ExportView } from "../../services/exports/calls.ts";
import { resolveFilter } from "../../services/query/resolve.ts";
import { demandBesides } from "../auth.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { needsFeature } from "../feature.ts";
import { askedBy } from "../principal.ts";
import { declareRoute, mount } from "../route.ts";
import {
  exportIdSchema,
  exportLinkIdSchema,
  exportLinkWishSchema,
  exportOfDomainSchema,
  exportSchema,
  exportsSchema,
  exportWishSchema,
  newExportLinkSchema,
  startedExportSchema,
} from "../schemas/exports.ts";
import { domainIdSchema } from "../schemas/resources.ts";
import { invalid } from "../validation.ts";

const TAG = "Exports";
const BODY: ErrorCode[] = ["request.malformed", "request.unsupported_media_type", "request.too_large"];
const AWAY: ErrorCode[] = ["storage.unavailable", "residency.unknown"];
const MAKING: ErrorCode[] = [
  ...BODY,
  "tier.required",
  "limit.reached",
  "subject.erased",
  "backlog.full",
  "domain.stopped",
];
const NO_STORE = { "Cache-Control": "no-store" };
const ofDomain = z.object({ domainId: domainIdSchema });
const ofExport = z.object({ domainId: domainIdSchema, exportId: exportIdSchema });
const json = <S>(schema: S) => ({ content: { "application/json": { schema } } });

const DESCRIPTION = `A zip archive with the entries as they were hashed (NDJSON) and, as asked for, a list (JSON), a table (CSV) and a signed PDF to read; the signed head of the log, the proof, a signed manifest of every file, and a script that verifies all of it with any Node from 20 on and no network. Without a filter the range is provably complete; with one, each entry is provably of the log. It is made step by step and written to the jurisdiction's bucket: \`GET …/exports/{exportId}\` tells how far it is. Private values stay sealed unless \`include_private\` asks for them, and people pseudonyms. The file is deleted after \`expires_in\`. An entry \`audit.export_created\` stands in the tenant's log before this answers.`;

const exportEntries = declareRoute({
  method: "post",
  path: "/v1/audit/export",
  operationId: "exportEntries",
  summary: "Export entries of a domain as one archive that verifies itself",
  description: DESCRIPTION,
  tag: TAG,
  permission: "export.create",
  problems: [...MAKING, "entry.expired", "resource.not_found", ...AWAY],
  before: [needsFeature("exports"), strictJsonBody],
  request: { body: { required: true, ...json(exportOfDomainSchema) } },
  responses: { 202: { description: "The export is being made", ...json(startedExportSchema) } },
});

const createExport = declareRoute({
  method: "post",
  path: "/v1/domains/{domainId}/exports",
  operationId: "createExport",
  summary: "Export entries of this domain",
  description: DESCRIPTION,
  tag: TAG,
  permission: "export.create",
  problems: [...MAKING, "entry.expired", ...AWAY],
  before: [needsFeature("exports"), strictJsonBody],
  request: { params: ofDomain, body: { required: true, ...json(exportWishSchema) } },
  responses: { 202: { description: "The export is being made", ...json(startedExportSchema) } },
});

const listExports = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}/exports",
  operationId: "listExports",
  summary: "The exports of a domain, newest first",
  description: `At most ${LIMITS.exportsKept}: of those that are over the oldest go.`,
  tag: TAG,
  permission: "export.read",
  problems: AWAY,
  request: { params: ofDomain },
  responses: { 200: { description: "The exports", ...json(exportsSchema) } },
});

const readExport = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}/exports/{exportId}",
  operationId: "readExport",
  summary: "How far an export is",
  tag: TAG,
  permission: "export.read",
  problems: AWAY,
  request: { params: ofExport },
  responses: { 200: { description: "The export", ...json(exportSchema) } },
});

const linkExport = declareRoute({
  method: "post",
  path: "/v1/domains/{domainId}/exports/{exportId}/link",
  operationId: "linkExport",
  summary: "A link to download an export, without a credential",
  description:
    "Its token has 256 random bits and is kept as its hash only, so the link is shown once. Of an export with private values it needs the permission `entry.reveal` too. A link is dead when the member who made it may no longer make it, or the key was revoked. The first use is an entry `audit.export_downloaded`.",
  tag: TAG,
  permission: "export.read",
  problems: [...BODY, "export.not_ready", "limit.reached", ...AWAY],
  before: [strictJsonBody],
  request: { params: ofExport, body: { required: true, ...json(exportLinkWishSchema) } },
  responses: { 201: { description: "The link", ...json(newExportLinkSchema) } },
});

const revokeLink = declareRoute({
  method: "delete",
  path: "/v1/domains/{domainId}/exports/{exportId}/links/{linkId}",
  operationId: "revokeExportLink",
  summary: "End a link to an export",
  tag: TAG,
  permission: "export.revoke",
  problems: AWAY,
  request: { params: ofExport.extend({ linkId: exportLinkIdSchema }) },
  responses: { 204: { description: "The link is dead" } },
});

const revokeExport = declareRoute({
  method: "delete",
  path: "/v1/domains/{domainId}/exports/{exportId}",
  operationId: "revokeExport",
  summary: "Withdraw an export",
  description:
    "Its links are dead at once and its file is deleted, or its deletion is tried until it is. Who has downloaded it has it. An entry `audit.export_revoked` tells of it.",
  tag: TAG,
  permission: "export.revoke",
  problems: AWAY,
  request: { params: ofExport },
  responses: { 200: { description: "The export, withdrawn", ...json(exportSchema) } },
});

type Wish = z.output<typeof exportWishSchema>;

export function exportRoutes(app: CellApp): void {
  mount(app, exportEntries, async (c) => {
    const { domain_id: domainId, ...wish } = c.req.valid("json");
    const domain = await c.get("services").domain(domainId);
    if (!domain || domain.tenantId !== c.get("principal").tenantId) throw new AppError("resource.not_found");
    return c.json({ export: await begin(c, domainId, domain.tenantId, wish) }, 202, NO_STORE);
  });
  mount(app, createExport, async (c) => {
    const { domainId } = c.req.valid("param");
    const made = await begin(c, domainId, c.get("domain").tenantId, c.req.valid("json"));
    return c.json({ export: made }, 202, NO_STORE);
  });
  mount(app, listExports, async (c) => {
    const { domainId } = c.req.valid("param");
    const views = await c.get("services").keeper(domainId).exports.list();
    return c.json({ exports: views.map((view) => exportJson(domainId, view)) }, 200, NO_STORE);
  });
  mount(app, readExport, async (c) => {
    const { domainId, exportId } = c.req.valid("param");
    return c.json(exportJson(domainId, await c.get("services").keeper(domainId).exports.read(exportId)), 200, NO_STORE);
  });
  mount(app, linkExport, async (c) => {
    const { domainId, exportId } = c.req.valid("param");
    const { expires_in } = c.req.valid("json");
    const { exports } = c.get("services").keeper(domainId);
    if ((await exports.read(exportId)).isPrivate) await demandBesides(c, "entry.reveal");
    const { link, token } = await exports.link(exportId, askedBy(c), expires_in);
    const url = new URL(`/v1/domains/${domainId}/exports/${exportId}/download?token=${token}`, c.req.url);
    return c.json({ ...linkJson(link), url: url.href }, 201, NO_STORE);
  });
  mount(app, revokeLink, async (c) => {
    const { domainId, exportId, linkId } = c.req.valid("param");
    await c.get("services").keeper(domainId).exports.revokeLink(exportId, linkId);
    return c.body(null, 204);
  });
  mount(app, revokeExport, async (c) => {
    const { domainId, exportId } = c.req.valid("param");
    const view = await c.get("services").keeper(domainId).exports.revoke(exportId, askedBy(c));
    return c.json(exportJson(domainId, view), 200, NO_STORE);
  });
}

async function begin(c: Context<HttpEnv>, domainId: string, tenantId: string, wish: Wish) {
  const { from, to = null, q, filter: parts, formats, expires_in: lifeS, include_private: reveal } = wish;
  if (reveal) await demandBesides(c, "entry.reveal");
  if (to !== null && from > to) throw invalid([{ pointer: "/from", detail: "must not be greater than to" }]);
  const { config, control, keeper, log, clock } = c.get("services");
  const asked = { ...(q === undefined ? {} : { q }), ...(parts === undefined ? {} : { filter: parts }) };
  const resolved = await resolveFilter(asked, (identityId) => log(domainId).person(identityId), clock());
  const isAll = resolved.clauses.length === 0 && resolved.afterMs === null && resolved.beforeMs === null;
  const tenant = await control.tenant(tenantId);
  if (!tenant) throw new AppError("resource.not_found");
  const asking = {
    id: makeId("export", config.jurisdiction, uuidv7()),
    by: askedBy(c),
    ...{ from, to, lifeS, recordIn: tenant.tenantDomainId },
    filter: isAll ? null : resolved,
    filterText: isAll ? null : printFilter(withoutIdentities(resolved)),
    formats: [...new Set(["ndjson" as const, ...formats])],
    isPrivate: reveal !== undefined,
  };
  return exportJson(domainId, await keeper(domainId).exports.create(asking, reveal?.reason ?? null));
}

function exportJson(domainId: string, view: ExportView) {
  const { id, status, from, to, filter, entries, scanned, total, bytes, failure } = view;
  return {
    ...{ id, domain_id: domainId, status, created_at: view.createdAt, from, to, filter, formats: [...view.formats] },
    include_private: view.isPrivate,
    progress: { entries, scanned, total },
    ...{ bytes, finished_at: view.finishedAt, expires_at: view.expiresAt, failure },
    links: view.links.map(linkJson),
  };
}

function linkJson({ id, createdAt, expiresAt, revokedAt, usedAt }: ExportLink) {
  return { id, created_at: createdAt, expires_at: expiresAt, revoked_at: revokedAt, used_at: usedAt };
}
