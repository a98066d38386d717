/** The identity id of a person from standard input: other users of a machine see arguments. */
import { LIMITS } from "../core/limits.ts";
import { CliError, type Io } from "./io.ts";

/** The first line; a terminal is asked. Throws `CliError` for none, and for one that is too long. */
export async function readIdentity(io: Io, question: string): Promise<string> {
  if (io.stdin.isTTY) io.stderr.write(question);
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  let text = "";
  for await (const chunk of io.stdin) {
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    if (text.includes("\n") || text.length > LIMITS.identityIdChars + 1) break;
  }
  const identity = (text.split("\n", 1)[0] ?? "").replace(/\r$/, "");
  if (identity === "") throw new CliError("no identity id on standard input");
  if (identity.length > LIMITS.identityIdChars) throw new CliError("that is longer than an identity id may be");
  return identity;
}

/** An argument, or standard input where it is `-`. */
export const identityOf = async (argument: string, io: Io): Promise<string> =>
  argument === "-" ? readIdentity(io, "Identity id of the person: ") : argument;
