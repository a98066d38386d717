/** The operator's people in a tenant (S3-35): what they do not hold, the tenant has to have approved, and it still has to be open. */
import type { Context } from "hono";
import { AppError } from "../core/errors.ts";
import { isReadableByStaff } from "../services/access/grants/readable.ts";
import type { Permission } from "../services/permissions.ts";
import type { HttpEnv, Principal } from "./environment.ts";

/** Whether an approval of the tenant could let this through. */
export function mayBeApproved({ kind }: Principal, permission: Permission, tenantId: string | null): boolean {
  return kind === "staff" && tenantId !== null && isReadableByStaff(permission);
}

/**
 * Asks the tenant's object at each request, so an approval that is over or was ended opens nothing from that moment. Throws
 * `auth.forbidden`, which says of the person's own newest access what has become of it. The first use is an entry there.
 */
export async function demandAccess(c: Context<HttpEnv>, permission: Permission, tenantId: string): Promise<void> {
  const { control, desk } = c.get("services");
  const { person } = c.get("principal");
  if (!person) throw new AppError("auth.forbidden", { detail: lacks(permission) });
  const domainId = c.get("domain")?.id ?? null;
  if (domainId === null && !(await control.tenant(tenantId))) throw new AppError("resource.not_found");
  const by = { type: "support", id: person.id, via: { type: "session", id: person.sessionId } } as const;
  const used = await desk(tenantId).useAccess({ staffId: person.id, permission, domainId, by });
  if (used.ok) {
    c.set("accessId", used.accessId);
    return;
  }
  const { last } = used;
  const became = last
    ? `your access ${last.accessId} is ${last.state} since ${new Date(last.atMs).toISOString()}`
    : `ask the tenant for access: POST /v1/tenants/${tenantId}/access`;
  const covers = last?.state === "approved" ? ", and does not cover this" : "";
  throw new AppError("auth.forbidden", { detail: `${lacks(permission)}; ${became}${covers}` });
}

const lacks = (permission: Permission) => `this needs the permission ${permission}`;
