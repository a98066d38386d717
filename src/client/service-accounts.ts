/** The machines of a tenant that API keys are made for. */
import { type CallOptions, type Requests, tenantPath } from "./requests.ts";
import type { CreateServiceAccount, DescribeServiceAccount, ServiceAccount, ServiceAccountWithKeys } from "./types.ts";

export class ServiceAccountClient {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Removed ones included. */
  async list(tenantId: string, options: CallOptions = {}): Promise<ServiceAccount[]> {
    const answer = await this.#requests.get<{ service_accounts: ServiceAccount[] }>(pathOf(tenantId), {}, options);
    return answer.service_accounts;
  }

  read(tenantId: string, id: string, options: CallOptions = {}): Promise<ServiceAccountWithKeys> {
    return this.#requests.get(pathOf(tenantId, id), {}, options);
  }

  create(tenantId: string, account: CreateServiceAccount, options: CallOptions = {}): Promise<ServiceAccount> {
    return this.#requests.post(pathOf(tenantId), account, options);
  }

  describe(
    tenantId: string,
    id: string,
    words: DescribeServiceAccount,
    options: CallOptions = {},
  ): Promise<ServiceAccount> {
    return this.#requests.patch(pathOf(tenantId, id), words, options);
  }

  /** Revokes its keys too, everywhere within 60 seconds. */
  remove(tenantId: string, id: string, options: CallOptions = {}): Promise<ServiceAccount> {
    return this.#requests.delete(pathOf(tenantId, id), options);
  }
}

const pathOf = (tenantId: string, id?: string) =>
  `${tenantPath(tenantId)}/service-accounts${id === undefined ? "" : `/${encodeURIComponent(id)}`}`;
