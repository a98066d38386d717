/** Files that a monitor writes when a log misbehaves, beside what it remembers of it. Never replaced. */
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { toHex } from "../../core/bytes.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { CliError, CODE } from "../io.ts";

const NAME_CHARS = 12;

/** Its name. The same text has the same name, so that a second round adds nothing. Throws `CliError`. */
export async function keepEvidence(statePath: string, kind: "fork" | "shrink", text: string): Promise<string> {
  const base = statePath.replace(/\.json$/, "");
  const file = `${base}.${kind}-${toHex(sha256(text)).slice(0, NAME_CHARS)}.txt`;
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, text, { flag: "wx", mode: 0o600, flush: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EEXIST") throw new CliError(`cannot write ${file}: ${error.code}`, CODE.unreachable);
  });
  return file;
}
