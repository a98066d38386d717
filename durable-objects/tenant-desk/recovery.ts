/** Recoveries, wired to the object of the tenant. */
import type { SealPlace } from "../../src/crypto/sealed.ts";
import { deliverMails } from "../../src/services/access/people/deliveries.ts";
import type { PeopleDeps } from "../../src/services/access/people/deps.ts";
import { preparedInvitation } from "../../src/services/access/people/membership.ts";
import { RecoveryDesk } from "../../src/services/access/recovery/desk.ts";
import { openWords, type SealedWordsDeps, sealWords } from "../../src/services/access/sealed-words.ts";
import { notifyOwners } from "./owners.ts";
import { SqliteRecoveryBook } from "./recovery-book.ts";

const placeOf = (id: string, column: "reason" | "address"): SealPlace => ({ table: "recovery", column, rowId: id });

export class TenantRecovery {
  readonly book: SqliteRecoveryBook;

  constructor(storage: DurableObjectStorage) {
    this.book = new SqliteRecoveryBook(storage);
  }

  desk(words: PeopleDeps): RecoveryDesk {
    return new RecoveryDesk({
      book: this.book,
      tenantDomainId: words.domainId,
      commit: words.commit,
      clock: words.clock,
      uuid: words.uuid,
      notifyOwners: () => notifyOwners("recovery", words),
      deliver: () => deliverMails(words),
      prepareOwner: async (owner, by) => {
        const wish = { ...owner, role: "owner" as const, by, holding: "any" as const };
        const { prepared, write, entries } = await preparedInvitation(wish, words);
        return { invitationId: prepared.id, write, entries };
      },
      seal: async (id, { reason, owner }) => ({
        reason: await sealWords("records", reason, placeOf(id, "reason"), words),
        address: await sealWords("contact", JSON.stringify(owner), placeOf(id, "address"), words),
      }),
      open: async (id, { reason, address }) => ({
        reason: await openWords("records", reason, placeOf(id, "reason"), words),
        owner: address && JSON.parse(await openWords("contact", address, placeOf(id, "address"), words)),
      }),
    });
  }

  /** Null: there is none. Throws `keys.unavailable`. */
  async reason(id: string, words: SealedWordsDeps): Promise<string | null> {
    const sealed = this.book.words(id);
    return sealed && openWords("records", sealed.reason, placeOf(id, "reason"), words);
  }

  /** How many. */
  async reseal(isStale: (sealed: Uint8Array) => boolean, words: SealedWordsDeps): Promise<number> {
    let values = 0;
    for (const { id, reason, address } of this.book.all()) {
      if (isStale(reason)) {
        const opened = await openWords("records", reason, placeOf(id, "reason"), words);
        this.book.setReason(id, await sealWords("records", opened, placeOf(id, "reason"), words));
        values++;
      }
      if (address && isStale(address)) {
        const opened = await openWords("contact", address, placeOf(id, "address"), words);
        this.book.setAddress(id, await sealWords("contact", opened, placeOf(id, "address"), words));
        values++;
      }
    }
    return values;
  }
}
