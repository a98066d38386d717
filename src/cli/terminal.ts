/** Questions to the person at the terminal, also where standard input is a pipe. */
import { openSync } from "node:fs";
import { createInterface } from "node:readline/promises";
import { ReadStream } from "node:tty";

/**
 * The answer; null where nobody can answer: without a terminal, or when standard error, where the question is written, is none.
 * Throws the signal's reason when aborted. What is typed is shown: for codes that are good once, not for passwords.
 */
export async function askTerminal(question: string, signal: AbortSignal): Promise<string | null> {
  const input = process.stderr.isTTY ? terminal() : null;
  if (!input) return null;
  // Not `terminal: true`: the terminal stays as it is, so that Ctrl-C is a signal.
  const reader = createInterface({ input, output: process.stderr, terminal: false });
  try {
    const closed = new Promise<null>((resolve) => reader.once("close", () => resolve(null)));
    return await Promise.race([reader.question(question, { signal }), closed]);
  } finally {
    reader.close();
    input.destroy();
  }
}

/** Its own descriptor: a command may have read standard input to its end. Systems without `/dev/tty` have the standard one. */
function terminal(): ReadStream | null {
  try {
    return new ReadStream(openSync("/dev/tty", "r"));
  } catch {
    return process.stdin.isTTY && !process.stdin.destroyed ? process.stdin : null;
  }
}
