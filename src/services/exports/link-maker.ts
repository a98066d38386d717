/** A link to an export is worth no more than the rights of whoever made it, as they are when it is used. */
import type { Permission } from "../permissions.ts";
import type { ApiKeyRecord } from "../ports.ts";
import type { AskedBy } from "../tenancy/jobs.ts";

/** What it takes to make a link, and to have it work. */
const needed = (isPrivate: boolean): Permission[] => ["export.read", ...(isPrivate ? ["entry.reveal" as const] : [])];

/** None answers from memory. */
export interface LinkMakerStores {
  key(keyId: string): Promise<ApiKeyRecord | null>;
  /** Of the tenant whose domain it is; null: no member of it, or not any more. */
  memberPermissions(memberId: string): Promise<readonly Permission[] | null>;
}

/**
 * Whether who made a link may still fetch exports: a member who was removed, or whose role has come to be without what it takes, and
 * a key that was revoked, may not. A session or a key that merely ran out ends no link: a link has an end of its own. Throws what its
 * store throws when it is away.
 */
export async function mayStillFetch(by: AskedBy, isPrivate: boolean, stores: LinkMakerStores): Promise<boolean> {
  if (by.type === "user") {
    const held = await stores.memberPermissions(by.id);
    return held !== null && needed(isPrivate).every((permission) => held.includes(permission));
  }
  // The operator's people and the operator's secret make links to the platform's own log only.
  if (by.type !== "service" || by.id === "operator") return true;
  const key = await stores.key(by.via?.id ?? by.id);
  return key !== null && key.revokedAt === null;
}
