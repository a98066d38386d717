import type { ProductAction, ProductEvent } from "../../core/actions/product.ts";
import type { AuditEvent } from "../../core/event.ts";
import type { AskedBy } from "./jobs.ts";

/** An entry of the product's own: ids and settings only, so all of it stands in clear. */
export function clear(
  action: ProductAction,
  actor: AskedBy,
  target: { type: string; id: string },
  metadata: NonNullable<AuditEvent["metadata"]>,
): ProductEvent {
  return { action, actor, targets: [target], metadata, clear_metadata: Object.keys(metadata) };
}
