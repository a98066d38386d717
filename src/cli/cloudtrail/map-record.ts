/**
 * A CloudTrail record as an audit event. The same record always gives the same event, so that importing twice adds nothing.
 *
 *   eventSource, eventName     action (action-name.ts), and metadata in clear
 *   eventID                    id: exactly once
 *   eventTime                  occurred_at
 *   userIdentity               actor, subjects (identity.ts); whole in private metadata
 *   accessKeyId                actor.via (private)
 *   errorCode                  outcome: AccessDenied…, …Unauthorized… → denied; any other → failure; in clear
 *   responseElements.ConsoleLogin "Failure" → failure (AWS gives no error code there)
 *   sourceIPAddress            context.ip; a service's host name → metadata.source_host (both private)
 *   userAgent                  context.user_agent (private)
 *   requestID                  context.request_id (clear)
 *   awsRegion, eventType, eventCategory, eventVersion, readOnly, managementEvent   metadata in clear
 *   everything else (requestParameters, responseElements, errorMessage, resources, …)   private metadata, under the actor
 */
import { isIP } from "node:net";
import {
  type AuditEvent,
  ENTRY_ID_PATTERN,
  type EventContext,
  LOG_MADE_ID_PATTERN,
  type Outcome,
} from "../../core/event.ts";
import { findInClearText } from "../../core/payload/guard.ts";
import { actionName } from "./action-name.ts";
import { fieldsOf, identityOf, isLine, text } from "./identity.ts";
import { metadataOf } from "./metadata.ts";
import type { CloudTrailRecord } from "./parse-record.ts";

export type MappedRecord =
  | { ok: true; event: AuditEvent /** JSON Pointers in the record. */; leftOut: string[] }
  | { ok: false; why: string };

const EVENT_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/** The event of an untrusted record, or why there is none. */
export function mapRecord(record: CloudTrailRecord): MappedRecord {
  const id = text(record.eventID);
  const time = text(record.eventTime);
  if (!id) return { ok: false, why: "eventID is missing: without it the record could be added twice" };
  if (!ENTRY_ID_PATTERN.test(id) || LOG_MADE_ID_PATTERN.test(id)) return { ok: false, why: "eventID is no usable id" };
  if (!time || !EVENT_TIME.test(time) || Number.isNaN(Date.parse(time))) {
    return { ok: false, why: "eventTime is not a time such as 2023-07-10T12:00:00Z" };
  }
  const named = actionName(text(record.eventSource) ?? "", text(record.eventName) ?? "");
  if (!named.ok) return named;
  const { context, mapped, sourceHost } = contextOf(record);
  const rest = sourceHost ? { ...record, sourceHost } : record;
  const { metadata, clear_metadata, leftOut } = metadataOf(rest, mapped);
  const { actor, subjects } = identityOf(record);
  const event: AuditEvent = {
    id,
    action: named.action,
    occurred_at: time,
    actor,
    ...(subjects.length ? { subjects } : {}),
    outcome: outcomeOf(record),
    ...(Object.keys(context).length ? { context } : {}),
    metadata,
    clear_metadata,
  };
  return { ok: true, event, leftOut };
}

export function outcomeOf(record: CloudTrailRecord): Outcome {
  const code = text(record.errorCode);
  if (code) return /^(?:Client\.)?AccessDenied|unauthorized/i.test(code) ? "denied" : "failure";
  return fieldsOf(record.responseElements).ConsoleLogin === "Failure" ? "failure" : "success";
}

/** The context, and which fields of the record need no other place. What does not fit its place stays private metadata. */
function contextOf(record: CloudTrailRecord): {
  context: EventContext;
  mapped: Set<string>;
  sourceHost: string | null;
} {
  const context: EventContext = {};
  const mapped = new Set(["eventID", "eventTime", "requestID", "userAgent", "sourceIPAddress"]);
  const [source, agent, requestId] = [text(record.sourceIPAddress), text(record.userAgent), text(record.requestID)];
  // An address with a zone (fe80::1%eth0) names an interface of some machine: not an address to anybody else.
  const isAddress = source !== null && isIP(source) !== 0 && !source.includes("%");
  if (source && isAddress) context.ip = source;
  if (agent && isLine(agent, 1024)) context.user_agent = agent;
  else mapped.delete("userAgent");
  if (requestId && isLine(requestId, 128) && !findInClearText(requestId)) context.request_id = requestId;
  else mapped.delete("requestID");
  if (!source) mapped.delete("sourceIPAddress");
  return { context, mapped, sourceHost: isAddress ? null : source };
}
