/**
 * The entry by which a log itself says where it moves. It is an ordinary entry of the old log, written by whoever may append to
 * it, with the new domain as its target: so an export that holds it was meant for that domain, and a stranger who got hold of an
 * export cannot bring it into a log of their own.
 */
import { parseId } from "../ids.ts";
import type { Payload } from "../payload/payload.ts";

export const ANNOUNCING_ACTION = "move.announced";

/** Where the entry says that its log moves; null: it says nothing of it. */
export function announcedIn({ action, targets, outcome }: Payload): string | null {
  if (action !== ANNOUNCING_ACTION || outcome !== "success" || targets?.length !== 1) return null;
  const [target] = targets;
  if (!target || !("id" in target) || target.type !== "domain" || target.id === undefined) return null;
  return parseId(target.id)?.kind === "domain" ? target.id : null;
}
