/** Entry 0 of every domain: `domain.created` (DESIGN §1). It carries what an outsider needs to check the chain's start. */
import type { ProductAction } from "../../core/actions/product.ts";
import { CHAIN_VERSION } from "../../core/chain.ts";
import { SYSTEM_ACTOR_ID } from "../../core/event.ts";
import { PAYLOAD_VERSION } from "../../core/payload/payload.ts";
import { SEGMENT_VERSION } from "../../core/segment.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { DomainIdentity, EntryRow, Head, Journal, RandomBytes } from "../ports.ts";
import { saltBytesFor, sequenceEntries } from "./sequence.ts";

/** The identity is frozen here: creating an existing domain again changes nothing. */
export function createDomain(
  journal: Journal,
  identity: DomainIdentity,
  logKeyId: string,
  deps: { sha256: Sha256; random: RandomBytes; nowMs: number },
): void {
  journal.transaction(() => {
    if (journal.identity()) return;
    const { row, head } = entryZero(identity, logKeyId, deps);
    journal.create(identity, { size: 0, entryHash: identity.genesis, recordedAtMs: 0 });
    journal.append([row], head);
  });
}

function entryZero(
  identity: DomainIdentity,
  logKeyId: string,
  { sha256, random, nowMs }: { sha256: Sha256; random: RandomBytes; nowMs: number },
): { row: EntryRow; head: Head } {
  const planned = {
    pointer: "",
    id: undefined,
    eventMac: undefined,
    privateValues: [],
    people: [],
    fields: {
      action: "domain.created" satisfies ProductAction,
      actor: { type: "system" as const, id: SYSTEM_ACTOR_ID },
      outcome: "success" as const,
      targets: [{ type: "domain", id: identity.domainId }],
      metadata: {
        formats: { chain: CHAIN_VERSION, payload: PAYLOAD_VERSION, segment: SEGMENT_VERSION },
        genesis: identity.genesis,
        jurisdiction: identity.jurisdiction,
        kind: identity.kind,
        log_key_id: logKeyId,
        origin: identity.origin,
        tenant: identity.tenantId,
      },
    },
  };
  const before = { size: 0, entryHash: identity.genesis, recordedAtMs: 0 };
  const { rows, head } = sequenceEntries(sha256, identity.domainId, before, [planned], nowMs, random(saltBytesFor(1)));
  return { row: rows[0] as EntryRow, head };
}
