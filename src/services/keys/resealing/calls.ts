/** What an object of a domain is asked when keys rotate. Plain values: they cross RPC. */
import type { SlotName } from "../../../crypto/key-registry.ts";

/** Which key was replaced. What is stale is decided by the keys that there are, so both may be asked for at any time. */
export type ResealWork = { kind: "tenant_key" } | { kind: "slot"; slot: SlotName };

/** Where the walk goes on. Whoever keeps it may forget it: a walk from the beginning meets what is sealed anew already. */
export interface ResealCursor {
  phase: number;
  /** Of the phase: the last place that was looked at. */
  after: string;
}

export interface ResealStep {
  /** null: the walk is at its end. */
  cursor: ResealCursor | null;
  /** Values, and pages of subject keys, that were sealed anew. */
  values: number;
  pages: number;
  /** Stale values that no key opens: they are left as they are. */
  unreadable: number;
}

export const addSteps = (a: Omit<ResealStep, "cursor">, b: Omit<ResealStep, "cursor">) => ({
  values: a.values + b.values,
  pages: a.pages + b.pages,
  unreadable: a.unreadable + b.unreadable,
});
