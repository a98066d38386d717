/** `bundle`: downloads an export bundle. What it proves says `verify`, or the script inside it. */
import { open, readFile, rename, unlink } from "node:fs/promises";
import type { Command } from "commander";
import { problemOf } from "../../client/errors.ts";
import { MoonsealUnreachable } from "../../client/index.ts";
import { readBundle } from "../../core/bundle.ts";
import { LIMITS } from "../../core/limits.ts";
import { command, handle, type Session, seqNumber } from "../action.ts";
import { connectToDomain, type DomainConnection } from "../connection.ts";
import { CliError, CODE, type Io } from "../io.ts";
import { Progress } from "../progress.ts";
import { count, line, safeText } from "../text.ts";

interface BundleFlags {
  from?: number;
  to?: number;
  out: string;
  force?: boolean;
}

/** The answer ends when so long nothing came. */
const STALL_MS = 60_000;

export function bundleCommand(session: Session): Command {
  const target = command("bundle", "Export entries as one archive that verifies itself, in ten years too", [
    "moonseal bundle --from 0 --to 9999 --out export.tar",
    "moonseal verify export.tar --policy policy.json",
    "tar xf export.tar && node verify.mjs --policy policy.json",
  ])
    .option("--from <seq>", "first entry (default: 0)", seqNumber)
    .option("--to <seq>", "last entry (default: the newest)", seqNumber)
    .requiredOption("--out <file>", "write it there")
    .option("--force", "replace the file")
    .addHelpText("after", `\nAt most ${count(LIMITS.bundleEntries, "entry", "entries")} at a time.`);
  return handle<BundleFlags>(target, session, async (io, options) => {
    const { from, to, out } = options;
    if (from !== undefined && to !== undefined && from > to) throw new CliError("--from must not be greater than --to");
    const connection = await connectToDomain(io, options);
    const part = `${out}.${process.pid}.part`;
    try {
      await download(io, connection, { from, to }, part, options.force === true, out);
      const read = readBundle(await readFile(part));
      if (!read.ok) throw new CliError(`the answer is no whole bundle: ${read.fault}`, CODE.unreachable);
      await rename(part, out);
      const { content } = read.manifest;
      const entries = content.kind === "range" ? content.to - content.from + 1 : content.entries;
      line(
        io.stderr,
        `moonseal: wrote ${count(entries, "entry", "entries")} to ${safeText(out)}; verify it with: moonseal verify ${safeText(out)}`,
      );
    } catch (error) {
      await unlink(part).catch(() => {});
      throw error;
    }
  });
}

async function download(
  io: Io,
  { url, key, domainId }: DomainConnection,
  range: { from: number | undefined; to: number | undefined },
  part: string,
  force: boolean,
  out: string,
): Promise<void> {
  const file = await openNew(part, out, force);
  const progress = new Progress(io, "bundle", "byte", "bytes");
  const stalled = new AbortController();
  const watch = () => setTimeout(() => stalled.abort(new Error("it took too long")), STALL_MS);
  let timer = watch();
  try {
    const query = new URLSearchParams(
      Object.entries(range).flatMap(([k, v]) => (v === undefined ? [] : [[k, `${v}`]])),
    );
    const answer = await io.fetch(`${url.replace(/\/+$/, "")}/v1/domains/${domainId}/audit/bundle?${query}`, {
      method: "GET",
      headers: { accept: "application/x-tar, application/problem+json", authorization: `Bearer ${key}` },
      redirect: "manual",
      signal: AbortSignal.any([io.signal, stalled.signal]),
    });
    if (answer.status !== 200) {
      throw problemOf(answer.status, await answer.text(), (name) => answer.headers.get(name), null);
    }
    const { body } = answer as { body?: AsyncIterable<Uint8Array> | null };
    let bytes = 0;
    for await (const chunk of body ?? []) {
      clearTimeout(timer);
      timer = watch();
      bytes += chunk.length;
      if (bytes > LIMITS.bundleBytes) throw new CliError("the answer is larger than any bundle", CODE.unreachable);
      await file.write(chunk);
      progress.update(bytes, 0);
    }
    await file.sync();
  } catch (error) {
    if (io.signal.aborted) throw io.signal.reason;
    if (error instanceof CliError || (error as Error).name === "MoonsealProblem") throw error;
    throw new MoonsealUnreachable("the answer broke off; no bundle was written", 1, error);
  } finally {
    clearTimeout(timer);
    progress.clear();
    await file.close();
  }
}

/** Nothing is asked of the server when the file could not be written in the end. Readable by its owner only. */
async function openNew(part: string, out: string, force: boolean) {
  const cannot = (error: NodeJS.ErrnoException): never => {
    throw new CliError(`cannot write ${safeText(out)}: ${error.code}`);
  };
  if (!force) {
    const there = await open(out, "r").catch((error: NodeJS.ErrnoException) =>
      error.code === "ENOENT" ? null : cannot(error),
    );
    await there?.close();
    if (there) throw new CliError(`cannot write ${safeText(out)}: it is there already; --force replaces it`);
  }
  return open(part, "wx", 0o600).catch(cannot);
}
