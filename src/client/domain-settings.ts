/** How a domain treats what comes to it. */
import type { CallOptions, Requests, Tagged } from "./requests.ts";
import type { ChangeDomainSettings, DomainSettings } from "./types.ts";

export class DomainSettingsClient {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  read(domainId: string, options: CallOptions = {}): Promise<Tagged<DomainSettings>> {
    return this.#requests.tagged(pathOf(domainId), options);
  }

  /** What is absent stays; `null`: as every domain has it again. `etag`: of the settings as they were read. */
  change(
    domainId: string,
    change: ChangeDomainSettings,
    etag: string,
    options: CallOptions = {},
  ): Promise<Tagged<DomainSettings>> {
    return this.#requests.change("PATCH", pathOf(domainId), change, etag, options);
  }
}

const pathOf = (domainId: string) => `/v1/domains/${encodeURIComponent(domainId)}/settings`;
