/**
 * Logging in with a password: the operator's people only. It opens a session with one factor, in which every route answers
 * `auth.mfa_required` until a second one is shown (S2-11).
 *
 * An address that is nobody's costs the same: the same places are counted, the same hash is computed, the same rows are written, and
 * nobody waits for the log before the answer.
 */
import { AppError } from "../../../core/errors.ts";
import { LIMITS } from "../../../core/limits.ts";
import type { EntryJob } from "../../tenancy/jobs.ts";
import { mailLookup } from "../people/address.ts";
import type { SignIn } from "../people/calls.ts";
import { openContact } from "../people/contacts.ts";
import { entryOf } from "../people/events.ts";
import { addSession, newSession, nounOf, signedInEntry, signInOf } from "../people/sessions.ts";
import type { FactorAsker, PasswordLogin } from "./calls.ts";
import { type CountedPlace, countFailed, demandMayTry, placesOf } from "./guard.ts";
import { countFailure, NOBODY } from "./login-failures.ts";
import { type BreachRange, hashPassword, isPassword, passwordFault } from "./passwords.ts";
import type { FactorDeps } from "./ports.ts";
import { continueAt, demandMayChange, hasFactor } from "./rules.ts";
import { PASSWORD_TRIES } from "./tries.ts";

export interface PasswordDeps extends FactorDeps {
  /** As `PeopleDeps.commit`, but does not wait for the log. */
  commitQuietly: <T>(change: () => T, entries: (changed: T) => EntryJob[]) => Promise<T>;
  breaches: BreachRange | null;
  /** Checks under way in this object. */
  checks: { running: number };
}

/**
 * Throws `auth.login_failed`, which says neither whether the account exists nor whether it has a password; `auth.too_many_tries`, which is
 * the same for both.
 *
 * A try counts as failed before the hash is computed, or a hundred at once would all pass; a right one is forgiven.
 */
export async function loginWithPassword(wish: PasswordLogin, deps: PasswordDeps): Promise<SignIn> {
  const { book, tries, failures, people, commitQuietly } = deps;
  const lookup = mailLookup(people.pepper, wish.email);
  const find = () => people.book.personByLookup(lookup);
  const asked = find();
  const hash = asked ? book.passwordHash(asked.id) : null;
  const counted = countFailed(placesFor(wish, lookup, asked?.id ?? null, deps), tries, people.clock());
  const right = await checked(deps.checks, () => isPassword(wish.password, hash)).catch((error: unknown) => {
    // Nothing was looked at: strangers who keep this object busy must not use up the tries of whoever is right.
    tries.forgive(counted);
    throw error;
  });
  const session = await commitQuietly(
    () => {
      const person = find();
      if (!right || !person || person.removedAtMs !== null || book.passwordHash(person.id) !== hash) return null;
      tries.forgive(counted);
      const opened = newSession(person.id, wish.device, people);
      addSession(opened, people);
      return opened;
    },
    (opened) =>
      opened
        ? [signedInEntry(opened, "password", people)]
        : countFailure(failures, people, asked?.id ?? NOBODY, "password", people.clock()),
  );
  if (!session) throw new AppError("auth.login_failed");
  return signInOf(session, people);
}

/** Throws `auth.too_many_tries`. By the address' blind key and not by the person, so that nobody's counts as anybody's does. */
function placesFor(wish: PasswordLogin, lookup: string, personId: string | null, deps: PasswordDeps): CountedPlace[] {
  const { network, browser } = wish;
  const { spray, ...policies } = PASSWORD_TRIES;
  const knows = (hash: string) => personId !== null && deps.book.knowsBrowser(personId, hash);
  const places = placesOf(
    "password",
    policies,
    { personId: lookup, network, browser },
    { knowsBrowser: (_, hash) => knows(hash) },
  );
  const isKnown = places.length === 1;
  if (!isKnown) places.push({ place: `password:spray:${network}`, policy: spray });
  demandMayTry(places, deps.tries, deps.people.clock());
  return places;
}

/** Bounds the CPU that strangers can have this object spend. */
async function checked<T>(checks: { running: number }, check: () => Promise<T>): Promise<T> {
  if (checks.running >= LIMITS.passwordChecks) throw new AppError("auth.too_many_tries", { retryAfterSeconds: 2 });
  checks.running++;
  try {
    return await check();
  } finally {
    checks.running--;
  }
}

/**
 * Sets or replaces the asker's own password. Throws `auth.mfa_required` without a second factor, `auth.step_up_required` when it was shown
 * too long ago, `request.invalid` with the reason why this one is not taken.
 */
export async function setPassword(asker: FactorAsker, password: string, deps: PasswordDeps): Promise<void> {
  const { book, people } = deps;
  const demand = () => {
    demandMayChange(asker, deps);
    if (!hasFactor(asker.personId, deps)) throw new AppError("auth.mfa_required", { continueAt: continueAt(deps) });
  };
  demand();
  const sealed = people.book.person(asker.personId)?.sealed;
  const contact = sealed && (await openContact("person", asker.personId, sealed, people));
  const expected = contact ? [contact.email, contact.name, ...contact.email.split(/[@.]/)] : [];
  const fault = await passwordFault(password, expected, deps.breaches);
  if (fault) throw new AppError("request.invalid", { errors: [{ pointer: "/password", detail: fault }] });
  const hash = await checked(deps.checks, () => hashPassword(password));
  await people.commit(
    () => {
      demand();
      book.putPassword(asker.personId, hash, people.clock());
    },
    () => {
      const targets = [{ type: "user", id: asker.personId }];
      return [
        entryOf(nounOf(people), people.domainId, {
          what: "password_set",
          actor: asker.by,
          targets,
          once: people.uuid(),
        }),
      ];
    },
  );
}
