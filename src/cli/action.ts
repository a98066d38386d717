/** What all commands share: their session, the options of all, and how a handler becomes commander's. */
import { Command, InvalidArgumentError } from "commander";
import { ID_KINDS, parseId } from "../core/ids.ts";
import type { ConnectionFlags } from "./connection.ts";
import type { Io } from "./io.ts";

export interface Session {
  readonly io: Io;
  exitCode: number;
  /** Every `--key` of the command line, in order: an offline verification may trust several. */
  readonly keys: string[];
}

/** A command whose help ends with examples. */
export function command(name: string, summary: string, examples: readonly string[]): Command {
  const lines = examples.map((example) => `  $ ${example}`).join("\n");
  return new Command(name)
    .description(summary)
    .addHelpText("after", `\nExample${examples.length > 1 ? "s" : ""}:\n${lines}`);
}

/** Registers a handler that gets the arguments and all options (its own and the global ones) and may give an exit code. */
export function handle<Options extends object, Args extends unknown[] = []>(
  target: Command,
  session: Session,
  handler: (io: Io, options: Options & ConnectionFlags, ...args: Args) => Promise<number | void>,
): Command {
  return target.action(async (...passed: unknown[]) => {
    const self = passed.at(-1) as Command;
    const args = passed.slice(0, -2) as Args;
    session.exitCode = (await handler(session.io, self.optsWithGlobals(), ...args)) ?? session.exitCode;
  });
}

/** Parser of an option that is a whole number within bounds. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`must be a whole number from ${min} to ${max}.`);
  };
}

export const seqNumber = integer(0, Number.MAX_SAFE_INTEGER);

/** A day, in UTC, or an instant with its offset. */
export function instantArgument(text: string): string {
  const instant = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text;
  if (/^\d{4}-\d\d-\d\dT.*(?:Z|[+-]\d\d:\d\d)$/.test(instant) && !Number.isNaN(Date.parse(instant))) return instant;
  throw new InvalidArgumentError("It is a day, or an instant of RFC 3339: 2027-06-30 or 2027-06-30T12:00:00Z.");
}

/** Parser of an id of one kind: what is none would be "not found". */
export const idArgument =
  (kind: "domain" | "legalHold") =>
  (text: string): string => {
    if (parseId(text)?.kind === kind) return text;
    const [prefix, what] = [ID_KINDS[kind], kind === "domain" ? "a domain" : "a hold"];
    throw new InvalidArgumentError(`It is the id of ${what}: ${prefix}_eu_… or ${prefix}_us_….`);
  };

/** Collects an option that may be given several times. */
export const repeated = (value: string, before: string[] = []): string[] => [...before, value];
