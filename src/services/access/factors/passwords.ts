/**
 * Passwords of the operator's people: bcrypt at cost 12 (S2-14), refused when they can be guessed (NIST SP 800-63B-4 §3.1.1.2: length
 * and a list of what is common or expected; no rules about kinds of characters, no expiry).
 */
import bcrypt from "bcryptjs";

export const BCRYPT_COST = 12;
/** bcrypt looks at no more: a longer one is refused instead of being cut. Bytes of UTF-8. */
export const PASSWORD_MAX_BYTES = 72;
/** NIST SP 800-63B-4 §3.1.1.2, for a password that might stand alone. Code points. */
export const PASSWORD_MIN_CHARS = 15;
/** Of zxcvbn's 0 to 4: more than 10^10 guesses. */
const MIN_SCORE = 4;

export interface BreachRange {
  /** How often a password stands in a list of stolen ones; null: the list does not answer, and nobody is kept out for that. */
  count(password: string): Promise<number | null>;
}

/**
 * Why an untrusted password is not taken, in words for whoever chose it; null: it is taken. `expected`: words that a guesser would
 * try first, such as the person's own name.
 */
export async function passwordFault(
  password: string,
  expected: readonly string[],
  breaches: BreachRange | null,
): Promise<string | null> {
  if (new TextEncoder().encode(password).length > PASSWORD_MAX_BYTES) {
    return `must be at most ${PASSWORD_MAX_BYTES} bytes of UTF-8: bcrypt looks at no more`;
  }
  if ([...password].length < PASSWORD_MIN_CHARS) return `must have at least ${PASSWORD_MIN_CHARS} characters`;
  const estimate = await estimator();
  if (estimate(password, expected) < MIN_SCORE)
    return "is too easy to guess: use several words that do not belong together";
  if ((await breaches?.count(password)) ?? 0) return "stands in a list of stolen passwords";
  return null;
}

/** About 300 ms of CPU. Throws RangeError past 72 bytes. */
export async function hashPassword(password: string): Promise<string> {
  if (bcrypt.truncates(password)) throw new RangeError("bcrypt looks at 72 bytes only");
  return bcrypt.hash(password, BCRYPT_COST);
}

/**
 * Whether an untrusted password is the one; `hash` null: there is none, and the same work is done to say no. One that is too long is
 * nobody's, and costs the same too.
 */
export async function isPassword(password: string, hash: string | null): Promise<boolean> {
  const tooLong = bcrypt.truncates(password);
  const right = await bcrypt.compare(tooLong ? "" : password, hash ?? NOBODYS);
  return right && hash !== null && !tooLong;
}

/** A hash at the same cost of 32 random bytes that nobody kept. */
export const NOBODYS = "$2b$12$0GciflVVSDZWAIyLp2Nrouf/4jOTX99pipo8.udrV6QxmZToHfo7i";

type Estimate = (password: string, expected: readonly string[]) => number;
let known: Estimate | null = null;

/** 450 kB of words, put together at the first use. */
async function estimator(): Promise<Estimate> {
  if (known) return known;
  const [{ ZxcvbnFactory }, { dictionary, adjacencyGraphs }] = await Promise.all([
    import("@zxcvbn-ts/core"),
    import("@zxcvbn-ts/language-common"),
  ]);
  const zxcvbn = new ZxcvbnFactory({ dictionary, graphs: adjacencyGraphs });
  known = (password, expected) => zxcvbn.check(password, ["moonseal", ...expected]).score;
  return known;
}
