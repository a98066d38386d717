/**
 * Recoveries, as the tenant's object handles them.
 *
 * Commit order, with the crash after each step:
 *  1. reason and address are sealed                   nothing was changed
 *  2. the recovery, the job of its entry and the      the alarm writes the entry and sends the notices
 *     notices to the owners, in one transaction
 *  3. when its time is over: the recovery is done,    the alarm sends the invitation; before it: the alarm tries again
 *     the invitation is there, entries as jobs: one transaction
 * A stop and the end of the time that meet are decided by that transaction: who is second finds it over.
 */
import { AppError, isAppError } from "../../../core/errors.ts";
import { LIMITS } from "../../../core/limits.ts";
import type { Sealed } from "../../../crypto/sealed.ts";
import type { Clock } from "../../ports.ts";
import type { AskedBy, EntryJob } from "../../tenancy/jobs.ts";
import type { Contact } from "../people/records.ts";
import { closed, isDue, newRecovery, type Recovery, recoveryEntry } from "./recovery.ts";

/** In the object's own storage: synchronous. */
export interface RecoveryBook {
  add(recovery: Recovery, words: SealedRecoveryWords): void;
  /** One that is over keeps its reason and loses the address. */
  put(recovery: Recovery): void;
  waiting(): Recovery | null;
  /** Newest first. */
  newest(limit: number): Recovery[];
  words(id: string): { reason: Sealed<"records">; address: Sealed<"contact"> | null } | null;
}

export interface SealedRecoveryWords {
  reason: Sealed<"records">;
  address: Sealed<"contact">;
}

/** An invitation that is ready to be written. */
export interface PreparedOwner {
  invitationId: string;
  /** In the caller's transaction; throws when the address cannot be invited any more. */
  write: () => void;
  entries: () => EntryJob[];
}

export interface RecoveryDeskDeps {
  tenantDomainId: string;
  book: RecoveryBook;
  seal: (id: string, words: RecoveryWords) => Promise<SealedRecoveryWords>;
  /** Throws `keys.unavailable`. */
  open: (id: string, words: NonNullable<ReturnType<RecoveryBook["words"]>>) => Promise<OpenedRecoveryWords>;
  /** Throws what invitations throw. */
  prepareOwner: (owner: Contact, by: AskedBy) => Promise<PreparedOwner>;
  /** In the transaction of the change: tells every owner of the tenant. */
  notifyOwners: () => void;
  commit: <T>(change: () => T, entries: (changed: T) => EntryJob[]) => Promise<T>;
  /** Sends what was written. Never throws. */
  deliver: () => Promise<void>;
  clock: Clock;
  uuid: () => string;
}

export interface RecoveryWords {
  reason: string;
  /** Who is to be invited. */
  owner: Contact;
}

export interface OpenedRecoveryWords {
  reason: string;
  /** Null once the recovery is over. */
  owner: Contact | null;
}

export interface RecoverWish extends RecoveryWords {
  by: AskedBy;
}

export interface DescribedRecovery {
  recovery: Recovery;
  words: OpenedRecoveryWords | null;
}

/** What a cell's Worker asks of a tenant's object. Plain values: they cross RPC. */
export interface RecoveryCalls {
  /** Throws `access.not_open` while another waits, `keys.unavailable`. */
  recoverTenant(wish: RecoverWish): Promise<DescribedRecovery>;
  /** These throw `access.not_open` when none waits. */
  stopRecovery(by: AskedBy): Promise<DescribedRecovery>;
  withdrawRecovery(by: AskedBy): Promise<DescribedRecovery>;
  /** Newest first, at most `LIMITS.accessListed`. */
  recoveries(): Promise<DescribedRecovery[]>;
}

/** What an invitation may be refused for later than it was asked for; anything else comes again. */
const FOR_GOOD = ["member.exists", "limit.reached", "tier.required", "request.invalid"];

export class RecoveryDesk implements RecoveryCalls {
  readonly #deps: RecoveryDeskDeps;

  constructor(deps: RecoveryDeskDeps) {
    this.#deps = deps;
  }

  async recoverTenant({ by, ...words }: RecoverWish): Promise<DescribedRecovery> {
    const { book, seal, commit, clock, uuid, notifyOwners, tenantDomainId, deliver } = this.#deps;
    const id = uuid();
    const sealed = await seal(id, words);
    const recovery = await commit(
      () => {
        if (book.waiting())
          throw new AppError("access.not_open", { detail: "a recovery of this tenant is waiting already" });
        const made = newRecovery(id, by, clock());
        book.add(made, sealed);
        notifyOwners();
        return made;
      },
      (made) => [recoveryEntry(tenantDomainId, made)],
    );
    await deliver();
    return { recovery, words };
  }

  stopRecovery(by: AskedBy): Promise<DescribedRecovery> {
    return this.#close("stopped", by);
  }

  withdrawRecovery(by: AskedBy): Promise<DescribedRecovery> {
    return this.#close("withdrawn", by);
  }

  recoveries(): Promise<DescribedRecovery[]> {
    return Promise.all(this.#deps.book.newest(LIMITS.accessListed).map((recovery) => this.#described(recovery)));
  }

  /** Invites when it is time; when it will be, in Unix milliseconds, null for never. Throws when that has to come again. */
  async settle(): Promise<number | null> {
    const { book, clock } = this.#deps;
    const recovery = book.waiting();
    if (!recovery || !isDue(recovery, clock())) return recovery?.worksAtMs ?? null;
    try {
      await this.#invite(recovery);
    } catch (error) {
      if (!isAppError(error) || !FOR_GOOD.includes(error.code)) throw error;
      await this.#commit(recovery.id, (waiting) => closed(waiting, "failed", waiting.by, clock()));
    }
    return null;
  }

  async #invite(recovery: Recovery): Promise<void> {
    const { prepareOwner, clock, deliver } = this.#deps;
    const contact = (await this.#described(recovery)).words?.owner;
    if (!contact) throw new AppError("storage.unavailable", { internal: "recovery: no address" });
    const owner = await prepareOwner(contact, recovery.by);
    await this.#commit(
      recovery.id,
      (waiting) => {
        owner.write();
        return closed(waiting, "done", waiting.by, clock(), owner.invitationId);
      },
      owner.entries,
    );
    await deliver();
  }

  async #close(state: "stopped" | "withdrawn", by: AskedBy): Promise<DescribedRecovery> {
    const id = this.#deps.book.waiting()?.id ?? "";
    const recovery = await this.#commit(id, (waiting) => closed(waiting, state, by, this.#deps.clock()));
    if (!recovery) throw new AppError("access.not_open", { detail: "no recovery of this tenant is waiting" });
    return this.#described(recovery);
  }

  /** Null, and nothing was changed: it is over already. */
  #commit(
    id: string,
    change: (waiting: Recovery) => Recovery | null,
    more: () => EntryJob[] = () => [],
  ): Promise<Recovery | null> {
    const { book, commit, tenantDomainId } = this.#deps;
    return commit(
      () => {
        const waiting = book.waiting();
        const after = waiting?.id === id ? change(waiting) : null;
        if (after) book.put(after);
        return after;
      },
      (after) => (after ? [recoveryEntry(tenantDomainId, after), ...more()] : []),
    );
  }

  async #described(recovery: Recovery): Promise<DescribedRecovery> {
    const sealed = this.#deps.book.words(recovery.id);
    return { recovery, words: sealed && (await this.#deps.open(recovery.id, sealed)) };
  }
}
