/** `tail`: the newest entries, and with `-f` those to come. */
import type { Command } from "commander";
import type { Entry, MoonsealClient } from "../../client/index.ts";
import { MoonsealProblem, MoonsealUnreachable } from "../../client/index.ts";
import { LIMITS } from "../../core/limits.ts";
import { command, handle, integer, type Session, seqNumber } from "../action.ts";
import { connectToDomain } from "../connection.ts";
import { entryLine } from "../entry-line.ts";
import { describeError } from "../errors.ts";
import type { Io } from "../io.ts";
import { line, painter, safeJson } from "../text.ts";

interface TailFlags {
  follow?: boolean;
  lines: number;
  from?: number;
  interval: number;
  json?: boolean;
}

const MAX_LINES = 100_000;

export function tailCommand(session: Session): Command {
  const target = command("tail", "Show the newest entries, oldest first", [
    "moonseal tail -n 20",
    "moonseal tail -f --json",
  ])
    .option("-n, --lines <n>", "this many entries", integer(0, MAX_LINES), 10)
    .option("-f, --follow", "go on with the entries to come, until Ctrl-C")
    .option("--from <seq>", "start at this seq instead", seqNumber)
    .option("--interval <seconds>", "ask this often with -f", integer(1, 3600), 2)
    .option("--json", "one JSON document a line");
  return handle<TailFlags>(target, session, async (io, options) => {
    const { client, domainId } = await connectToDomain(io, options);
    const paint = painter(io, io.stdout);
    const show = (entry: Entry) => line(io.stdout, options.json ? safeJson(entry) : entryLine(entry, paint));
    let nextSeq = options.from ?? (await firstSeq(client, domainId, options.lines, io));
    nextSeq = await showFrom(io, client, domainId, nextSeq, show, "latest");
    if (options.follow) await follow(io, client, domainId, nextSeq, options.interval * 1000, show);
  });
}

/** The head counts what is committed; pages with `consistency=latest` hold at least that. */
async function firstSeq(client: MoonsealClient, domainId: string, lines: number, io: Io): Promise<number> {
  const { size } = await client.head(domainId, { signal: io.signal });
  return Math.max(0, size - lines);
}

/** Shows everything from `seq` on; the seq to go on with. */
async function showFrom(
  io: Io,
  client: MoonsealClient,
  domainId: string,
  seq: number,
  show: (entry: Entry) => void,
  consistency?: "latest",
): Promise<number> {
  for (let nextSeq = seq; ; ) {
    const query = { order: "asc", from: nextSeq, limit: LIMITS.pageEntries, consistency } as const;
    const page = await client.entries(domainId, query, { signal: io.signal });
    for (const entry of page.entries) {
      if (io.stdout.closed) return nextSeq;
      show(entry);
      nextSeq = entry.seq + 1;
    }
    if (!page.has_more || page.entries.length === 0) return nextSeq;
  }
}

/** Outages are said once and waited out; a refusal (a revoked key) ends the command. */
async function follow(
  io: Io,
  client: MoonsealClient,
  domainId: string,
  fromSeq: number,
  intervalMs: number,
  show: (entry: Entry) => void,
): Promise<void> {
  let nextSeq = fromSeq;
  let away = false;
  while (!io.stdout.closed) {
    await io.sleep(intervalMs, io.signal);
    try {
      nextSeq = await showFrom(io, client, domainId, nextSeq, show);
      if (away) line(io.stderr, "moonseal: the server answers again");
      away = false;
    } catch (error) {
      const passing = error instanceof MoonsealUnreachable || (error instanceof MoonsealProblem && error.status >= 500);
      if (!passing) throw error;
      if (!away) line(io.stderr, `moonseal: ${describeError(error).message}; still trying`);
      away = true;
    }
  }
}
