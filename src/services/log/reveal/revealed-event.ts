/** The entry that a reveal leaves. */
import type { ProductAction, ProductEvent } from "../../../core/actions/product.ts";
import type { AskedBy } from "../../tenancy/jobs.ts";
import type { RevealedEntry } from "./revealed-entry.ts";

export const REVEALED_ACTION = "audit.revealed" satisfies ProductAction;

/**
 * In clear: who (a credential), how much, of which entries (`seqs`: first and last of each run). Private: why. A reveal that
 * asked for a person names that person, so that it is among their entries, and its reason is erased with them; the reason
 * of any other is about nobody.
 */
export function revealedEvent(
  entries: readonly RevealedEntry[],
  { by, reason, identityId }: { by: AskedBy; reason: string; identityId: string | null },
): ProductEvent {
  const revealed = (values: readonly { status: string }[]) =>
    values.filter(({ status }) => status === "revealed").length;
  const metadata = {
    entries: entries.length,
    values: entries.reduce((sum, { values }) => sum + revealed(values), 0),
    people: new Set(
      entries.flatMap(({ people }) => people.filter(({ status }) => status === "revealed").map(({ ref }) => ref)),
    ).size,
    seqs: runs(entries.map(({ row }) => row.seq)),
    // Of the operator's people: the tenant's approval that let them.
    ...(by.type !== "system" && by.type !== "service" && by.via.type === "access" ? { access_id: by.via.id } : {}),
  };
  return {
    action: REVEALED_ACTION,
    actor: by,
    reason,
    ...(identityId === null ? {} : { subjects: [{ type: "person", id: identityId, role: "revealed" }] }),
    metadata,
    clear_metadata: Object.keys(metadata),
  };
}

function runs(seqs: readonly number[]): [number, number][] {
  const found: [number, number][] = [];
  for (const seq of [...new Set(seqs)].sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last && last[1] === seq - 1) last[1] = seq;
    else found.push([seq, seq]);
  }
  return found;
}
