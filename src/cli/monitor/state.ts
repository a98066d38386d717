/**
 * What a monitor remembers of a log: the head that it holds the log to, and how far it has read the leaves.
 *
 * Commit order of a round, with the crash after each:
 *  1. a head that extends the remembered one      the leaves before it are read by the next run
 *  2. the frontier, every so many leaves          the next run goes on there
 * The file is replaced as a whole, so an older state or a newer one stands there, never half of one.
 */
import { dirname, join } from "node:path";
import { equalBytes, fromBase64, toBase64 } from "../../core/bytes.ts";
import { parseCheckpointNote } from "../../core/checkpoint.ts";
import { LIMITS } from "../../core/limits.ts";
import { emptyRoot, Frontier, foldNodes } from "../../core/merkle/tree.ts";
import { isCount, isHash, isInstant, isText, listOf, orNull, withFields } from "../../core/shape.ts";
import { parseStrictJson } from "../../core/strict-json.ts";
import { sha256 } from "../../crypto/sha256.ts";
import type { KnownHead } from "../../verifier/tiles/find-fork.ts";
import { headPath, readIfThere, replaceFile } from "../files.ts";
import { CliError, CODE, type Io } from "../io.ts";

export interface MonitorState {
  origin: string;
  head: KnownHead;
  /** When this head was seen first. RFC 3339. */
  seenAt: string;
  /** The tree of the leaves that were read; never larger than the head's. */
  read: { frontier: Frontier; lastLeaf: string | null };
  /** The entries from this seq on, as far as leaves were read, were recomputed too. Null: none. */
  entriesFrom: number | null;
  /** The log has had more entries than the checkpoint of this size since then. */
  behind: { size: number; since: string } | null;
  /** Two histories were proved: that never becomes untrue. */
  fork: { seenAt: string; file: string } | null;
}

export const statePath = (io: Io, domainId: string): string =>
  join(dirname(dirname(headPath(io, domainId))), "monitor", `${domainId}.json`);

/** Null when there is none yet. One that cannot be understood is an error: whoever damages it must not make us forget. */
export async function readState(path: string): Promise<MonitorState | null> {
  const text = await readIfThere(path).catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`cannot read ${path}: ${error.code}`);
  });
  if (text === null) return null;
  const state = parseState(text);
  if (state) return state;
  throw new CliError(`could not check: what is remembered in ${path} cannot be read`, CODE.unreachable);
}

/**
 * Remembers a state unless the file is ahead of it by now: two runs may overlap. A proved fork is never taken out. Throws
 * `CliError` when nothing can be written.
 */
export async function saveState(path: string, state: MonitorState): Promise<void> {
  const there = await readState(path);
  if (there && there.origin !== state.origin) throw new CliError(`${path} remembers ${there.origin}`);
  const fork = there?.fork ?? state.fork;
  const isAhead = there !== null && there.head.size > state.head.size;
  await replaceFile(path, formatState({ ...(isAhead ? there : state), fork })).catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`cannot write ${path}: ${error.code}`, CODE.unreachable);
  });
}

export function formatState(state: MonitorState): string {
  const { origin, head, seenAt, read, entriesFrom, behind, fork } = state;
  const value = {
    version: 1,
    origin,
    head: { note: head.note, frontier: head.frontier.map(toBase64), seen_at: seenAt },
    read: { size: read.frontier.size, frontier: read.frontier.hashes.map(toBase64), last_leaf: read.lastLeaf },
    entries_from: entriesFrom,
    behind,
    fork: fork && { seen_at: fork.seenAt, file: fork.file },
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

const isState = withFields({
  version: (value) => value === 1,
  origin: isText,
  head: withFields({ note: isText, frontier: listOf(isText), seen_at: isInstant }),
  read: withFields({ size: isCount, frontier: listOf(isText), last_leaf: orNull(isHash) }),
  entries_from: orNull(isCount),
  behind: orNull(withFields({ size: isCount, since: isInstant })),
  fork: orNull(withFields({ seen_at: isInstant, file: isText })),
});

interface Stored {
  origin: string;
  head: { note: string; frontier: string[]; seen_at: string };
  read: { size: number; frontier: string[]; last_leaf: string | null };
  entries_from: number | null;
  behind: { size: number; since: string } | null;
  fork: { seen_at: string; file: string } | null;
}

/** Null unless every part fits the others: the frontier and the root of the head, and what was read within it. */
export function parseState(text: string): MonitorState | null {
  const json = parseStrictJson(text, LIMITS.jsonDepth);
  if (!json.ok || !isState(json.value)) return null;
  const { origin, head, read, entries_from, behind, fork } = json.value as unknown as Stored;
  const checkpoint = parseCheckpointNote(head.note)?.checkpoint;
  const ofHead = hashesOf(head.frontier);
  const frontier = frontierOf(read.size, read.frontier);
  if (!checkpoint || checkpoint.origin !== origin || !ofHead || !frontier) return null;
  const { size, root } = checkpoint;
  if (!frontierOf(size, head.frontier) || !equalBytes(rootOf(ofHead), root)) return null;
  if (read.size > size || (read.size === 0) !== (read.last_leaf === null)) return null;
  if (read.size === size && !equalBytes(frontier.root(), root)) return null;
  if (entries_from !== null && entries_from > read.size) return null;
  return {
    origin,
    head: { size, root, note: head.note, frontier: ofHead },
    seenAt: head.seen_at,
    read: { frontier, lastLeaf: read.last_leaf },
    entriesFrom: entries_from,
    behind,
    fork: fork && { seenAt: fork.seen_at, file: fork.file },
  };
}

const rootOf = (frontier: readonly Uint8Array[]): Uint8Array =>
  frontier.length === 0 ? emptyRoot(sha256) : foldNodes(sha256, frontier);

function hashesOf(texts: readonly string[]): Uint8Array[] | null {
  const hashes = texts.map(fromBase64);
  return hashes.every((hash) => hash !== null) ? hashes : null;
}

function frontierOf(size: number, texts: readonly string[]): Frontier | null {
  const hashes = hashesOf(texts);
  try {
    return hashes && new Frontier(sha256, size, hashes);
  } catch {
    return null;
  }
}
