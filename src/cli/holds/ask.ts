/** What a change of a hold asks the person at the terminal. */
import type { LegalHold } from "../../client/index.ts";
import { CliError, CODE, type Io } from "../io.ts";
import { printHold } from "./print.ts";

/** What the flag `--<name>` says, or what the person at the terminal does. Throws `CliError` for neither. */
export async function saidOr(io: Io, flag: string | undefined, name: string): Promise<string> {
  const said = flag ?? (await io.ask(`The ${name}, on one line: `))?.trim();
  if (!said) throw new CliError(`a ${name} is wanted: --${name}`);
  return said;
}

/** Throws `CliError` unless the person at the terminal has seen the hold and says yes. */
export async function confirmRelease(io: Io, hold: LegalHold): Promise<void> {
  if (hold.released_at !== null) throw new CliError("it was released already", CODE.failed);
  printHold(io.stderr, hold, io.now());
  const said = await io.ask("Release it for good? Type yes: ");
  if (said === null) throw new CliError("there is nobody to ask whether it is meant; --yes says so");
  if (said.trim() !== "yes") throw new CliError("not confirmed: nothing was released", CODE.failed);
}
