/** What the client throws. Nothing here ever holds a credential. */

export interface FieldProblem {
  /** JSON Pointer into the body, or `query:name`, `header:name`, `path:name`. */
  pointer: string;
  detail: string;
}

export class MoonsealError extends Error {
  override name = "MoonsealError";
}

/** The server's answer to a request it did not carry out (RFC 9457). */
export class MoonsealProblem extends MoonsealError {
  override name = "MoonsealProblem";
  readonly status: number;
  /** Stable, for programs: `entry.id_conflict`. `http.<status>` when something before the server answered. */
  readonly code: string;
  readonly title: string;
  readonly detail: string | null;
  readonly errors: readonly FieldProblem[];
  /** For the operator. */
  readonly requestId: string | null;
  /** How long the server asked to be left alone. */
  readonly retryAfterMs: number | null;
  /** Method and path of the request that brings what is missing, as `POST /v1/auth/eu/second-factor`. Untrusted. */
  readonly continueAt: string | null;

  constructor(fields: {
    status: number;
    code: string;
    title: string;
    detail?: string | null;
    errors?: readonly FieldProblem[];
    requestId?: string | null;
    retryAfterMs?: number | null;
    continueAt?: string | null;
  }) {
    super(fields.detail ?? fields.title);
    this.status = fields.status;
    this.code = fields.code;
    this.title = fields.title;
    this.detail = fields.detail ?? null;
    this.errors = fields.errors ?? [];
    this.requestId = fields.requestId ?? null;
    this.retryAfterMs = fields.retryAfterMs ?? null;
    this.continueAt = fields.continueAt ?? null;
  }

  /** The same problem with other field errors: one event's part of a batch's problem. */
  withErrors(errors: readonly FieldProblem[]): MoonsealProblem {
    return new MoonsealProblem({ ...this, errors });
  }
}

/**
 * No usable answer came, after all attempts. For an append the outcome is unknown: it may have been committed. Sending
 * the same request again under the same idempotency key (or the same event ids) is safe.
 */
export class MoonsealUnreachable extends MoonsealError {
  override name = "MoonsealUnreachable";
  readonly attempts: number;

  constructor(message: string, attempts: number, cause?: unknown) {
    super(message, { cause });
    this.attempts = attempts;
  }
}

/** Reads an untrusted error answer; works for anything, also for the HTML page of a proxy. */
export function problemOf(
  status: number,
  body: string,
  header: (name: string) => string | null,
  retryAfterMs: number | null,
): MoonsealProblem {
  const problem = jsonObject(body);
  const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : null);
  return new MoonsealProblem({
    status,
    code: text(problem.code) ?? `http.${status}`,
    title: text(problem.title) ?? `the server answered with status ${status}`,
    detail: text(problem.detail),
    errors: Array.isArray(problem.errors) ? problem.errors.filter(isFieldProblem) : [],
    requestId: text(problem.instance) ?? header("x-request-id"),
    retryAfterMs,
    continueAt: text(problem.continue),
  });
}

function isFieldProblem(value: unknown): value is FieldProblem {
  const field = value as Partial<FieldProblem> | null;
  return typeof field === "object" && typeof field?.pointer === "string" && typeof field.detail === "string";
}

function jsonObject(text: string): { [field: string]: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === "object" ? (value as { [field: string]: unknown }) : {};
  } catch {
    return {};
  }
}
