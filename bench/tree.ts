/** What the tree adds to the append path: the cell, and the same bundle of it with the tree's growth taken out (nothing is signed then). */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Protocol } from "./append.ts";
import type { BenchCell } from "./cell.ts";
import { bodyTemplate } from "./event.ts";
import { measurePair, type PairCase, type PairResult } from "./pair.ts";

const GROWTH = /function extendTree\([^)]*\) \{/;

/** The path of the bundle without. Throws when it cannot be taken out in one place. */
export function bundleWithoutTree(bundle: string): string {
  const source = readFileSync(bundle, "utf8");
  const changed = source.replace(GROWTH, "$& return;");
  if (changed === source || GROWTH.test(source.replace(GROWTH, "")))
    throw new Error("the tree's growth is not one place");
  const file = path.join(path.dirname(bundle), "cell-without-tree.js");
  writeFileSync(file, changed);
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
