/** Lines of standard input: what must not stand in an argument, which other users of a machine see and shells remember. */
import { CliError, type Io } from "./io.ts";

export interface LineWish {
  /** Written to standard error when standard input is a terminal. */
  question: string;
  /** With its article: `an identity id`. */
  what: string;
  maxChars: number;
}

/** The lines that are not empty, to the end. Throws `CliError` for none, for too many, and for one that is too long. */
export async function readLines(io: Io, wish: LineWish & { maxLines: number }): Promise<string[]> {
  const { question, what, maxChars, maxLines } = wish;
  if (io.stdin.isTTY) io.stderr.write(question);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  for await (const chunk of io.stdin) {
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    if (text.length > (maxChars + 2) * maxLines) break;
  }
  const lines = text.split(/\r?\n/).filter((each) => each !== "");
  if (lines.length === 0) throw new CliError(`no ${what.replace(/^an? /, "")} on standard input`);
  if (lines.length > maxLines) throw new CliError(`at most ${maxLines} lines are taken`);
  if (lines.some((each) => each.length > maxChars)) throw new CliError(`one is longer than ${what} may be`);
  return lines;
}

/** The first line. Throws `CliError` for none, and for one that is too long. */
export async function readLine(io: Io, { question, what, maxChars }: LineWish): Promise<string> {
  if (io.stdin.isTTY) io.stderr.write(question);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  for await (const chunk of io.stdin) {
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    if (text.includes("\n") || text.length > maxChars + 1) break;
  }
  const first = (text.split("\n", 1)[0] ?? "").replace(/\r$/, "");
  if (first === "") throw new CliError(`no ${what.replace(/^an? /, "")} on standard input`);
  if (first.length > maxChars) throw new CliError(`that is longer than ${what} may be`);
  return first;
}
