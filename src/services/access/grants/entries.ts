/** What the tenant's own log tells of an access: ids and settings in clear, the reason sealed as about who asked. */
import type { ProductEvent } from "../../../core/actions/product.ts";
import type { EntryJob } from "../../tenancy/jobs.ts";
import type { AccessChange, AccessGrant } from "./grant.ts";

/**
 * The entry about a change, once. The reason is no part of it: it stands sealed in the object, and joins the entry when that
 * is written (`EntryJob.reasonOf`).
 */
export function accessEntry(tenantDomainId: string, grant: AccessGrant, change: AccessChange): EntryJob {
  const action = `tenant.access_${change.kind}` as const;
  const metadata = { kind: grant.kind, ...settingsOf(grant, change) };
  const event: ProductEvent = {
    action,
    occurred_at: iso(change.atMs),
    actor: change.by,
    targets: [
      { type: "access", id: grant.id },
      // Whose access it is: a person, so a pseudonym.
      { type: "user", id: grant.staffId },
    ],
    metadata,
    clear_metadata: Object.keys(metadata),
  };
  const saysWhy = change.kind === "requested" || change.kind === "break_glass";
  const job: EntryJob = { kind: "entry", domainId: tenantDomainId, event, once: `${action}:${grant.id}` };
  return saysWhy ? { ...job, reasonOf: grant.id } : job;
}

function settingsOf({ asked, granted, answerByMs }: AccessGrant, { kind }: AccessChange) {
  if (kind === "requested") {
    const { permissions, domains, durationMs } = asked;
    return {
      permissions: [...permissions],
      domains: domains === null ? "all" : [...domains],
      duration_seconds: durationMs / 1000,
      answer_by: iso(answerByMs ?? 0),
    };
  }
  if ((kind === "approved" || kind === "break_glass") && granted) {
    const { permissions, domains, untilMs } = granted;
    return { permissions: [...permissions], domains: domains === null ? "all" : [...domains], until: iso(untilMs) };
  }
  return {};
}

const iso = (ms: number) => new Date(ms).toISOString();
