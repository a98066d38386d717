/** What every change of second factors rests on: whose session asks, whether it may, and how the log is told. */
import { AppError } from "../../../core/errors.ts";
import { LIMITS } from "../../../core/limits.ts";
import type { EntryJob } from "../../tenancy/jobs.ts";
import { entryOf } from "../people/events.ts";
import { nounOf } from "../people/sessions.ts";
import { isShownLately } from "../step-up.ts";
import type { FactorAsker, FactorList, FactorShown } from "./calls.ts";
import { type CountedPlace, countFailed, placesOf } from "./guard.ts";
import { countFailure } from "./login-failures.ts";
import type { RelyingParty } from "./passkeys.ts";
import type { FactorDeps } from "./ports.ts";
import { newRecoveryCodes, recoveryCodeMac } from "./recovery-codes.ts";
import { CODE_TRIES } from "./tries.ts";

export type FactorKind = "totp" | "passkey" | "recovery_code";

/** Throws `auth.required` unless the session is open and the asker's own. */
export function demandSession(
  { sessionId, personId }: FactorAsker,
  { people: { book, clock } }: FactorDeps,
): { secondFactorAtMs: number | null } {
  const session = book.session(sessionId);
  const person = book.person(personId);
  const open = session?.personId === personId && session.endedAtMs === null && session.expiresAtMs > clock();
  if (!session || !open || !person || person.removedAtMs !== null) throw new AppError("auth.required");
  return session;
}

/**
 * Somebody who stole a session that was opened with one factor does not put their own beside the owner's (S2-11, S2-12): once there is a
 * factor, one was shown in this session within `LIMITS.stepUpMs`, or this throws `auth.step_up_required`.
 */
export function demandMayChange(asker: FactorAsker, deps: FactorDeps): void {
  const { secondFactorAtMs } = demandSession(asker, deps);
  if (!hasFactor(asker.personId, deps)) return;
  if (isShownLately(secondFactorAtMs, deps.people.clock())) return;
  throw new AppError("auth.step_up_required", { continueAt: continueAt(deps) });
}

export const continueAt = ({ people }: FactorDeps): string => `POST /v1/auth/${people.jurisdiction}/second-factor`;

export function hasFactor(personId: string, { book }: Pick<FactorDeps, "book">): boolean {
  return book.totp(personId) !== null || book.passkeys(personId).length > 0;
}

export const relyingParty = ({ people }: FactorDeps): RelyingParty => ({
  origin: people.publicOrigin,
  id: new URL(people.publicOrigin).hostname,
  name: "Moonseal",
});

export function listOf({ personId, sessionId }: FactorAsker, { book, people }: FactorDeps): FactorList {
  const totp = book.totp(personId);
  const shownAtMs = people.book.session(sessionId)?.secondFactorAtMs ?? null;
  return {
    totpAddedAt: totp && iso(totp.addedAtMs),
    passkeys: book.passkeys(personId).map(({ id, name, addedAtMs, lastUsedAtMs }) => ({
      id,
      name,
      addedAt: iso(addedAtMs),
      lastUsedAt: lastUsedAtMs === null ? null : iso(lastUsedAtMs),
    })),
    recoveryCodesLeft: book.recoveryCodesLeft(personId),
    shownAt: shownAtMs === null ? null : iso(shownAtMs),
  };
}

/** Where a code or a recovery code of the asker counts. */
export function placesFor(kind: "code" | "recovery", asker: FactorAsker, { book }: FactorDeps): CountedPlace[] {
  // Nobody guesses a recovery code, so nothing is gained by making everybody wait for a stranger's tries.
  const policies = kind === "code" ? CODE_TRIES : { network: CODE_TRIES.network, browser: CODE_TRIES.browser };
  return placesOf(kind, policies, asker, book);
}

/** Within the transaction of a login: the session has shown a second factor, and the browser is known from now on. */
export function markShown(asker: FactorAsker, nowMs: number, { book, people }: FactorDeps): FactorShown {
  people.book.secondFactorShown(asker.sessionId, nowMs);
  if (asker.browser !== null) book.usedBrowser(asker.personId, asker.browser, nowMs);
  return { shownAt: iso(nowMs), recoveryCodesLeft: book.recoveryCodesLeft(asker.personId) };
}

/** Within a transaction: counts a wrong try where it counts. The entries that tell of it. */
export function wrongTry(
  { personId }: FactorAsker,
  kind: FactorKind,
  places: readonly CountedPlace[],
  nowMs: number,
  { tries, failures, people }: FactorDeps,
): EntryJob[] {
  countFailed(places, tries, nowMs);
  return countFailure(failures, people, personId, kind, nowMs);
}

/** Ten new ones; those before are void. Within a transaction. */
export function freshRecoveryCodes(personId: string, { book, people: { random, pepper } }: FactorDeps): string[] {
  const codes = newRecoveryCodes(random);
  book.putRecoveryCodes(
    personId,
    codes.map((code) => recoveryCodeMac(pepper, personId, code)),
  );
  return codes;
}

export function factorEntry(
  what: "second_factor_added" | "second_factor_removed" | "second_factor_shown",
  { by, personId }: Pick<FactorAsker, "by" | "personId">,
  kind: string,
  { people }: FactorDeps,
): EntryJob {
  const targets = [{ type: "user", id: personId }];
  return entryOf(nounOf(people), people.domainId, {
    what,
    actor: by,
    targets,
    metadata: { kind },
    once: people.uuid(),
  });
}

const iso = (ms: number): string => new Date(ms).toISOString();
