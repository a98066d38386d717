/** How far a domain's index has come, for its head: which must answer also while D1 does not. */
import { LIMITS } from "../core/limits.ts";
import type { ShardRange } from "../core/shards.ts";
import type { CellServices } from "./environment.ts";

/** Null when D1 does not say so within `LIMITS.indexLookMs`. Never throws. */
export async function indexedSize(
  services: Pick<CellServices, "entryIndex">,
  domainId: string,
  shards: readonly ShardRange[],
): Promise<number | null> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tooLong = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), LIMITS.indexLookMs);
  });
  const size = services.entryIndex(domainId, shards).size();
  try {
    return await Promise.race([size.catch(() => null), tooLong]);
  } finally {
    clearTimeout(timer);
  }
}
