/** What all parts of the client ask with: a method and a path each, JSON both ways. */
import type { Answer, RequestSpec, Transport } from "./transport.ts";

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

type Query = NonNullable<RequestSpec["query"]>;

export class Requests {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async get<T>(path: string, query: Query, options: CallOptions): Promise<T> {
    return (await this.send({ method: "GET", path, query, retry: true, authenticate: true, ...options })).json as T;
  }

  /** Not retried: a second one could create a second thing. Without a body none is sent. */
  post<T>(path: string, body: unknown, options: CallOptions): Promise<T> {
    return this.ask("POST", path, body, options, false);
  }

  /** Repeated when no answer comes: only for what a second request cannot do again. */
  postAgain<T>(path: string, body: unknown, options: CallOptions): Promise<T> {
    return this.ask("POST", path, body, options, true);
  }

  patch<T>(path: string, body: unknown, options: CallOptions): Promise<T> {
    return this.ask("PATCH", path, body, options, true);
  }

  /** Not retried: the answer to the second one would be that there is no such thing. */
  async delete<T>(path: string, options: CallOptions): Promise<T> {
    return (await this.send({ method: "DELETE", path, retry: false, authenticate: true, ...options })).json as T;
  }

  /** What stands there, with the `ETag` that `change` wants. */
  async tagged<T>(path: string, options: CallOptions): Promise<Tagged<T>> {
    return taggedAnswer(await this.send({ method: "GET", path, retry: true, authenticate: true, ...options }));
  }

  /**
   * Only if what is changed is still what was read: else the problem `precondition.failed`. Not retried, because a second request
   * would be refused for what the first one did.
   */
  async change<T>(
    method: "POST" | "PATCH",
    path: string,
    body: unknown,
    etag: string,
    options: CallOptions,
  ): Promise<Tagged<T>> {
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers = { "if-match": etag };
    return taggedAnswer(
      await this.send({ method, path, headers, ...json, retry: false, authenticate: true, ...options }),
    );
  }

  async ask<T>(
    method: "POST" | "PATCH",
    path: string,
    body: unknown,
    options: CallOptions,
    retry: boolean,
  ): Promise<T> {
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    return (await this.send({ method, path, ...json, retry, authenticate: true, ...options })).json as T;
  }

  send(spec: RequestSpec): Promise<Answer> {
    return this.#transport.request(spec);
  }
}

export interface Tagged<T> {
  value: T;
  /** For the next change of it. */
  etag: string;
}

const taggedAnswer = <T>({ json, header }: Answer): Tagged<T> => ({ value: json as T, etag: header("etag") ?? "" });

export const auditPath = (domainId: string) => `/v1/domains/${encodeURIComponent(domainId)}/audit`;
export const tenantPath = (tenantId: string) => `/v1/tenants/${encodeURIComponent(tenantId)}`;
export const authPath = (jurisdiction: string) => `/v1/auth/${encodeURIComponent(jurisdiction)}`;
