/** What one run reads again of the past, beside what grew. A small log is read whole every time. */
import { LIMITS } from "../../core/limits.ts";
import type { HeadResult } from "../log/calls.ts";
import type { CheckRecord, Walked, Work } from "./record.ts";

interface SampleSize {
  /** A past of so many entries is read whole; of a longer one half as many in turn, and the spots. */
  entries: number;
  spots: number;
  /** Entries of a spot. */
  spot: number;
}

const SIZES: Readonly<Record<Walked, SampleSize>> = {
  ledger: { entries: LIMITS.selfCheckRows, spots: 10, spot: LIMITS.verifyPageEntries },
  // A spot is the first segment that begins there.
  archive: { entries: LIMITS.selfCheckArchived, spots: 16, spot: LIMITS.segmentEntriesMax },
  mirror: { entries: LIMITS.selfCheckMirrored, spots: 16, spot: 1 },
};

/** Where each of them begins: what is before was pruned, or its time was over. */
export const firstOf = ({ firstHot, firstKept }: HeadResult): Record<Walked, number> => ({
  ledger: firstHot,
  archive: firstKept,
  mirror: 0,
});

/** Work over [from, verified) of one store. */
export function sampleOf(
  of: Walked,
  from: number,
  { verified, rolling }: Pick<CheckRecord, "verified" | "rolling">,
  random: () => number,
): Work[] {
  const to = verified[of];
  const { entries, spots, spot } = SIZES[of];
  if (to <= from) return [];
  if (to - from <= entries) return [{ of, why: "round", from, to }];
  const cursor = rolling[of] >= to || rolling[of] < from ? from : rolling[of];
  const starts = Array.from({ length: spots }, () => from + Math.floor(random() * Math.max(1, to - from - spot)));
  return [
    { of, why: "round", from: cursor, to: Math.min(to, cursor + Math.floor(entries / 2)) },
    ...starts
      .sort((a, b) => a - b)
      .map((start): Work => ({ of, why: "spot", from: start, to: Math.min(to, start + spot) })),
  ];
}
