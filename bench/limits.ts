/** What rate limits add to the append path: the cell, and the same bundle of it that counts nobody's requests and events. */
import type { Protocol } from "./append.ts";
import type { BenchCell } from "./cell.ts";
import type { PairCase, PairResult } from "./pair.ts";
import { bundleWithout, measureWithout } from "./without.ts";

const TAKEN_OUT = [/async function limitClient\([^)]*\) \{/];

/** The path of the bundle without. Throws when something is not in exactly one place. */
export const bundleWithoutLimits = (bundle: string): string => bundleWithout(bundle, "limits", TAKEN_OUT);

export const measureLimits = (
  without: BenchCell,
  cell: BenchCell,
  pairCase: PairCase,
  protocol: Protocol,
): Promise<PairResult> => measureWithout(without, cell, ["no limits", "limits"], pairCase, protocol);
