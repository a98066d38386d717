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

/** What holds for the entries of a domain. */
export interface DomainPolicy {
  /** As `formatDuration` spells them: in the hot store, and at all. */
  hot: string;
  whole: string;
  /** Null: nobody has confirmed what a prune would take, so nothing goes. */
  confirmation: Confirmation | null;
  /** A hold over everything or over entries as such, or one that the domain has still to confirm. */
  allHeld: boolean;
  /** What a store says the time is. Unix milliseconds. */
  referenceMs: number;
}

/** What a keeper did for one domain. Counts and times only. */
export interface DomainRun {
  domainId: string;
  startedAtMs: number;
  endedAtMs: number | null;
  lateMs: number;
  hot: string;
  whole: string;
  /** Entries [fromSeq, toSeq) were to leave the hot store. */
  fromSeq: number;
  toSeq: number;
  firstKept: number;
  planned: number;
  /** Rows that left the hot store, entries whose payloads went for good. */
  done: number;
  expired: number;
  /** 1: a hold kept something back. */
  held: number;
  steps: number;
  status: "running" | "done" | "failed";
  fault: string | null;
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
  /** Throws `resource.not_found`. */
  domainPolicy(domainId: string): Promise<DomainPolicy>;
  /** Whether a hold over everything, or over exports as such, is in force: then none of them ends. */
  exportsHeld(): Promise<boolean>;
  /** A domain's keeper has run; again: nothing. */
  domainRan(run: DomainRun): Promise<void>;
}

export const RETENTION_CALLS = [
  ...(["policies", "change", "runs", "run", "dryRun", "domainDryRun", "confirm", "confirmation"] as const),
  ...(["domainPolicy", "exportsHeld", "domainRan"] as const),
] satisfies (keyof RetentionCalls)[];
