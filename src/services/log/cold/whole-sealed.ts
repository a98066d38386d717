/**
 * What is sealed beside a domain's entries, wherever it is: in the ledger beside rows that are hot, in the pages of the archive
 * beside those that were pruned. Erasures and new keys rewrite both, so both say the same.
 */
import type { PrivateRow, SealedPageStore, SealedStore, SubjectRow } from "../../ports.ts";
import type { Floors } from "./floors.ts";
import type { ColdSegments } from "./segments.ts";

export interface SealedPlace {
  seq: number;
  subject: string;
}

export interface WholeSealedDeps {
  hot: Pick<SealedStore, "seqsOf" | "privateSizes" | "privateRows" | "subjects">;
  pages: Pick<SealedPageStore, "get">;
  segments: ColdSegments;
  floors: () => Promise<Floors>;
}

/** One read of the archive for each segment that holds a place. Throws `storage.unavailable`. */
export class WholeSealed implements Pick<SealedStore, "seqsOf" | "privateSizes" | "privateRows" | "subjects"> {
  readonly #deps: WholeSealedDeps;

  constructor(deps: WholeSealedDeps) {
    this.#deps = deps;
  }

  /** Of what is hot alone: what was archived is found by its payloads. */
  seqsOf(...args: Parameters<SealedStore["seqsOf"]>): Promise<number[]> {
    return this.#deps.hot.seqsOf(...args);
  }

  /** Mappings stay in the ledger as long as the person is not erased. */
  subjects(pseudonyms: readonly string[]): Promise<SubjectRow[]> {
    return this.#deps.hot.subjects(pseudonyms);
  }

  async privateSizes(places: readonly SealedPlace[]): Promise<{ seq: number; bytes: number }[]> {
    const { hot, cold } = await this.#parted(places);
    const [inLedger, inPages] = await Promise.all([this.#deps.hot.privateSizes(hot), this.#fromPages(cold)]);
    const sized = inPages.flatMap(({ seq, sealed }) => (sealed ? [{ seq, bytes: sealed.length }] : []));
    return [...inLedger, ...sized];
  }

  async privateRows(places: readonly SealedPlace[]): Promise<PrivateRow[]> {
    const { hot, cold } = await this.#parted(places);
    const [inLedger, inPages] = await Promise.all([this.#deps.hot.privateRows(hot), this.#fromPages(cold)]);
    return [...inLedger, ...inPages];
  }

  async #parted(places: readonly SealedPlace[]): Promise<{ hot: SealedPlace[]; cold: SealedPlace[] }> {
    if (places.length === 0) return { hot: [], cold: [] };
    const { firstHot, firstKept } = await this.#deps.floors();
    return {
      hot: places.filter(({ seq }) => seq >= firstHot),
      cold: places.filter(({ seq }) => seq < firstHot && seq >= firstKept),
    };
  }

  async #fromPages(places: readonly SealedPlace[]): Promise<PrivateRow[]> {
    const byPage = new Map<number, Set<string>>();
    for (const { seq, subject } of places) {
      const segment = await this.#deps.segments.holding(seq);
      if (!segment) continue;
      const names = byPage.get(segment.firstSeq) ?? new Set();
      byPage.set(segment.firstSeq, names.add(`${seq} ${subject}`));
    }
    const rows: PrivateRow[] = [];
    for (const [firstSeq, names] of byPage) {
      const { privates } = await this.#deps.pages.get(firstSeq);
      rows.push(...privates.filter(({ seq, subject }) => names.has(`${seq} ${subject}`)));
    }
    return rows;
  }
}
