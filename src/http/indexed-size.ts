/** How far a domain's index has come, for its head: which must answer also while D1 does not. */
import { LIMITS } from "../core/limits.ts";
import type { ShardRange } from "../core/shards.ts";
import { within } from "../services/within.ts";
import type { CellServices } from "./environment.ts";

/** Null when D1 does not say so within `LIMITS.indexLookMs`. Never throws. */
export async function indexedSize(
  services: Pick<CellServices, "entryIndex">,
  domainId: string,
  shards: readonly ShardRange[],
): Promise<number | null> {
  const index = services.entryIndex(domainId, shards);
  const size = index.size().catch(() => null);
  return (await within(size, LIMITS.indexLookMs)) ?? null;
}
