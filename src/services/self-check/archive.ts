/** Segments of R2, read back, recomputed and tied to a signed checkpoint; that none is missing, and none is there that is not ours. */
import { fromHex, toHex } from "../../core/bytes.ts";
import { entryHash } from "../../core/chain.ts";
import { LIMITS } from "../../core/limits.ts";
import { encodeSegment } from "../../core/segment.ts";
import type { HeadResult } from "../log/calls.ts";
import type { SegmentStore } from "../ports.ts";
import type { Finding } from "./checks.ts";
import type { SelfCheckDeps } from "./deps.ts";
import type { Piece } from "./ledger.ts";
import { firstUnlike, isSigned, type Recomputed, treeDamaged } from "./signed.ts";

type ArchiveDeps = Pick<SelfCheckDeps, "segments" | "log" | "origin" | "logKeys" | "verify" | "sha256">;
type Segment = NonNullable<Awaited<ReturnType<SegmentStore["get"]>>>;

/**
 * Reads the segments that begin in [from, to), at most `limit` of them. `exact`: one must begin at `from`; else the walk begins at the
 * first that there is. `to` was archived and lies under a signed checkpoint. One listing, an object for each, and one proof for all that follow each other.
 * Throws the store's error.
 */
export async function checkSegments(
  range: { from: number; to: number; limit: number; exact: boolean },
  head: HeadResult,
  deps: ArchiveDeps,
): Promise<Piece> {
  const { to, limit } = range;
  const listed = (await deps.segments.list(range.from, limit)).filter((start) => start < to);
  const starts = listed.slice(0, together(listed));
  const isAll = listed.length < limit && starts.length === listed.length;
  let next = range.exact ? range.from : (starts[0] ?? to);
  const segments = await Promise.all(starts.map((start) => deps.segments.get(start)));
  const chain = new SegmentChain(starts, segments, deps);
  let entries = 0;
  for (const [i, start] of starts.entries()) {
    const segment = segments[i];
    if (start > next || !segment) return { next: start, entries, finding: found("segment_missing", next, next) };
    if (start < next) return { next, entries, finding: found("segment_foreign", start, start) };
    const finding = await checkSegment(start, segment, { head, chain, place: i }, deps);
    next = starts[i + 1] ?? start + Math.max(1, segment.payloads.length, segment.head?.count ?? 0);
    if (finding) return { next, entries, finding };
    next = start + segment.payloads.length;
    entries += segment.payloads.length;
  }
  // Fewer than were asked for: the bucket has no more, so what is not there is missing.
  if (range.exact && isAll && next < to) {
    return { next: to, entries, finding: found("segment_missing", next, next) };
  }
  return { next: range.exact || !isAll ? next : to, entries, finding: null };
}

/** How many of these segments are read side by side: at least one. Where the last one ends is not known yet: it may come on top. */
function together(starts: readonly number[]): number {
  const first = starts[0] ?? 0;
  const tooMany = starts.findIndex((start) => start - first > LIMITS.selfCheckSegmentEntries);
  return tooMany < 0 ? starts.length : Math.max(1, tooMany - 1);
}

async function checkSegment(
  firstSeq: number,
  { head: metadata, payloads }: Segment,
  { head, chain, place }: { head: HeadResult; chain: SegmentChain; place: number },
  deps: ArchiveDeps,
): Promise<Finding | null> {
  if (payloads.length === 0) return found("segment_damaged", firstSeq, firstSeq);
  if (!metadata || metadata.firstSeq !== firstSeq) return found("segment_metadata", firstSeq, firstSeq);
  const lines = chain.lines(place);
  const last = lines.at(-1);
  if (!last || !(await chain.isSigned(place))) {
    const unlike = await firstUnlike(lines, head.signedSize, deps);
    const line = lines.find(({ seq }) => seq === unlike);
    const isOurs = unlike === null || (line !== undefined && (await isSigned(line, deps)));
    return isOurs ? treeDamaged(unlike ?? firstSeq) : found("segment_altered", unlike, firstSeq);
  }
  if (payloads.length < metadata.count) return found("segment_truncated", firstSeq + payloads.length, firstSeq);
  const { count, lastHash, sha256 } = metadata;
  const bytes = toHex(deps.sha256(encodeSegment(payloads)));
  const isSaid = count === payloads.length && lastHash === last.entryHash && sha256 === bytes;
  return isSaid ? null : found("segment_metadata", firstSeq, firstSeq);
}

/**
 * Segments as they were recomputed. The last entry hash of one covers everything before it as far as each names the one before as the
 * hash that it follows (SPEC.md §3): when it lies under a signed checkpoint, they all do.
 */
class SegmentChain {
  readonly #starts: readonly number[];
  readonly #segments: readonly (Segment | null)[];
  readonly #deps: ArchiveDeps;
  readonly #lines = new Map<number, Recomputed[]>();
  readonly #signed = new Map<number, boolean>();

  constructor(starts: readonly number[], segments: readonly (Segment | null)[], deps: ArchiveDeps) {
    this.#starts = starts;
    this.#segments = segments;
    this.#deps = deps;
  }

  /** Of the segment at this place of the listing; none where its metadata is not its own. */
  lines(place: number): Recomputed[] {
    const known = this.#lines.get(place);
    if (known) return known;
    const [start, segment] = [this.#starts[place], this.#segments[place]];
    const isOwn = start !== undefined && segment?.head?.firstSeq === start;
    const lines = isOwn ? recompute(start, segment.head?.prevHash ?? "", segment.payloads, this.#deps) : [];
    this.#lines.set(place, lines);
    return lines;
  }

  /** Whether this segment lies under a signed checkpoint: by the one that follows it, or by a proof of its own. */
  async isSigned(place: number): Promise<boolean> {
    const known = this.#signed.get(place);
    if (known !== undefined) return known;
    const last = this.lines(place).at(-1);
    const isSo =
      last !== undefined &&
      ((this.#leadsOn(place) && (await this.isSigned(place + 1))) || (await isSigned(last, this.#deps)));
    this.#signed.set(place, isSo);
    return isSo;
  }

  /** The next segment begins where this one ends, and says that it follows its last entry. */
  #leadsOn(place: number): boolean {
    const last = this.lines(place).at(-1);
    const next = this.#segments[place + 1];
    return last !== undefined && this.#starts[place + 1] === last.seq + 1 && next?.head?.prevHash === last.entryHash;
  }
}

function recompute(
  firstSeq: number,
  prevHash: string,
  payloads: readonly string[],
  { sha256 }: ArchiveDeps,
): Recomputed[] {
  let hash = fromHex(prevHash) ?? new Uint8Array();
  return payloads.map((payload, i) => {
    hash = entryHash(sha256, hash, payload);
    return { seq: firstSeq + i, entryHash: toHex(hash) };
  });
}

const found = (fault: string, seq: number, place: number): Finding => ({
  check: "archive",
  store: "archive",
  fault,
  seq,
  place,
});
