/** A small log without a server: rows as the sequencer makes them. */
import { sha256 } from "../../src/crypto/sha256.ts";
import { saltBytesFor, sequenceEntries } from "../../src/services/log/sequence.ts";
import type { EntryRow } from "../../src/services/ports.ts";

/** `word` stands in every entry, so that another word makes another history. */
export function rowsOfLog(domainId: string, count: number, word = "real"): EntryRow[] {
  const planned = Array.from({ length: count }, (_, i) => ({
    pointer: "",
    id: undefined,
    eventMac: undefined,
    privateValues: [],
    people: [],
    fields: {
      action: "document.read",
      actor: { id: "svc", type: "service" as const },
      outcome: "success" as const,
      metadata: { i, word },
    },
  }));
  const head = { size: 0, entryHash: "00".repeat(32), recordedAtMs: 0 };
  return sequenceEntries(sha256, domainId, head, planned, Date.UTC(2026, 10, 21), new Uint8Array(saltBytesFor(count)))
    .rows;
}
