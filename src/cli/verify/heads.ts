/** Remembered heads: what this machine saw of a log, so that a cut or rewritten log contradicts it later. */
import { readIfThere, replaceFile } from "../files.ts";
import { CliError, CODE } from "../io.ts";

export interface HeadOnFile {
  version: 1;
  domain: string;
  size: number;
  entry_hash: string;
  /** When it was verified last; RFC 3339. */
  verified_at: string;
}

/**
 * The remembered head, `null` when there is none yet. A file that cannot be understood is an error and never treated as absent: whoever
 * damages it must not make the command forget.
 */
export async function readHead(path: string, domainId: string): Promise<HeadOnFile | null> {
  const text = await readIfThere(path);
  if (text === null) return null;
  const head = parseHead(text);
  if (!head) throw new CliError(`the remembered head in ${path} cannot be read`, CODE.unreachable);
  if (head.domain !== domainId) throw new CliError(`${path} remembers a head of ${head.domain}`);
  return head;
}

/**
 * Remembers a head that was verified, unless the file holds a larger one or another hash for the same size by now (another
 * run may have been quicker). Whether it stands there now.
 */
export async function rememberHead(path: string, head: HeadOnFile): Promise<boolean> {
  const before = await readHead(path, head.domain);
  if (before && (before.size > head.size || (before.size === head.size && before.entry_hash !== head.entry_hash))) {
    return false;
  }
  await replaceFile(path, `${JSON.stringify(head, null, 2)}\n`);
  return true;
}

function parseHead(text: string): HeadOnFile | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const { version, domain, size, entry_hash, verified_at } = (value ?? {}) as Partial<HeadOnFile>;
  if (version !== 1 || typeof domain !== "string" || typeof verified_at !== "string") return null;
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 1) return null;
  if (typeof entry_hash !== "string" || !/^[0-9a-f]{64}$/.test(entry_hash)) return null;
  return { version, domain, size, entry_hash, verified_at };
}
