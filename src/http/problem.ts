/** RFC 9457 problem documents. No Hono here: the gateway answers with the same ones. */
import { type AppError, ERRORS, type ErrorCode, type FieldError, type Needs } from "../core/errors.ts";

export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  code: ErrorCode;
  error?: string;
  detail?: string;
  instance: string;
  errors?: FieldError[];
  continue?: string;
  needs?: Needs;
}

type Problem = Pick<AppError, "code" | "detail" | "errors"> & Partial<Pick<AppError, "continueAt" | "needs">>;

/** `origin` is where the client reached us, so that `type` resolves there. Never carries `internal` or a cause. */
export function problemDocument(error: Problem, origin: string, requestId: string): ProblemDocument {
  const { status, title } = ERRORS[error.code];
  return {
    type: `${origin}/problems/${error.code}`,
    title,
    status,
    code: error.code,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
    instance: requestId,
    // RFC 8628 §3.5, for clients that know nothing but it.
    ...(error.code.startsWith("device.") ? { error: error.code.slice("device.".length) } : {}),
    ...(error.errors === undefined ? {} : { errors: error.errors.map(wellFormed) }),
    ...(error.continueAt === undefined ? {} : { continue: error.continueAt }),
    ...(error.needs === undefined ? {} : { needs: error.needs }),
  };
}

/** A pointer repeats keys of the caller's; one with half a surrogate pair would make an answer that strict readers refuse. */
function wellFormed({ pointer, detail }: FieldError): FieldError {
  return { pointer: pointer.toWellFormed(), detail };
}

export function problemResponse(
  error: Problem & Pick<AppError, "retryAfterSeconds">,
  origin: string,
  requestId: string,
): Response {
  const document = problemDocument(error, origin, requestId);
  const headers = new Headers({ "Content-Type": "application/problem+json", "Cache-Control": "no-store" });
  headers.set("X-Request-Id", requestId);
  if (error.retryAfterSeconds !== undefined) headers.set("Retry-After", String(error.retryAfterSeconds));
  if (document.status === 401) headers.set("WWW-Authenticate", 'Bearer realm="moonseal"');
  return new Response(`${JSON.stringify(document)}\n`, { status: document.status, headers });
}
