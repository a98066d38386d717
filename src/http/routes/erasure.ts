import { z } from "@hono/zod-openapi";
import type { Context } from "hono";
import { v7 as uuidv7 } from "uuid";
import { AppError, type ErrorCode } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { EraseResult, ErasureView } from "../../services/erasure/calls.ts";
import type { ErasureRequest } from "../../services/erasure/erasure.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp, HttpEnv } from "../environment.ts";
import { askedBy } from "../principal.ts";
import { declareRoute, mount } from "../route.ts";
import {
  erasedEverywhereSchema,
  eraseIdentitySchema,
  erasureIdSchema,
  erasureSchema,
  replayErasuresSchema,
  replayedSchema,
} from "../schemas/erasure.ts";
import { domainIdSchema, tenantIdSchema } from "../schemas/resources.ts";
import { invalid } from "../validation.ts";

const TAG = "Erasure";
const BODY: ErrorCode[] = ["request.malformed", "request.unsupported_media_type", "request.too_large"];
const AWAY: ErrorCode[] = ["storage.unavailable", "residency.unknown"];
const NO_STORE = { "Cache-Control": "no-store" };
const ofErasure = z.object({ domainId: domainIdSchema, erasureId: erasureIdSchema });

const eraseIdentity = declareRoute({
  method: "post",
  path: "/v1/domains/{domainId}/audit/erase-identity",
  operationId: "eraseIdentity",
  summary: "Erase a person from a log (GDPR Art. 17)",
  description:
    "The key of what is sealed about the person is destroyed, the sealed rows are deleted from every store, and no later event brings the person back. Entries stay, under the pseudonym; the chain still verifies. An entry `audit.identity_erased` and a signed certificate tell of it. The same person again: 200 with `already_erased`; nothing is done and nothing is appended. A legal hold refuses it (409), which is recorded. Somebody whom this log never saw is suppressed too.",
  tag: TAG,
  permission: "subject.erase",
  problems: [...BODY, "subject.held", "backlog.full", "domain.stopped", ...AWAY],
  before: [strictJsonBody],
  request: {
    params: z.object({ domainId: domainIdSchema }),
    body: { required: true, content: { "application/json": { schema: eraseIdentitySchema } } },
  },
  responses: { 200: { description: "The erasure", content: { "application/json": { schema: erasureSchema } } } },
});

const eraseIdentityEverywhere = declareRoute({
  method: "post",
  path: "/v1/tenants/{tenantId}/audit/erase-identity",
  operationId: "eraseIdentityEverywhere",
  summary: "Erase a person from every log of a tenant, or from none",
  description:
    "Every domain of the tenant, its reserved one too, is asked first. A legal hold in one of them, or one that does not answer, and nothing is erased anywhere. Once all have agreed, all erase under one correlation id, however long one of them is away. A hold that is placed after that comes too late; a domain that is made later knows nothing of it.",
  tag: TAG,
  permission: "subject.erase",
  problems: [...BODY, "subject.held", ...AWAY],
  before: [strictJsonBody],
  request: {
    params: z.object({ tenantId: tenantIdSchema }),
    body: { required: true, content: { "application/json": { schema: eraseIdentitySchema } } },
  },
  responses: {
    200: { description: "The erasures", content: { "application/json": { schema: erasedEverywhereSchema } } },
  },
});

const readErasure = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}/audit/erasures/{erasureId}",
  operationId: "readErasure",
  summary: "How far an erasure has come",
  tag: TAG,
  permission: "erasure.read",
  problems: AWAY,
  request: { params: ofErasure },
  responses: { 200: { description: "The erasure", content: { "application/json": { schema: erasureSchema } } } },
});

const readErasureCertificate = declareRoute({
  method: "get",
  path: "/v1/domains/{domainId}/audit/erasures/{erasureId}/certificate",
  operationId: "readErasureCertificate",
  summary: "The signed certificate of an erasure",
  description:
    "A C2SP signed note: `moonseal/erasure-certificate/v1`, then canonical JSON. It holds nothing of the person but the pseudonym. `moonseal verify-certificate` checks it offline.",
  tag: TAG,
  permission: "erasure.read",
  problems: ["erasure.unfinished", ...AWAY],
  request: { params: ofErasure },
  responses: { 200: { description: "The note", content: { "text/plain": { schema: z.string() } } } },
});

const replayErasures = declareRoute({
  method: "post",
  path: "/v1/domains/{domainId}/audit/erasures/replay",
  operationId: "replayErasures",
  summary: "Execute erasures again after a restore",
  description:
    "Reads a part of the log and executes again every erasure that it tells of: a restore of a database or of an object cannot bring anybody back. Erases nobody who was not erased before. `npm run ops -- replay-erasures` walks all logs of a cell.",
  tag: TAG,
  permission: "erasure.replay",
  problems: [...BODY, "backlog.full", ...AWAY],
  before: [strictJsonBody],
  request: {
    params: z.object({ domainId: domainIdSchema }),
    body: { required: true, content: { "application/json": { schema: replayErasuresSchema } } },
  },
  responses: { 200: { description: "What was found", content: { "application/json": { schema: replayedSchema } } } },
});

export function erasureRoutes(app: CellApp): void {
  mount(app, eraseIdentity, async (c) => {
    const { domainId } = c.req.valid("param");
    const asked = c.req.valid("json");
    const result = await c
      .get("services")
      .log(domainId)
      .erase({
        person: { identityId: asked.identity_id },
        erasureId: uuidv7(),
        request: { ...requestOf(c, asked), correlationId: uuidv7() },
      });
    return c.json(erasureJson(domainId, result.erasure, statusOf(result)), 200, NO_STORE);
  });

  mount(app, eraseIdentityEverywhere, async (c) => {
    const { control, desk } = c.get("services");
    const { tenantId } = c.req.valid("param");
    if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
    const asked = c.req.valid("json");
    const call = { identityId: asked.identity_id, request: requestOf(c, asked) };
    const { correlationId, domains } = await desk(tenantId).eraseEverywhere(call);
    const statuses = domains.map(statusOf);
    const status = (["finishing", "executed", "already_erased"] as const).find((one) => statuses.includes(one));
    const erasures = domains.map((one) => erasureJson(one.domainId, one.erasure, statusOf(one)));
    const answer = {
      tenant_id: tenantId,
      decision: "all" as const,
      correlation_id: correlationId,
      status: status ?? "executed",
      erasures,
    };
    return c.json(answer, 200, NO_STORE);
  });

  mount(app, readErasure, async (c) => {
    const { domainId, erasureId } = c.req.valid("param");
    const erasure = await c.get("services").log(domainId).erasure(erasureId);
    return c.json(erasureJson(domainId, erasure, erasure.status), 200, NO_STORE);
  });

  mount(app, readErasureCertificate, async (c) => {
    const { domainId, erasureId } = c.req.valid("param");
    return c.text(await c.get("services").log(domainId).erasureCertificate(erasureId), 200);
  });

  mount(app, replayErasures, async (c) => {
    const { domainId } = c.req.valid("param");
    const call = { by: askedBy(c), fromSeq: c.req.valid("json").from };
    const { erasures, nextSeq, unfinished } = await c.get("services").log(domainId).replayErasures(call);
    return c.json({ domain_id: domainId, erasures, next_from: nextSeq, unfinished }, 200, NO_STORE);
  });
}

function requestOf(
  c: Context<HttpEnv>,
  asked: z.output<typeof eraseIdentitySchema>,
): Omit<ErasureRequest, "correlationId"> {
  const now = c.get("services").clock();
  const utc = (instant: string) => new Date(instant).toISOString();
  const ahead = (["requested_at", "verified_at"] as const).filter(
    (name) => Date.parse(asked[name] ?? "") > now + LIMITS.clockSkewMs,
  );
  // They stand in the certificate.
  if (ahead.length > 0) {
    throw invalid(ahead.map((name) => ({ pointer: `/${name}`, detail: "is more than 24 hours in the future" })));
  }
  return {
    reason: asked.reason,
    reference: asked.request_reference ?? null,
    law: asked.law,
    by: askedBy(c),
    requestedAt: utc(asked.requested_at ?? new Date(now).toISOString()),
    verifiedAt: asked.verified_at === undefined ? null : utc(asked.verified_at),
  };
}

const statusOf = ({ erasure, already }: EraseResult) =>
  already && erasure.status === "executed" ? ("already_erased" as const) : erasure.status;

function erasureJson(domainId: string, erasure: ErasureView, status: "executed" | "finishing" | "already_erased") {
  const { counts, entry } = erasure;
  return {
    erasure_id: erasure.id,
    domain_id: domainId,
    status,
    pseudonym: erasure.pseudonym,
    known: erasure.known,
    correlation_id: erasure.correlationId,
    requested_at: erasure.requestedAt,
    suppressed_at: erasure.suppressedAt,
    key_destroyed_at: erasure.keyDestroyedAt,
    rows_deleted_at: erasure.rowsDeletedAt,
    pages_rewritten_at: erasure.pagesRewrittenAt,
    final_at: erasure.finalAt,
    counts: {
      object_rows: counts.objectRows,
      object_mappings: counts.objectMappings,
      keys: counts.keys,
      ledger_rows: counts.ledgerRows,
      ledger_mappings: counts.ledgerMappings,
      archive_pages: counts.archivePages,
      entries: counts.entries,
    },
    entry: entry && {
      seq: entry.seq,
      id: entry.id,
      entry_hash: entry.entryHash,
      prev_hash: entry.prevHash,
      recorded_at: entry.recordedAt,
    },
    certificate_url:
      erasure.status === "executed" ? `/v1/domains/${domainId}/audit/erasures/${erasure.id}/certificate` : null,
  };
}
