/**
 * Downloads an export into a file. What has come stands in `<file>.<export>.part`, so that the same command goes on after it was
 * stopped; the file itself appears whole or not at all.
 *
 *   1. the part is written                     crash: the next run goes on behind its last byte
 *   2. the part is flushed and as long as the archive
 *   3. it is renamed to the file               crash before: the next run finds the whole part, and renames it
 */
import { type FileHandle, open, rename, stat, truncate } from "node:fs/promises";
import type { Export, MoonsealClient } from "../../client/index.ts";
import { CliError, CODE, type Io } from "../io.ts";
import { Progress } from "../progress.ts";
import { line, safeText } from "../text.ts";

export interface Wanted {
  export: Export;
  out: string;
  force: boolean;
}

/** Throws `CliError` for a file that is there already or cannot be written, before a link is made. */
export async function downloadExport(io: Io, client: MoonsealClient, wanted: Wanted): Promise<void> {
  const { out, force, export: of } = wanted;
  if (!force) await demandFree(out);
  const part = `${out}.${of.id}.part`;
  const there = await bytesIn(part);
  if (there > of.bytes) await truncate(part);
  const offset = there > of.bytes ? 0 : there;
  const file = await open(part, "a", 0o600).catch(cannotWrite(part));
  try {
    if (offset < of.bytes) await fetchRest(io, client, of, file, offset);
    await file.sync();
  } finally {
    await file.close();
  }
  if ((await bytesIn(part)) !== of.bytes) {
    throw new CliError("the archive is not as long as the server said; run it again to go on", CODE.unreachable);
  }
  await rename(part, out).catch(cannotWrite(out));
}

async function fetchRest(io: Io, client: MoonsealClient, of: Export, file: FileHandle, offset: number): Promise<void> {
  const { signal } = io;
  const { url } = await client.exports.link(of.domain_id, of.id, {}, { signal });
  const token = new URL(url).searchParams.get("token") ?? "";
  if (offset > 0) line(io.stderr, `moonseal: going on behind byte ${offset.toLocaleString("en-US")}`);
  const progress = new Progress(io, "download", "byte", "bytes");
  let at = offset;
  try {
    for await (const chunk of client.exports.download(of.domain_id, of.id, token, { offset, signal })) {
      // The whole of it, where `write` may stop early.
      await file.appendFile(chunk);
      at += chunk.length;
      if (at > of.bytes) throw new CliError("the answer is longer than the archive", CODE.unreachable);
      progress.update(at, of.bytes, at - offset);
    }
  } finally {
    progress.clear();
  }
}

async function demandFree(out: string): Promise<void> {
  const there = await stat(out).catch((error: NodeJS.ErrnoException) =>
    error.code === "ENOENT" ? null : cannotWrite(out)(error),
  );
  if (there) throw new CliError(`cannot write ${safeText(out)}: it is there already; --force replaces it`);
}

const bytesIn = async (path: string): Promise<number> =>
  (
    await stat(path).catch((error: NodeJS.ErrnoException) =>
      error.code === "ENOENT" ? { size: 0 } : cannotWrite(path)(error),
    )
  ).size;

const cannotWrite =
  (path: string) =>
  (error: NodeJS.ErrnoException): never => {
    throw new CliError(`cannot write ${safeText(path)}: ${error.code}`);
  };
