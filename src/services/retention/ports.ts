/** Retention policies as rows, and as a store. */
import type { ResourceName } from "../../core/retention/resources.ts";

/** What somebody decided. Never edited; the newest one in force holds. */
export interface PolicyRow {
  tenantId: string;
  /** 1, 2, …, over all policies of the tenant. */
  version: number;
  /** Null: for every domain that has none of its own, and for what is no domain's. */
  domainId: string | null;
  resource: ResourceName;
  /** As `formatDuration` spells it. Null: as if nobody had decided. */
  duration: string | null;
  /** RFC 3339, UTC. */
  effectiveFrom: string;
  setAt: string;
}

export interface RetentionStore {
  /** Of the tenant, its domains' among them, oldest first. */
  policies(tenantId: string): Promise<PolicyRow[]>;
  /** All or none; again: nothing changes. `gone`: versions that can never be in force again. */
  add(tenantId: string, rows: readonly PolicyRow[], gone: readonly number[]): Promise<void>;
}

/** What legal holds keep, all of them together. */
export interface Held {
  /** Of which holds this is: `heldKey` says whether it still is so. */
  key: string;
  /** Everything of the tenant: a hold over all its domains, or over its reserved one. */
  everything: boolean;
  resources: ReadonlySet<ResourceName>;
  /** Whole domains. */
  domains: ReadonlySet<string>;
  /** Identity ids; a member's is their id. */
  people: ReadonlySet<string>;
}

/** Rows of one resource. */
export interface Retained {
  /** The object's own rows: they go in one transaction with the count of them. */
  own: boolean;
  /** What began before: how much may go, how much is held of a domain or of a person. */
  count(beforeMs: number, held: Held): Promise<{ go: number; held: number }>;
  /** At most `limit` rows go; `told` how many, in their transaction where they are the object's own. */
  drop(beforeMs: number, held: Held, limit: number, told: (rows: number) => void): Promise<void>;
}
