/** Reads the leaves that are new under a verified head and recomputes the tree with them; with a client, the entries too. */
import type { MoonsealClient } from "../../client/index.ts";
import { equalBytes, fromHex, toHex } from "../../core/bytes.ts";
import type { ExpiryClaim } from "../../core/expired.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Frontier } from "../../core/merkle/tree.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { type LeafRun, leavesBetween } from "../../verifier/tiles/leaves.ts";
import type { TileReader } from "../../verifier/tiles/tile-reader.ts";
import { firstKeptOf, unclaimed } from "../verify/gone.ts";
import { walk } from "../verify/walk.ts";

export interface EntriesPlace {
  /** `head` says which payloads are gone by policy; absent: none are. */
  client: Pick<MoonsealClient, "entries"> & Partial<Pick<MoonsealClient, "head">>;
  domainId: string;
  signal: AbortSignal;
}

/** How far the reading has come: all before is in the frontier, and recomputed. */
export interface ReadProgress {
  frontier: Frontier;
  /** Entry hash of the last leaf, lower-case hex. */
  lastLeaf: string | null;
}

/** The log's own parts contradict each other: its entries and its leaves. */
export class LogRefuted extends Error {
  override name = "LogRefuted";
}

/**
 * Appends the leaves up to the reader's head to `progress.frontier`, changing it, which must be of the reader's tree. Throws `LogRefuted`, `TileError`, or what
 * the source or the client throws; `progress` then stands at the last leaf that was found good. Memory is bounded.
 * `save` is called every `LIMITS.monitorSaveLeaves` leaves.
 */
export async function readLeaves(
  reader: TileReader,
  progress: ReadProgress,
  entries: EntriesPlace | null,
  save: () => Promise<void>,
  onRead: (size: number) => void = () => {},
): Promise<void> {
  const { head } = reader;
  const { frontier } = progress;
  let savedAt = frontier.size;
  const gone = entries && new GoneEntries(await firstKeptBy(entries));
  for await (const run of chunksOf(leavesBetween(reader, frontier.size, head.size))) {
    if (entries && gone) await readEntries(entries, run, progress.lastLeaf, gone);
    for (const hash of run.hashes) frontier.append(hash);
    progress.lastLeaf = toHex(run.leaves.at(-1) as Uint8Array);
    onRead(frontier.size);
    if (frontier.size - savedAt < LIMITS.monitorSaveLeaves) continue;
    await save();
    savedAt = frontier.size;
  }
  gone?.demandClaimed();
  // Every run was checked against the root, and so was the frontier that they were added to.
  if (!equalBytes(frontier.root(), head.root)) throw new Error("the leaves of a tree have another root than the tree");
}

/** The same runs put together, to as many leaves as one page of entries has. */
async function* chunksOf(runs: AsyncIterable<LeafRun>): AsyncGenerator<LeafRun, void, void> {
  let chunk: LeafRun | null = null;
  for await (const run of runs) {
    if (chunk && chunk.leaves.length + run.leaves.length > LIMITS.pageEntries) {
      yield chunk;
      chunk = null;
    }
    if (!chunk) chunk = { ...run, leaves: [...run.leaves], hashes: [...run.hashes] };
    else {
      chunk.leaves.push(...run.leaves);
      chunk.hashes.push(...run.hashes);
    }
  }
  if (chunk) yield chunk;
}

/** Entries whose payloads the server says are gone by policy: an entry of the log has to say so, or the log is refuted. */
class GoneEntries {
  readonly firstKept: number;
  #skipped = false;
  #claimed = false;

  constructor(firstKept: number) {
    this.firstKept = firstKept;
  }

  skip(): void {
    this.#skipped = true;
  }

  said(claims: readonly ExpiryClaim[]): void {
    this.#claimed ||= claims.some(({ firstKept }) => firstKept >= this.firstKept);
  }

  /** Once all entries to the head were read. */
  demandClaimed(): void {
    if (this.#skipped && !this.#claimed) throw new LogRefuted(unclaimed(0, this.firstKept).detail);
  }
}

async function firstKeptBy({ client, domainId, signal }: EntriesPlace): Promise<number> {
  return client.head ? firstKeptOf(await client.head(domainId, { signal })) : 0;
}

/** Payload → entry hash → leaf, for each that is kept: an entry in the chain that is not the tree's leaf is another story. */
async function readEntries(
  { client, domainId, signal }: EntriesPlace,
  run: LeafRun,
  lastLeaf: string | null,
  gone: GoneEntries,
) {
  const { from, leaves } = run;
  const to = from + leaves.length - 1;
  const first = Math.max(from, gone.firstKept);
  if (first > from) gone.skip();
  if (first > to) return;
  const before = first > from ? toHex(leaves[first - from - 1] as Uint8Array) : lastLeaf;
  const watch = leaves.map((_, i) => from + i);
  const plan = { domainId, start: { seq: first, prevHash: before }, to, watch };
  const { finding, hashes, claims } = await walk(client, sha256, plan, signal);
  gone.said(claims);
  const other = leaves.findIndex((leaf, i) => {
    const hash = hashes.get(from + i);
    return hash !== undefined && !equalBytes(leaf, fromHex(hash) ?? new Uint8Array());
  });
  if (other >= 0) throw new LogRefuted(`entry ${from + other} is not the leaf that the tree has there`);
  if (finding) throw new LogRefuted(`entry ${finding.seq} (${finding.fault}): ${finding.detail}`);
}
