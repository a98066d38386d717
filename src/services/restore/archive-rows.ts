/**
 * The archive from a seq on, object after object, recomputed: a few objects are fetched ahead, because each is an answer of R2 to
 * wait for. What is read is untrusted; every row that comes out follows the one before and belongs to this log.
 */
import { fromHex, toHex } from "../../core/bytes.ts";
import { entryHash } from "../../core/chain.ts";
import { parsePayload, scanPayload } from "../../core/payload/payload.ts";
import type { Sha256 } from "../../core/sha256.ts";
import { segmentHolding } from "../log/archive.ts";
import type { EntryRow, SealedRows, SegmentStore } from "../ports.ts";
import { RestoreRefused, type SealedPages } from "./ports.ts";

export interface ArchivePart {
  firstSeq: number;
  rows: EntryRow[];
  sealed: SealedRows;
}

type Fetched = Promise<{ segment: Awaited<ReturnType<SegmentStore["get"]>>; sealed: SealedRows }>;

/** Objects that are fetched ahead: as many as this is enough for, at most the first number. Characters. */
const AHEAD = 12;
const AHEAD_CHARS = 8 * 1024 * 1024;
const LISTED = 1000;
const NO_PAGE: SealedRows = { privates: [], subjects: [] };

export class ArchiveRows {
  readonly #domainId: string;
  readonly #segments: SegmentStore;
  readonly #pages: SealedPages;
  readonly #sha256: Sha256;
  readonly #fetched = new Map<number, Fetched>();
  #starts: number[] = [];
  /** Of those, the objects that have a page of sealed rows: most have none, and each that is asked for is an answer to wait for. */
  #paged: ReadonlySet<number> = new Set();
  #withPages = true;
  /** The object that was read last: who compares reads it in pieces. */
  #last: { firstSeq: number; rows: EntryRow[]; sealed: SealedRows } | null = null;

  constructor(deps: {
    domainId: string;
    segments: SegmentStore;
    sealedPages: SealedPages;
    sha256: Sha256;
  }) {
    this.#domainId = deps.domainId;
    this.#segments = deps.segments;
    this.#pages = deps.sealedPages;
    this.#sha256 = deps.sha256;
  }

  /**
   * The rest of the object that holds entry `seq`, which has to follow `prevHash`; null: the archive ends before it. `pages`: whether
   * the sealed rows beside it are wanted, which are an object more to fetch and decode; without them there are none. Throws `RestoreRefused` for what is missing in the middle, damaged, or of another log; the store's error otherwise.
   */
  async from(seq: number, prevHash: string | null, pages = true): Promise<ArchivePart | null> {
    if (pages && !this.#withPages) this.#forget();
    this.#withPages = pages;
    const firstSeq = await this.#startOf(seq);
    if (firstSeq === null) return null;
    const { rows, sealed } = this.#last?.firstSeq === firstSeq ? this.#last : await this.#read(firstSeq);
    this.#last = { firstSeq, rows, sealed };
    const rest = rows.slice(seq - firstSeq);
    if (rest.length > 0) {
      if (prevHash !== null && rest[0]?.prevHash !== prevHash) throw new RestoreRefused("archive_damaged", seq);
      return { firstSeq, rows: rest, sealed };
    }
    // The object that holds it would begin after this one: the archive ends here, or has a hole.
    if ((await this.#segments.list(seq, 1)).length > 0) throw new RestoreRefused("archive_missing", seq);
    return null;
  }

  /** What was fetched without pages says nothing of sealed rows. */
  #forget(): void {
    this.#fetched.clear();
    this.#last = null;
  }

  async #read(firstSeq: number): Promise<{ rows: EntryRow[]; sealed: SealedRows }> {
    const { segment, sealed } = await this.#object(firstSeq);
    this.#fetched.delete(firstSeq);
    if (segment === null) throw new RestoreRefused("archive_missing", firstSeq);
    return { rows: this.#rows(firstSeq, segment), sealed };
  }

  /** The first seq of the object that holds `seq`, or of the last one before it; what follows is fetched ahead. */
  async #startOf(seq: number): Promise<number | null> {
    let place = this.#starts.findLastIndex((start) => start <= seq);
    const isKnown = place >= 0 && (this.#starts[place] === seq || place + 1 < this.#starts.length);
    if (!isKnown) {
      const first = await segmentHolding(seq, this.#segments);
      if (first === null) {
        if ((await this.#segments.list(0, 1)).length > 0) throw new RestoreRefused("archive_missing", seq);
        return null;
      }
      this.#starts = await this.#segments.list(first, LISTED);
      this.#paged = new Set(await this.#pages.list(first, LISTED));
      place = this.#starts.findLastIndex((start) => start <= seq);
    }
    const start = this.#starts[place] ?? null;
    if (start === this.#last?.firstSeq) return start;
    const chars = this.#last?.rows.reduce((sum, { payload }) => sum + payload.length, 0) ?? AHEAD_CHARS;
    const ahead = Math.min(AHEAD, Math.max(1, Math.floor(AHEAD_CHARS / Math.max(chars, 1))));
    for (const next of this.#starts.slice(place, place + ahead)) void this.#object(next).catch(() => undefined);
    return start;
  }

  #object(firstSeq: number): Fetched {
    const known = this.#fetched.get(firstSeq);
    if (known) return known;
    const page = this.#withPages && this.#paged.has(firstSeq) ? this.#pages.get(firstSeq) : NO_PAGE;
    const fetched = Promise.all([this.#segments.get(firstSeq), page]).then(([segment, sealed]) => ({
      segment,
      sealed,
    }));
    // A failure is not remembered: the next try asks again.
    fetched.catch(() => this.#fetched.delete(firstSeq));
    this.#fetched.set(firstSeq, fetched);
    return fetched;
  }

  #rows(firstSeq: number, { head, payloads }: NonNullable<Awaited<ReturnType<SegmentStore["get"]>>>): EntryRow[] {
    const damaged = (seq: number) => new RestoreRefused("archive_damaged", seq);
    let before = fromHex(head?.prevHash ?? "");
    if (!head || !before || head.firstSeq !== firstSeq || payloads.length === 0) throw damaged(firstSeq);
    let prevHash = head.prevHash;
    const rows = payloads.map((payload, i): EntryRow => {
      const seq = firstSeq + i;
      const place = placeOf(payload);
      if (!place || !before) throw damaged(seq);
      if (place.domain !== this.#domainId) throw new RestoreRefused("archive_foreign", seq);
      if (place.seq !== seq) throw damaged(seq);
      before = entryHash(this.#sha256, before, payload);
      const row = { seq, id: place.id, prevHash, entryHash: toHex(before), payload };
      prevHash = row.entryHash;
      return row;
    });
    if (prevHash !== head.lastHash || rows.length !== head.count) throw damaged(firstSeq);
    return rows;
  }
}

function placeOf(payload: string): { domain: string; seq: number; id: string } | null {
  const place = scanPayload(payload);
  if (place) return place;
  const parsed = parsePayload(payload);
  return parsed.ok ? parsed.payload : null;
}
