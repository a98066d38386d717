/**
 * The end of a domain's object, when its tenant is deleted (src/services/deletion/deletion.ts): closed, then retired, then
 * empty. Each step may be made again, and by a new instance of the object.
 */

import type { FinalHead } from "../../src/core/deletion-certificate.ts";
import { AppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { within } from "../../src/services/within.ts";
import type { Admission } from "./admission.ts";
import type { Copies } from "./copies.ts";
import type { SqliteHolds } from "./holds.ts";
import type { SqliteJournal } from "./journal.ts";

const CLOSED = "closed_for_deletion";

export interface RetirementContext {
  storage: DurableObjectStorage;
  domainId: string;
  journal: SqliteJournal;
  holds: Pick<SqliteHolds, "inForce">;
  copies: Copies;
  admission: Admission;
  /** Drops every key from memory. */
  forgetKeys: () => void;
}

export class Retirement {
  readonly #context: RetirementContext;
  #closed: boolean;
  #empty = false;

  constructor(context: RetirementContext) {
    this.#context = context;
    this.#closed = context.storage.kv.get<boolean>(CLOSED) ?? false;
  }

  /** Nothing is stored here any more, and nothing may be stored by this instance. */
  get isEmpty(): boolean {
    return this.#empty;
  }

  /** For every call that is not part of the deletion. Throws `tenant.deleting`; `resource.not_found` when it is over. */
  demandOpen(): void {
    if (this.#empty) throw new AppError("resource.not_found");
    if (this.#closed) throw new AppError("tenant.deleting");
  }

  /** In one piece: no hold comes between the look and the mark. */
  close(): { holds: string[] } {
    if (this.#empty) return { holds: [] };
    const holds = this.#context.holds.inForce().map(({ holdId }) => holdId);
    if (holds.length > 0) return { holds };
    this.#context.storage.kv.put(CLOSED, true);
    this.#closed = true;
    return { holds };
  }

  reopen(): void {
    this.#context.storage.kv.delete(CLOSED);
    this.#closed = false;
  }

  /**
   * The stop flag is read again in the block that appends, so what was on its way there is refused; what copies, archives or
   * makes keys at this moment is waited for. Afterwards nothing of this object writes to any store.
   */
  async retire(): Promise<FinalHead> {
    const { journal, copies, admission, domainId, forgetKeys } = this.#context;
    if (!this.#closed) throw new AppError("internal", { internal: "a domain is closed before it is retired" });
    const identity = journal.identity();
    if (!identity) return { domain_id: domainId, size: 0, entry_hash: null, genesis: null, recorded_at: null };
    journal.stop("the tenant is being deleted");
    const ended = await within(
      Promise.all([admission.idle(), copies.settled()]).then(() => true),
      LIMITS.deletionDrainMs,
    );
    if (!ended) throw new AppError("storage.unavailable", { internal: "requests to the domain are still under way" });
    forgetKeys();
    const { size, entryHash, recordedAtMs } = journal.head();
    return {
      domain_id: domainId,
      size,
      entry_hash: entryHash,
      genesis: identity.genesis,
      recorded_at: new Date(recordedAtMs).toISOString(),
    };
  }

  /** From now on this instance answers that there is nothing; a new one finds nothing. */
  async empty(): Promise<void> {
    const { storage, journal } = this.#context;
    if (!this.#empty && journal.identity() && !this.#closed) {
      throw new AppError("internal", { internal: "a domain is retired before it is emptied" });
    }
    this.#empty = true;
    await storage.deleteAlarm();
    await storage.deleteAll();
  }
}
