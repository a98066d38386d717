/**
 * The bundle of a range of one domain's log, for whoever may read its entries. Everything that can be refused is refused before
 * the first byte; a store that fails later breaks the stream off, and what was sent is no bundle. Writes nothing.
 */
import { AppError, isAppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { ShardRange } from "../../core/shards.ts";
import type { NoteSigner } from "../../crypto/signer.ts";
import { notThere, proofOf, type SetDeps } from "../log/evidence-set.ts";
import { type ReadRow, type RowPlaces, readThrough } from "../log/read-through.ts";
import type { Clock } from "../ports.ts";
import { writeBundle } from "./write.ts";

export interface BundleCall {
  from: number;
  /** Null: to the newest entry. */
  to: number | null;
}

export interface BundleDeps extends Pick<SetDeps, "domainId" | "log" | "ledger">, Omit<RowPlaces, "ledger"> {
  /** Entries that are committed. */
  size: () => Promise<number>;
  /** Where the rows lie, without bringing the copy up to date. */
  shards: () => Promise<ShardRange[]>;
  /** Named like the log's origin. */
  signer: NoteSigner;
  clock: Clock;
  /** Whom the cell suggests to trust for this log. */
  policy: object;
  script: string;
  page: string;
  /** Name and version of the software. */
  madeBy: string;
}

export interface BundleStart {
  from: number;
  to: number;
  chunks: AsyncIterable<Uint8Array>;
}

/** Throws `resource.not_found`, `limit.reached`, `storage.unavailable`; so do the chunks, with the last two. */
export async function startBundle({ from, to: last }: BundleCall, deps: BundleDeps): Promise<BundleStart> {
  const to = last ?? (await deps.size()) - 1;
  if (to < from) throw notThere();
  if (to - from + 1 > LIMITS.bundleEntries) {
    throw new AppError("limit.reached", {
      detail: `a bundle has at most ${LIMITS.bundleEntries} entries; export a shorter range`,
    });
  }
  const wanted = { kind: "range" as const, from, to };
  const proved = await deps.log.setProof(wanted);
  if (!proved) throw notThere();
  const places = { ...deps, ledger: deps.ledger(await upToDate(deps)) };
  const first = await readThrough({ fromSeq: from, toSeq: from, limit: 1 }, places);
  const { policy, script, page, madeBy, clock } = deps;
  const source = {
    proof: proofOf(wanted, first, proved.hashes),
    checkpoint: proved.checkpoint.note,
    payloads: pagesOf(places, from, to),
    ...{ policy, script, page, madeBy, madeAtMs: clock() },
  };
  return { from, to, chunks: writeBundle(source, deps) };
}

/** A copy that cannot be brought up to date now is read as far as it goes: the rest is in the archive or the object. */
async function upToDate({ log, shards }: Pick<BundleDeps, "log" | "shards">): Promise<ShardRange[]> {
  try {
    return await log.flush();
  } catch (error) {
    if (!isAppError(error) || error.code !== "storage.unavailable") throw error;
    return shards();
  }
}

/** A page that is missing ends the pages: the writer sees that entries are missing. */
async function* pagesOf(places: RowPlaces, from: number, to: number): AsyncGenerator<string[]> {
  for (let next = from; next <= to; ) {
    const range = { fromSeq: next, toSeq: to, limit: LIMITS.verifyPageEntries };
    const rows: ReadRow[] = await readThrough(range, places);
    if (rows.length === 0) return;
    yield rows.map(({ payload }) => payload);
    next += rows.length;
  }
}
