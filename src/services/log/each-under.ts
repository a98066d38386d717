/**
 * Ids for events that have none, made of an idempotency key and their place in the request (`mode=partial`): sent again under
 * the key, each is answered with its first receipt, however the request is cut into calls. Keyed by the domain, so that the id
 * says nothing of the key; another credential's key is another one.
 */
import { Buffer } from "node:buffer";
import type { AuditEvent } from "../../core/event.ts";
import type { DomainKeys } from "../../crypto/tenant-keys.ts";

export interface EachUnder {
  key: string;
  /** Of each event of the call, in the whole request. */
  indexes: readonly number[];
}

export function withIdsUnder(
  events: readonly AuditEvent[],
  { key, indexes }: EachUnder,
  scope: string,
  keys: Pick<DomainKeys, "digest16">,
): AuditEvent[] {
  return events.map((event, i) => {
    if (event.id !== undefined) return event;
    // The index is last and has digits only, so no two of key and index give one text.
    const digest = keys.digest16("event-under-key", `${scope}\n${key}\n${indexes[i]}`);
    return { ...event, id: `k-${Buffer.from(digest).toString("hex")}` };
  });
}
