/**
 * A person's second factors: adding, showing and taking away. Every change is one transaction with the entry that tells of it, and
 * everything that decides is looked at inside it: keys and signatures take time, and somebody else may have been faster.
 */
import { AppError } from "../../../core/errors.ts";
import { LIMITS } from "../../../core/limits.ts";
import type { EntryJob } from "../../tenancy/jobs.ts";
import { openContact } from "../people/contacts.ts";
import type { FactorAdded, FactorAsker, FactorCalls, FactorList, FactorShown, Proof, TotpEnrolment } from "./calls.ts";
import { demandMayTry } from "./guard.ts";
import {
  type AuthenticationOptions,
  authenticationOptions,
  type RegistrationOptions,
  type RegistrationResponseJSON,
  registered,
  registrationOptions,
} from "./passkeys.ts";
import type { FactorDeps } from "./ports.ts";
import { showFactor } from "./proofs.ts";
import {
  continueAt,
  demandMayChange,
  demandSession,
  factorEntry,
  freshRecoveryCodes,
  hasFactor,
  listOf,
  markShown,
  placesFor,
  relyingParty,
  wrongTry,
} from "./rules.ts";
import { acceptedStep, newTotpSecret, qrSvg, totpSecretText, totpUri } from "./totp.ts";
import { openTotp, sealTotp } from "./totp-seal.ts";

export class FactorDesk implements FactorCalls {
  readonly #deps: FactorDeps;

  constructor(deps: FactorDeps) {
    this.#deps = deps;
  }

  async list(asker: FactorAsker): Promise<FactorList> {
    demandSession(asker, this.#deps);
    return listOf(asker, this.#deps);
  }

  async beginTotp(asker: FactorAsker): Promise<TotpEnrolment> {
    const { book, people } = this.#deps;
    demandMayChange(asker, this.#deps);
    const secret = newTotpSecret(people.random);
    const sealed = await sealTotp(asker.personId, secret, people);
    const label = await this.#label(asker.personId);
    await this.#write(asker, () => book.putPendingTotp(asker.personId, sealed, people.clock()));
    const uri = totpUri(secret, relyingParty(this.#deps).name, label);
    return { secret: totpSecretText(secret), uri, qrSvg: qrSvg(uri) };
  }

  async confirmTotp(asker: FactorAsker, code: string): Promise<FactorAdded> {
    const { book, people, tries } = this.#deps;
    demandMayChange(asker, this.#deps);
    const pending = book.pendingTotp(asker.personId);
    const secret = pending && (await openTotp(asker.personId, pending.sealed, people));
    const outcome = await people.commit(
      (): FactorAdded | { told: EntryJob[] } => {
        const nowMs = people.clock();
        demandMayChange(asker, this.#deps);
        const places = placesFor("code", asker, this.#deps);
        demandMayTry(places, tries, nowMs);
        const same = pending !== null && book.pendingTotp(asker.personId)?.addedAtMs === pending.addedAtMs;
        const young = same && nowMs - pending.addedAtMs < LIMITS.totpEnrolmentMs;
        const step = secret && young ? acceptedStep(secret, code, nowMs, null) : null;
        if (step === null) return { told: wrongTry(asker, "totp", places, nowMs, this.#deps) };
        book.confirmTotp(asker.personId, nowMs, step);
        return this.#added(asker, nowMs);
      },
      (outcome) => ("told" in outcome ? outcome.told : [factorEntry("second_factor_added", asker, "totp", this.#deps)]),
    );
    if ("told" in outcome) throw new AppError("auth.factor_wrong");
    return outcome;
  }

  removeTotp(asker: FactorAsker): Promise<FactorList> {
    const { book } = this.#deps;
    return this.#remove(asker, "totp", () => {
      if (!book.totp(asker.personId)) throw new AppError("resource.not_found");
      book.removeTotp(asker.personId);
    });
  }

  newRecoveryCodes(asker: FactorAsker): Promise<string[]> {
    return this.#deps.people.commit(
      () => {
        demandMayChange(asker, this.#deps);
        if (hasFactor(asker.personId, this.#deps)) return freshRecoveryCodes(asker.personId, this.#deps);
        throw new AppError("auth.mfa_required", { continueAt: continueAt(this.#deps) });
      },
      () => [factorEntry("second_factor_added", asker, "recovery_codes", this.#deps)],
    );
  }

  async passkeyRegistration(asker: FactorAsker): Promise<RegistrationOptions> {
    const { book, people } = this.#deps;
    demandMayChange(asker, this.#deps);
    const person = { id: asker.personId, label: await this.#label(asker.personId) };
    const options = await registrationOptions(relyingParty(this.#deps), person, book.passkeys(asker.personId));
    const untilMs = people.clock() + LIMITS.passkeyChallengeMs;
    await this.#write(asker, () => book.putChallenge(asker.sessionId, "registration", options.challenge, untilMs));
    return options;
  }

  async addPasskey(asker: FactorAsker, name: string, response: RegistrationResponseJSON): Promise<FactorAdded> {
    const { book, people } = this.#deps;
    demandMayChange(asker, this.#deps);
    const challenge = book.takeChallenge(asker.sessionId, "registration", people.clock());
    const passkey = challenge === null ? null : await registered(relyingParty(this.#deps), response, challenge);
    if (!passkey) throw new AppError("auth.factor_wrong");
    return people.commit(
      () => {
        const nowMs = people.clock();
        demandMayChange(asker, this.#deps);
        if (book.passkeys(asker.personId).length >= LIMITS.passkeysPerPerson) {
          throw new AppError("limit.reached", { detail: `a person has at most ${LIMITS.passkeysPerPerson} passkeys` });
        }
        const row = { ...passkey, name, addedAtMs: nowMs, lastUsedAtMs: null };
        if (!book.addPasskey(asker.personId, row)) throw new AppError("auth.factor_wrong");
        return this.#added(asker, nowMs);
      },
      () => [factorEntry("second_factor_added", asker, "passkey", this.#deps)],
    );
  }

  async renamePasskey(asker: FactorAsker, id: string, name: string): Promise<FactorList> {
    await this.#write(asker, () => {
      this.#demandPasskey(asker, id);
      this.#deps.book.renamePasskey(asker.personId, id, name);
    });
    return listOf(asker, this.#deps);
  }

  removePasskey(asker: FactorAsker, id: string): Promise<FactorList> {
    return this.#remove(asker, "passkey", () => {
      this.#demandPasskey(asker, id);
      this.#deps.book.removePasskey(asker.personId, id);
    });
  }

  async passkeyChallenge(asker: FactorAsker): Promise<AuthenticationOptions> {
    const { book, people } = this.#deps;
    demandSession(asker, this.#deps);
    const options = await authenticationOptions(relyingParty(this.#deps), book.passkeys(asker.personId));
    const untilMs = people.clock() + LIMITS.passkeyChallengeMs;
    const write = () => book.putChallenge(asker.sessionId, "authentication", options.challenge, untilMs);
    await people.commit(write, () => []);
    return options;
  }

  show(asker: FactorAsker, proof: Proof): Promise<FactorShown> {
    return showFactor(asker, proof, this.#deps);
  }

  /** What no entry tells of. */
  #write(asker: FactorAsker, change: () => void): Promise<void> {
    const demandedFirst = () => {
      demandMayChange(asker, this.#deps);
      change();
    };
    return this.#deps.people.commit(demandedFirst, () => []);
  }

  /** The operator's people keep one (S2-11). */
  #remove(asker: FactorAsker, kind: "totp" | "passkey", change: () => void): Promise<FactorList> {
    const { book, people } = this.#deps;
    return people.commit(
      () => {
        demandMayChange(asker, this.#deps);
        change();
        const left = hasFactor(asker.personId, this.#deps);
        if (!left && people.kind === "staff") throw new AppError("auth.factor_needed");
        // Recovery codes stand in for a factor; without one they would be the only one.
        if (!left) book.putRecoveryCodes(asker.personId, []);
        return listOf(asker, this.#deps);
      },
      () => [factorEntry("second_factor_removed", asker, kind, this.#deps)],
    );
  }

  #added(asker: FactorAsker, nowMs: number): FactorAdded {
    const { personId } = asker;
    const without = this.#deps.book.recoveryCodesLeft(personId) === 0;
    const recoveryCodes = without ? freshRecoveryCodes(personId, this.#deps) : null;
    markShown(asker, nowMs, this.#deps);
    return { factors: listOf(asker, this.#deps), recoveryCodes };
  }

  /** How an authenticator names the account. */
  async #label(personId: string): Promise<string> {
    const { people } = this.#deps;
    const sealed = people.book.person(personId)?.sealed;
    if (!sealed) throw new AppError("auth.required");
    return (await openContact("person", personId, sealed, people)).email;
  }

  #demandPasskey({ personId }: FactorAsker, id: string): void {
    const isTheirs = this.#deps.book.passkeys(personId).some((passkey) => passkey.id === id);
    if (!isTheirs) throw new AppError("resource.not_found");
  }
}
