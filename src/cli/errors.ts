/** Every failure as one plain line and an exit code. */
import { MoonsealProblem, MoonsealUnreachable } from "../client/index.ts";
import { isRetryable } from "../client/retry.ts";
import { CliError, CODE } from "./io.ts";
import { safeText } from "./text.ts";

const MAX_FIELDS = 5;

const SHOW = "show it with: moonseal second-factor, then run this again";
/** What a person does about it. */
const NEXT: { readonly [code: string]: string } = {
  "log.unsigned": "the log has stopped and signs nothing; its operator finds the way on in docs/restoring.md",
  "auth.required": "if this was a session, it is over: moonseal login",
  "auth.mfa_required": SHOW,
  "auth.step_up_required": SHOW,
  "tier.required":
    "nothing was made or changed; what each tier has stands at /v1/tiers, and the operator changes a tenant's",
};

/** Detail, the fields with their pointers, code and request id. One line, safe for a terminal. */
export function describeProblem(problem: MoonsealProblem): string {
  const fields = problem.errors.slice(0, MAX_FIELDS).map(({ pointer, detail }) => `${pointer || "(event)"}: ${detail}`);
  const more = problem.errors.length - fields.length;
  if (more > 0) fields.push(`and ${more} more`);
  const about =
    problem.detail && problem.detail !== problem.title ? `${problem.title}: ${problem.detail}` : problem.title;
  const next = NEXT[problem.code];
  const request = problem.requestId ? `, request ${problem.requestId}` : "";
  return safeText(
    `${about}${fields.length ? `; ${fields.join("; ")}` : ""} (${problem.code}${request})${next ? `; ${next}` : ""}`,
  );
}

/** A code with what a person does about it. */
export const adviceOn = (code: string): string => safeText(NEXT[code] ? `${code}; ${NEXT[code]}` : code);

export function describeError(error: unknown): { message: string; exitCode: number } {
  if (error instanceof CliError) return { message: safeText(error.message), exitCode: error.exitCode };
  if (error instanceof MoonsealProblem) {
    return { message: describeProblem(error), exitCode: isRefusal(error) ? CODE.failed : CODE.unreachable };
  }
  if (error instanceof MoonsealUnreachable) {
    const tries = error.attempts > 1 ? ` (${error.attempts} attempts)` : "";
    return { message: safeText(error.message) + tries, exitCode: CODE.unreachable };
  }
  if (error instanceof Error && error.name === "AbortError")
    return { message: "interrupted", exitCode: CODE.interrupted };
  const detail = error instanceof Error ? error.message : String(error);
  return { message: `unexpected failure: ${safeText(detail)}`, exitCode: CODE.failed };
}

/** The server understood and said no. The others (credential, limits, outages) say nothing about what was asked. */
function isRefusal({ status }: MoonsealProblem): boolean {
  return status < 500 && status !== 401 && status !== 403 && status !== 429;
}

/** For commands that may be stopped at any time: where there was no answer, the same command again is what to do. */
export async function goingOnLater<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!saysNothing(error)) throw error;
    const { message, exitCode } = describeError(error);
    throw new CliError(`${message}; run the same command again: it goes on where it stopped`, exitCode);
  }
}

/** No answer, one that was cut off, or one that says only "not now". */
function saysNothing(error: unknown): boolean {
  if (error instanceof MoonsealProblem) return isRetryable(error.status, error.code) || error.status === 500;
  return error instanceof MoonsealUnreachable || (error instanceof CliError && error.exitCode === CODE.unreachable);
}

/** For commands that verify: whatever the server refuses, nothing was checked. */
export function asCouldNotCheck(error: unknown): unknown {
  if (!(error instanceof MoonsealProblem)) return error;
  return new CliError(`could not check: ${describeProblem(error)}`, CODE.unreachable);
}
