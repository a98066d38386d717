/** How long things are kept, and what retention removed. */
import { type CallOptions, type Requests, tenantPath } from "./requests.ts";
import type {
  DomainRetention,
  DomainRetentionDryRun,
  Retention,
  RetentionConfirmation,
  RetentionDryRun,
  RetentionRun,
  RetentionRuns,
  SetDomainRetention,
  SetRetention,
} from "./types.ts";

export interface ChangeOptions extends CallOptions {
  /** The `ETag` of what is to be changed; without it whatever is there is changed. */
  ifMatch?: string | undefined;
}

export class RetentionClient {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  read(tenantId: string, options: CallOptions = {}): Promise<Retention> {
    return this.#requests.get(pathOf(tenantId), {}, options);
  }

  set(tenantId: string, resource: string, policy: SetRetention, options: ChangeOptions = {}): Promise<Retention> {
    return this.#change("PUT", `${pathOf(tenantId)}/${encodeURIComponent(resource)}`, policy, options);
  }

  /** As long as the tier says again. */
  reset(tenantId: string, resource: string, options: ChangeOptions = {}): Promise<Retention> {
    return this.#change("DELETE", `${pathOf(tenantId)}/${encodeURIComponent(resource)}`, undefined, options);
  }

  /** Newest first. */
  runs(tenantId: string, cursor: string | null = null, options: CallOptions = {}): Promise<RetentionRuns> {
    return this.#requests.get(`${pathOf(tenantId)}/runs`, cursor === null ? {} : { cursor }, options);
  }

  /** Begins one now; one that is under way stays the one. */
  run(tenantId: string, options: CallOptions = {}): Promise<RetentionRun> {
    return this.#requests.postAgain(`${pathOf(tenantId)}/runs`, undefined, options);
  }

  /** What would go now. */
  dryRun(tenantId: string, options: CallOptions = {}): Promise<RetentionDryRun> {
    return this.#requests.postAgain(`${pathOf(tenantId)}/dry-run`, undefined, options);
  }

  ofDomain(domainId: string, options: CallOptions = {}): Promise<DomainRetention> {
    return this.#requests.get(pathOfDomain(domainId), {}, options);
  }

  setOfDomain(domainId: string, wish: SetDomainRetention, options: ChangeOptions = {}): Promise<DomainRetention> {
    return this.#change("PUT", pathOfDomain(domainId), wish, options);
  }

  /** What would go from the log, with the token that confirms it. */
  dryRunOfDomain(domainId: string, options: CallOptions = {}): Promise<DomainRetentionDryRun> {
    return this.#requests.postAgain(`${pathOfDomain(domainId)}/dry-run`, undefined, options);
  }

  confirm(domainId: string, token: string, options: CallOptions = {}): Promise<RetentionConfirmation> {
    return this.#requests.postAgain(`${pathOfDomain(domainId)}/confirm`, { token }, options);
  }

  async #change<T>(method: "PUT" | "DELETE", path: string, body: unknown, options: ChangeOptions): Promise<T> {
    const { ifMatch = "*", ...call } = options;
    const json = body === undefined ? {} : { body: JSON.stringify(body) };
    const headers = { "If-Match": ifMatch };
    const answer = await this.#requests.send({
      method,
      path,
      ...json,
      headers,
      retry: false,
      authenticate: true,
      ...call,
    });
    return answer.json as T;
  }
}

const pathOf = (tenantId: string) => `${tenantPath(tenantId)}/retention`;
const pathOfDomain = (domainId: string) => `/v1/domains/${encodeURIComponent(domainId)}/retention`;
