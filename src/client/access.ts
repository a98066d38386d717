/** Access of the operator's people to a tenant: asked for, answered, ended. */
import { type CallOptions, type Requests, tenantPath } from "./requests.ts";
import type { Access, ApproveAccess, BreakGlass, RequestAccess } from "./types.ts";

export class AccessClient {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Newest first. One of the operator's people sees their own. */
  async list(tenantId: string, options: CallOptions = {}): Promise<Access[]> {
    return (await this.#requests.get<{ access: Access[] }>(pathOf(tenantId), {}, options)).access;
  }

  read(tenantId: string, accessId: string, options: CallOptions = {}): Promise<Access> {
    return this.#requests.get(pathOf(tenantId, accessId), {}, options);
  }

  /** As one of the operator's people. Nothing opens before the tenant approves. */
  request(tenantId: string, wanted: RequestAccess, options: CallOptions = {}): Promise<Access> {
    return this.#requests.post(pathOf(tenantId), wanted, options);
  }

  /** Opens at once; the tenant's owners are told at once. */
  breakGlass(tenantId: string, wanted: BreakGlass, options: CallOptions = {}): Promise<Access> {
    return this.#requests.post(`${pathOf(tenantId)}/break-glass`, wanted, options);
  }

  /** All that was asked for but `entry.reveal`, or what `granted` names. */
  approve(tenantId: string, accessId: string, granted: ApproveAccess = {}, options: CallOptions = {}): Promise<Access> {
    return this.#requests.post(`${pathOf(tenantId, accessId)}/approve`, granted, options);
  }

  deny(tenantId: string, accessId: string, options: CallOptions = {}): Promise<Access> {
    return this.#requests.post(`${pathOf(tenantId, accessId)}/deny`, undefined, options);
  }

  /** Ends it at once, break-glass too. Safe to repeat. */
  end(tenantId: string, accessId: string, options: CallOptions = {}): Promise<Access> {
    return this.#requests.postAgain(`${pathOf(tenantId, accessId)}/end`, undefined, options);
  }

  /** One's own. */
  withdraw(tenantId: string, accessId: string, options: CallOptions = {}): Promise<Access> {
    return this.#requests.post(`${pathOf(tenantId, accessId)}/withdraw`, undefined, options);
  }
}

const pathOf = (tenantId: string, accessId?: string) =>
  `${tenantPath(tenantId)}/access${accessId === undefined ? "" : `/${encodeURIComponent(accessId)}`}`;
