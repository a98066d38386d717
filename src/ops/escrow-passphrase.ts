/** The passphrase of an escrow file: where it comes from, and which are refused. */
import { readFileSync } from "node:fs";
import { isCancel, password } from "@clack/prompts";
import { PASSPHRASE_VARIABLE } from "./deploy-account.ts";

const MIN_CHARS = 16;
const MIN_DIFFERENT = 8;
/** What has to be left when everything that anybody would try first is taken out. */
const MIN_UNCOMMON = 10;
const RUNS = [
  "abcdefghijklmnopqrstuvwxyz",
  "01234567890",
  "qwertyuiop",
  "qwertzuiop",
  "asdfghjkl",
  "yxcvbnm",
  "zxcvbnm",
];
const COMMON = /passwor[dt]|passwd|passphrase|moonseal|escrow|letmein|welcome|secret|admin|master|geheim/g;
const RUN_CHARS = 4;

/** Why a passphrase is too weak, as the end of a sentence; `null` when nothing obvious is wrong with it. */
export function weaknessOf(passphrase: string): string | null {
  const chars = [...passphrase.normalize("NFC")];
  if (chars.length < MIN_CHARS) return `has fewer than ${MIN_CHARS} characters`;
  if (new Set(chars).size < MIN_DIFFERENT) return `has fewer than ${MIN_DIFFERENT} different characters`;
  if (/^(.+?)\1+$/su.test(passphrase)) return "repeats itself";
  const uncommon = withoutRuns(passphrase.toLowerCase().replaceAll(COMMON, ""));
  return [...uncommon].length < MIN_UNCOMMON ? "is made of words and rows of keys that are tried first" : null;
}

function withoutRuns(text: string): string {
  let rest = text;
  for (const run of RUNS.flatMap((run) => [run, [...run].reverse().join("")])) {
    for (let length = run.length; length >= RUN_CHARS; length--) {
      for (let at = 0; at + length <= run.length; at++) rest = rest.replaceAll(run.slice(at, at + length), "");
    }
  }
  return rest;
}

/** Asks for a passphrase; `purpose` seal asks twice. Throws with a plain line when there is nobody to ask. */
export type AskPassphrase = (purpose: "seal" | "open") => Promise<string>;

/** From a file (its first line), else from the environment, else from the terminal. */
export function passphraseFrom(file: string | undefined, env: NodeJS.ProcessEnv = process.env): AskPassphrase {
  return async (purpose) => {
    if (file !== undefined) return readFileSync(file, "utf8").split(/\r?\n/)[0] ?? "";
    const set = env[PASSPHRASE_VARIABLE];
    if (set !== undefined && set !== "") return set;
    if (!process.stdin.isTTY) {
      throw new Error(
        `PASSPHRASE_MISSING the escrow file has a passphrase, and nobody can type it here. Use --passphrase-file FILE or ${PASSPHRASE_VARIABLE}.`,
      );
    }
    const first = await typed("Passphrase of the escrow file");
    if (purpose === "seal" && (await typed("The same again")) !== first)
      throw new Error("PASSPHRASE_DIFFERS the two passphrases differ. Begin again: nothing was written.");
    return first;
  };
}

async function typed(message: string): Promise<string> {
  // Not the output: that may be a file for the secret that is shown.
  const answer = await password({ message, output: process.stderr });
  if (isCancel(answer)) throw new Error("PASSPHRASE_MISSING no passphrase was given: nothing was done.");
  return answer;
}
