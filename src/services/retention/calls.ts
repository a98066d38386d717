/** What the object of a tenant answers about retention. Plain values: they cross RPC. */
import type { AskedBy } from "../tenancy/jobs.ts";
import type { RetentionView, RetentionWish } from "./change.ts";
import type { Confirmation, ConfirmWish, DomainDryRun } from "./confirm.ts";
import type { ResourceRun, RetentionRun } from "./record.ts";

/** What would go if retention ran now. */
export interface DryRun {
  atMs: number;
  resources: ResourceRun[];
}

export interface RetentionCalls {
  /** Throws `resource.not_found`. */
  policies(): Promise<RetentionView>;
  /** Throws `precondition.failed`, `limit.reached`, `request.invalid`, `resource.not_found`, `auth.forbidden`. */
  change(wish: RetentionWish): Promise<RetentionView>;
  /** Newest first, older than `before`. */
  runs(before: number | null, limit: number): Promise<RetentionRun[]>;
  /** Begins one now and takes its first turn; one that is under way stays the one. */
  run(by: AskedBy): Promise<RetentionRun>;
  dryRun(): Promise<DryRun>;
  /** What the first prune of a domain would take, with a token that confirms it. Throws `resource.not_found`. */
  domainDryRun(domainId: string): Promise<DomainDryRun>;
  /** Throws `precondition.failed`, `resource.not_found`. */
  confirm(wish: ConfirmWish): Promise<Confirmation>;
  /** Null: nobody has confirmed, so nothing is pruned from that domain. */
  confirmation(domainId: string): Promise<Confirmation | null>;
}

export const RETENTION_CALLS = [
  ...(["policies", "change", "runs", "run", "dryRun", "domainDryRun", "confirm", "confirmation"] as const),
] satisfies (keyof RetentionCalls)[];
