/**
 * What must hold: `cheap` after every step, `whole` now and then and at the end of a run. `whole` does not believe the
 * doubles' own checks: it recomputes the copy and the archive from their bytes with the verifier.
 */
import { sha256 } from "../../../src/crypto/sha256.ts";
import { rowsFromArchive } from "../../../src/services/log/archive.ts";
import type { EntryRow } from "../../../src/services/ports.ts";
import { ChainVerifier } from "../../../src/verifier/chain.ts";
import type { SimulatedDomain } from "./domain.ts";

/** O(1). */
export function cheap(domain: SimulatedDomain): void {
  const { journal, truth, referee } = domain;
  referee.check();
  if (truth.forked || !journal.identity()) return;
  const head = journal.head();
  referee.demand(head.size === truth.size, () => `the head is ${head.size}, ${truth.size} entries were committed`);
  for (const position of [head, journal.copied(), journal.archived()]) {
    const known = domain.hashAt(position.size);
    referee.demand(position.entryHash === known, () => `a position of ${position.size} has a foreign hash`);
  }
  const stats = journal.pendingStats();
  const waiting = head.size - journal.released;
  referee.demand(stats.entries === waiting, () => `${stats.entries} entries wait, ${waiting} should`);
}

export interface WholeOptions {
  /** The archive or the ledger was altered by hand: what it holds is no longer held against the product. */
  segmentsTampered: boolean;
  ledgerTampered: boolean;
  /** Everything must be copied, archived and released. */
  drained: boolean;
}

export async function whole(domain: SimulatedDomain, options: WholeOptions): Promise<void> {
  const { journal, truth, ledger, segments, referee } = domain;
  if (!options.ledgerTampered) {
    for (const row of ledger.all()) {
      referee.demand(truth.holds(row), () => `entry ${row.seq} of the ledger was never committed`);
    }
    verifyChain(domain, ledger.all(), "the ledger");
  }
  verifyChain(domain, truth.rows, "the committed log");
  const archived = options.segmentsTampered ? null : await archivedRows(domain);
  if (archived) verifyChain(domain, archived, "the archive");
  const released = journal.released;
  const held = Math.min(ledger.ever, segments.ever);
  referee.demand(released <= held, () => `${released} entries left the object, both copies held ${held}`);
  if (!truth.forked) {
    const waiting = journal.pending(released, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY);
    const covered = waiting.length === truth.size - released && waiting.every((row) => truth.holds(row));
    referee.demand(covered, () => "an entry that was not released does not wait in the object");
  }
  if (!options.drained) return;
  const { size } = truth;
  referee.demand(journal.head().size === size, () => "the head is not the committed log");
  referee.demand(ledger.size === size, () => `drained, the ledger holds ${ledger.size} of ${size}`);
  referee.demand(segments.ever === size, () => `drained, the archive holds ${segments.ever} of ${size}`);
  referee.demand(!archived || archived.length === size, () => "the archive has a gap");
  referee.demand(released === size, () => `drained, ${size - released} entries still wait in the object`);
}

/** The archive from its bytes: contiguous, no overlap. */
async function archivedRows(domain: SimulatedDomain): Promise<EntryRow[]> {
  const { segments, referee } = domain;
  const store = {
    put: () => Promise.reject(new Error("read only")),
    get: async (firstSeq: number) => segments.get(firstSeq),
    list: async (fromSeq: number, limit: number) => segments.list(fromSeq, limit),
  };
  const rows: EntryRow[] = [];
  for (const firstSeq of segments.starts()) {
    referee.demand(firstSeq === rows.length, () => `a segment begins at ${firstSeq}, after ${rows.length} entries`);
    const read = await rowsFromArchive(firstSeq, Number.POSITIVE_INFINITY, { segments: store, sha256 });
    referee.demand(read !== null, () => `the segment of entry ${firstSeq} cannot be read`);
    rows.push(...(read ?? []));
  }
  return rows;
}

function verifyChain(
  { domainId, genesis, truth, referee }: SimulatedDomain,
  rows: readonly EntryRow[],
  of: string,
): void {
  const verifier = new ChainVerifier(sha256, domainId, { seq: 0, prevHash: genesis });
  for (const row of rows) verifier.feed(row);
  const { finding, position } = verifier;
  referee.demand(finding === null, () => `${of}: ${finding?.fault} at entry ${finding?.seq}: ${finding?.detail}`);
  const expected = position.seq === 0 ? genesis : truth.rows[position.seq - 1]?.entryHash;
  referee.demand(position.prevHash === expected, () => `${of} ends with another entry than the committed log`);
}
