import { z } from "@hono/zod-openapi";
import { AppError, type ErrorCode } from "../../core/errors.ts";
import { KEY_REGISTRY, SLOT_NAMES } from "../../crypto/key-registry.ts";
import type { TenantKeysView } from "../../services/keys/rotation/view.ts";
import { strictJsonBody } from "../body.ts";
import type { CellApp, CellServices } from "../environment.ts";
import { askedBy } from "../principal.ts";
import { declareRoute, mount } from "../route.ts";
import {
  keysSchema,
  slotRetirementSchema,
  slotRetirementWishSchema,
  slotRotationSchema,
  slotWishSchema,
  tenantKeysSchema,
} from "../schemas/encryption-keys.ts";
import { tenantIdSchema } from "../schemas/resources.ts";

const TAG = "Encryption keys";
const BODY: ErrorCode[] = ["request.malformed", "request.unsupported_media_type", "request.too_large"];

const readKeys = declareRoute({
  method: "get",
  path: "/v1/keys",
  operationId: "readKeys",
  summary: "Which encryption keys there are, and how old they are",
  description:
    "With the operator's credential: the slots of the cell. With a tenant's key: the versions of that tenant's key, and how a rotation goes. Never a byte of a key. API keys are at `/v1/tenants/{tenantId}/keys`.",
  tag: TAG,
  permission: "encryption_key.read",
  problems: ["storage.unavailable"],
  responses: { 200: { description: "The keys", content: { "application/json": { schema: keysSchema } } } },
});

const rotateTenantKey = declareRoute({
  method: "post",
  path: "/v1/tenants/{tenantId}/encryption-keys/rotation",
  operationId: "rotateTenantKey",
  summary: "Replace the tenant's encryption key now; it happens by itself every 90 days",
  description:
    "Begins a next version and seals everything anew under it, in the background; `GET /v1/keys` says how far it is. Old data stays readable throughout. The older version is destroyed 31 days after its last use. While one is under way, asking again answers the same.",
  tag: TAG,
  permission: "encryption_key.rotate",
  problems: ["storage.unavailable"],
  request: { params: z.object({ tenantId: tenantIdSchema }) },
  responses: { 200: { description: "The keys", content: { "application/json": { schema: tenantKeysSchema } } } },
});

const rotateSlot = declareRoute({
  method: "post",
  path: "/v1/slot-rotations",
  operationId: "rotateSlot",
  summary: "Go on with sealing a slot's columns under its newest secret",
  description:
    "For `npm run ops -- rotate-key`, once the cell has the new secret beside the old one. Each call is one bounded step, in any number of hands; ask until `done`.",
  tag: TAG,
  permission: "slot.rotate",
  problems: [...BODY, "storage.unavailable", "keys.unavailable"],
  before: [strictJsonBody],
  request: { body: { required: true, content: { "application/json": { schema: slotWishSchema } } } },
  responses: {
    200: { description: "How far it is", content: { "application/json": { schema: slotRotationSchema } } },
  },
});

const retireSlot = declareRoute({
  method: "post",
  path: "/v1/slot-retirements",
  operationId: "retireSlotVersions",
  summary: "Make sure that nothing uses a slot's older secrets, and say so in the platform's log",
  description:
    "Looks at everything once more. `retired` names the versions whose secrets may be deleted; null: not yet, ask again.",
  tag: TAG,
  permission: "slot.rotate",
  problems: [...BODY, "storage.unavailable", "keys.unavailable"],
  before: [strictJsonBody],
  request: { body: { required: true, content: { "application/json": { schema: slotRetirementWishSchema } } } },
  responses: {
    200: { description: "What may go", content: { "application/json": { schema: slotRetirementSchema } } },
  },
});

export function encryptionKeyRoutes(app: CellApp): void {
  mount(app, readKeys, async (c) => {
    const { clock, desk, slots } = c.get("services");
    const { tenantId } = c.get("principal");
    const nowMs = clock();
    const tenant_keys = tenantId === null ? null : tenantKeysJson(tenantId, await desk(tenantId).keys(), nowMs);
    return c.json(
      { slots: tenantId === null ? slotsJson(await slots.all(), nowMs) : null, tenant_keys },
      200,
      NOT_KEPT,
    );
  });

  mount(app, rotateTenantKey, async (c) => {
    const { control, desk, clock } = c.get("services");
    const { tenantId } = c.req.valid("param");
    if (!(await control.tenant(tenantId))) throw new AppError("resource.not_found");
    return c.json(tenantKeysJson(tenantId, await desk(tenantId).rotateKey(askedBy(c)), clock()), 200, NOT_KEPT);
  });

  mount(app, rotateSlot, async (c) => {
    return c.json(await c.get("services").slots.rotate(c.req.valid("json").slot), 200, NOT_KEPT);
  });

  mount(app, retireSlot, async (c) => {
    const { slot, look_again = false } = c.req.valid("json");
    const { view, retired } = await c.get("services").slots.retire(slot, look_again);
    return c.json({ ...view, retired }, 200, NOT_KEPT);
  });
}

const NOT_KEPT = { "Cache-Control": "no-store" };
const DAY_MS = 24 * 60 * 60 * 1000;

const ageDays = (since: string, nowMs: number) =>
  Math.max(0, Math.round((nowMs - Date.parse(since)) / (DAY_MS / 100)) / 100);

function slotsJson(seen: Awaited<ReturnType<CellServices["slots"]["all"]>>, nowMs: number) {
  return SLOT_NAMES.map((slot) => {
    const own = seen.filter((each) => each.slot === slot);
    return {
      slot,
      holds: KEY_REGISTRY[slot].holds,
      versions: own.map(({ version, seenSince }, i) => ({
        version,
        newest: i === own.length - 1,
        seen_since: seenSince,
        age_days: ageDays(seenSince, nowMs),
      })),
    };
  });
}

function tenantKeysJson(tenantId: string, { versions, rotatesAt, rotation }: TenantKeysView, nowMs: number) {
  return {
    tenant_id: tenantId,
    rotates_at: rotatesAt,
    versions: versions.map((key) => ({
      version: key.version,
      created_at: key.createdAt,
      age_days: ageDays(key.createdAt, nowMs),
      retired_at: key.retiredAt,
      unused_since: key.unusedSince,
      destroyed_after: key.destroyedAfter,
      service: key.service,
    })),
    rotation: rotation && {
      id: rotation.id,
      kind: rotation.kind,
      version: rotation.version,
      started_at: rotation.startedAt,
      values: rotation.values,
      key_pages: rotation.keyPages,
      unreadable: rotation.unreadable,
      domains: rotation.domains,
      domains_done: rotation.domainsDone,
      faults: rotation.faults.map(({ domainId, fault }) => ({ domain_id: domainId, fault })),
    },
  };
}
