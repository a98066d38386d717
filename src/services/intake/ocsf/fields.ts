/**
 * Fields of OCSF events and where they go, for all classes; the actor and the targets are in `people.ts`. What is in no row
 * stays in the private value `/metadata/ocsf_unmapped`. docs/ingesting.md prints the table, and a test compares the two.
 */
import { LIMITS } from "../../../core/limits.ts";
import { dateTime, epochMs, identityId, ipAddress, lineOf, object, outcomeBy, text } from "../converters.ts";
import type { FieldMapping } from "../mapping.ts";

/** `disposition_id` and `action_id` say that something was stopped (1 is allowed); `status_id` says how it went. */
const STOPPED = { 2: "denied" } as const;
const STATUS = { 0: "unknown", 1: "success", 2: "failure", 99: "unknown" } as const;

export const OCSF_FIELDS: readonly FieldMapping[] = [
  { from: ["/time"], to: "/occurred_at", as: epochMs },
  { from: ["/time_dt"], to: "/occurred_at", as: dateTime },
  { from: ["/disposition_id", "/action_id"], to: "/outcome", as: outcomeBy(STOPPED), stays: true },
  { from: ["/status_id"], to: "/outcome", as: outcomeBy(STATUS), stays: true },
  { from: ["/status_detail"], to: "/reason", as: text(LIMITS.reasonChars) },
  { from: ["/src_endpoint/ip"], to: "/context/ip", as: ipAddress },
  { from: ["/src_endpoint/location"], to: "/context/location", as: object },
  { from: ["/http_request/user_agent"], to: "/context/user_agent", as: lineOf(1024) },
  { from: ["/session/uid", "/actor/session/uid"], to: "/context/session", as: lineOf(256) },
  { from: ["/api/request/uid", "/http_request/uid"], to: "/context/request_id", as: lineOf(128) },
];

/** Of the actor, when it is a person: the user that acts stands at `user`. */
export const personFields = (user: string): readonly FieldMapping[] => [
  { from: [`${user}/uid`, `${user}/uid_alt`, `${user}/name`, `${user}/email_addr`], to: "/actor/id", as: identityId },
  {
    from: [`${user}/full_name`, `${user}/display_name`, `${user}/name`],
    to: "/actor/name",
    as: lineOf(LIMITS.nameChars),
  },
  { from: [`${user}/email_addr`], to: "/actor/email", as: lineOf(LIMITS.nameChars) },
];

/** Of the actor, when it is a machine. Its id stands in clear. */
export const SERVICE_ID: readonly string[] = ["/actor/app_uid", "/actor/app_name", "/actor/invoked_by"];
