/**
 * Evidence for many entries, made for whoever asks: hashes from the object that keeps the tree, entries from the queryable copy.
 * Before a set leaves it is folded as a verifier would do it, so that no set goes out that refutes itself. Bounded by
 * `LIMITS.evidenceSetEntries` and `LIMITS.pageChars`. Writes nothing.
 */
import { equalBytes, fromHex } from "../../core/bytes.ts";
import { AppError } from "../../core/errors.ts";
import { formatEvidenceSet, type SetProof } from "../../core/evidence-set.ts";
import { LIMITS } from "../../core/limits.ts";
import { proveRange } from "../../core/merkle/range.ts";
import { proveSelection } from "../../core/merkle/selection.ts";
import { readFromTiles } from "../../core/merkle/tiles.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { ShardRange } from "../../core/shards.ts";
import { SetFold } from "../../verifier/set-fold.ts";
import type { EntryRow, LedgerLookUp, LedgerStore } from "../ports.ts";
import type { TreeJournal } from "./tree.ts";
import type { CheckpointView } from "./tree-calls.ts";

/** `from` and `to` both belong to the range; `seqs` ascend, each once. */
export type WantedSet = { kind: "range"; from: number; to: number } | { kind: "selection"; seqs: number[] };

/** The hashes of the proof, in its order, under a checkpoint that covers it. */
export interface SetHashes {
  hashes: Uint8Array[];
  checkpoint: CheckpointView;
}

/** What the object that keeps the tree answers. Null: the log does not have all of these entries. */
export interface SetProver {
  /** `size`: prove it in the tree of that size, which may be an earlier one than the checkpoint's; null: in the checkpoint's. */
  setProof(wanted: WantedSet, size?: number | null): Promise<SetHashes | null>;
  /** Brings the queryable copy up to date; resolves to where the rows lie. */
  flush(): Promise<ShardRange[]>;
}

export interface SetDeps {
  domainId: string;
  log: SetProver;
  ledger: (ranges: readonly ShardRange[]) => Pick<LedgerStore, "rows"> & LedgerLookUp;
  sha256: Sha256;
}

/** The last seq that is wanted. */
export const lastOf = (wanted: WantedSet): number =>
  wanted.kind === "range" ? wanted.to : Math.max(-1, ...wanted.seqs);

/** The hashes that prove these entries in the tree of `size`, which may be an earlier one. O(log size) for each end or entry. */
export function proveSet(
  tree: Pick<TreeJournal, "frontier" | "tile">,
  wanted: WantedSet,
  size: number,
  sha256: Sha256,
): Uint8Array[] {
  if (size > tree.frontier().size) throw new RangeError("the tree is not that large");
  const read = readFromTiles(sha256, size, ({ level, index }) => {
    const tile = tree.tile(level, index);
    if (!tile) throw new RangeError(`tile ${level}/${index} is not there`);
    return tile;
  });
  if (wanted.kind === "selection") return proveSelection(sha256, wanted.seqs, size, read);
  return proveRange(sha256, { from: wanted.from, to: wanted.to + 1 }, size, read);
}

/**
 * The text of an evidence set. Throws `resource.not_found` for entries that the log does not have, `limit.reached` for too much at a
 * time, `storage.unavailable` when a store does not answer or does not hold the leaves of the tree.
 */
export async function evidenceSet(wanted: WantedSet, { domainId, log, ledger, sha256 }: SetDeps): Promise<string> {
  demandBounded(wanted);
  const proved = await log.setProof(wanted);
  if (!proved) throw notThere();
  const rows = await readRows(wanted, ledger(await log.flush()));
  const set = {
    proof: proofOf(wanted, rows, proved.hashes),
    payloads: rows.map(({ payload }) => payload),
    checkpoint: proved.checkpoint.note,
  };
  const fold = new SetFold(sha256, set.proof, { domainId, size: proved.checkpoint.size });
  for (const payload of set.payloads) fold.feed(payload);
  demandRoot(fold, proved.checkpoint);
  return formatEvidenceSet(set);
}

export const notThere = (): AppError =>
  new AppError("resource.not_found", { detail: "the log does not have all of these entries" });

/** The proof with the hashes before its first entries. Throws `storage.unavailable` unless they are hashes. */
export function proofOf(
  wanted: WantedSet,
  rows: readonly Pick<EntryRow, "seq" | "prevHash">[],
  hashes: Uint8Array[],
): SetProof {
  const entries = rows.map(({ seq, prevHash }) => ({ seq, prevHash: fromHex(prevHash) ?? broken() }));
  if (wanted.kind === "selection") return { kind: "selection", entries, hashes };
  const { from, to } = wanted;
  return { kind: "range", from, to, prevHash: entries[0]?.prevHash ?? broken(), hashes };
}

/** Throws unless everything that was fed is what the checkpoint covers. */
export function demandRoot(fold: SetFold, checkpoint: Pick<CheckpointView, "root">): void {
  const root = fold.fault === null ? fold.root() : null;
  const signed = fromHex(checkpoint.root);
  if (!root || !signed || !equalBytes(root, signed)) broken();
}

function demandBounded(wanted: WantedSet): void {
  const count = wanted.kind === "range" ? wanted.to - wanted.from + 1 : wanted.seqs.length;
  if (count > LIMITS.evidenceSetEntries) {
    throw new AppError("limit.reached", { detail: `an evidence set has at most ${LIMITS.evidenceSetEntries} entries` });
  }
}

async function readRows(wanted: WantedSet, ledger: Pick<LedgerStore, "rows"> & LedgerLookUp): Promise<EntryRow[]> {
  const rows: EntryRow[] = [];
  let chars = 0;
  for (let missing = remaining(wanted, rows); missing !== null; missing = remaining(wanted, rows)) {
    const page =
      missing.kind === "range"
        ? await ledger.rows({ fromSeq: missing.from, toSeq: missing.to, limit: LIMITS.pageEntries })
        : await ledger.rowsAt(missing.seqs);
    if (page.length === 0) broken();
    rows.push(...page);
    chars += page.reduce((sum, { payload }) => sum + payload.length, 0);
    if (chars > LIMITS.pageChars) {
      throw new AppError("limit.reached", {
        detail: `the entries of an evidence set have at most ${LIMITS.pageChars} characters together; ask for fewer`,
      });
    }
  }
  return rows;
}

/** What is still to be read; null: nothing. Rows come in the order that was asked for, or the fold refuses them. */
function remaining(wanted: WantedSet, rows: readonly EntryRow[]): WantedSet | null {
  if (wanted.kind === "range") {
    const from = wanted.from + rows.length;
    return from > wanted.to ? null : { kind: "range", from, to: wanted.to };
  }
  const seqs = wanted.seqs.slice(rows.length);
  return seqs.length === 0 ? null : { kind: "selection", seqs };
}

function broken(): never {
  throw new AppError("storage.unavailable", { internal: "the ledger does not hold the leaves of the tree" });
}
