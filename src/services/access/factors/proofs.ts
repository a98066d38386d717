/** Showing a second factor. What takes time comes first; the judgement is one synchronous piece within the transaction that counts it. */
import { AppError } from "../../../core/errors.ts";
import type { EntryJob } from "../../tenancy/jobs.ts";
import type { FactorAsker, FactorShown, Proof } from "./calls.ts";
import { type CountedPlace, demandMayTry } from "./guard.ts";
import { type AuthenticationResponseJSON, provedCounter } from "./passkeys.ts";
import type { FactorDeps } from "./ports.ts";
import { parseRecoveryCode, recoveryCodeMac } from "./recovery-codes.ts";
import { demandSession, type FactorKind, factorEntry, markShown, placesFor, relyingParty, wrongTry } from "./rules.ts";
import { acceptedStep } from "./totp.ts";
import { openTotp } from "./totp-seal.ts";

/** Null: the proof is right, and can be so once. Else the places where it counts as a failure. Throws `auth.too_many_tries`. */
type Judge = (nowMs: number) => readonly CountedPlace[] | null;

/**
 * Throws `auth.factor_wrong` after it was counted and told, `auth.too_many_tries` when nothing was looked at, `auth.required` when the
 * session is over; for a code also `keys.unavailable`.
 */
export async function showFactor(asker: FactorAsker, proof: Proof, deps: FactorDeps): Promise<FactorShown> {
  demandSession(asker, deps);
  const [kind, judge] = await judgeOf(asker, proof, deps);
  const outcome = await deps.people.commit(
    (): { shown: FactorShown } | { told: EntryJob[] } => {
      const nowMs = deps.people.clock();
      demandSession(asker, deps);
      const failed = judge(nowMs);
      return failed ? { told: wrongTry(asker, kind, failed, nowMs, deps) } : { shown: markShown(asker, nowMs, deps) };
    },
    (outcome) => ("told" in outcome ? outcome.told : [factorEntry("second_factor_shown", asker, kind, deps)]),
  );
  if ("told" in outcome) throw new AppError("auth.factor_wrong");
  return outcome.shown;
}

async function judgeOf(asker: FactorAsker, proof: Proof, deps: FactorDeps): Promise<[FactorKind, Judge]> {
  if ("totp" in proof) return ["totp", await codeJudge(asker, proof.totp, deps)];
  if ("recoveryCode" in proof) return ["recovery_code", recoveryJudge(asker, proof.recoveryCode, deps)];
  return ["passkey", await passkeyJudge(asker, proof.passkey, deps)];
}

async function codeJudge(asker: FactorAsker, code: string, deps: FactorDeps): Promise<Judge> {
  const { book, tries, people } = deps;
  const { personId } = asker;
  demandMayTry(placesFor("code", asker, deps), tries, people.clock());
  const row = book.totp(personId);
  const secret = row && (await openTotp(personId, row.sealed, people));
  return (nowMs) => {
    const places = placesFor("code", asker, deps);
    demandMayTry(places, tries, nowMs);
    // It may be another one by now, and the last step a later one: of two who come at once with one code, one is refused.
    const now = book.totp(personId);
    const same = now !== null && now.addedAtMs === row?.addedAtMs;
    const step = secret && same ? acceptedStep(secret, code, nowMs, now.lastStep) : null;
    if (step === null) return places;
    book.usedStep(personId, step);
    return null;
  };
}

function recoveryJudge(asker: FactorAsker, text: string, deps: FactorDeps): Judge {
  const { book, tries, people } = deps;
  const { personId } = asker;
  const code = parseRecoveryCode(text);
  return (nowMs) => {
    const places = placesFor("recovery", asker, deps);
    demandMayTry(places, tries, nowMs);
    const mac = code === null ? null : recoveryCodeMac(people.pepper, personId, code);
    return mac && book.useRecoveryCode(personId, mac, nowMs) ? null : places;
  };
}

async function passkeyJudge(
  asker: FactorAsker,
  response: AuthenticationResponseJSON,
  deps: FactorDeps,
): Promise<Judge> {
  const { book, people } = deps;
  const { personId, sessionId } = asker;
  const find = () => book.passkeys(personId).find(({ id }) => id === response.id);
  const challenge = book.takeChallenge(sessionId, "authentication", people.clock());
  const passkey = find();
  const counter =
    challenge !== null && passkey ? await provedCounter(relyingParty(deps), response, challenge, passkey) : null;
  return (nowMs) => {
    const now = find();
    // Of two answers with one counter, one is a copy's. A signature cannot be guessed, so nobody is made to wait.
    const grown = now && counter !== null && (counter > now.counter || (counter === 0 && now.counter === 0));
    if (!grown) return [];
    book.usedPasskey(personId, now.id, counter, nowMs);
    return null;
  };
}
