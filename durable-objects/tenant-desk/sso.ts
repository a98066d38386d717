/** Signing in with the tenant's own identity provider, wired to this cell. The provider is asked from here, inside the jurisdiction. */

import type { FailureBook } from "../../src/services/access/factors/login-failures.ts";
import type { PeopleDeps } from "../../src/services/access/people/deps.ts";
import type { SealedWordsDeps } from "../../src/services/access/sealed-words.ts";
import type { AddressRules } from "../../src/services/access/sso/address.ts";
import type { Fetch } from "../../src/services/access/sso/ask.ts";
import type { SsoCalls } from "../../src/services/access/sso/calls.ts";
import { ProviderMemory } from "../../src/services/access/sso/provider.ts";
import { resealProvider } from "../../src/services/access/sso/provider-desk.ts";
import { callSso } from "../../src/services/access/sso/sso.ts";
import type { CellConfig } from "../../src/services/cell-config.ts";
import { SqliteSsoBook } from "../people/sso-book.ts";

export class TenantSso {
  readonly book: SqliteSsoBook;
  readonly #failures: FailureBook;
  readonly #memory = new ProviderMemory();
  /** Replaced by tests. */
  fetch: Fetch = (request) => fetch(request);

  constructor(storage: DurableObjectStorage, failures: FailureBook) {
    this.#failures = failures;
    this.book = new SqliteSsoBook(storage);
  }

  answer<K extends keyof SsoCalls>(name: K, args: Parameters<SsoCalls[K]>, people: PeopleDeps, config: CellConfig) {
    const ask = { fetch: this.fetch, rules: addressRules(config) };
    return callSso({ people, book: this.book, failures: this.#failures, memory: this.#memory, ask }, name, args);
  }

  reseal(isOld: (sealed: Uint8Array) => boolean, words: SealedWordsDeps): Promise<number> {
    return resealProvider(isOld, this.book, words);
  }
}

function addressRules({ pinnedTo, publicOrigin }: CellConfig): AddressRules {
  return { loopback: pinnedTo === null, ownHost: new URL(publicOrigin).hostname };
}
