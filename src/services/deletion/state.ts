/** How far a tenant's deletion is, as the tenant's object keeps it (`deletion.ts` says what each phase does). */
import type { FinalHead } from "../../core/deletion-certificate.ts";
import type { AskedBy } from "../tenancy/jobs.ts";

/** In their order. `refusing` is the way back out of `closing`; from `recording` on there is none. */
export const DELETION_PHASES = [
  "closing",
  "refusing",
  "recording",
  "stopping",
  "destroying_keys",
  "deleting_rows",
  "deleting_archive",
  "deleting_records",
  "emptying_objects",
  "verifying",
  "certifying",
] as const;
export type DeletionPhase = (typeof DELETION_PHASES)[number];

export interface DeletionState {
  phase: DeletionPhase;
  tenantId: string;
  by: AskedBy;
  requestReference: string | null;
  requestedAt: string;
  /** When each phase began. */
  began: Partial<Record<DeletionPhase, string>>;
  /** Holds that forbid it, once one was met. */
  holds: string[];
  /** The signed note, once there is one: it is made once. */
  note: string | null;
}

/** The object's own storage: synchronous and durable. */
export interface DeletionBook {
  /** Null: the tenant is not being deleted. */
  state(): DeletionState | null;
  put(state: DeletionState): void;
  /** Idempotent. */
  addDomains(domainIds: readonly string[]): void;
  /** Domains for which this phase is not over yet. */
  waiting(phase: DeletionPhase, limit: number): string[];
  over(phase: DeletionPhase, domainId: string): void;
  /** These phases are not over for any domain. */
  again(phases: readonly DeletionPhase[]): void;
  setHead(head: FinalHead): void;
  heads(): FinalHead[];
  domainIds(): string[];
  count(deleted: Readonly<Record<string, number>>): void;
  counts(): Record<string, number>;
  /** Forgets all of it. */
  clear(): void;
}
