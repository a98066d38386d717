/** `monitor`: follows a log from its tiles, holds it to what it showed before, and shouts when it shows something else. */
import type { Command } from "commander";
import { EXIT_OF_VERDICT } from "../../verifier/report.ts";
import { command, handle, integer, type Session } from "../action.ts";
import { type ConnectionFlags, connectToDomain, type DomainConnection, splitKeys } from "../connection.ts";
import { asCouldNotCheck } from "../errors.ts";
import { CliError, type Io } from "../io.ts";
import type { RoundDeps } from "../monitor/deps.ts";
import { followForEver, roundOfOutage } from "../monitor/follow.ts";
import type { Round } from "../monitor/outcome.ts";
import { askLog } from "../monitor/own-word.ts";
import { printRound } from "../monitor/print.ts";
import { followOnce } from "../monitor/round.ts";
import { serverSource, tilesSource } from "../monitor/source.ts";
import { statePath } from "../monitor/state.ts";
import { Progress } from "../progress.ts";
import { readTrust } from "../verify/trust.ts";

interface MonitorFlags {
  once?: boolean;
  interval: number;
  policy?: string;
  state?: string;
  entries?: boolean;
  tiles?: string;
  lateAfter: number;
  json?: boolean;
}

const MINUTE_MS = 60_000;

export function monitorCommand(session: Session): Command {
  const target = command("monitor", "Follow a log, and shout when it forks or shrinks", [
    "moonseal monitor --once --policy policy.json",
    "moonseal monitor --interval 60 --entries --json",
    "moonseal monitor --once --tiles /mnt/mirror/tlog/dom_eu_… --state invoices.json --key 'log.example/eu+619cea34+AR…'",
  ])
    .option("--once", "one round, then an exit code")
    .option("--interval <seconds>", "between two rounds", integer(1, 86_400), 60)
    .option("--policy <file>", "whom to trust; see moonseal policy")
    .option("--state <file>", "what is remembered of the log (default: one file per domain in the state folder)")
    .option("--entries", "read the entries too, which needs entry.read, and recompute them")
    .option(
      "--tiles <folder|address>",
      "read a mirror of the log's tiles instead of the server; without --entries no API key is needed",
    )
    .option("--late-after <minutes>", "say so when checkpoints are later than this", integer(1, 10_080), 10)
    .option("--json", "one JSON document a round")
    .addHelpText(
      "after",
      "\nExit codes with --once: 0 as it should be, 1 what the log serves does not fit what it signed, 2 wrong usage, 3 could not\ncheck, 4 not witnessed as the policy asks, 5 a fork or a shrink. --key is a verifier key that you have pinned, or an API key.",
    );
  return handle<MonitorFlags>(target, session, async (io, options) => {
    const run = await prepare(io, session, options);
    const print = (round: Round) =>
      printRound(io, round, { json: options.json ?? false, lateAfterMs: options.lateAfter * MINUTE_MS });
    const round = () => run().catch(roundOfOutage);
    try {
      if (!options.once) return await followForEver(io, options.interval * 1000, round, print);
      const only = await round();
      print(only);
      return EXIT_OF_VERDICT[only.verdict];
    } catch (error) {
      throw asCouldNotCheck(error);
    }
  });
}

/** What one round is. Everything about the command line is judged here, before anything is asked. */
async function prepare(
  io: Io,
  session: Session,
  options: MonitorFlags & ConnectionFlags,
): Promise<() => Promise<Round>> {
  const { verifierKeys, flags } = splitKeys(session.keys, options);
  const { policy, source: trusts } = await readTrust(io, options.policy, verifierKeys);
  if (trusts === null) {
    throw new CliError("nobody is trusted yet: use --policy, a verifier key with --key, or: moonseal policy init");
  }
  const needsServer = options.tiles === undefined || options.entries === true;
  const connection = needsServer ? await connectToDomain(io, flags, { retry: { attempts: 4 } }) : null;
  // A profile is about a server: the domain in it need not be the one of these tiles.
  const domainId = connection?.domainId ?? options.domain ?? null;
  const file = options.state ?? (domainId === null ? null : statePath(io, domainId));
  if (file === null) throw new CliError("--tiles needs --state, or --domain: what is remembered has no name otherwise");
  const source =
    options.tiles !== undefined || !connection
      ? await tilesSource(io, options.tiles ?? "")
      : serverSource(io, connection.url, connection.key, connection.domainId);
  const progress = new Progress(io, "monitor", "leaf", "leaves");
  const entries = options.entries && connection ? { ...connection, signal: io.signal } : null;
  // Not into a file or a mail: what stands on standard error there is an alarm.
  const onRead = (done: number, total: number) => io.stderr.isTTY && progress.update(done, total);
  const deps: RoundDeps = { source, policy, statePath: file, domainId, entries, now: io.now, onRead };
  return () => oneRound(io, deps, connection, () => progress.clear());
}

async function oneRound(
  io: Io,
  deps: RoundDeps,
  connection: DomainConnection | null,
  clear: () => void,
): Promise<Round> {
  const round = await followOnce(deps).finally(clear);
  // Unsigned, so this says nothing about the log's honesty; only a log that was checked is asked.
  if (!connection || round.size === null || round.verdict === "could_not_check") return round;
  const place = { domainId: connection.domainId, size: round.size, statePath: deps.statePath };
  return { ...round, ...(await askLog(io, connection.client, place)) };
}
