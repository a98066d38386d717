/**
 * Who did it. People become actors of type user and subjects; their ids enter the log only as pseudonyms. The id is the ARN,
 * else `principalId`, else what the last column says.
 *
 *   userIdentity.type     actor      subjects                            id without ARN and principalId
 *   Root                  user       actor                               account:root
 *   IAMUser               user       actor                               account:userName
 *   AssumedRole           user       actor (the session), source identity
 *   FederatedUser         user       actor, session issuer (an IAM user or root)
 *   SAMLUser              user       actor                               provider:userName
 *   WebIdentityUser       user       actor                               provider:userName
 *   IdentityCenterUser    user       actor                               onBehalfOf.userId
 *   Directory, Unknown    user       actor                               account:userName
 *   AWSAccount            user       actor (a principal of another account)  accountId
 *   AWSService            service    none                                invokedBy, a host name, in clear
 *   none                  service when invokedBy or the eventType says so, else as Unknown
 *   nothing to go by, ANONYMOUS_PRINCIPAL, HIDDEN_DUE_TO_SECURITY_REASONS: anonymous
 */
import { createHash } from "node:crypto";
import type { Actor, SubjectRef } from "../../core/event.ts";
import { LIMITS } from "../../core/limits.ts";
import type { JsonValue } from "../../core/strict-json.ts";
import type { CloudTrailRecord } from "./parse-record.ts";

const HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS";
const ANONYMOUS_ACCOUNT = "ANONYMOUS_PRINCIPAL";
/** What AWS writes of itself, often without any identity. */
const OWN_EVENTS = /^Aws(?:ServiceEvent|CloudTrailInsight)$/;
const HOST_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/i;

export function identityOf(record: CloudTrailRecord): { actor: Actor; subjects: SubjectRef[] } {
  const identity = fieldsOf(record.userIdentity);
  const service = serviceOf(identity, record);
  if (service) return { actor: service, subjects: [] };
  const id = personId(identity);
  const via = credentialOf(identity);
  if (id === null) return { actor: { type: "anonymous", via }, subjects: [] };
  const userName = text(identity.userName);
  const name = userName && userName !== HIDDEN && isLine(userName, LIMITS.nameChars) ? userName : undefined;
  const subject = (subjectId: string, role: string): SubjectRef => ({ type: "user", id: boundedId(subjectId), role });
  const others = otherPeople(identity).filter((other) => other.id !== id);
  return {
    actor: { type: "user", id: boundedId(id), name, via },
    subjects: [subject(id, "actor"), ...others.map((other) => subject(other.id, other.role))],
  };
}

/** A service stands in clear, so only a host name may be its id. */
function serviceOf(identity: CloudTrailRecord, record: CloudTrailRecord): Actor | null {
  const type = text(identity.type);
  const invokedBy = text(identity.invokedBy);
  const unnamed = type === null && !text(identity.arn) && !text(identity.principalId);
  if (type !== "AWSService" && !(unnamed && (invokedBy || OWN_EVENTS.test(text(record.eventType) ?? "")))) return null;
  const host = [invokedBy, text(record.eventSource)].find((candidate) => candidate && HOST_NAME.test(candidate));
  return { type: "service", id: host ?? undefined };
}

function personId(identity: CloudTrailRecord): string | null {
  const account = text(identity.accountId);
  if (account === ANONYMOUS_ACCOUNT) return null;
  const own = text(identity.arn) ?? text(identity.principalId) ?? text(fieldsOf(identity.onBehalfOf).userId);
  if (own) return own;
  if (identity.type === "Root") return account && `${account}:root`;
  const userName = text(identity.userName);
  const realm = text(identity.identityProvider) ?? account;
  if (userName && userName !== HIDDEN) return realm ? `${realm}:${userName}` : userName;
  return identity.type === "AWSAccount" ? account : null;
}

/** People besides the actor: who stands behind a role session, and who issued a federated one. */
function otherPeople(identity: CloudTrailRecord): { id: string; role: string }[] {
  const session = fieldsOf(identity.sessionContext);
  const issuer = fieldsOf(session.sessionIssuer);
  const issuerId = text(issuer.arn) ?? text(issuer.principalId);
  const source = text(session.sourceIdentity);
  return [
    ...(issuerId && (issuer.type === "IAMUser" || issuer.type === "Root")
      ? [{ id: issuerId, role: "session_issuer" }]
      : []),
    ...(source ? [{ id: source, role: "source_identity" }] : []),
  ];
}

function credentialOf(identity: CloudTrailRecord): Actor["via"] {
  const known: [string, string | null][] = [
    ["aws_access_key", text(identity.accessKeyId)],
    ["aws_credential", text(identity.credentialId)],
  ];
  const found = known.find(([, id]) => id !== null && isLine(id, LIMITS.identityIdChars));
  return found?.[1] ? { type: found[0], id: found[1] } : undefined;
}

/** An id that is too long or holds control characters is stood in for by its hash; the whole identity is private metadata. */
function boundedId(id: string): string {
  return isLine(id, LIMITS.identityIdChars) ? id : `sha256:${createHash("sha256").update(id).digest("hex")}`;
}

/** The record itself when it is an object, else an empty one. */
export function fieldsOf(value: JsonValue | undefined): CloudTrailRecord {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
}

/** A string that says something. */
export function text(value: JsonValue | undefined): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

export function isLine(value: string, maxChars: number): boolean {
  return value.length > 0 && value.length <= maxChars && /^[^\p{Cc}]*$/u.test(value);
}
