/**
 * The end of the whole time that entries are kept: what they say leaves the archive too. Their hashes stay, in the bundles and tiles
 * beside it, so every old proof still verifies.
 *
 * Commit order, with the crash after each step:
 *  1. segments are read one after the other: one that is only partly past its time, or that a hold keeps, ends the range
 *                                                                     nothing changed
 *  2. `firstKept` and the entry `ledger.expired`, one transaction of the domain's log, which asks for holds anew
 *                                                                     the objects are still there, nobody reads them any more
 *  3. of each segment: what D1 says of whom its entries name          again; the payloads tell whom
 *  4. the sealed page, then the segment                               again: as long as the segment is there it is the next one
 */
import type { Sha256 } from "../../core/sha256.ts";
import { recomputeRows } from "../log/archive.ts";
import { Divergence } from "../log/divergence.ts";
import type { EntryRow, ExpirableArchive, PrunableShard, SegmentStore } from "../ports.ts";
import type { LogKeeping } from "./log-calls.ts";
import { recordedAtMs, type Swept, sealedPlaces } from "./prune.ts";

export interface ExpireDeps {
  /** Every shard that the domain has. */
  shards: readonly PrunableShard[];
  segments: SegmentStore;
  archive: ExpirableArchive;
  sha256: Sha256;
  log: { keeping(): Promise<LogKeeping>; heldFrom(fromSeq: number): Promise<number | null> };
}

/**
 * Where the payloads past `beforeMs` end when the segment that begins at `fromSeq` may go, too; null: it may not. One object.
 * Throws `Divergence` for one that is lost or damaged.
 */
export async function expiredThrough(
  fromSeq: number,
  beforeMs: number,
  { segments, sha256, log }: Pick<ExpireDeps, "segments" | "sha256" | "log">,
): Promise<number | null> {
  const { firstHot } = await log.keeping();
  if (fromSeq >= firstHot) return null;
  const segment = await segments.get(fromSeq);
  if (!segment?.head) throw new Divergence(`the archive does not have entry ${fromSeq}`);
  const last = recomputeRows(segment.head, segment.payloads, sha256).at(-1) as EntryRow;
  if (last.seq >= firstHot || recordedAtMs(last) >= beforeMs) return null;
  const held = await log.heldFrom(fromSeq);
  return held !== null && held <= last.seq ? null : last.seq + 1;
}

/** One segment before `firstKept` goes, with its page. `after`: segments before it are held; the next place to look at. */
export async function expireStep(after: number, deps: ExpireDeps): Promise<Swept & { after: number }> {
  const { log, segments, archive, shards, sha256 } = deps;
  const { firstKept } = await log.keeping();
  const [first, next] = await segments.list(after, 2);
  if (first === undefined || first >= firstKept) return { rows: 0, held: null, done: true, after };
  const segment = await segments.get(first);
  const rows = segment?.head ? recomputeRows(segment.head, segment.payloads, sha256) : [];
  const end = rows.at(-1)?.seq ?? (next ?? firstKept) - 1;
  const held = await log.heldFrom(first);
  if (held !== null && held <= end) return { rows: 0, held, done: false, after: end + 1 };
  const places = rows.flatMap(sealedPlaces);
  for (const shard of shards) await shard.forget(places);
  await archive.removePage(first);
  await archive.removeSegment(first);
  return { rows: end - first + 1, held: null, done: false, after };
}
