import { z } from "@hono/zod-openapi";
import { AppError } from "../../core/errors.ts";
import { platformTenantId } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import { type DeletionRecord, isOverdue } from "../../services/deletion/register.ts";
import type { DeletionPhase } from "../../services/deletion/state.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp } from "../environment.ts";
import { askedBy } from "../principal.ts";
import { declareRoute, mount } from "../route.ts";
import { tenantIdSchema } from "../schemas/resources.ts";
import { deleteTenantSchema, tenantDeletionSchema } from "../schemas/tenant-deletion.ts";
import { invalid } from "../validation.ts";

const TAG = "Tenants";
const params = z.object({ tenantId: tenantIdSchema });
const content = { "application/json": { schema: tenantDeletionSchema } };

const deleteTenant = declareRoute({
  method: "post",
  path: "/v1/tenants/{tenantId}/deletion",
  operationId: "deleteTenant",
  summary: "Delete a tenant with everything that belongs to it",
  description:
    "For the operator of the cell. There is no way back: its API keys are revoked at once (a key that was used within the last 30 seconds may still read for that long, 60 while the control database is away), appends are refused at once, its keys are destroyed first, then its entries, its archive, its records and its objects' storage. `Location` says where to read how far it is and, afterwards, the certificate. A legal hold anywhere in the tenant refuses it. Asking again answers the same deletion.",
  tag: TAG,
  permission: "tenant.delete",
  problems: [
    "request.malformed",
    "request.unsupported_media_type",
    "request.too_large",
    "tenant.held",
    "storage.unavailable",
  ],
  before: [strictJsonBody],
  request: { params, body: { required: true, content: { "application/json": { schema: deleteTenantSchema } } } },
  responses: { 202: { description: "It is being deleted, or is deleted already", content } },
});

const readTenantDeletion = declareRoute({
  method: "get",
  path: "/v1/tenant-deletions/{tenantId}",
  operationId: "readTenantDeletion",
  summary: "Read how far a tenant's deletion is, and its certificate",
  description:
    "The certificate stays readable here for good. `src/verifier/deletion-certificate.ts` checks it offline; who kept a receipt of the tenant compares it with the final head of its domain.",
  tag: TAG,
  permission: "tenant.delete",
  problems: ["storage.unavailable"],
  request: { params },
  responses: { 200: { description: "The deletion", content } },
});

const NOT_KEPT = { "Cache-Control": "no-store" };

export function tenantDeletionRoutes(app: CellApp): void {
  mount(app, deleteTenant, async (c) => {
    const { config, deletion, desk, clock } = c.get("services");
    const { tenantId } = c.req.valid("param");
    const { confirm, request_reference } = c.req.valid("json");
    if (tenantId === platformTenantId(config.jurisdiction)) throw new AppError("resource.not_found");
    if (confirm !== tenantId) throw invalid([{ pointer: "/confirm", detail: "must be the id of this tenant" }]);
    const location = { ...NOT_KEPT, Location: `/v1/tenant-deletions/${tenantId}` };
    const known = await deletion(tenantId);
    if (known?.finished) return c.json(deletionJson(known, null, clock()), 202, location);
    const wanted = { requestReference: request_reference ?? null, by: askedBy(c) };
    const { requestedAt, phase } = await desk(tenantId).requestDeletion(wanted);
    return c.json(deletionJson({ tenantId, requestedAt, finished: null }, phase, clock()), 202, location);
  });

  mount(app, readTenantDeletion, async (c) => {
    const { deletion, desk, clock } = c.get("services");
    const { tenantId } = c.req.valid("param");
    const known = await deletion(tenantId);
    if (!known) throw new AppError("resource.not_found");
    // An object that is empty must stay so: it is asked only while there is something in it.
    const state = known.finished ? null : await desk(tenantId).deletion();
    return c.json(deletionJson(known, state?.phase ?? null, clock()), 200, NOT_KEPT);
  });
}

function deletionJson(record: DeletionRecord, phase: DeletionPhase | null, nowMs: number) {
  const { tenantId, requestedAt, finished } = record;
  return {
    tenant_id: tenantId,
    status: finished ? ("deleted" as const) : ("deleting" as const),
    phase,
    requested_at: requestedAt,
    due_at: new Date(Date.parse(requestedAt) + LIMITS.deletionMs).toISOString(),
    overdue: isOverdue(record, nowMs),
    deleted_at: finished?.at ?? null,
    certificate: finished && { note: finished.note, heads: finished.heads },
  };
}
