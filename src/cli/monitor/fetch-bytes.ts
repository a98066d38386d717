/** One small file over HTTP, bounded and with a few tries. Redirects are not followed: they would carry a credential away. */
import { problemOf } from "../../client/errors.ts";
import { DEFAULT_RETRY, isRetryable, retryAfterMs, waitBeforeRetry } from "../../client/retry.ts";
import { describeProblem } from "../errors.ts";
import { CliError, CODE, type Io } from "../io.ts";
import { safeText } from "../text.ts";

export interface FetchRequest {
  url: string;
  headers: { [name: string]: string };
  maxBytes: number;
}

/** Nothing usable came: the log, or the way to it, is away. Worth another try later. */
export class NoAnswer extends Error {
  override name = "NoAnswer";
}

const TIMEOUT_MS = 30_000;
const MAX_PROBLEM_BYTES = 16 * 1024;
const POLICY = { ...DEFAULT_RETRY, attempts: 4, maxRetryAfterMs: 10_000 };

/** Null for 404. Throws `NoAnswer`; `CliError` when the server refuses the credential. */
export async function fetchBytes(io: Io, request: FetchRequest): Promise<Uint8Array | null> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await tryOnce(io, request);
    if (!(outcome instanceof Failure)) return outcome;
    const waitMs = outcome.again ? waitBeforeRetry(POLICY, attempt, outcome.askedMs, io.random) : null;
    if (waitMs === null) throw new NoAnswer(outcome.message);
    await io.sleep(waitMs, io.signal);
  }
}

class Failure {
  readonly message: string;
  readonly again: boolean;
  readonly askedMs: number | null;

  constructor(message: string, again: boolean, askedMs: number | null = null) {
    this.message = message;
    this.again = again;
    this.askedMs = askedMs;
  }
}

async function tryOnce(io: Io, { url, headers, maxBytes }: FetchRequest): Promise<Uint8Array | null | Failure> {
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const at = safeText(new URL(url).pathname, 200);
  try {
    const answer = await io.fetch(url, { method: "GET", headers, redirect: "manual", signal });
    const { status } = answer;
    if (status === 200) return (await collect(answer as Answer, maxBytes)) ?? new Failure(`${at} is too large`, false);
    const header = (name: string) => answer.headers.get(name);
    const asked = retryAfterMs(header("retry-after"), header("date"), io.now());
    const text = Buffer.from((await collect(answer as Answer, MAX_PROBLEM_BYTES)) ?? "").toString();
    const problem = problemOf(status, text, header, asked);
    if (status === 404) return null;
    if (status === 401 || status === 403) {
      const needs = "the key may not read this log, which needs log.read";
      throw new CliError(`could not check: ${needs}: ${describeProblem(problem)}`, CODE.unreachable);
    }
    return new Failure(`${at}: ${describeProblem(problem)}`, isRetryable(status, problem.code), asked);
  } catch (error) {
    if (error instanceof CliError) throw error;
    if (io.signal.aborted) throw io.signal.reason;
    return new Failure(`no answer for ${at}: ${reasonOf(error)}`, true);
  }
}

interface Answer {
  body?: AsyncIterable<Uint8Array> | null;
  text(): Promise<string>;
}

/** Null: more than allowed. */
async function collect(answer: Answer, maxBytes: number): Promise<Uint8Array | null> {
  const parts: Buffer[] = [];
  let byteLength = 0;
  for await (const chunk of answer.body ?? [Buffer.from(await answer.text())]) {
    byteLength += chunk.length;
    if (byteLength > maxBytes) return null;
    parts.push(Buffer.from(chunk));
  }
  return Buffer.concat(parts);
}

/** The system's word for it, which Node hides in the cause. */
function reasonOf(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ("code" in at && typeof at.code === "string") return at.code;
    if (at.name === "TimeoutError") return "it took too long";
  }
  return "it was broken off";
}
