/** What the tree adds to the append path: the cell, and the same bundle of it with the tree's growth taken out (nothing is signed then). */
import type { Protocol } from "./append.ts";
import type { BenchCell } from "./cell.ts";
import type { PairCase, PairResult } from "./pair.ts";
import { bundleWithout, measureWithout } from "./without.ts";

/** The tree's growth, and what would sign, or find that the tree lags behind. */
const TAKEN_OUT = [/function extendTree\([^)]*\) \{/, /\bsignSoon\(\) \{/];

/** The path of the bundle without. Throws when something is not in exactly one place. */
export const bundleWithoutTree = (bundle: string): string => bundleWithout(bundle, "tree", TAKEN_OUT);

export const measureTree = (
  without: BenchCell,
  cell: BenchCell,
  pairCase: PairCase,
  protocol: Protocol,
): Promise<PairResult> => measureWithout(without, cell, ["no tree", "tree, checkpoints, mirror"], pairCase, protocol);
