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
  const size = services.entryIndex(domainId, shards).size();
  return (
    (await within(
      size.catch(() => null),
      LIMITS.indexLookMs,
    )) ?? null
  );
}
