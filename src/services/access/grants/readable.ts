/**
 * What the operator's people may ask a tenant for (S3-35): reading, and nothing else. No request reaches what appends,
 * changes, exports, erases or hands out rights, and `entry.reveal` is granted only by an approval that names it.
 */
import type { Permission } from "../../permissions.ts";

export const READABLE_BY_STAFF = [
  "entry.read",
  "entry.reveal",
  "log.read",
  "log.verify",
  "event_schema.read",
  "hold.read",
  "erasure.read",
  "retention.read",
  "compliance.read",
  "usage.read",
  "member.list",
  "session.list",
  "service_account.list",
  "rate_limit.read",
  "identity_provider.read",
  "key_service.read",
] as const satisfies readonly Permission[];

export type ReadableByStaff = (typeof READABLE_BY_STAFF)[number];

/** Never granted unless the approval names it, and never taken with break-glass: it opens what is private about people. */
export const NAMED_ONLY: ReadableByStaff = "entry.reveal";

export const isReadableByStaff = (permission: Permission): permission is ReadableByStaff =>
  READABLE_BY_STAFF.some((readable) => readable === permission);
