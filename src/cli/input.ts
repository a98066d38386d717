/** The bytes of a file, or of standard input for `-`. */
import { createReadStream } from "node:fs";
import { CliError, type Io } from "./io.ts";
import { safeText } from "./text.ts";

/** Throws `CliError` while it is read, for a file that cannot be. */
export function inputOf(io: Io, name: string): AsyncIterable<Uint8Array | string> {
  return name === "-" ? io.stdin : fileStream(name);
}

async function* fileStream(path: string): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path) as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new CliError(`cannot read ${safeText(path)}: ${(error as NodeJS.ErrnoException).code}`);
  }
}
