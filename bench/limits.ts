/** What rate limits add to the append path: the cell, and the same bundle of it that counts nobody's requests and events. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Protocol } from "./append.ts";
import type { BenchCell } from "./cell.ts";
import { bodyTemplate } from "./event.ts";
import { measurePair, type PairCase, type PairResult } from "./pair.ts";

const TAKEN_OUT = /async function limitClient\([^)]*\) \{/;

/** The path of the bundle without. Throws when the place is not there exactly once. */
export function bundleWithoutLimits(bundle: string): string {
  const source = readFileSync(bundle, "utf8");
  if (source.split(TAKEN_OUT).length !== 2) throw new Error(`${TAKEN_OUT} is not in one place of the bundle`);
  const file = path.join(path.dirname(bundle), "cell-without-limits.js");
  writeFileSync(file, source.replace(TAKEN_OUT, "$& return;"));
  return file;
}

export async function measureLimits(
  without: BenchCell,
  cell: BenchCell,
  pairCase: PairCase,
  protocol: Protocol,
): Promise<PairResult> {
  const side = async (name: string, its: BenchCell) => ({
    name,
    cell: its,
    domainId: await its.domain(`limits ${pairCase.events}`),
    template: bodyTemplate(pairCase.events, false),
  });
  return measurePair([await side("no limits", without), await side("limits", cell)], pairCase, protocol);
}
