/** `npm run demo`: half a minute that shows what the product is for. Exit code 0 only if every tampering was named exactly. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import path from "node:path";
import { startDemoCells } from "./demo-cells.ts";
import { type Outcome, tellStory } from "./demo-story.ts";
import { type Voice, voice, wantsColour } from "./demo-voice.ts";
import { REPOSITORY } from "./paths.ts";

const SEED = 20_261_121;
const EVENTS = 480;

/** Runs the whole story in a folder of its own below `parent`; resolves to the exit code. */
export async function runDemo(parent: string, speak: Voice, events = EVENTS): Promise<number> {
  speak.say("Starting the gateway and both cells … (a few seconds)");
  const began = Date.now();
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(path.join(parent, "run-"));
  const cells = await startDemoCells(folder);
  try {
    const day = new Date(Date.now() - 24 * 60 * 60 * 1000).toISOString().slice(0, 10);
    const outcomes = await tellStory(cells, folder, { seed: SEED, day, events }, speak);
    return sumUp(outcomes, (Date.now() - began) / 1000, speak);
  } finally {
    await cells.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function sumUp(outcomes: readonly Outcome[], seconds: number, speak: Voice): number {
  speak.title("What happened");
  for (const { what, expected, named, exactly } of outcomes) {
    if (exactly) speak.good(`${what}: named exactly (${expected})`);
    else speak.bad(`${what}: expected ${expected}, but the verifier said: ${named}`);
  }
  const all = outcomes.every(({ exactly }) => exactly);
  speak.say("");
  speak.say(
    all
      ? "The owner of the database could change it, but not unseen by anybody who checks."
      : "Not every tampering was named as it should have been. That is a fault: please report it.",
  );
  speak.say("What this does not prove: that the events are true, and, without somebody who");
  speak.say("remembers an earlier head, that a log was not rewritten from its first entry.");
  speak.say("");
  speak.say("Next:  npm start            your own gateway and cells, with keys and a curl to paste");
  speak.say("       npx moonseal --help  append, tail, verify, import CloudTrail files");
  speak.say("       README.md            what each thief could do, and what not");
  speak.say("");
  speak.say(`(${seconds.toFixed(0)} s; stopped, and nothing is left behind)`);
  return all ? 0 : 1;
}

if (import.meta.main) {
  const colour = wantsColour(process.env, process.stdout.isTTY === true);
  const speak = voice((text) => process.stdout.write(text), colour);
  const folder = path.join(REPOSITORY, ".wrangler/demo");
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));
  try {
    process.exit(await runDemo(folder, speak));
  } catch (error) {
    console.error(`\nThe demonstration could not be finished: ${(error as Error).message}`);
    process.exit(1);
  }
}
