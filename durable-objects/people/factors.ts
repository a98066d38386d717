/** Second factors of the people of one object, wired to its books. */
import type { Sealed } from "../../src/crypto/sealed.ts";
import { answerFactorCall, type FactorCall } from "../../src/services/access/factors/calls.ts";
import { FactorDesk } from "../../src/services/access/factors/factor-desk.ts";
import { tellRest } from "../../src/services/access/factors/login-failures.ts";
import type { FactorDeps } from "../../src/services/access/factors/ports.ts";
import { resetFactors } from "../../src/services/access/factors/reset.ts";
import { openTotp, sealTotp } from "../../src/services/access/factors/totp-seal.ts";
import type { PeopleDeps } from "../../src/services/access/people/deps.ts";
import type { Holding } from "../../src/services/access/people/roles.ts";
import type { SealedWordsDeps } from "../../src/services/access/sealed-words.ts";
import type { AskedBy } from "../../src/services/tenancy/jobs.ts";
import { SqliteFactorBook } from "./factor-book.ts";
import { SqliteTryBook } from "./try-book.ts";

export class Factors {
  readonly book: SqliteFactorBook;
  readonly tries: SqliteTryBook;

  constructor(storage: DurableObjectStorage) {
    this.book = new SqliteFactorBook(storage);
    this.tries = new SqliteTryBook(storage);
  }

  /** With the person: what stands for them, and what is counted of them. */
  forget(personId: string): void {
    this.book.forget(personId);
    this.tries.forget(personId);
  }

  deps(people: PeopleDeps): FactorDeps {
    return { book: this.book, tries: this.tries, failures: this.tries, people };
  }

  answer(call: FactorCall, people: PeopleDeps): Promise<unknown> {
    return answerFactorCall(new FactorDesk(this.deps(people)), call);
  }

  reset(personId: string, by: AskedBy, holding: Holding, people: PeopleDeps): Promise<void> {
    return resetFactors(personId, by, holding, this.deps(people));
  }

  /** Entries of failures that are over and that nobody was told of yet; for cron and the alarm. */
  async tellRest(people: PeopleDeps): Promise<void> {
    if (this.tries.over(people.clock()).length === 0) return;
    await people.commit(
      () => tellRest(this.tries, people, people.clock()),
      (entries) => entries,
    );
  }

  /** How many. A secret never changes, so what was sealed meanwhile says the same; one that was replaced keeps what replaced it. */
  async reseal(isStale: (sealed: Sealed) => boolean, words: SealedWordsDeps): Promise<number> {
    const stale = this.book.sealedTotps().filter(({ sealed }) => isStale(sealed as Sealed));
    for (const { personId, sealed } of stale) {
      const secret = await openTotp(personId, sealed, words);
      this.book.resealTotp(personId, sealed, await sealTotp(personId, secret, words));
    }
    return stale.length;
  }
}
