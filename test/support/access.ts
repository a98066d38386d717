/** Access of the operator's people: asking, and what the tenant's log tells of it. Runs in workerd. */
import { runInDurableObject } from "cloudflare:test";
import { v7 as uuidv7 } from "uuid";
import type { TenantDesk } from "../../durable-objects/tenant-desk.ts";
import { makeId } from "../../src/core/ids.ts";
import type { AccessWish } from "../../src/services/access/grants/calls.ts";
import type { AskedBy } from "../../src/services/tenancy/jobs.ts";
import { jurisdiction, type TestTenant } from "./cell.ts";
import { deskOf, deskStub, entriesOf, type LoggedEntry } from "./tenancy.ts";

export const newId = (kind: "accessGrant" | "staff" | "member" | "session" | "apiKey") =>
  makeId(kind, jurisdiction, uuidv7());

export const asStaff = (id: string): AskedBy => ({
  type: "support",
  id,
  via: { type: "session", id: newId("session") },
});
export const asMember = (id: string): AskedBy => ({
  type: "user",
  id,
  via: { type: "session", id: newId("session") },
});
/** A key that the tenant made itself. */
export const asKey = (): AskedBy => ({ type: "service", id: newId("apiKey") });

export const REASON = "Ticket 4711: an export lacks entries";
export const HOUR = 3_600_000;

export function accessWish(
  staffId: string,
  changes: Partial<AccessWish> = {},
): AccessWish & { answerWithinMs: number } {
  return {
    id: newId("accessGrant"),
    staffId,
    reason: REASON,
    permissions: ["entry.read"],
    domains: null,
    durationMs: HOUR,
    by: asStaff(staffId),
    answerWithinMs: 24 * HOUR,
    ...changes,
  };
}

/** The desk's clock from now on; null: the real one. */
export const setDeskClock = (tenantId: string, laterMs: number | null): Promise<void> =>
  runInDurableObject(deskStub(tenantId), (desk: TenantDesk) => {
    desk.clock = laterMs === null ? Date.now : () => Date.now() + laterMs;
  });

/** What the tenant's own log tells of an access, in order. */
export async function toldOf(tenant: TestTenant, accessId: string): Promise<LoggedEntry[]> {
  const entries = await entriesOf(tenant.tenantDomainId);
  return entries.filter(({ targets = [] }) => targets.some(({ id }) => id === accessId));
}

export const actionsOf = async (tenant: TestTenant, accessId: string) =>
  (await toldOf(tenant, accessId)).map(({ action }) => action.replace("tenant.access_", ""));

/** A right body for each operation that takes one. */
export const ACCESS_BODIES: Record<string, () => object> = {
  requestAccess: () => ({ reason: REASON, permissions: ["entry.read"], domains: "all", duration_seconds: 3600 }),
  breakGlass: () => ({ reason: REASON, permissions: ["entry.read"], domains: "all", duration_seconds: 3600 }),
  approveAccess: () => ({}),
  recoverTenant: () => ({ reason: REASON, owner: { email: "owner@example.org", name: "Owner" } }),
};

/** Only one of the operator's people does these, with their session: a key that holds the permission is nobody. */
export const FOR_STAFF_ALONE = ["requestAccess", "breakGlass", "withdrawAccess"];

/** What the operation needs to find in the tenant, made anew; with the parameters of its path that name it. */
export async function accessFor(operationId: string, tenantId: string): Promise<Record<string, string>> {
  const desk = deskOf(tenantId);
  const operator = { type: "service", id: "operator" } as const;
  if (["recoverTenant", "stopRecovery", "withdrawRecovery"].includes(operationId)) {
    await desk.withdrawRecovery(operator).catch(() => undefined);
    const owner = { email: "owner@example.org", name: "Owner" };
    if (operationId !== "recoverTenant") await desk.recoverTenant({ reason: REASON, owner, by: operator });
    return {};
  }
  if (!["readAccess", "approveAccess", "denyAccess", "endAccess", "withdrawAccess"].includes(operationId)) return {};
  const { grant } = await desk.requestAccess(accessWish(newId("staff")));
  if (operationId === "endAccess") await desk.approveAccess(grant.id, { by: asKey() });
  return { accessId: grant.id };
}
