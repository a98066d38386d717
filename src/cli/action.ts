/** What all commands share: their session, the options of all, and how a handler becomes commander's. */
import { Command, InvalidArgumentError } from "commander";
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

/** Collects an option that may be given several times. */
export const repeated = (value: string, before: string[] = []): string[] => [...before, value];
