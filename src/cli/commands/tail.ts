/** `tail`: the newest entries, and with `-f` those to come. */
import { type Command, InvalidArgumentError } from "commander";
import type { Entry, MoonsealClient, TailConnection } from "../../client/index.ts";
import { OUTCOMES, type Outcome } from "../../core/event.ts";
import { LIMITS } from "../../core/limits.ts";
import { command, handle, integer, repeated, type Session, seqNumber } from "../action.ts";
import { connectToDomain } from "../connection.ts";
import { entryLine } from "../entry-line.ts";
import { describeError } from "../errors.ts";
import { CliError, type Io } from "../io.ts";
import { line, painter, safeJson } from "../text.ts";

interface TailFlags {
  follow?: boolean;
  lines: number;
  from?: number;
  action?: string[];
  outcome?: Outcome[];
  json?: boolean;
}

const MAX_LINES = 100_000;

export function tailCommand(session: Session): Command {
  const target = command("tail", "Show the newest entries, oldest first", [
    "moonseal tail -n 20",
    "moonseal tail -f --json",
    "moonseal tail -f --action invoice.* --outcome failure",
  ])
    .option("-n, --lines <n>", "this many entries", integer(0, MAX_LINES), 10)
    .option("-f, --follow", "go on with the entries to come, until Ctrl-C")
    .option("--from <seq>", "start at this seq instead", seqNumber)
    .option("--action <name>", "with -f: only this action, or all of `invoice.*`; may be repeated", repeated)
    .option("--outcome <outcome>", "with -f: only this outcome; may be repeated", (value, before: string[] = []) => [
      ...before,
      outcomeOf(value),
    ])
    .option("--json", "one JSON document a line");
  return handle<TailFlags>(target, session, async (io, options) => {
    const { client, domainId } = await connectToDomain(io, options);
    const paint = painter(io, io.stdout);
    const show = (entry: Entry) => line(io.stdout, options.json ? safeJson(entry) : entryLine(entry, paint));
    const { follow: follows, action, outcome } = options;
    if (!follows && (action || outcome)) throw new CliError("--action and --outcome go with -f; see: moonseal query");
    const from = options.from ?? (await firstSeq(client, domainId, options.lines, io));
    if (!follows) return showFrom(io, client, domainId, from, show);
    const wanted = { from, ...(action && { action }), ...(outcome && { outcome }) };
    await follow(io, client, domainId, wanted, show);
  });
}

function outcomeOf(value: string): Outcome {
  const outcome = OUTCOMES.find((known) => known === value);
  if (!outcome) throw new InvalidArgumentError(`must be one of ${OUTCOMES.join(", ")}.`);
  return outcome;
}

/** The head counts what is committed; pages with `consistency=latest` hold at least that. */
async function firstSeq(client: MoonsealClient, domainId: string, lines: number, io: Io): Promise<number> {
  const { size } = await client.head(domainId, { signal: io.signal });
  return Math.max(0, size - lines);
}

/** Shows everything from `seq` on that is committed now. */
async function showFrom(
  io: Io,
  client: MoonsealClient,
  domainId: string,
  seq: number,
  show: (entry: Entry) => void,
): Promise<void> {
  for (let nextSeq = seq; ; ) {
    const query = { order: "asc", from: nextSeq, limit: LIMITS.pageEntries, consistency: "latest" } as const;
    const page = await client.entries(domainId, query, { signal: io.signal });
    for (const entry of page.entries) {
      if (io.stdout.closed) return;
      show(entry);
      nextSeq = entry.seq + 1;
    }
    if (!page.has_more || page.entries.length === 0) return;
  }
}

/**
 * Goes on until the reader goes away. Outages are said once and waited out; what waiting does not change (a revoked key, a domain that
 * has stopped) ends the command.
 */
async function follow(
  io: Io,
  client: MoonsealClient,
  domainId: string,
  { from, action, outcome }: { from: number; action?: string[]; outcome?: Outcome[] },
  show: (entry: Entry) => void,
): Promise<void> {
  const readerGone = new AbortController();
  void io.stdout.whenClosed?.then(() => readerGone.abort());
  const signal = AbortSignal.any([io.signal, readerGone.signal]);
  const onState = sayState(io);
  try {
    for await (const entry of client.tail(domainId, { from, action, outcome, signal, onState })) {
      if (io.stdout.closed) return;
      show(entry);
      if (io.stdout.closed) return;
    }
  } catch (error) {
    if (!readerGone.signal.aborted || io.signal.aborted) throw error;
  }
}

/** On standard error: an outage and its end, and on a terminal also where the following begins. */
function sayState(io: Io): (state: TailConnection) => void {
  let state: "new" | "connected" | "away" = "new";
  return (now) => {
    if (now.state === "away") {
      if (state !== "away") line(io.stderr, `moonseal: ${describeError(now.reason).message}; still trying`);
    } else if (state === "away") line(io.stderr, "moonseal: the server answers again");
    else if (state === "new" && io.stderr.isTTY)
      line(io.stderr, `moonseal: following from #${now.next}; Ctrl-C ends it`);
    state = now.state;
  };
}
