/** The cell's bundle with something taken out, to measure what it costs: two cells that differ in nothing else. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Protocol } from "./append.ts";
import type { BenchCell } from "./cell.ts";
import { bodyTemplate } from "./event.ts";
import { measurePair, type PairCase, type PairResult } from "./pair.ts";

/** The path of the bundle whose functions that begin with `places` return at once. Throws when one is not there exactly once. */
export function bundleWithout(bundle: string, name: string, places: readonly RegExp[]): string {
  let source = readFileSync(bundle, "utf8");
  for (const place of places) {
    if (source.split(place).length !== 2) throw new Error(`${place} is not in one place of the bundle`);
    source = source.replace(place, "$& return;");
  }
  const file = path.join(path.dirname(bundle), `cell-without-${name}.js`);
  writeFileSync(file, source);
  return file;
}

/** Appends to both, in turn. `names`: what the rows of the table are called. */
export async function measureWithout(
  without: BenchCell,
  cell: BenchCell,
  names: readonly [without: string, whole: string],
  pairCase: PairCase,
  protocol: Protocol,
): Promise<PairResult> {
  const side = async (name: string, its: BenchCell) => ({
    name,
    cell: its,
    domainId: await its.domain(`${names[1]} ${pairCase.events}`),
    template: bodyTemplate(pairCase.events, false),
  });
  return measurePair([await side(names[0], without), await side(names[1], cell)], pairCase, protocol);
}
