/** The entry that every moved log begins with. Ids, hashes and numbers only. */
import type { ProductAction, ProductEvent } from "../../core/actions/product.ts";
import type { TOLD_ACTION } from "../../core/moving/translate.ts";
import { clear } from "../tenancy/clear-entry.ts";
import type { ImportPlan, ImportRecord } from "./ports.ts";

export function importedEvent({ wish }: ImportRecord, plan: ImportPlan, domainId: string): ProductEvent {
  const { origin, manifestHash, first, last, size, root } = plan.from;
  return clear(
    "domain.imported",
    wish.by,
    { type: "domain", id: domainId },
    {
      origin,
      key: wish.trustedKey,
      manifest_sha256: manifestHash,
      head: { size, root },
      first,
      last,
      entries: plan.total,
      private_values: plan.values.carried,
      private_values_left_behind: plan.values.leftBehind,
    },
  );
}

/** What the translation names is an action of the product: the compiler's word for it. */
export const TOLD = "domain.imported_entry" satisfies ProductAction & typeof TOLD_ACTION;
