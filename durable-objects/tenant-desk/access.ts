/** Access of the operator's people, and recoveries, wired to the object of the tenant. */
import type { SealPlace } from "../../src/crypto/sealed.ts";
import { AccessDesk, type AccessDeskDeps } from "../../src/services/access/grants/desk.ts";
import { deliverMails } from "../../src/services/access/people/deliveries.ts";
import type { PeopleDeps } from "../../src/services/access/people/deps.ts";
import { openWords, type SealedWordsDeps, sealWords } from "../../src/services/access/sealed-words.ts";
import { SqliteAccessBook } from "./access-book.ts";
import { notifyOwners } from "./owners.ts";
import { TenantRecovery } from "./recovery.ts";

const placeOf = (id: string): SealPlace => ({ table: "access_grant", column: "reason", rowId: id });

export class TenantAccess {
  readonly book: SqliteAccessBook;
  readonly recovery: TenantRecovery;

  constructor(storage: DurableObjectStorage) {
    this.book = new SqliteAccessBook(storage);
    this.recovery = new TenantRecovery(storage);
  }

  /** Whether the clock has something left to end. */
  get hasOpen(): boolean {
    return this.book.open().length > 0 || this.recovery.book.waiting() !== null;
  }

  desk(own: Pick<AccessDeskDeps, "domainsOfTenant" | "isSamePerson"> & { people: PeopleDeps }): AccessDesk {
    const { people, ...asked } = own;
    return new AccessDesk({
      ...asked,
      tenantDomainId: people.domainId,
      commit: people.commit,
      clock: people.clock,
      book: this.book,
      isOperatorMade: (keyId) => this.book.isOperatorMade(keyId),
      reasons: {
        seal: (id, reason) => sealWords("records", reason, placeOf(id), people),
        open: (id, sealed) => openWords("records", sealed, placeOf(id), people),
      },
      notifyOwners: () => notifyOwners("break_glass", people),
      deliver: () => deliverMails(people),
    });
  }

  /** Of an access or a recovery; null: there is none. Throws `keys.unavailable`. */
  async reason(id: string, words: SealedWordsDeps): Promise<string | null> {
    const sealed = this.book.reason(id);
    if (!sealed) return this.recovery.reason(id, words);
    return openWords("records", sealed, placeOf(id), words);
  }

  /** How many. A reason never changes, so what was sealed meanwhile says the same. */
  async reseal(isStale: (sealed: Uint8Array) => boolean, words: SealedWordsDeps): Promise<number> {
    const stale = this.book.reasons().filter(({ sealed }) => isStale(sealed));
    for (const { id, sealed } of stale) {
      const reason = await openWords("records", sealed, placeOf(id), words);
      this.book.setReason(id, await sealWords("records", reason, placeOf(id), words));
    }
    return stale.length + (await this.recovery.reseal(isStale, words));
  }
}
