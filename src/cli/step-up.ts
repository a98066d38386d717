/** When the server wants a second factor: asks the person for it, shows it, and lets the request be sent again. */
import {
  MoonsealClient,
  MoonsealProblem,
  type SecondFactor,
  type SecondFactors,
  type TransportOptions,
} from "../client/index.ts";
import { isJurisdiction, type Jurisdiction } from "../core/ids.ts";
import { CliError, CODE, type Io } from "./io.ts";
import { line } from "./text.ts";

const TRIES = 3;
const QUESTION = "Code of your authenticator app, or a recovery code: ";

/**
 * For a client's `secondFactor`. False when there is nobody to ask, or nobody answers: the request fails as it did. Throws
 * `CliError` when the person has no factor that can be typed, and whatever else the server answers to the code.
 */
export function stepUp(io: Io, transport: TransportOptions): (problem: MoonsealProblem) => Promise<boolean> {
  return async (problem) => {
    const jurisdiction = jurisdictionOf(problem);
    if (!jurisdiction) return false;
    // A client of its own, which asks nothing itself.
    const { secondFactors } = new MoonsealClient({ ...transport, secondFactor: undefined });
    demandTypedFactor(await secondFactors.list(jurisdiction, { signal: io.signal }));
    for (let attempt = 1; attempt <= TRIES; attempt++) {
      const typed = (await io.ask(QUESTION))?.trim();
      if (!typed) return false;
      try {
        await secondFactors.show(jurisdiction, factorOf(typed), { signal: io.signal });
        return true;
      } catch (error) {
        if (!(error instanceof MoonsealProblem && error.code === "auth.factor_wrong")) throw error;
        line(io.stderr, "moonseal: that was not accepted; a code is good once, so wait for the next one");
      }
    }
    return false;
  };
}

/** Six digits are a code of the app, anything else a recovery code. */
export function factorOf(typed: string): SecondFactor {
  const digits = typed.replaceAll(/\s/g, "");
  return /^\d{6}$/.test(digits) ? { totp: digits } : { recovery_code: typed.trim() };
}

/** Of `continue`; a code is shown at no other address than the one that is for it. */
function jurisdictionOf({ continueAt }: MoonsealProblem): Jurisdiction | null {
  const named = /^POST \/v1\/auth\/([a-z]{2})\/second-factor$/.exec(continueAt ?? "")?.[1];
  return isJurisdiction(named) ? named : null;
}

function demandTypedFactor({ totp_added_at, recovery_codes_left, passkeys }: SecondFactors): void {
  if (totp_added_at !== null || recovery_codes_left > 0) return;
  const why = passkeys.length
    ? "this needs your second factor, and a passkey is shown in a browser: moonseal login, once more"
    : "this needs a second factor, and you have none yet: moonseal second-factor add";
  throw new CliError(why, CODE.unreachable);
}
