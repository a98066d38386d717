/** Runs one command line and gives its exit code. Never throws; nothing but one plain line is said about a failure. */
import { CommanderError } from "commander";
import { describeError } from "./errors.ts";
import { CliError, CODE, type Io } from "./io.ts";
import { buildProgram } from "./program.ts";
import { QueryMistake } from "./query/text.ts";
import { line } from "./text.ts";

export async function run(argv: readonly string[], io: Io): Promise<number> {
  const session = { io, exitCode: CODE.ok as number, keys: [] };
  try {
    await buildProgram(session).parseAsync([...argv], { from: "user" });
    return session.exitCode;
  } catch (error) {
    // Commander has said what is wrong already; help and version are no errors.
    if (error instanceof CommanderError) return error.exitCode === 0 ? CODE.ok : CODE.usage;
    const { message, exitCode } = describeError(error);
    line(io.stderr, `moonseal: ${message}`);
    if (error instanceof QueryMistake) for (const text of error.lines) line(io.stderr, `  ${text}`);
    if (io.env.MOONSEAL_DEBUG && error instanceof Error) line(io.stderr, debugText(error));
    else if (!(error instanceof CliError) && message.startsWith("unexpected failure")) {
      line(io.stderr, "moonseal: MOONSEAL_DEBUG=1 shows where");
    }
    return exitCode;
  }
}

function debugText(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${error.cause.stack}` : "";
  return `${error.stack}${cause}`;
}
