/** The problem documents of the API description: one example a code, which the answers refer to. */
import { AppError, type AppErrorOptions, ERROR_CODES, ERRORS, type ErrorCode } from "../../core/errors.ts";
import { problemDocument } from "../problem.ts";

/** Where the examples' pages would be. */
const ORIGIN = "https://api.example.org";
const REQUEST_ID = "0193a0c4-5f7e-7c3a-9d53-6c1f0e0f4b11";

/** What a document of the code may say besides its title. */
const MORE: Partial<Record<ErrorCode, AppErrorOptions>> = {
  "request.malformed": { errors: [{ pointer: "/actor", detail: "the key stands there twice" }] },
  "request.invalid": {
    errors: [{ pointer: "/action", detail: "must be noun.verb in lower snake case, for example invoice.exported" }],
  },
  "auth.forbidden": { detail: "entry.append is needed" },
  "auth.mfa_required": { continueAt: "POST /v1/auth/eu/second-factor" },
  "auth.step_up_required": { continueAt: "POST /v1/auth/eu/second-factor" },
  "tier.required": { needs: { feature: "key_service", tier: "enterprise" } },
};

export function problemExamples(): Record<string, { summary: string; value: unknown }> {
  return Object.fromEntries(
    ERROR_CODES.map((code) => [
      code,
      { summary: ERRORS[code].title, value: problemDocument(new AppError(code, MORE[code]), ORIGIN, REQUEST_ID) },
    ]),
  );
}

/** For the content of a problem answer. */
export function problemReferences(codes: readonly ErrorCode[]): Record<string, { $ref: string }> {
  return Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]));
}
