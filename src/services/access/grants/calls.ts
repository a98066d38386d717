/** What a cell's Worker asks of a tenant's object about the operator's people. Plain values: they cross RPC. */
import type { Permission } from "../../permissions.ts";
import type { AskedBy } from "../../tenancy/jobs.ts";
import type { AccessGrant } from "./grant.ts";
import type { ReadableByStaff } from "./readable.ts";

export interface AccessWish {
  /** `acc_…`, made by the caller. */
  id: string;
  staffId: string;
  reason: string;
  permissions: readonly ReadableByStaff[];
  /** Null: every domain, and the tenant's settings. */
  domains: readonly string[] | null;
  durationMs: number;
  by: AskedBy;
}

/** What is left out is granted as it was asked for, except `entry.reveal`. */
export interface ApprovalWish {
  permissions?: readonly ReadableByStaff[];
  domains?: readonly string[];
  durationMs?: number;
  by: AskedBy;
}

export interface DescribedAccess {
  grant: AccessGrant;
  /** Null: it is lost. */
  reason: string | null;
}

/** One request of one of the operator's people that needs more than they hold. */
export interface AccessUse {
  staffId: string;
  permission: Permission;
  /** Null: a path of the tenant that is about none of its domains. */
  domainId: string | null;
  by: AskedBy;
}

/** `last`: the newest access of this person here, when they have had one. For nobody else's eyes. */
export type AccessUsed =
  | { ok: true; accessId: string }
  | { ok: false; last: { accessId: string; state: string; atMs: number } | null };

export interface AccessCalls {
  /** These throw `request.invalid` for domains of others, `limit.reached`, `keys.unavailable`; break-glass also `access.not_open`. */
  requestAccess(wish: AccessWish & { answerWithinMs: number }): Promise<DescribedAccess>;
  breakGlass(wish: AccessWish): Promise<DescribedAccess>;
  /** These throw `resource.not_found`, `access.not_open`; an answer also `auth.forbidden`, an approval `request.invalid`. */
  approveAccess(id: string, wish: ApprovalWish): Promise<DescribedAccess>;
  denyAccess(id: string, by: AskedBy): Promise<DescribedAccess>;
  endAccess(id: string, by: AskedBy): Promise<DescribedAccess>;
  withdrawAccess(id: string, by: AskedBy): Promise<DescribedAccess>;
  /** `staffId`: only theirs; null: everybody's. */
  access(id: string, staffId: string | null): Promise<DescribedAccess>;
  /** Newest first, at most `LIMITS.accessListed`. */
  accesses(staffId: string | null): Promise<DescribedAccess[]>;
  /** Whether it is open at this moment. The first time is an entry. */
  useAccess(use: AccessUse): Promise<AccessUsed>;
}
