/** Pinning is checked, not assumed (DESIGN §1): on the way to an object, and again inside it. */
import { AppError } from "../src/core/errors.ts";
import type { CellConfig } from "../src/services/cell-config.ts";

/** The object of this name in the cell's jurisdiction. Local workerd knows no jurisdictions: there, unpinned. */
export function pinnedStub<T extends Rpc.DurableObjectBranded>(
  namespace: DurableObjectNamespace<T>,
  config: CellConfig,
  name: string,
): DurableObjectStub<T> {
  const pinned = config.pinnedTo === null ? namespace : namespace.jurisdiction(config.pinnedTo);
  return pinned.getByName(name);
}

/** Throws `residency.unknown` unless the object runs where its cell's data belongs. */
export function demandPinned(ctx: DurableObjectState, config: CellConfig): void {
  const observed = ctx.id.jurisdiction ?? null;
  if (observed !== config.pinnedTo) {
    throw new AppError("residency.unknown", {
      internal: `object is in ${observed ?? "no jurisdiction"}, its cell is pinned to ${config.pinnedTo ?? "none"}`,
    });
  }
}
