/** What an entry `ledger.expired` says (docs/retention.md): the one thing that backs the claim that payloads are gone by policy. */
import { SYSTEM_ACTOR_ID } from "./event.ts";
import { parsePayload } from "./payload/payload.ts";

export const EXPIRED_ACTION = "ledger.expired";
/** Canonical JSON begins with it, so that few texts have to be parsed. */
const BEGINS = `{"action":"${EXPIRED_ACTION}",`;

export interface ExpiryClaim {
  /** The entry that says so. */
  seq: number;
  /** Payloads of the entries before this one are gone. */
  firstKept: number;
  /** The policy, as a duration. */
  duration: string;
}

/** The claim in an untrusted payload; null for any other entry, and for one that the product did not write. */
export function expiryClaim(text: string, domainId: string): ExpiryClaim | null {
  if (!text.startsWith(BEGINS)) return null;
  const parsed = parsePayload(text);
  if (!parsed.ok) return null;
  const { seq, domain, actor, metadata } = parsed.payload;
  const { type, id } = actor as { type?: unknown; id?: unknown };
  if (domain !== domainId || type !== "system" || id !== SYSTEM_ACTOR_ID) return null;
  const { minimum_index: firstKept, duration } = (metadata ?? {}) as { minimum_index?: unknown; duration?: unknown };
  if (!Number.isSafeInteger(firstKept) || (firstKept as number) < 1 || (firstKept as number) > seq) return null;
  return { seq, firstKept: firstKept as number, duration: typeof duration === "string" ? duration : "" };
}
