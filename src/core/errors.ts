/**
 * Every problem that the product answers (RFC 9457). The table is the one source of status, title and explanation: the
 * HTTP layer, the pages behind the `type` URLs and the OpenAPI document read it.
 */
interface ErrorRow {
  status: number;
  title: string;
  /** For the page behind `type`: what happened and what to do, for somebody who never saw the product. */
  explanation: string;
}

const TABLE = {
  "request.malformed": {
    status: 400,
    title: "The request could not be read",
    explanation: "The body is not JSON, or not JSON that means the same to every reader. `errors` names the place.",
  },
  "request.invalid": {
    status: 422,
    title: "The request has fields that are not accepted",
    explanation:
      "Each element of `errors` names one field by JSON Pointer and says what is expected. Nothing was stored.",
  },
  "request.unsupported_media_type": {
    status: 415,
    title: "The content type is not accepted",
    explanation: "Send `Content-Type: application/json`; the append route also takes `application/x-ndjson`.",
  },
  "request.too_large": {
    status: 413,
    title: "The request is larger than the limit",
    explanation: "`detail` names the limit that was passed. Split the request; nothing was stored.",
  },
  "request.range_unsatisfiable": {
    status: 416,
    title: "The range begins behind the end of the file",
    explanation: "`detail` says how many bytes there are. A download that was complete has nothing left to resume.",
  },
  "auth.required": {
    status: 401,
    title: "A credential is needed",
    explanation:
      "Send `Authorization: Bearer <key>`. A key that is mistyped, unknown, expired or revoked gets this same answer.",
  },
  "auth.forbidden": {
    status: 403,
    title: "The credential lacks a permission",
    explanation: "`detail` names the missing permission. Ask for a key that holds it.",
  },
  "auth.mfa_required": {
    status: 403,
    title: "A second factor is needed",
    explanation:
      "The session was opened with one factor, and this account needs two. `continue` in the problem names where to show or to enrol the second one; then send the request again.",
  },
  "auth.step_up_required": {
    status: 403,
    title: "The second factor has to be shown again",
    explanation:
      "The operation is a sensitive one, and the last second factor of this session is older than fifteen minutes. `continue` in the problem names where to show it again; then send the same request again.",
  },
  "tier.required": {
    status: 403,
    title: "The tenant's tier does not include this",
    explanation:
      "`needs` names the feature or the limit, and the least tier that has it; `/v1/tiers` shows what each tier includes. The operator changes the tier of a tenant. Nothing was changed.",
  },
  "auth.factor_wrong": {
    status: 403,
    title: "The second factor is not right",
    explanation:
      "The code, recovery code or passkey was not accepted: mistyped, used before, too old, or of another account. Take the next code of the app; a few wrong ones make everybody who asks from the same place wait.",
  },
  "auth.factor_needed": {
    status: 409,
    title: "The last second factor stays",
    explanation: "This account cannot be without a second factor. Add another one first.",
  },
  "auth.login_failed": {
    status: 401,
    title: "The login was not accepted",
    explanation: "The account or the password is not right. Which of the two is not said.",
  },
  "auth.too_many_tries": {
    status: 429,
    title: "Too many tries have failed",
    explanation:
      "Try again after `Retry-After`. A passkey, and a browser that has logged in to this account before, are not held up by what others try.",
  },
  "auth.link_invalid": {
    status: 410,
    title: "The link is not good any more",
    explanation:
      "A link works once and for a short time, and a newer one ends it. Ask for another one; an invitation is sent again by whoever invited you.",
  },
  "auth.sso_refused": {
    status: 403,
    title: "The identity provider did not bring you in",
    explanation:
      "It said nothing that can be trusted about you, or nothing that the tenant accepts: the address has to be verified and a member's, invited, or of a domain that may join. Begin again; if it stays so, ask an owner of the tenant.",
  },
  "auth.link_other_browser": {
    status: 403,
    title: "Another browser asked for this link",
    explanation:
      "A link signs in only in the browser that asked for it, so that nobody else can use it. Open it there, or ask for a new one in this browser.",
  },
  "auth.cross_site": {
    status: 403,
    title: "The form was sent from another site",
    explanation:
      "Forms of these pages are accepted from these pages only. Open the page itself and send its form again.",
  },
  "member.exists": {
    status: 409,
    title: "The address belongs to the tenant already",
    explanation:
      "`detail` says whether to a member or to an open invitation. Nothing was changed and nothing was sent.",
  },
  "member.last_owner": {
    status: 409,
    title: "The last owner stays",
    explanation:
      "A tenant always has a member with the role owner or engineer. Make somebody else an owner first. Nothing was changed.",
  },
  "mail.unavailable": {
    status: 503,
    title: "This cell sends no mail",
    explanation: "The operator has set up no mail service, or no sender. Nothing was sent and nothing was stored.",
  },
  "mail.too_many": {
    status: 429,
    title: "Too many mails",
    explanation:
      "So many mails were asked for that more would only be a nuisance. Try again after `Retry-After`; mails that were sent stay good.",
  },
  "device.authorization_pending": {
    status: 400,
    title: "The device is not approved yet",
    explanation: "`authorization_pending` of RFC 8628 §3.5: ask again after the interval.",
  },
  "device.slow_down": {
    status: 400,
    title: "The device asks too often",
    explanation: "`slow_down` of RFC 8628 §3.5: wait five seconds longer between questions from now on.",
  },
  "device.expired_token": {
    status: 400,
    title: "The device's code is not good any more",
    explanation: "`expired_token` of RFC 8628 §3.5: it has expired, was used, or never was. Begin anew.",
  },
  "device.access_denied": {
    status: 400,
    title: "The device was refused",
    explanation: "`access_denied` of RFC 8628 §3.5: the person said no. Do not ask again.",
  },
  "resource.not_found": {
    status: 404,
    title: "Not found",
    explanation: "There is no such thing, or this credential may not know of it, or it lives in another jurisdiction.",
  },
  "idempotency.key_reused": {
    status: 422,
    title: "The idempotency key was used with another body",
    explanation: "A key belongs to one body. Use a new key for a new request. Nothing was stored.",
  },
  "entry.expired": {
    status: 410,
    title: "The entry's payload is gone by policy",
    explanation:
      "Its retention period is over, so what it said is kept nowhere any more. Its hash is still under the log's signed root: evidence that was taken before still verifies. `detail` names the first entry that can be read; an entry `ledger.expired` in the same log says who decided it and when.",
  },
  "entry.id_conflict": {
    status: 409,
    title: "An entry with this id exists",
    explanation:
      "Another event was recorded under the id, or the same one so long ago that its receipt is no longer remembered. `errors` names the events; the others of the request were not stored either.",
  },
  "entry.refused": {
    status: 422,
    title: "The event holds something that must not stand in clear",
    explanation:
      "A clear field holds what looks like personal data (an e-mail address, a telephone number, an IP address, an IBAN, a national identification number), a card number or a secret. `errors` names the field and the kind, never the value. Send it as a private field (leave its key out of `clear_metadata`), name the person as the actor or a subject, or leave it out. The domain's setting `personal_data_guard` can have personal data in clear metadata replaced instead. Nothing was stored.",
  },
  "subject.held": {
    status: 409,
    title: "A legal hold covers this person",
    explanation:
      "The data of this person must be kept for now (GDPR Art. 17(3)(e)), so nothing was erased; that it was asked for is recorded. `detail` names the hold and its review date. Ask again when the hold is released.",
  },
  "erasure.unfinished": {
    status: 409,
    title: "The erasure is not finished",
    explanation:
      "The person is suppressed, but a store has still to confirm that it holds nothing any more. The certificate is there when the status is `executed`. Try again after `Retry-After`.",
  },
  "subject.erased": {
    status: 410,
    title: "This person was erased",
    explanation:
      "The log has erased who this identity is (GDPR Art. 17). Its entries remain under a pseudonym that it no longer leads to; they can be read by their seq.",
  },
  "import.exists": {
    status: 409,
    title: "Another log was moved into this domain",
    explanation:
      "A domain begins with one log at most, and this one has begun with another archive, or is doing so. Create another domain. Nothing was changed.",
  },
  "domain.importing": {
    status: 409,
    title: "A log is being moved into this domain",
    explanation:
      "Until that is over, the domain takes no events from clients, so that the old entries come first. Send the same request again after `Retry-After`. Nothing was stored.",
  },
  "export.not_ready": {
    status: 409,
    title: "The export is not there",
    explanation:
      "It is still being made, has failed, was withdrawn, or its time is over: `detail` says which. A link can be made while its status is `done`.",
  },
  "export.expired": {
    status: 410,
    title: "The link is not good any more",
    explanation:
      "The link, or the export that it leads to, has expired. Whoever made the export makes another link, or exports again.",
  },
  "tenant.deleting": {
    status: 409,
    title: "The tenant is being deleted",
    explanation:
      "Everything that belongs to this tenant is being deleted and nothing is accepted or answered for it any more. The operator reads how far it is, and afterwards the certificate, at `/v1/tenant-deletions/{tenantId}`.",
  },
  "tenant.held": {
    status: 409,
    title: "A legal hold forbids the deletion",
    explanation:
      "`detail` names the holds that are in force. They go before a deletion (GDPR Art. 17(3)(e)): release them first. Nothing was deleted; the refusal is an entry of the platform's log.",
  },
  "domain.name_taken": {
    status: 409,
    title: "The tenant has a domain of this name",
    explanation: "Names of domains are unique within a tenant. Choose another one, or use the domain that exists.",
  },
  "domain.stopped": {
    status: 503,
    title: "The domain is stopped",
    explanation:
      "The log and one of its copies disagree, so nothing is appended until an operator has looked: the `integrity.violation` entry of the platform domain says what was found. Or the log was made anew out of its archive after its object was lost, and `detail` says so: then nothing is appended ever again. Reading and verifying go on.",
  },
  "log.unsigned": {
    status: 409,
    title: "No checkpoint covers these entries, and none will",
    explanation:
      "The log has stopped, and a log that has stopped signs nothing: what no checkpoint covered by then cannot be proved or exported, now or later. Trying again changes nothing. `detail` says why it stopped. The entries themselves can be read and listed, and `/audit/verify` recomputes their chain. The operator finds the way on in docs/restoring.md (a log whose object was lost) or in the alert about the log (one that a copy contradicts).",
  },
  "ledger.guard_missing": {
    status: 503,
    title: "A guard of the ledger is missing",
    explanation:
      "The database lacks a trigger that keeps it append-only, so writes are refused. Run the migrations of this jurisdiction.",
  },
  "residency.unknown": {
    status: 503,
    title: "The jurisdiction could not be proved",
    explanation:
      "The object that holds this log is not where its configuration says, or that cannot be known. Nothing was written.",
  },
  "backlog.full": {
    status: 503,
    title: "Too much waits to be copied",
    explanation:
      "The database or the archive has been away for long. Try again after `Retry-After`; nothing was stored.",
  },
  "storage.unavailable": {
    status: 503,
    title: "A store does not answer",
    explanation: "Try again after `Retry-After`, with the same idempotency key.",
  },
  "identity_provider.refused": {
    status: 422,
    title: "The identity provider cannot be used",
    explanation:
      "The detail says why. It has to be reachable at a public https address without redirects, publish OpenID Connect discovery under its issuer, and support the authorization code flow with PKCE (S256) and asymmetric signatures.",
  },
  "identity_provider.unavailable": {
    status: 503,
    title: "The identity provider does not answer",
    explanation: "Nothing was changed. Try again; members can also sign in with a link by mail.",
  },
  "key_service.unproven": {
    status: 422,
    title: "The key service did not prove itself",
    explanation:
      "Before anything depends on a key service it wraps and unwraps 32 random bytes. `detail` says what it did instead. Correct its settings, its credentials or the service; nothing was changed.",
  },
  "keys.unavailable": {
    status: 503,
    title: "The tenant's key service does not give the key",
    explanation:
      "The tenant keeps the key of its sealed values in a key service of its own, and that service refuses or does not answer. What needs no key goes on. Try again after `Retry-After`; nothing was stored.",
  },
  "witness.origin_unknown": {
    status: 404,
    title: "This witness does not know the log",
    explanation:
      "A witness cosigns only logs that its operator has configured, by the origin line of the checkpoint and the key that signs it. Ask the operator to add yours.",
  },
  "witness.signature_wrong": {
    status: 403,
    title: "The log has not signed this checkpoint",
    explanation:
      "The checkpoint bears no valid signature of a key that this witness trusts for its origin (C2SP tlog-witness), or one that claims to be of such a key does not verify. Nothing was cosigned.",
  },
  "witness.inconsistent": {
    status: 422,
    title: "The tree is not an extension of the one that was cosigned last",
    explanation:
      "`detail` says which check of C2SP tlog-witness failed. Nothing was cosigned. Two different trees of one log are proof of its misbehaviour.",
  },
  "access.not_open": {
    status: 409,
    title: "The access is not in a state for this",
    explanation:
      "A request for access is answered once, and one that was denied, withdrawn, ended or whose time is over never opens again. `detail` says what it is now. The operator's people ask anew.",
  },
  "hold.released": {
    status: 409,
    title: "The legal hold was released",
    explanation: "What is released is neither reviewed nor released again. Place a new hold where one is needed.",
  },
  "limit.reached": {
    status: 422,
    title: "A limit of the plan or of the product is reached",
    explanation: "`detail` names the limit.",
  },
  "rate.limited": {
    status: 429,
    title: "Too much is asked at once",
    explanation:
      "A limit on requests, or on appended events, is reached; `detail` says which, and `RateLimit` how much is left. Wait for `Retry-After` seconds and send the same again. Nothing was stored. `/v1/tenants/{tenantId}/rate-limits` shows the limits, and changes them within the tier.",
  },
  "event_type.exists": {
    status: 409,
    title: "The tenant has a type for this action already",
    explanation: "A type is never edited. Add a version to it: `POST …/event-types/{action}/versions`.",
  },
  "schema.required": {
    status: 422,
    title: "No schema is known for the action of the event",
    explanation:
      "The domain takes only actions that the tenant has a schema for (`require_schema`), or the event names a version of a schema that is not there. Add the type, or leave `schema_version` out where the domain asks for none. Nothing was stored.",
  },
  "schema.mismatch": {
    status: 422,
    title: "The event does not fit the schema of its action",
    explanation:
      "`errors` names each place and the rule that it breaks, and the version that was asked; never a value. A new type or version is felt everywhere within ten seconds. Nothing was stored.",
  },
  "schema.withdrawn": {
    status: 422,
    title: "The tenant has withdrawn the action of the event",
    explanation:
      "Events of a withdrawn type are refused in every domain of the tenant. A new version takes it into use again. Nothing was stored.",
  },
  "precondition.required": {
    status: 428,
    title: "The change has to say what it changes",
    explanation:
      "Read the resource, and send its `ETag` as `If-Match` with the change: so nobody overwrites what they have not seen. Nothing was changed.",
  },
  "precondition.failed": {
    status: 412,
    title: "The resource was changed meanwhile",
    explanation: "It is no longer what `If-Match` names. Read it again, and decide again. Nothing was changed.",
  },
  "api_key.ended": {
    status: 409,
    title: "The key no longer works",
    explanation: "A key that is revoked or expired cannot be replaced by rotation. Create a new one.",
  },
  internal: {
    status: 500,
    title: "Something went wrong here",
    explanation: "The fault is ours. Give the request id to the operator.",
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof TABLE;
export const ERRORS: Readonly<Record<ErrorCode, ErrorRow>> = TABLE;
export const ERROR_CODES = Object.keys(TABLE) as ErrorCode[];

/** One field that is wrong. `pointer` is a JSON Pointer into the body, or `query:name`, `header:name`, `path:name`. */
export interface FieldError {
  pointer: string;
  detail: string;
}

/** What a tenant's tier lacks, for programs: the feature or the limit, and the least tier that has (more of) it. */
export interface Needs {
  tier: string;
  feature?: string;
  limit?: string;
}

export interface AppErrorOptions {
  /** May reach the caller: no personal data, no secret. */
  detail?: string | undefined;
  errors?: FieldError[] | undefined;
  /** Never reaches the caller. */
  internal?: string | undefined;
  retryAfterSeconds?: number | undefined;
  /** Path, with its method before it, where the caller can do what is missing. */
  continueAt?: string | undefined;
  needs?: Needs | undefined;
  cause?: unknown;
}

/**
 * The one error that services throw for what is expected to go wrong. It crosses RPC with its own fields but without its
 * class, so it is recognised by `isAppError`, never by `instanceof`.
 */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly errors: FieldError[] | undefined;
  readonly internal: string | undefined;
  readonly retryAfterSeconds: number | undefined;
  readonly continueAt: string | undefined;
  readonly needs: Needs | undefined;

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(options.internal ?? options.detail ?? ERRORS[code].title, { cause: options.cause });
    this.name = "AppError";
    this.code = code;
    this.detail = options.detail;
    this.errors = options.errors;
    this.internal = options.internal;
    this.continueAt = options.continueAt;
    this.needs = options.needs;
    this.retryAfterSeconds = options.retryAfterSeconds ?? (ERRORS[code].status === 503 ? 5 : undefined);
  }
}

export function isAppError(error: unknown): error is AppError {
  return (
    error instanceof Error && "code" in error && typeof error.code === "string" && Object.hasOwn(TABLE, error.code)
  );
}
