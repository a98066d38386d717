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
      "A clear field holds a card number, an e-mail address or a secret. `errors` names the field, never the value. Send it as a private field (leave its key out of `clear_metadata`), or not at all. Nothing was stored.",
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
  "entry.action_reserved": {
    status: 422,
    title: "Only the product itself writes this action",
    explanation: "The nouns audit, domain, integrity, tenant, api_key, ledger, hold and key belong to the product.",
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
      "The log and one of its copies disagree, so nothing is appended until an operator has looked. Reading and verifying go on. The `integrity.violation` entry of the platform domain says what was found.",
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

export interface AppErrorOptions {
  /** May reach the caller: no personal data, no secret. */
  detail?: string | undefined;
  errors?: FieldError[] | undefined;
  /** Never reaches the caller. */
  internal?: string | undefined;
  retryAfterSeconds?: number | undefined;
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

  constructor(code: ErrorCode, options: AppErrorOptions = {}) {
    super(options.internal ?? options.detail ?? ERRORS[code].title, { cause: options.cause });
    this.name = "AppError";
    this.code = code;
    this.detail = options.detail;
    this.errors = options.errors;
    this.internal = options.internal;
    this.retryAfterSeconds = options.retryAfterSeconds ?? (ERRORS[code].status === 503 ? 5 : undefined);
  }
}

export function isAppError(error: unknown): error is AppError {
  return (
    error instanceof Error && "code" in error && typeof error.code === "string" && Object.hasOwn(TABLE, error.code)
  );
}
