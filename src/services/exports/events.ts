/** The entries that tell of an export, in the tenant's reserved log. Ids, numbers, settings, and the filter in the query language, with people as pseudonyms. */
import type { ProductEvent } from "../../core/actions/product.ts";
import { SYSTEM_ACTOR_ID } from "../../core/event.ts";
import { LIMITS } from "../../core/limits.ts";
import { findInClearText } from "../../core/payload/guard.ts";
import { REVEALED_ACTION } from "../log/reveal/revealed-event.ts";
import { clear } from "../tenancy/clear-entry.ts";
import type { ExportWish } from "./calls.ts";
import type { ExportRecord, LinkRecord } from "./ports.ts";

const SYSTEM = { type: "system", id: SYSTEM_ACTOR_ID } as const;

export function createdEvent({ wish }: ExportRecord, domainId: string): ProductEvent {
  const { id, by, from, to, filterText, formats, isPrivate } = wish;
  const range = { from, ...(to === null ? {} : { to }) };
  const filter = filterText === null ? {} : { filter: filterText.slice(0, LIMITS.queryChars) };
  const metadata = { domain_id: domainId, ...range, ...filter, formats: [...formats], private_values: isPrivate };
  const event = clear("audit.export_created", by, { type: "export", id }, metadata);
  // Words of a filter that must not stand in clear (an e-mail address, a card number) make it a private value.
  if (filterText === null || findInClearText(filterText) === null) return event;
  return { ...event, clear_metadata: Object.keys(metadata).filter((name) => name !== "filter") };
}

/** In the domain's own log, as of every reveal. Private: why. `seqs`: all that may be in the export; which are says the export. */
export function revealedByExport({ id, by, from, to }: ExportWish, reason: string, last: number): ProductEvent {
  const metadata = { export_id: id, seqs: [[from, to ?? last]] };
  return { action: REVEALED_ACTION, actor: by, reason, metadata, clear_metadata: Object.keys(metadata) };
}

export function endedEvent(
  { wish, status, entries, bytes, plan, failure, values }: ExportRecord,
  domainId: string,
): ProductEvent {
  const target = { type: "export", id: wish.id };
  if (status === "failed") {
    return clear("audit.export_failed", SYSTEM, target, { domain_id: domainId, code: failure ?? "internal" });
  }
  const range = { from: plan?.from ?? 0, to: plan?.to ?? 0 };
  const metadata = { domain_id: domainId, ...range, entries, bytes, private_values: values };
  return clear("audit.export_finished", SYSTEM, target, metadata);
}

export function revokedEvent({ wish, revokedBy }: ExportRecord, domainId: string): ProductEvent {
  return clear("audit.export_revoked", revokedBy ?? SYSTEM, { type: "export", id: wish.id }, { domain_id: domainId });
}

export function downloadedEvent({ id, exportId, by }: LinkRecord, domainId: string): ProductEvent {
  const metadata = { domain_id: domainId, link_id: id };
  return clear("audit.export_downloaded", by, { type: "export", id: exportId }, metadata);
}
