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
  ErasedEverywhere,
  EraseIdentity,
  Erasure,
  Head,
  IssuedApiKey,
  PayloadForm,
  Principal,
  Residency,
  RevealedPage,
  RevealQuery,
  SearchQuery,
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

  /** A page of the entries that name a person. The identity id goes in the body, never into an address. */
  search<P extends PayloadForm = "json">(
    domainId: string,
    query: SearchQuery<P>,
    options: CallOptions = {},
  ): Promise<EntryPage<P>> {
    return this.#ask(`${auditPath(domainId)}/entries/search`, query, options, true);
  }

  /**
   * A page of entries with who is in them and with their private values. Each call makes an entry `audit.revealed`, so it is
   * not repeated when an answer is lost.
   */
  reveal<P extends PayloadForm = "json">(
    domainId: string,
    query: RevealQuery<P>,
    options: CallOptions = {},
  ): Promise<RevealedPage<P>> {
    return this.#ask(`${auditPath(domainId)}/entries/reveal`, query, options, false);
  }

  /**
   * Erases a person from a log. Throws the problem `subject.held` where a legal hold forbids it. Safe to repeat: the second
   * call tells of the first erasure.
   */
  eraseIdentity(domainId: string, wanted: EraseIdentity, options: CallOptions = {}): Promise<Erasure> {
    return this.#ask(`${auditPath(domainId)}/erase-identity`, wanted, options, true);
  }

  /** From every log of a tenant, or from none. */
  eraseIdentityEverywhere(
    tenantId: string,
    wanted: EraseIdentity,
    options: CallOptions = {},
  ): Promise<ErasedEverywhere> {
    return this.#ask(`${tenantPath(tenantId)}/audit/erase-identity`, wanted, options, true);
  }

  erasure(domainId: string, erasureId: string, options: CallOptions = {}): Promise<Erasure> {
    return this.#get(`${auditPath(domainId)}/erasures/${encodeURIComponent(erasureId)}`, {}, options);
  }

  /** The offline proof of one entry by seq or id, as a `.tlog-proof` file (C2SP tlog-proof). Untrusted until it is verified. */
  async evidence(domainId: string, which: number | string, options: CallOptions = {}): Promise<string> {
    const path = `${auditPath(domainId)}/entries/${encodeURIComponent(which)}/evidence`;
    const spec = { method: "GET" as const, path, retry: true, authenticate: true, text: true as const };
    return (await this.#transport.request({ ...spec, signal: options.signal })).json as string;
  }

  /** The signed note; the problem `erasure.unfinished` before there is one. */
  async erasureCertificate(domainId: string, erasureId: string, options: CallOptions = {}): Promise<string> {
    const path = `${auditPath(domainId)}/erasures/${encodeURIComponent(erasureId)}/certificate`;
    const spec = { method: "GET" as const, path, retry: true, authenticate: true, text: true as const };
    return (await this.#send({ ...spec, ...options })).json as string;
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
  #post<T>(path: string, body: unknown, options: CallOptions): Promise<T> {
    return this.#ask(path, body, options, false);
  }

  async #ask<T>(path: string, body: unknown, options: CallOptions, retry: boolean): Promise<T> {
    const json = JSON.stringify(body);
    const answer = await this.#send({ method: "POST", path, body: json, retry, authenticate: true, ...options });
    return answer.json as T;
  }

  #send(spec: RequestSpec): Promise<Answer> {
    return this.#transport.request(spec);
  }
}

const auditPath = (domainId: string) => `/v1/domains/${encodeURIComponent(domainId)}/audit`;
const tenantPath = (tenantId: string) => `/v1/tenants/${encodeURIComponent(tenantId)}`;
