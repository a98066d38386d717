/**
 * Access of the operator's people, as the tenant's object handles it (S3-35).
 *
 * Commit order of a change, with the crash after each step:
 *  1. of a new one: the reason is sealed           nothing was changed
 *  2. the grant, the job of its entry and the      the alarm writes the entry; from here on the change is in force
 *     notice to the owners, in one transaction
 *  3. the entry, once for each change              the same receipt
 *  4. the job is deleted                           done
 * The grant is read again in the transaction, so of two answers one wins and the other is told what it is now. Nothing opens by
 * an entry that has still to be written: use is written down before the first answer leaves.
 */
import { AppError } from "../../../core/errors.ts";
import { LIMITS } from "../../../core/limits.ts";
import type { Sealed } from "../../../crypto/sealed.ts";
import type { Clock } from "../../ports.ts";
import type { AskedBy, EntryJob } from "../../tenancy/jobs.ts";
import type { AccessCalls, AccessUse, AccessUsed, AccessWish, ApprovalWish, DescribedAccess } from "./calls.ts";
import { accessEntry } from "./entries.ts";
import {
  type AccessChange,
  type AccessGrant,
  type AccessStep,
  newBreakGlass,
  newRequest,
  nextMs,
  opens,
  settled,
  stepped,
} from "./grant.ts";

/** Grants in the object's own storage: synchronous. */
export interface AccessBook {
  /** A new one comes with its reason. */
  put(grant: AccessGrant, reason?: Sealed<"records">): void;
  get(id: string): AccessGrant | null;
  /** What the clock can still end, the soonest first. */
  open(): AccessGrant[];
  openOf(staffId: string): AccessGrant[];
  /** Newest first; `staffId` null: everybody's. */
  newest(limit: number, staffId: string | null): AccessGrant[];
  /** Break-glass that was over after this instant or is not over. */
  brokenGlassSince(ms: number): AccessGrant[];
  reason(id: string): Sealed<"records"> | null;
}

export interface AccessDeskDeps {
  tenantDomainId: string;
  book: AccessBook;
  reasons: {
    seal(id: string, reason: string): Promise<Sealed<"records">>;
    /** Throws `keys.unavailable`. */
    open(id: string, sealed: Sealed<"records">): Promise<string>;
  };
  domainsOfTenant: () => Promise<string[]>;
  /** Whether the operator made this key, so has had it in their hands. */
  isOperatorMade: (keyId: string) => boolean;
  /** Whether one of the operator's people and a member are the same person. */
  isSamePerson: (staffId: string, memberId: string) => Promise<boolean>;
  /** In the transaction of the change: tells every owner of the tenant. */
  notifyOwners: () => void;
  /** Sends what was written. Never rejects. */
  deliver: () => Promise<void>;
  /** A change and its entries in one transaction. */
  commit: <T>(change: () => T, entries: (changed: T) => EntryJob[]) => Promise<T>;
  clock: Clock;
}

type Told = { grant: AccessGrant; changes: readonly AccessChange[] };

export class AccessDesk implements AccessCalls {
  readonly #deps: AccessDeskDeps;

  constructor(deps: AccessDeskDeps) {
    this.#deps = deps;
  }

  async requestAccess(wish: AccessWish & { answerWithinMs: number }): Promise<DescribedAccess> {
    return this.#begin(wish, () => newRequest({ ...wish, asked: reachOf(wish) }, this.#deps.clock()));
  }

  async breakGlass(wish: AccessWish): Promise<DescribedAccess> {
    return this.#begin(wish, () => {
      const { book } = this.#deps;
      const nowMs = this.#deps.clock();
      const open = book.openOf(wish.staffId).find(({ kind }) => kind === "break_glass");
      // What the tenant ends would have a second behind it.
      if (open) throw new AppError("access.not_open", { detail: `end your break-glass access ${open.id} first` });
      const paused = book
        .brokenGlassSince(nowMs - LIMITS.breakGlassPauseMs)
        .some((grant) => grant.state === "ended" && grant.changes.at(-1)?.by.type !== "support");
      if (paused) {
        const detail = "the tenant has ended a break-glass access within the last 24 hours; ask for an approval";
        throw new AppError("access.not_open", { detail });
      }
      const grant = newBreakGlass({ ...wish, asked: reachOf(wish) }, nowMs);
      this.#deps.notifyOwners();
      return grant;
    });
  }

  async approveAccess(id: string, wish: ApprovalWish): Promise<DescribedAccess> {
    await this.#demandStranger(id, wish.by);
    if (wish.domains) await this.#demandOwnDomains(wish.domains);
    return this.#step(id, { kind: "approve", ...wish });
  }

  async denyAccess(id: string, by: AskedBy): Promise<DescribedAccess> {
    await this.#demandStranger(id, by);
    return this.#step(id, { kind: "deny", by });
  }

  endAccess(id: string, by: AskedBy): Promise<DescribedAccess> {
    return this.#step(id, { kind: "end", by });
  }

  async withdrawAccess(id: string, by: AskedBy): Promise<DescribedAccess> {
    if (this.#deps.book.get(id)?.staffId !== by.id) throw new AppError("resource.not_found");
    return this.#step(id, { kind: "withdraw", by });
  }

  async access(id: string, staffId: string | null): Promise<DescribedAccess> {
    await this.settle();
    const grant = this.#deps.book.get(id);
    if (!grant || (staffId !== null && grant.staffId !== staffId)) throw new AppError("resource.not_found");
    return this.#described(grant);
  }

  async accesses(staffId: string | null): Promise<DescribedAccess[]> {
    await this.settle();
    const shown = this.#deps.book.newest(LIMITS.accessListed, staffId);
    return Promise.all(shown.map((grant) => this.#described(grant)));
  }

  /** Costs one read of the object's storage, and of the first use a write. */
  async useAccess({ staffId, permission, domainId, by }: AccessUse): Promise<AccessUsed> {
    const { book, clock } = this.#deps;
    await this.settle();
    const nowMs = clock();
    const grant = book.openOf(staffId).find((candidate) => opens(candidate, permission, domainId, nowMs));
    if (!grant) return { ok: false, last: this.#lastOver(staffId) };
    if (grant.usedAtMs === null) await this.#commit(() => this.#stepped(grant.id, { kind: "use", by }));
    return { ok: true, accessId: grant.id };
  }

  /** Writes down what the clock has ended; when it will end the next, in Unix milliseconds, null for never. */
  async settle(): Promise<number | null> {
    const { book, clock, commit, tenantDomainId } = this.#deps;
    const nowMs = clock();
    if (book.open().some((grant) => settled(grant, nowMs))) {
      await commit(
        () => book.open().flatMap((grant) => this.#written(settled(grant, nowMs))),
        (grants) =>
          grants.flatMap((grant) => grant.changes.slice(-1).map((last) => accessEntry(tenantDomainId, grant, last))),
      );
    }
    return book.open().map(nextMs)[0] ?? null;
  }

  /** What a person did and is entitled to hear of: why the newest of theirs opens nothing any more. */
  #lastOver(staffId: string): { accessId: string; state: string; atMs: number } | null {
    const newest = this.#deps.book.newest(1, staffId)[0];
    const last = newest?.changes.at(-1);
    return newest && last ? { accessId: newest.id, state: newest.state, atMs: last.atMs } : null;
  }

  async #begin(wish: AccessWish, make: () => AccessGrant): Promise<DescribedAccess> {
    const { book, reasons } = this.#deps;
    if (wish.domains) await this.#demandOwnDomains(wish.domains);
    await this.settle();
    const reason = await reasons.seal(wish.id, wish.reason);
    const begun = await this.#commit(() => {
      if (book.open().length >= LIMITS.accessOpen) {
        throw new AppError("limit.reached", {
          detail: `a tenant has at most ${LIMITS.accessOpen} open requests for access`,
        });
      }
      const grant = make();
      book.put(grant, reason);
      return { grant, changes: grant.changes };
    });
    await this.#deps.deliver();
    return { grant: begun.grant, reason: wish.reason };
  }

  async #step(id: string, step: AccessStep): Promise<DescribedAccess> {
    await this.settle();
    const { grant } = await this.#commit(() => this.#stepped(id, step));
    return this.#described(grant);
  }

  /** Within the transaction. */
  #stepped(id: string, step: AccessStep): Told {
    const { book, clock } = this.#deps;
    const grant = book.get(id);
    if (!grant) throw new AppError("resource.not_found");
    const answer = stepped(grant, step, clock());
    if (!answer.ok && answer.why === "state") {
      throw new AppError("access.not_open", { detail: `this access is ${answer.state}` });
    }
    if (!answer.ok) {
      const detail = "must be within what was asked for; entry.reveal is granted when it is named";
      throw new AppError("request.invalid", { errors: [{ pointer: POINTERS[answer.field], detail }] });
    }
    if (answer.change) book.put(answer.grant);
    return { grant: answer.grant, changes: answer.change ? [answer.change] : [] };
  }

  #written(grant: AccessGrant | null): AccessGrant[] {
    if (grant) this.#deps.book.put(grant);
    return grant ? [grant] : [];
  }

  #commit(change: () => Told): Promise<Told> {
    const { commit, tenantDomainId } = this.#deps;
    return commit(change, ({ grant, changes }) => changes.map((told) => accessEntry(tenantDomainId, grant, told)));
  }

  async #described(grant: AccessGrant): Promise<DescribedAccess> {
    const sealed = this.#deps.book.reason(grant.id);
    return { grant, reason: sealed && (await this.#deps.reasons.open(grant.id, sealed)) };
  }

  /** Nobody answers their own request, nor does the operator: not as themselves, not with a key that they made. */
  async #demandStranger(id: string, by: AskedBy): Promise<void> {
    const grant = this.#deps.book.get(id);
    if (!grant) throw new AppError("resource.not_found");
    const credential = by.type === "service" ? (by.via?.id ?? by.id) : "";
    if (credential.startsWith("key_") && !this.#deps.isOperatorMade(credential)) return;
    if (by.type === "user" && !(await this.#deps.isSamePerson(grant.staffId, by.id))) return;
    throw new AppError("auth.forbidden", { detail: NO_STRANGER[by.type === "user" ? "person" : "key"] });
  }

  async #demandOwnDomains(domains: readonly string[]): Promise<void> {
    const own = await this.#deps.domainsOfTenant();
    const errors = domains.flatMap((id, i) =>
      own.includes(id) ? [] : [{ pointer: `/domains/${i}`, detail: "is no domain of this tenant" }],
    );
    if (errors.length > 0) throw new AppError("request.invalid", { errors });
  }
}

const reachOf = ({ permissions, domains, durationMs }: AccessWish) => ({ permissions, domains, durationMs });

const POINTERS = { permissions: "/permissions", domains: "/domains", duration: "/duration_seconds" } as const;

const NO_STRANGER = {
  person: "nobody answers a request of their own",
  key: "a key that the operator made, the first one of a tenant too, does not answer the operator's requests: make one of your own",
} as const;
