/**
 * Changes of a tenant's action types as jobs (see tenancy/jobs.ts): rows first, then the entry that tells of them, once.
 *
 *  1. the version and its type, one batch    crash: the job runs again, they are there
 *  2. the entry, under a key made of names   crash: the same receipt
 */
import type { ProductEvent } from "../../core/actions/product.ts";
import { toHex, utf8 } from "../../core/bytes.ts";
import { canonicalJson } from "../../core/canonical.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { clear } from "../tenancy/clear-entry.ts";
import type { AskedBy } from "../tenancy/jobs.ts";
import type { EventTypeStore, EventTypeVersion } from "./ports.ts";

export type EventTypeJob =
  /** `version` as JSON: it holds what a tenant wrote, which must come back as it was. */
  | { kind: "event_type_version"; by: AskedBy; tenantDomainId: string; version: string }
  | {
      kind: "event_type_withdrawal";
      by: AskedBy;
      tenantId: string;
      tenantDomainId: string;
      action: string;
      newest: number;
      at: string;
    };

interface Deps {
  eventTypes: Pick<EventTypeStore, "add" | "withdraw">;
  record: (domainId: string, event: ProductEvent, once: string) => Promise<void>;
}

export async function runEventTypeJob(job: EventTypeJob, { eventTypes, record }: Deps): Promise<"done"> {
  if (job.kind === "event_type_withdrawal") {
    const { by, tenantId, tenantDomainId, action, newest, at } = job;
    await eventTypes.withdraw(tenantId, action, at);
    const event = clear("tenant.event_type_withdrawn", by, target(action), { newest });
    await record(tenantDomainId, event, `${event.action}:${action}:${at}`);
    return "done";
  }
  const version: EventTypeVersion = JSON.parse(job.version);
  await eventTypes.add(version);
  const first = version.version === 1;
  const event = clear(
    first ? "tenant.event_type_added" : "tenant.event_type_version_added",
    job.by,
    target(version.action),
    { version: version.version, sha256: versionHash(version) },
  );
  await record(job.tenantDomainId, event, `${event.action}:${version.action}:${version.version}`);
  return "done";
}

const target = (action: string) => ({ type: "event_type", id: action });

/** SHA-256 in hex of the canonical JSON of what a version says: in its entry and its ETag, so that an edit of the row shows. */
export function versionHash(version: EventTypeVersion): string {
  return toHex(sha256(utf8(canonicalJson(versionJson(version)))));
}

/** A version as it goes over the wire. */
export function versionJson(version: EventTypeVersion) {
  const { action, description, category, does, sensitivity, people } = version;
  return {
    action,
    version: version.version,
    description,
    category,
    does,
    sensitivity,
    people: [...people],
    metadata_schema: version.metadataSchema,
    event_schema: version.eventSchema,
    created_at: version.createdAt,
  };
}
