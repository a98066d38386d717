/**
 * The beginning of a log whose payloads are gone by policy: what of it can still be verified. The server's word that they are gone is
 * worth nothing by itself: an entry `ledger.expired` of the log has to say it. Their hashes are read from the log's tiles, each of
 * which is checked against the root of the checkpoint.
 */
import type { Head } from "../../client/index.ts";
import { toHex } from "../../core/bytes.ts";
import { parseCheckpointNote } from "../../core/checkpoint.ts";
import type { ExpiryClaim } from "../../core/expired.ts";
import { TILE_WIDTH } from "../../core/merkle/tiles.ts";
import { Frontier } from "../../core/merkle/tree.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { ChainFinding } from "../../verifier/chain.ts";
import { readBundle } from "../../verifier/tiles/leaves.ts";
import { TileError } from "../../verifier/tiles/tile-error.ts";
import { type FetchTile, TileReader } from "../../verifier/tiles/tile-reader.ts";
import { CliError, CODE } from "../io.ts";
import { NoAnswer } from "../monitor/fetch-bytes.ts";

/** Entries [from, through] of what was to be verified. */
export interface Gone {
  from: number;
  through: number;
  /** The entry of the log that says so. */
  claim: ExpiryClaim;
  /** Their hashes lead to the root of the checkpoint. */
  underRoot: boolean;
}

/** What tiles say of the first entries, all of it under the root of the checkpoint. */
export interface GonePrefix {
  frontier: Frontier;
  /** Leaf hash of the last of them. */
  lastLeaf: Uint8Array;
  roots: ReadonlyMap<number, Uint8Array>;
  /** Entry hashes, lower-case hex. */
  hashes: ReadonlyMap<number, string>;
}

export interface PrefixWanted {
  /** Entries [0, size). */
  size: number;
  /** Sizes whose roots are wanted; larger ones are left out. */
  roots: readonly number[];
  /** The entry whose hash is wanted; null: none. */
  hashOf: number | null;
}

/** Untrusted; a server of another version says nothing. */
export function firstKeptOf({ first_kept_seq: seq }: Pick<Head, "first_kept_seq">): number {
  return Number.isSafeInteger(seq) && seq > 0 ? seq : 0;
}

/** Null: there is no checkpoint that covers them, or the tiles are not shown. A fault: they are not those of the checkpoint. */
export async function prefixOf(
  note: string | null,
  { size, roots, hashOf }: PrefixWanted,
  sha256: Sha256,
  fetchTile: FetchTile | undefined,
): Promise<{ prefix: GonePrefix } | { fault: ChainFinding } | null> {
  const head = note === null ? null : parseCheckpointNote(note)?.checkpoint;
  if (!head || head.size < size || !fetchTile) return null;
  const reader = new TileReader(sha256, head, fetchTile);
  try {
    const frontier = new Frontier(sha256, size, await reader.frontierAt(size));
    const [lastLeaf] = await reader.nodes([{ level: 0, index: size - 1 }]);
    const early = roots.filter((one) => one <= size);
    const known = await Promise.all(early.map(async (one) => [one, await reader.rootAt(one)] as const));
    const hashes = new Map<number, string>();
    if (hashOf !== null && hashOf < size) hashes.set(hashOf, await entryHashOf(hashOf, reader));
    return { prefix: { frontier, lastLeaf: lastLeaf as Uint8Array, roots: new Map(known), hashes } };
  } catch (error) {
    if (error instanceof TileError && error.reason === "wrong") {
      return { fault: { seq: size - 1, fault: "entry_hash_mismatch", detail: error.message } };
    }
    if (error instanceof TileError || error instanceof NoAnswer || error instanceof CliError) return null;
    throw error;
  }
}

async function entryHashOf(seq: number, reader: TileReader): Promise<string> {
  const { leaves } = await readBundle(reader, Math.floor(seq / TILE_WIDTH));
  return toHex(leaves[seq % TILE_WIDTH] as Uint8Array);
}

/** The server says what the log does not. */
export const unclaimed = (from: number, firstKept: number): ChainFinding => ({
  seq: from,
  fault: "expired_unclaimed",
  detail: `the server says that what entries ${from} to ${firstKept - 1} said is gone by policy, and no entry ledger.expired of the log says so`,
});

export const allGone = (from: number, to: number): CliError =>
  new CliError(
    `could not check: what entries ${from} to ${to} said is gone by policy, so the server says; verify a longer range, or a file of evidence that was kept`,
    CODE.unreachable,
  );
