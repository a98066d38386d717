/** What the tree adds to the append path: the cell, and the same bundle of it with the tree's growth taken out (nothing is signed then). */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Protocol } from "./append.ts";
import type { BenchCell } from "./cell.ts";
import { bodyTemplate } from "./event.ts";
import { measurePair, type PairCase, type PairResult } from "./pair.ts";

/** The tree's growth, and what would sign, or find that the tree lags behind. */
const TAKEN_OUT = [/function extendTree\([^)]*\) \{/, /\bsignSoon\(\) \{/];

/** The path of the bundle without. Throws when something is not in exactly one place. */
export function bundleWithoutTree(bundle: string): string {
  let source = readFileSync(bundle, "utf8");
  for (const place of TAKEN_OUT) {
    if (source.split(place).length !== 2) throw new Error(`${place} is not in one place of the bundle`);
    source = source.replace(place, "$& return;");
  }
  const file = path.join(path.dirname(bundle), "cell-without-tree.js");
  writeFileSync(file, source);
  return file;
}

export async function measureTree(
  without: BenchCell,
  cell: BenchCell,
  pairCase: PairCase,
  protocol: Protocol,
): Promise<PairResult> {
  const side = async (name: string, its: BenchCell) => ({
    name,
    cell: its,
    domainId: await its.domain(`tree ${pairCase.events}`),
    template: bodyTemplate(pairCase.events, false),
  });
  return measurePair(
    [await side("no tree", without), await side("tree, checkpoints, mirror", cell)],
    pairCase,
    protocol,
  );
}
