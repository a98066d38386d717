/** What sealing adds to the append path: the same events with and without private values. */
import type { Protocol } from "./append.ts";
import type { BenchCell } from "./cell.ts";
import { bodyTemplate } from "./event.ts";
import { measurePair, type PairCase, type PairResult } from "./pair.ts";

export async function measureSealing(cell: BenchCell, pairCase: PairCase, protocol: Protocol): Promise<PairResult> {
  const { events } = pairCase;
  const side = async (name: string, isPrivate: boolean) => ({
    name,
    cell,
    domainId: await cell.domain(`${name} ${events}`),
    template: bodyTemplate(events, isPrivate),
  });
  const sides = [
    await side("no private values", false),
    await side("name, e-mail, IP, user agent sealed", true),
  ] as const;
  return measurePair(sides, pairCase, protocol);
}
