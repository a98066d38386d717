/**
 * One round of following a log, like a monitor of Certificate Transparency: checkpoint, consistency with what is remembered,
 * new leaves. Reads as the policy. What is remembered moves only forward, and only to a head that extends it.
 */
import { equalBytes, toBase64 } from "../../core/bytes.ts";
import { type Checkpoint, parseCheckpointNote } from "../../core/checkpoint.ts";
import { Frontier } from "../../core/merkle/tree.ts";
import { CHECKPOINT_FAULT, verifyCheckpoint, type WitnessSighting } from "../../verifier/checkpoint.ts";
import { TileError } from "../../verifier/tiles/tile-error.ts";
import { TileReader } from "../../verifier/tiles/tile-reader.ts";
import { CliError, CODE } from "../io.ts";
import { NODE } from "../verify/trust.ts";
import { contradicts, contradictsPolicy } from "./contradiction.ts";
import { type RoundDeps, timeOf } from "./deps.ts";
import { emptyRound, type Round } from "./outcome.ts";
import { LogRefuted, readLeaves } from "./read-leaves.ts";
import { type MonitorState, readState, saveState } from "./state.ts";

/**
 * Throws what the source and the client throw when the log does not answer, and `CliError` for a state that cannot be read or
 * written. Everything that is wrong with the log is in the round.
 */
export async function followOnce(deps: RoundDeps): Promise<Round> {
  const before = await readState(deps.statePath);
  const round = emptyRound(before?.origin ?? null);
  if (before) Object.assign(round, { read: before.read.frontier.size, entriesFrom: before.entriesFrom });
  if (before?.fork) round.evidence = before.fork.file;
  try {
    await judge(deps, before, round);
    if (before?.fork && (round.verdict === "verified" || round.verdict === "not_witnessed")) {
      round.verdict = "contradicts_remembered_head";
      round.detail = `two histories of this log were proved on ${before.fork.seenAt}: that stays so`;
    }
  } catch (error) {
    if (error instanceof LogRefuted) broken(round, error.message);
    else if (error instanceof TileError && error.reason === "wrong") broken(round, error.message);
    else if (error instanceof TileError) Object.assign(round, COULD_NOT, { detail: error.message });
    else throw error;
  }
  return round;
}

const COULD_NOT = { event: "no_answer", verdict: "could_not_check" } as const;

const broken = (round: Round, detail: string) => Object.assign(round, { event: "broken", verdict: "refuted", detail });

async function judge(deps: RoundDeps, before: MonitorState | null, round: Round): Promise<void> {
  const { source, policy } = deps;
  const note = await source.checkpoint();
  if (note === null) return void (round.detail = `${source.name} has no checkpoint, or does not show it to this key`);
  const claimed = parseCheckpointNote(note)?.checkpoint;
  if (!claimed) return void (round.detail = `what ${source.name} answers is no checkpoint`);
  const foreign = foreignTo(claimed, deps, before);
  if (foreign !== null) return void broken(round, foreign);
  const verdict = verifyCheckpoint(note, policy, NODE);
  round.origin = claimed.origin;
  if (!verdict.ok && verdict.fault === "origin_unknown") {
    return void (round.detail = `${CHECKPOINT_FAULT.origin_unknown}: ${claimed.origin}`);
  }
  if (!verdict.ok) return void broken(round, `${CHECKPOINT_FAULT[verdict.fault]}: ${claimed.origin}`);
  const { checkpoint } = verdict;
  const { size, root } = checkpoint;
  Object.assign(round, { size, root: toBase64(root), ...seenBy(verdict.witnesses) });
  const reader = new TileReader(NODE.sha256, { size, root }, source.fetchTile);
  if (before && (await contradicts(deps, before, reader, note, round))) return;
  if (size !== before?.head.size && (await contradictsPolicy(policy, checkpoint, reader, round))) return;
  const state = await advance(deps, before, reader, note);
  await read(deps, state, reader, round);
  const grown = size - (before?.head.size ?? 0);
  round.grown = grown;
  round.event = before ? (grown > 0 ? "grew" : "unchanged") : "first";
  round.verdict = verdict.independent >= policy.required ? "verified" : "not_witnessed";
  round.detail =
    round.verdict === "verified" ? "" : `${verdict.independent} of ${policy.required} independent witnesses cosigned`;
}

/** Why this cannot be a checkpoint of the log that is followed; null: it may be. */
function foreignTo({ origin }: Checkpoint, { domainId }: RoundDeps, before: MonitorState | null): string | null {
  if (before && before.origin !== origin) return `the checkpoint is of another log, ${origin}`;
  return domainId === null || origin.endsWith(`/${domainId}`) ? null : `the checkpoint is of another log, ${origin}`;
}

function seenBy(witnesses: readonly WitnessSighting[]): Pick<Round, "witnesses" | "witnessedAt"> {
  const independent = witnesses.filter((witness) => witness.independent);
  const times = independent.map(({ timestamp }) => timestamp);
  return {
    witnesses: [...new Set(independent.map(({ name }) => name))],
    witnessedAt: times.length > 0 ? Math.max(...times) : null,
  };
}

/** Holds the log to this head from now on. */
async function advance(
  deps: RoundDeps,
  before: MonitorState | null,
  reader: TileReader,
  note: string,
): Promise<MonitorState> {
  const { head } = reader;
  const grew = head.size !== before?.head.size;
  const frontier = grew ? await reader.frontierAt(head.size) : before.head.frontier;
  const state: MonitorState = {
    origin: parseCheckpointNote(note)?.checkpoint.origin ?? "",
    head: { ...head, note, frontier },
    seenAt: grew ? timeOf(deps) : before.seenAt,
    read: before?.read ?? { frontier: new Frontier(NODE.sha256), lastLeaf: null },
    entriesFrom: before?.entriesFrom ?? null,
    behind: before?.behind ?? null,
    fork: before?.fork ?? null,
  };
  if (grew || before.head.note !== note) await saveState(deps.statePath, state);
  return state;
}

async function read(deps: RoundDeps, state: MonitorState, reader: TileReader, round: Round): Promise<void> {
  const { frontier } = state.read;
  const from = frontier.size;
  // What was read belongs to the tree that it is gone on with; the log is not to blame for a damaged file.
  if (from < reader.head.size && !equalBytes(await reader.rootAt(from), frontier.root())) {
    throw new CliError(
      `could not check: the leaves that ${deps.statePath} remembers are not those of its head; begin with a new file`,
      CODE.unreachable,
    );
  }
  if (from < reader.head.size) state.entriesFrom = deps.entries ? (state.entriesFrom ?? from) : null;
  const save = () => saveState(deps.statePath, state);
  const tell = (size: number) => {
    Object.assign(round, { read: size, readNow: size - from, entriesFrom: state.entriesFrom });
    deps.onRead?.(size - from, reader.head.size - from);
  };
  try {
    await readLeaves(reader, state.read, deps.entries, save, tell);
  } finally {
    // Also after a failure or Ctrl-C: what was recomputed need not be again.
    if (frontier.size > from) await save();
  }
}
