/**
 * Legal holds of a tenant: an order to keep, over domains, ranges of entries, people and queries (GDPR Art. 17(3)(e)). A hold is a row
 * of changes: placed, reviewed any number of times, released. Ids and times stand in clear; its words are sealed.
 */
import type { ProductEvent } from "../../core/actions/product.ts";
import type { AuditEvent } from "../../core/event.ts";
import type { AskedFilter } from "../../core/query/asked.ts";
import type { ResourceName } from "../../core/retention/resources.ts";
import type { AskedBy } from "../tenancy/jobs.ts";

export interface HoldScope {
  /** Every domain of the tenant, also those that are still to come. */
  allDomains: boolean;
  /** Whole domains. */
  domains: readonly string[];
  ranges: readonly { domainId: string; fromSeq: number; toSeq: number }[];
  /** How many people it names; who they are is among its words. They are held in every domain. */
  people: number;
  /** What the tenant has beside its logs (src/core/retention/resources.ts), wholly. Absent: nothing of it by name. */
  resources?: readonly ResourceName[];
  /** Where entries are held that a query asks for; what it asks is among the hold's words. */
  query?: { allDomains: boolean; domains: readonly string[] };
}

export interface HoldChange {
  /** 1, 2, … */
  change: number;
  kind: "placed" | "reviewed" | "released";
  at: string;
  by: AskedBy;
  /** When somebody has to look at it again; of a release the one that was. RFC 3339. */
  reviewAt: string;
  /** The same in every domain's entry about this change. */
  correlationId: string;
}

/** What is private about a change. */
export interface HoldWords {
  /** Why it was placed or released; the note of a review. */
  reason: string;
  /** Of the placement: who answers for the hold. */
  owner?: string;
  /** Of the placement: identity ids. Dropped when the hold is released. */
  people?: readonly string[];
  /** Of the placement: what its query asks for, times counted from the placement. Dropped with the people. */
  query?: AskedFilter;
}

export interface HoldInDomain {
  domainId: string;
  /** The last change that its object has confirmed; 0: none. */
  confirmed: number;
  /** Why the last try did not get there: a problem's code, or `not_confirmed`. */
  fault: string | null;
}

export interface LegalHold {
  id: string;
  scope: HoldScope;
  changes: readonly HoldChange[];
  domains: readonly HoldInDomain[];
  /** The last change that every domain has confirmed and that the tenant's own log tells. */
  told: number;
}

export type HoldStatus = "placing" | "active" | "releasing" | "released";

/** `active` only when every object concerned has confirmed. One that meets a new domain is `placing` again. */
export function statusOf(hold: LegalHold): HoldStatus {
  const last = lastChange(hold);
  const settled = hold.told === last.change && hold.domains.every(({ confirmed }) => confirmed === last.change);
  if (last.kind === "released") return settled ? "released" : "releasing";
  return hold.told >= 1 && hold.domains.every(({ confirmed }) => confirmed >= 1) ? "active" : "placing";
}

export function lastChange({ changes }: LegalHold): HoldChange {
  const last = changes.at(-1);
  if (!last) throw new Error("a hold has been placed");
  return last;
}

/** Whether something of it is still to be done. */
export function isOpen(hold: LegalHold): boolean {
  const { change } = lastChange(hold);
  return hold.told < change || hold.domains.some(({ confirmed }) => confirmed < change);
}

/** Which of the tenant's domains it concerns. */
export function domainsConcerned({ scope }: LegalHold, ofTenant: readonly string[]): string[] {
  if (scope.allDomains || scope.people > 0 || scope.query?.allDomains) return [...ofTenant];
  const inRanges = scope.ranges.map(({ domainId }) => domainId);
  const named = new Set([...scope.domains, ...inRanges, ...(scope.query?.domains ?? [])]);
  return ofTenant.filter((domainId) => named.has(domainId));
}

/** The entry about a change, the same in every domain. `words` null: they are lost, a restored database lacks them. */
export function holdEvent(hold: LegalHold, change: HoldChange, words: HoldWords | null): ProductEvent {
  const { scope } = hold;
  const clear: NonNullable<AuditEvent["metadata"]> = {
    change: change.change,
    correlation_id: change.correlationId,
    review_at: change.reviewAt,
    ...(change.kind === "placed"
      ? {
          all_domains: scope.allDomains,
          domains: scope.domains.length,
          ranges: scope.ranges.length,
          people: scope.people,
          ...(scope.resources ? { resources: [...scope.resources] } : {}),
          ...(scope.query ? { query: true } : {}),
        }
      : {}),
  };
  return {
    action: `hold.${change.kind}` as const,
    actor: change.by,
    targets: [{ type: "legal_hold", id: hold.id }],
    ...(words ? { reason: words.reason } : {}),
    metadata: { ...clear, ...(words?.owner === undefined ? {} : { owner: words.owner }) },
    clear_metadata: Object.keys(clear),
  };
}
