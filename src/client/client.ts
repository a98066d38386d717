/** The typed client: one method for each route of the API. */
import { type Answer, type RequestSpec, Transport, type TransportOptions } from "./transport.ts";
import type {
  ApiKey,
  AppendAnswer,
  AppendResult,
  AuditEvent,
  CreateApiKey,
  CreateDomain,
  CreatedTenant,
  CreateTenant,
  Domain,
  Entry,
  EntryPage,
  EntryQuery,
  Head,
  IssuedApiKey,
  PayloadForm,
  Principal,
  Residency,
  Verification,
  VerifyQuery,
} from "./types.ts";

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

export interface AppendOptions extends CallOptions {
  /** Default: a new random UUID, reused for the retries of this call. */
  idempotencyKey?: string | undefined;
  /** `replicated`: answer when the queryable copy holds the entries too, or after the server's patience ran out. */
  wait?: "replicated" | undefined;
}

export class MoonsealClient {
  readonly #transport: Transport;
  readonly #randomUuid: () => string;

  constructor(options: TransportOptions) {
    this.#transport = new Transport(options);
    this.#randomUuid = options.randomUuid ?? (() => crypto.randomUUID());
  }

  /** Commits one event, or all events of an array or none. Safe against lost answers: retries cannot append twice. */
  append(
    domainId: string,
    events: AuditEvent | readonly AuditEvent[],
    options: AppendOptions = {},
  ): Promise<AppendResult> {
    return this.appendJson(domainId, JSON.stringify(events), options);
  }

  /** The same with the body as JSON text, sent as it is: numbers keep every digit. */
  async appendJson(domainId: string, body: string, options: AppendOptions = {}): Promise<AppendResult> {
    const answer = await this.#transport.request({
      method: "POST",
      path: `${auditPath(domainId)}/entries`,
      headers: {
        "idempotency-key": options.idempotencyKey ?? this.#randomUuid(),
        ...(options.wait ? { prefer: `wait=${options.wait}` } : {}),
      },
      body,
      retry: true,
      authenticate: true,
      signal: options.signal,
    });
    return {
      ...(answer.json as AppendAnswer),
      idempotency_replayed: answer.header("idempotency-replayed") === "true",
    };
  }

  /** One page of entries. */
  entries<P extends PayloadForm = "json">(
    domainId: string,
    query: EntryQuery<P> = {},
    options: CallOptions = {},
  ): Promise<EntryPage<P>> {
    return this.#get(`${auditPath(domainId)}/entries`, { ...query }, options);
  }

  /** One entry by its seq or its id. */
  entry<P extends PayloadForm = "json">(
    domainId: string,
    seqOrId: number | string,
    query: { payload?: P | undefined } = {},
    options: CallOptions = {},
  ): Promise<Entry<P>> {
    return this.#get(`${auditPath(domainId)}/entries/${encodeURIComponent(seqOrId)}`, { ...query }, options);
  }

  head(domainId: string, options: CallOptions = {}): Promise<Head> {
    return this.#get(`${auditPath(domainId)}/head`, {}, options);
  }

  /** What the server itself says after recomputing. Whoever does not trust the server runs `moonseal verify`. */
  verify(domainId: string, query: VerifyQuery = {}, options: CallOptions = {}): Promise<Verification> {
    return this.#get(`${auditPath(domainId)}/verify`, { ...query }, options);
  }

  whoami(options: CallOptions = {}): Promise<Principal> {
    return this.#get("/v1/whoami", {}, options);
  }

  domain(domainId: string, options: CallOptions = {}): Promise<Domain> {
    return this.#get(`/v1/domains/${encodeURIComponent(domainId)}`, {}, options);
  }

  async domains(tenantId: string, options: CallOptions = {}): Promise<Domain[]> {
    const answer = await this.#get<{ domains: Domain[] }>(`${tenantPath(tenantId)}/domains`, {}, options);
    return answer.domains;
  }

  createDomain(tenantId: string, domain: CreateDomain, options: CallOptions = {}): Promise<Domain> {
    return this.#post(`${tenantPath(tenantId)}/domains`, domain, options);
  }

  /** With an operator secret as the credential. */
  createTenant(tenant: CreateTenant, options: CallOptions = {}): Promise<CreatedTenant> {
    return this.#post("/v1/tenants", tenant, options);
  }

  async keys(tenantId: string, options: CallOptions = {}): Promise<ApiKey[]> {
    return (await this.#get<{ keys: ApiKey[] }>(`${tenantPath(tenantId)}/keys`, {}, options)).keys;
  }

  createKey(tenantId: string, key: CreateApiKey, options: CallOptions = {}): Promise<IssuedApiKey> {
    return this.#post(`${tenantPath(tenantId)}/keys`, key, options);
  }

  /** The key stops working within the server's cache time (60 s at most). */
  async revokeKey(tenantId: string, keyId: string, options: CallOptions = {}): Promise<void> {
    const path = `${tenantPath(tenantId)}/keys/${encodeURIComponent(keyId)}`;
    await this.#transport.request({ method: "DELETE", path, retry: false, authenticate: true, signal: options.signal });
  }

  residency(options: CallOptions = {}): Promise<Residency> {
    return this.#get("/v1/residency", {}, options);
  }

  /** Whether the gateway answers. No credential is sent. */
  async health(options: CallOptions = {}): Promise<{ status: string }> {
    const answer = await this.#send({ method: "GET", path: "/healthz", retry: true, authenticate: false, ...options });
    return answer.json as { status: string };
  }

  async #get<T>(path: string, query: NonNullable<RequestSpec["query"]>, options: CallOptions): Promise<T> {
    return (await this.#send({ method: "GET", path, query, retry: true, authenticate: true, ...options })).json as T;
  }

  /** Not retried: a second one could create a second thing. */
  async #post<T>(path: string, body: unknown, options: CallOptions): Promise<T> {
    const json = JSON.stringify(body);
    const answer = await this.#send({ method: "POST", path, body: json, retry: false, authenticate: true, ...options });
    return answer.json as T;
  }

  #send(spec: RequestSpec): Promise<Answer> {
    return this.#transport.request(spec);
  }
}

const auditPath = (domainId: string) => `/v1/domains/${encodeURIComponent(domainId)}/audit`;
const tenantPath = (tenantId: string) => `/v1/tenants/${encodeURIComponent(tenantId)}`;
