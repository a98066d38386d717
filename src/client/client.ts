/** The typed client: one method for each route of the API. */
import { AccessClient } from "./access.ts";
import { DomainSettingsClient } from "./domain-settings.ts";
import { EventTypeClient } from "./event-types.ts";
import { ExportClient } from "./exports.ts";
import { HoldClient } from "./holds.ts";
import { ImportClient } from "./imports.ts";
import { type IngestOptions, type IngestResult, ingest } from "./ingest.ts";
import { MemberClient, SessionClient } from "./members.ts";
import { QueryClient } from "./queries.ts";
import { auditPath, type CallOptions, Requests, tenantPath } from "./requests.ts";
import { RetentionClient } from "./retention.ts";
import { SecondFactorClient } from "./second-factors.ts";
import { ServiceAccountClient } from "./service-accounts.ts";
import { SignInClient } from "./sign-in.ts";
import { TailClient, type TailOptions } from "./tail.ts";
import { Transport, type TransportOptions } from "./transport.ts";
import type {
  ApiKey,
  AppendAnswer,
  AppendResult,
  AppendSummary,
  AuditEvent,
  CreateApiKey,
  CreateDomain,
  CreatedTenant,
  CreateTenant,
  Domain,
  DomainHealth,
  Entry,
  EntryPage,
  EntryQuery,
  ErasedEverywhere,
  EraseIdentity,
  Erasure,
  EventFormat,
  Head,
  IssuedApiKey,
  PayloadForm,
  Principal,
  Residency,
  RevealedPage,
  RevealQuery,
  RotateApiKey,
  RotatedApiKey,
  SearchQuery,
  Status,
  Verification,
  VerifyQuery,
} from "./types.ts";

export interface AppendOptions extends CallOptions {
  /** Default: a new random UUID, reused for the retries of this call. */
  idempotencyKey?: string | undefined;
  /** `replicated`: answer when the queryable copy holds the entries too, or after the server's patience ran out. */
  wait?: "replicated" | undefined;
  /** What the events are; default: our own (docs/ingesting.md). */
  format?: EventFormat | undefined;
  /** The body is NDJSON, one event a line, and still one atomic request. */
  ndjson?: boolean | undefined;
}

export class MoonsealClient {
  readonly signIn: SignInClient;
  readonly secondFactors: SecondFactorClient;
  readonly sessions: SessionClient;
  readonly members: MemberClient;
  readonly serviceAccounts: ServiceAccountClient;
  readonly access: AccessClient;
  readonly queries: QueryClient;
  readonly eventTypes: EventTypeClient;
  readonly domainSettings: DomainSettingsClient;
  readonly exports: ExportClient;
  readonly imports: ImportClient;
  readonly retention: RetentionClient;
  readonly holds: HoldClient;
  readonly #transport: Transport;
  readonly #tail: TailClient;
  readonly #requests: Requests;
  readonly #randomUuid: () => string;

  constructor(options: TransportOptions) {
    const transport = new Transport(options);
    this.#requests = new Requests(transport);
    this.#transport = transport;
    this.#tail = new TailClient(transport);
    this.signIn = new SignInClient(this.#requests);
    this.secondFactors = new SecondFactorClient(this.#requests);
    this.sessions = new SessionClient(this.#requests);
    this.members = new MemberClient(this.#requests);
    this.serviceAccounts = new ServiceAccountClient(this.#requests);
    this.access = new AccessClient(this.#requests);
    this.queries = new QueryClient(this.#requests);
    this.eventTypes = new EventTypeClient(this.#requests);
    this.domainSettings = new DomainSettingsClient(this.#requests);
    this.exports = new ExportClient(this.#requests, transport);
    this.imports = new ImportClient(this.#requests, transport);
    this.retention = new RetentionClient(this.#requests);
    this.holds = new HoldClient(this.#requests);
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
    const answer = await this.#requests.send({
      method: "POST",
      path: `${auditPath(domainId)}/entries`,
      query: { format: options.format },
      headers: {
        ...(options.ndjson ? { "content-type": "application/x-ndjson" } : {}),
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

  /**
   * Appends a stream of any length, each event for itself, and gives a result each as it is stored. It is one request, not repeated: the
   * last value says how far it came. Throws when the answer breaks off; sending it again under the same key doubles nothing.
   */
  ingest(
    domainId: string,
    lines: AsyncIterable<string> | Iterable<string>,
    options: IngestOptions = {},
  ): AsyncGenerator<IngestResult, AppendSummary> {
    const idempotencyKey = options.idempotencyKey ?? this.#randomUuid();
    return ingest(this.#transport, domainId, lines, { ...options, idempotencyKey });
  }

  /** One page of entries. */
  entries<P extends PayloadForm = "json">(
    domainId: string,
    query: EntryQuery<P> = {},
    options: CallOptions = {},
  ): Promise<EntryPage<P>> {
    return this.#requests.get(`${auditPath(domainId)}/entries`, { ...query }, options);
  }

  /**
   * Entries as they are committed, each once and in order, across lost connections: an iterator without end. Without `from` what comes
   * from now on. Throws what waiting does not change, and the signal's reason.
   */
  tail(domainId: string, options: TailOptions = {}): AsyncGenerator<Entry> {
    return this.#tail.entries(domainId, options);
  }

  /** One entry by its seq or its id. */
  entry<P extends PayloadForm = "json">(
    domainId: string,
    seqOrId: number | string,
    query: { payload?: P | undefined } = {},
    options: CallOptions = {},
  ): Promise<Entry<P>> {
    return this.#requests.get(`${auditPath(domainId)}/entries/${encodeURIComponent(seqOrId)}`, { ...query }, options);
  }

  /** A page of the entries that name a person. The identity id goes in the body, never into an address. */
  search<P extends PayloadForm = "json">(
    domainId: string,
    query: SearchQuery<P>,
    options: CallOptions = {},
  ): Promise<EntryPage<P>> {
    return this.#requests.postAgain(`${auditPath(domainId)}/entries/search`, query, options);
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
    return this.#requests.post(`${auditPath(domainId)}/entries/reveal`, query, options);
  }

  /**
   * Erases a person from a log. Throws the problem `subject.held` where a legal hold forbids it. Safe to repeat: the second
   * call tells of the first erasure.
   */
  eraseIdentity(domainId: string, wanted: EraseIdentity, options: CallOptions = {}): Promise<Erasure> {
    return this.#requests.postAgain(`${auditPath(domainId)}/erase-identity`, wanted, options);
  }

  /** From every log of a tenant, or from none. */
  eraseIdentityEverywhere(
    tenantId: string,
    wanted: EraseIdentity,
    options: CallOptions = {},
  ): Promise<ErasedEverywhere> {
    return this.#requests.postAgain(`${tenantPath(tenantId)}/audit/erase-identity`, wanted, options);
  }

  erasure(domainId: string, erasureId: string, options: CallOptions = {}): Promise<Erasure> {
    return this.#requests.get(`${auditPath(domainId)}/erasures/${encodeURIComponent(erasureId)}`, {}, options);
  }

  /** The offline proof of one entry by seq or id, as a `.tlog-proof` file (C2SP tlog-proof). Untrusted until it is verified. */
  async evidence(domainId: string, which: number | string, options: CallOptions = {}): Promise<string> {
    const path = `${auditPath(domainId)}/entries/${encodeURIComponent(which)}/evidence`;
    const spec = { method: "GET" as const, path, retry: true, authenticate: true, text: true as const };
    return (await this.#requests.send({ ...spec, ...options })).json as string;
  }

  /** The signed note; the problem `erasure.unfinished` before there is one. */
  async erasureCertificate(domainId: string, erasureId: string, options: CallOptions = {}): Promise<string> {
    const path = `${auditPath(domainId)}/erasures/${encodeURIComponent(erasureId)}/certificate`;
    const spec = { method: "GET" as const, path, retry: true, authenticate: true, text: true as const };
    return (await this.#requests.send({ ...spec, ...options })).json as string;
  }

  head(domainId: string, options: CallOptions = {}): Promise<Head> {
    return this.#requests.get(`${auditPath(domainId)}/head`, {}, options);
  }

  /** What the server's own self-check of the domain found. */
  domainHealth(domainId: string, options: CallOptions = {}): Promise<DomainHealth> {
    return this.#requests.get(`/v1/domains/${encodeURIComponent(domainId)}/health`, {}, options);
  }

  /** What the server itself says after recomputing. Whoever does not trust the server runs `moonseal verify`. */
  verify(domainId: string, query: VerifyQuery = {}, options: CallOptions = {}): Promise<Verification> {
    return this.#requests.get(`${auditPath(domainId)}/verify`, { ...query }, options);
  }

  whoami(options: CallOptions = {}): Promise<Principal> {
    return this.#requests.get("/v1/whoami", {}, options);
  }

  domain(domainId: string, options: CallOptions = {}): Promise<Domain> {
    return this.#requests.get(`/v1/domains/${encodeURIComponent(domainId)}`, {}, options);
  }

  async domains(tenantId: string, options: CallOptions = {}): Promise<Domain[]> {
    const answer = await this.#requests.get<{ domains: Domain[] }>(`${tenantPath(tenantId)}/domains`, {}, options);
    return answer.domains;
  }

  createDomain(tenantId: string, domain: CreateDomain, options: CallOptions = {}): Promise<Domain> {
    return this.#requests.post(`${tenantPath(tenantId)}/domains`, domain, options);
  }

  /** With an operator secret as the credential. */
  createTenant(tenant: CreateTenant, options: CallOptions = {}): Promise<CreatedTenant> {
    return this.#requests.post("/v1/tenants", tenant, options);
  }

  async keys(tenantId: string, options: CallOptions = {}): Promise<ApiKey[]> {
    return (await this.#requests.get<{ keys: ApiKey[] }>(`${tenantPath(tenantId)}/keys`, {}, options)).keys;
  }

  createKey(tenantId: string, key: CreateApiKey, options: CallOptions = {}): Promise<IssuedApiKey> {
    return this.#requests.post(`${tenantPath(tenantId)}/keys`, key, options);
  }

  key(tenantId: string, keyId: string, options: CallOptions = {}): Promise<ApiKey> {
    return this.#requests.get(keyPath(tenantId, keyId), {}, options);
  }

  /** A new key with all that the old one has. It stands in this answer and never again; not repeated when that is lost. */
  rotateKey(tenantId: string, keyId: string, wanted: RotateApiKey, options: CallOptions = {}): Promise<RotatedApiKey> {
    return this.#requests.post(`${keyPath(tenantId, keyId)}/rotate`, wanted, options);
  }

  /** The key stops working within the server's cache time (60 s at most). */
  revokeKey(tenantId: string, keyId: string, options: CallOptions = {}): Promise<ApiKey> {
    return this.#requests.delete(keyPath(tenantId, keyId), options);
  }

  /** How the cells are, as anybody is told. */
  status(options: CallOptions = {}): Promise<Status> {
    return this.#requests.get("/v1/status", {}, options);
  }

  residency(options: CallOptions = {}): Promise<Residency> {
    return this.#requests.get("/v1/residency", {}, options);
  }

  /** Whether the gateway answers. No credential is sent. */
  async health(options: CallOptions = {}): Promise<{ status: string }> {
    const answer = await this.#requests.send({
      method: "GET",
      path: "/healthz",
      retry: true,
      authenticate: false,
      ...options,
    });
    return answer.json as { status: string };
  }
}

const keyPath = (tenantId: string, keyId: string) => `${tenantPath(tenantId)}/keys/${encodeURIComponent(keyId)}`;
