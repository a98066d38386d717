/** While a log is moved into the domain, its clients wait: the old entries come first (src/services/imports/run.ts). */
import { AppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { within } from "../../src/services/within.ts";
import type { Admission } from "./admission.ts";

const CLOSED = "closed_to_clients";
const RETRY_S = 5;

export class ClientDoor {
  readonly #storage: DurableObjectStorage;
  readonly #admission: Admission;
  /** What appends for the product itself. */
  readonly #own: string;
  #closed: boolean;

  constructor(storage: DurableObjectStorage, admission: Admission, own: string) {
    this.#storage = storage;
    this.#admission = admission;
    this.#own = own;
    this.#closed = storage.kv.get<boolean>(CLOSED) ?? false;
  }

  /** Throws `domain.importing`. */
  demandOpenFor(scope: string): void {
    if (this.#closed && scope !== this.#own) throw new AppError("domain.importing", { retryAfterSeconds: RETRY_S });
  }

  /** When this resolves no event of a client is on its way into the log. Throws `storage.unavailable` when one takes too long. */
  async close(): Promise<void> {
    this.#storage.kv.put(CLOSED, true);
    this.#closed = true;
    const idle = this.#admission.idle().then(() => true);
    if (await within(idle, LIMITS.deletionDrainMs)) return;
    throw new AppError("storage.unavailable", { internal: "events of clients are still on their way" });
  }

  open(): void {
    this.#storage.kv.delete(CLOSED);
    this.#closed = false;
  }
}
