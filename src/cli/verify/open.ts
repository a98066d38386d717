/** Reads what is to be verified: a file, `-` for standard input, or an http(s) address. Bounded, and never with a credential. */
import { createReadStream } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { LIMITS } from "../../core/limits.ts";
import { CliError, CODE, type Io } from "../io.ts";
import { safeText } from "../text.ts";

export const isAddress = (name: string): boolean => /^https?:\/\//i.test(name);

/** The bytes. Throws `CliError`: 2 for a file that cannot be read, 3 for an address that does not give it. */
export async function openBytes(io: Io, name: string, maxBytes: number = LIMITS.bundleBytes): Promise<Uint8Array> {
  if (isAddress(name)) return download(io, name, maxBytes);
  if (name === "-") return collect(io.stdin, name, maxBytes);
  return collect(createReadStream(name), name, maxBytes).catch(unreadable(name));
}

/** The files of a folder, such as an export bundle that was unpacked; null: it is no folder. Folders in it are left out. */
export async function openFolder(name: string): Promise<ReadonlyMap<string, Uint8Array> | null> {
  if (name === "-" || isAddress(name)) return null;
  if (!(await stat(name).catch(unreadable(name))).isDirectory()) return null;
  const items = await readdir(name, { withFileTypes: true }).catch(unreadable(name));
  const names = items.filter((item) => item.isFile()).map((item) => item.name);
  if (names.length > LIMITS.bundleFiles)
    throw new CliError(`${safeText(name)} has more than ${LIMITS.bundleFiles} files`);
  const files = new Map<string, Uint8Array>();
  for (const file of names) {
    const path = join(name, file);
    files.set(file, await collect(createReadStream(path), path, LIMITS.bundleFileBytes).catch(unreadable(path)));
  }
  return files;
}

function unreadable(name: string): (error: unknown) => never {
  return (error) => {
    if (error instanceof CliError) throw error;
    throw new CliError(`cannot read ${safeText(name)}: ${(error as NodeJS.ErrnoException).code ?? "unknown reason"}`);
  };
}

const TIMEOUT_MS = 60_000;

/** Redirects are not followed: what is verified is what was named. */
async function download(io: Io, address: string, maxBytes: number): Promise<Uint8Array> {
  const couldNot = (why: string) => new CliError(`could not check: ${safeText(address)} ${why}`, CODE.unreachable);
  if (!URL.canParse(address)) throw new CliError(`${safeText(address)} is no address`);
  const signal = AbortSignal.any([io.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  try {
    const answer = await io.fetch(address, { method: "GET", headers: { accept: "*/*" }, redirect: "manual", signal });
    if (answer.status >= 300 && answer.status < 400) throw couldNot("leads elsewhere; name the last address itself");
    if (answer.status !== 200) throw couldNot(`answered ${answer.status}`);
    const { body } = answer as { body?: AsyncIterable<Uint8Array> | null };
    return await collect(body ?? [await answer.text()], address, maxBytes);
  } catch (error) {
    if (error instanceof CliError) throw error;
    if (io.signal.aborted) throw io.signal.reason;
    throw couldNot("gave no answer");
  }
}

async function collect(
  chunks: AsyncIterable<Uint8Array | string> | Iterable<string>,
  name: string,
  maxBytes: number,
): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let byteLength = 0;
  for await (const chunk of chunks) {
    const part = Buffer.from(chunk as Uint8Array);
    byteLength += part.length;
    if (byteLength > maxBytes) {
      throw new CliError(`could not check: ${safeText(name)} has more than ${maxBytes} bytes`, CODE.unreachable);
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}
