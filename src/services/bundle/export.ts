/**
 * The bundle of a range of one domain's log, for whoever may read its entries. Everything that can be refused is refused before
 * the first byte; a store that fails later breaks the stream off, and what was sent is no bundle. Writes nothing.
 */
import { EXPIRED_ATTACHMENT } from "../../core/bundle.ts";
import { utf8 } from "../../core/bytes.ts";
import { AppError, isAppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { ShardRange } from "../../core/shards.ts";
import type { NoteSigner } from "../../crypto/signer.ts";
import { expired, type Floors } from "../log/cold/floors.ts";
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
  /** Entries that are committed, and the first whose payload is kept. */
  size: () => Promise<{ size: number } & Pick<Floors, "firstKept">>;
  /** Evidence for the entry that says why what was before is gone; null: none is at hand. */
  expiredProof: (firstKept: number) => Promise<string | null>;
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

/**
 * Begins with the first entry whose payload is kept, and then carries the evidence for the log's own entry that says why. Throws
 * `resource.not_found`, `limit.reached`, `storage.unavailable`; so do the chunks, with the last two; `entry.expired`: all is gone.
 */
export async function startBundle(call: BundleCall, deps: BundleDeps): Promise<BundleStart> {
  const { size, firstKept } = await deps.size();
  const to = call.to ?? size - 1;
  if (to < call.from) throw notThere();
  if (to < firstKept) throw expired(to, firstKept);
  const from = Math.max(call.from, firstKept);
  const gone = from > call.from ? await deps.expiredProof(firstKept) : null;
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
    expired: from > call.from,
    attachments: gone === null ? [] : [{ name: EXPIRED_ATTACHMENT, bytes: utf8(gone) }],
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
