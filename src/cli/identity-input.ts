/** The identity id of a person from standard input: other users of a machine see arguments. */
import { LIMITS } from "../core/limits.ts";
import type { Io } from "./io.ts";
import { readLine } from "./line-input.ts";

/** The first line; a terminal is asked. Throws `CliError` for none, and for one that is too long. */
export const readIdentity = (io: Io, question: string): Promise<string> =>
  readLine(io, { question, what: "an identity id", maxChars: LIMITS.identityIdChars });

/** An argument, or standard input where it is `-`. */
export const identityOf = async (argument: string, io: Io): Promise<string> =>
  argument === "-" ? readIdentity(io, "Identity id of the person: ") : argument;
