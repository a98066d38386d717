/** One request with its retries. Needs `fetch` and nothing else, so it runs in Node, browsers and Workers. */
import { MoonsealProblem, MoonsealUnreachable, problemOf } from "./errors.ts";
import { untilBroken, type Watchdog, watchdog } from "./live-body.ts";
import { DEFAULT_RETRY, isRetryable, type RetryPolicy, retryAfterMs, sleep, waitBeforeRetry } from "./retry.ts";

/** What is used of `fetch`; every runtime's own fits. */
export type Fetch = (
  url: string,
  init: {
    method: string;
    headers: { [name: string]: string };
    body?: string | ReadableStream<Uint8Array>;
    /** With a body that is a stream. */
    duplex?: "half";
    redirect: "manual";
    signal: AbortSignal;
  },
) => Promise<{
  status: number;
  headers: { get(name: string): string | null };
  text(): Promise<string>;
  /** Only needed for following a log. */
  body?: AsyncIterable<Uint8Array> | null;
}>;

export interface TransportOptions {
  /** Of the gateway: `https://api.example.com`. */
  baseUrl: string;
  apiKey?: string | undefined;
  fetch?: Fetch | undefined;
  retry?: Partial<RetryPolicy> | undefined;
  /** One attempt may take this long. Default 60 s. */
  timeoutMs?: number | undefined;
  /** Sent along where the runtime allows it; sessions are listed with what it says. */
  userAgent?: string | undefined;
  /**
   * Called when the server asks for a second factor (`auth.mfa_required`, `auth.step_up_required`): true says that one was shown,
   * and the same request is sent once more. What a request was refused for has not been carried out.
   */
  secondFactor?: ((problem: MoonsealProblem) => Promise<boolean>) | undefined;
  /** Called before each wait, for progress lines. */
  onRetry?:
    | ((retry: { attempt: number; waitMs: number; reason: MoonsealProblem | MoonsealUnreachable }) => void)
    | undefined;
  /** Called with every answer, for measuring clocks. */
  onAnswer?:
    | ((answer: { status: number; date: string | null; sentAtMs: number; receivedAtMs: number }) => void)
    | undefined;
  now?: (() => number) | undefined;
  random?: (() => number) | undefined;
  randomUuid?: (() => string) | undefined;
  sleep?: typeof sleep | undefined;
}

export interface RequestSpec {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  query?: { [name: string]: string | number | undefined };
  headers?: { [name: string]: string };
  body?: string;
  /** Only where a second request cannot do what the first one may have done already. */
  retry: boolean;
  /** Whether the credential goes along. */
  authenticate: boolean;
  /** The answer is text and not JSON; it stands in `json` as the string that it is. */
  text?: true;
  signal?: AbortSignal | undefined;
}

/** A request whose answer goes on and on. */
export interface StreamSpec {
  method?: "GET" | "POST";
  path: string;
  query: [name: string, value: string][];
  accept: string;
  headers?: { [name: string]: string };
  /** Made once the request is; a step of it is heard as one of the answer is. */
  body?: (heard: Watchdog) => ReadableStream<Uint8Array>;
  /** Default: the credential goes along. */
  authenticate?: boolean;
  /** Answers that are read as they come; default: 200. */
  statuses?: readonly number[];
  /** A connection that is silent for so long is believed to be lost. */
  silenceMs: number;
  signal?: AbortSignal | undefined;
}

/** The beginning of an answer, and the rest of it as it comes. */
export interface OpenAnswer {
  status: number;
  header: (name: string) => string | null;
  chunks: AsyncIterable<Uint8Array>;
}

export interface Answer {
  status: number;
  header: (name: string) => string | null;
  json: unknown;
}

const DEFAULT_TIMEOUT_MS = 60_000;
const ASKS_FOR_FACTOR: readonly string[] = ["auth.mfa_required", "auth.step_up_required"];

export class Transport {
  readonly #options: TransportOptions;
  readonly #policy: RetryPolicy;
  readonly #baseUrl: string;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#policy = { ...DEFAULT_RETRY, ...options.retry };
    this.#baseUrl = options.baseUrl.replace(/\/+$/, "");
  }

  /**
   * The answer of a request that was carried out (2xx). Throws `MoonsealProblem` for any other answer and
   * `MoonsealUnreachable` when none came, after at most `retry.attempts` requests; every one of them is the same, byte
   * for byte. Throws the signal's reason when aborted. Redirects are never followed: they would carry the credential away.
   */
  async request(spec: RequestSpec): Promise<Answer> {
    try {
      return await this.#withRetries(spec);
    } catch (error) {
      if (!(error instanceof MoonsealProblem && ASKS_FOR_FACTOR.includes(error.code))) throw error;
      if (!(await this.#options.secondFactor?.(error))) throw error;
      return await this.#withRetries(spec);
    }
  }

  /**
   * The answer as it comes, of one attempt. Throws as `request` does; while it is read, `MoonsealUnreachable` when it breaks off or
   * falls silent. Whoever stops reading closes the connection.
   */
  async stream(spec: StreamSpec): Promise<AsyncIterable<Uint8Array>> {
    return (await this.open(spec)).chunks;
  }

  /** The same, with status and headers. */
  async open(spec: StreamSpec): Promise<OpenAnswer> {
    const silence = new AbortController();
    const signal = spec.signal ? AbortSignal.any([spec.signal, silence.signal]) : silence.signal;
    const heard = watchdog(spec.silenceMs, () => silence.abort(new Error("the server has fallen silent")));
    const failed = (error: unknown) => {
      heard.stop();
      if (spec.signal?.aborted) return spec.signal.reason;
      return new MoonsealUnreachable(`no answer from ${this.#baseUrl}: ${reasonOf(error)}`, 1, error);
    };
    try {
      spec.signal?.throwIfAborted();
      const url = `${this.#baseUrl}${spec.path}${spec.query.length > 0 ? `?${new URLSearchParams(spec.query)}` : ""}`;
      const accept = `${spec.accept}, application/problem+json`;
      const headers = { ...this.#credentials(spec.authenticate ?? true), accept, ...spec.headers };
      const method = spec.method ?? "GET";
      const sent = spec.body ? { body: spec.body(heard), duplex: "half" as const } : {};
      const answer = await this.#fetch(url, { method, headers, ...sent, redirect: "manual", signal });
      const { status } = answer;
      const header = (name: string) => answer.headers.get(name);
      if ((spec.statuses ?? [200]).includes(status) && answer.body) {
        return { status, header, chunks: untilBroken(answer.body, heard, failed) };
      }
      const text = await answer.text();
      heard.stop();
      const waitMs = retryAfterMs(header("retry-after"), header("date"), (this.#options.now ?? Date.now)());
      throw problemOf(answer.status, text, header, waitMs);
    } catch (error) {
      throw error instanceof MoonsealProblem ? error : failed(error);
    }
  }

  /** A random part of `ms`, so that many clients do not return at once. */
  jitter(ms: number): number {
    return Math.floor((this.#options.random ?? Math.random)() * ms);
  }

  wait(ms: number, signal?: AbortSignal): Promise<void> {
    return (this.#options.sleep ?? sleep)(ms, signal);
  }

  async #withRetries(spec: RequestSpec): Promise<Answer> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#attempt(spec, attempt);
      if ("json" in outcome) return outcome;
      const asked = outcome instanceof MoonsealProblem ? outcome.retryAfterMs : null;
      const again = outcome instanceof MoonsealUnreachable || isRetryable(outcome.status, outcome.code);
      const waitMs =
        spec.retry && again ? waitBeforeRetry(this.#policy, attempt, asked, this.#options.random ?? Math.random) : null;
      if (waitMs === null) throw outcome;
      this.#options.onRetry?.({ attempt, waitMs, reason: outcome });
      await (this.#options.sleep ?? sleep)(waitMs, spec.signal);
    }
  }

  async #attempt(spec: RequestSpec, attempt: number): Promise<Answer | MoonsealProblem | MoonsealUnreachable> {
    const now = this.#options.now ?? Date.now;
    const timeout = AbortSignal.timeout(this.#options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    const sentAtMs = now();
    let status: number;
    let header: (name: string) => string | null;
    let text: string;
    try {
      spec.signal?.throwIfAborted();
      const response = await this.#fetch(this.#url(spec), {
        method: spec.method,
        headers: this.#headers(spec),
        ...(spec.body === undefined ? {} : { body: spec.body }),
        redirect: "manual",
        signal: spec.signal ? AbortSignal.any([spec.signal, timeout]) : timeout,
      });
      status = response.status;
      header = (name) => response.headers.get(name);
      text = await response.text();
    } catch (error) {
      if (spec.signal?.aborted) throw spec.signal.reason;
      return new MoonsealUnreachable(`no answer from ${this.#baseUrl}: ${reasonOf(error)}`, attempt, error);
    }
    this.#options.onAnswer?.({ status, date: header("date"), sentAtMs, receivedAtMs: now() });
    if (status < 200 || status > 299) {
      return problemOf(status, text, header, retryAfterMs(header("retry-after"), header("date"), now()));
    }
    if (spec.text) return { status, header, json: text };
    try {
      return { status, header, json: text === "" ? null : JSON.parse(text) };
    } catch (error) {
      // Cut off on the way, or not our server: like no answer at all.
      return new MoonsealUnreachable(`${this.#baseUrl} answered something that is not JSON`, attempt, error);
    }
  }

  #url(spec: RequestSpec): string {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(spec.query ?? {})) {
      if (value !== undefined) query.set(name, String(value));
    }
    return `${this.#baseUrl}${spec.path}${query.size ? `?${query}` : ""}`;
  }

  #headers(spec: RequestSpec): { [name: string]: string } {
    return {
      accept: `${spec.text ? "text/plain" : "application/json"}, application/problem+json`,
      ...(spec.body === undefined ? {} : { "content-type": "application/json" }),
      ...this.#credentials(spec.authenticate),
      ...spec.headers,
    };
  }

  #credentials(authenticate: boolean): { [name: string]: string } {
    const { apiKey, userAgent } = this.#options;
    return {
      ...(authenticate && apiKey ? { authorization: `Bearer ${apiKey}` } : {}),
      ...(userAgent ? { "user-agent": userAgent } : {}),
    };
  }

  get #fetch(): Fetch {
    return this.#options.fetch ?? (fetch as unknown as Fetch);
  }
}

/** The system's word for it (`ECONNREFUSED`), which runtimes hide in the cause. */
function reasonOf(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ("code" in at && typeof at.code === "string") return at.code;
    if (at.name === "TimeoutError") return "it took too long";
  }
  return error instanceof Error ? error.message : "unknown reason";
}
