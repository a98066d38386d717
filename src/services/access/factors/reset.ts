/** Taking somebody's second factors away, so that they begin anew: by their tenant's owner, or the operator for one of its people. */
import { AppError } from "../../../core/errors.ts";
import type { AskedBy } from "../../tenancy/jobs.ts";
import { entryOf } from "../people/events.ts";
import { holdingNow } from "../people/membership.ts";
import { demandWithin, type Holding } from "../people/roles.ts";
import { endedEntry, nounOf } from "../people/sessions.ts";
import type { FactorDeps } from "./ports.ts";

/**
 * Everything goes that stands for the person beside their mailbox: factors, recovery codes, known browsers, a password; and their
 * sessions end, since one of them might be why. Throws `resource.not_found`, `auth.forbidden` for somebody who holds more.
 */
export async function resetFactors(personId: string, by: AskedBy, holding: Holding, deps: FactorDeps): Promise<void> {
  const { book, people } = deps;
  await people.commit(
    () => {
      const person = people.book.person(personId);
      if (!person || person.removedAtMs !== null) throw new AppError("resource.not_found");
      demandWithin(person.role, holdingNow(by, holding, people));
      book.forget(personId);
      const open = people.book.sessions(personId, people.clock());
      for (const { id } of open) people.book.endSession(id, people.clock());
      return open;
    },
    (open) => [
      entryOf(nounOf(people), people.domainId, {
        what: "second_factors_reset",
        actor: by,
        targets: [{ type: "user", id: personId }],
        once: people.uuid(),
      }),
      ...open.map((session) => endedEntry(session, by, people)),
    ],
  );
}
