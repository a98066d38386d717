/**
 * Recomputes a chain, row by row (SPEC.md §3). No network, no Workers types; the same code runs in the Worker, in the
 * command line and in a browser.
 *
 * Proves: every row is the canonical payload that its entry hash commits to, every column agrees with it, and the rows
 * follow each other without gap. Does not prove: that the tail was not cut, or the whole log rewritten. That needs a head
 * from somewhere else (`compareHead`).
 */
import { fromHex, toHex } from "../core/bytes.ts";
import { entryHash } from "../core/chain.ts";
import { parseId } from "../core/ids.ts";
import { type PayloadPlace, parsePayload, scanPayload } from "../core/payload/payload.ts";
import type { Sha256 } from "../core/sha256.ts";

/** One row as a store or the API hands it out; untrusted. Hashes are lower-case hex. */
export interface ChainRow {
  seq: number;
  id: string;
  prevHash: string;
  entryHash: string;
  /** The exact canonical text. */
  payload: string;
}

export type ChainFault =
  | "seq_gap"
  | "seq_out_of_order"
  | "hash_malformed"
  | "prev_hash_mismatch"
  | "entry_hash_mismatch"
  | "payload_not_canonical"
  | "payload_malformed"
  | "version_unknown"
  | "foreign_domain"
  | "column_mismatch"
  | "genesis_mismatch"
  | "tail_cut"
  | "beyond_head"
  | "head_mismatch"
  | "expired_unclaimed";

export interface ChainFinding {
  /** The first seq at which the chain is not what it should be. */
  seq: number;
  fault: ChainFault;
  detail: string;
}

/** Where a run of rows begins: the hash that its first row must follow. `null`: taken from that row, so not proved. */
export interface ChainStart {
  seq: number;
  prevHash: string | null;
}

const HASH = /^[0-9a-f]{64}$/;
const MALFORMED = "a hash is not 64 characters of lower-case hex";

export class ChainVerifier {
  readonly #sha256: Sha256;
  readonly #domainId: string;
  #nextSeq: number;
  #prevHash: string | null;
  /** The bytes of `#prevHash`, when they were computed here. */
  #prevBytes: Uint8Array | null = null;
  #entries = 0;
  #finding: ChainFinding | null = null;

  constructor(sha256: Sha256, domainId: string, start: ChainStart = { seq: 0, prevHash: null }) {
    this.#sha256 = sha256;
    this.#domainId = domainId;
    this.#nextSeq = start.seq;
    this.#prevHash = start.prevHash;
  }

  /** Rows recomputed without a fault. */
  get entries(): number {
    return this.#entries;
  }

  /** Where the next row must continue. */
  get position(): ChainStart {
    return { seq: this.#nextSeq, prevHash: this.#prevHash };
  }

  get finding(): ChainFinding | null {
    return this.#finding;
  }

  /** Checks the next row; the first finding stays and later rows are ignored. O(payload). */
  feed(row: ChainRow): ChainFinding | null {
    if (this.#finding) return this.#finding;
    this.#finding = this.#check(row);
    if (!this.#finding) {
      this.#nextSeq = row.seq + 1;
      this.#prevHash = row.entryHash;
      this.#entries++;
    }
    return this.#finding;
  }

  #check(row: ChainRow): ChainFinding | null {
    const at = (fault: ChainFault, detail: string, seq = this.#nextSeq): ChainFinding => ({ seq, fault, detail });
    if (row.seq > this.#nextSeq) return at("seq_gap", `entry ${this.#nextSeq} is missing; the next one is ${row.seq}`);
    if (row.seq < this.#nextSeq)
      return at("seq_out_of_order", `entry ${row.seq} stands where ${this.#nextSeq} belongs`);
    const prev = row.prevHash === this.#prevHash ? (this.#prevBytes ?? fromHex(row.prevHash)) : fromHex(row.prevHash);
    if (prev?.length !== 32) {
      return at("hash_malformed", MALFORMED);
    }
    if (this.#prevHash !== null && row.prevHash !== this.#prevHash) {
      return at(
        "prev_hash_mismatch",
        `entry ${row.seq} does not follow ${row.seq === 0 ? "the genesis value" : `entry ${row.seq - 1}`}`,
      );
    }
    const computed = entryHash(this.#sha256, prev, row.payload);
    if (toHex(computed) !== row.entryHash) {
      if (!HASH.test(row.entryHash)) return at("hash_malformed", MALFORMED);
      return at("entry_hash_mismatch", "the payload is not what the entry hash commits to");
    }
    this.#prevBytes = computed;
    return this.#checkPayload(row, at);
  }

  #checkPayload(row: ChainRow, at: (fault: ChainFault, detail: string) => ChainFinding): ChainFinding | null {
    // Entry 0 also names its genesis value, deeper than its place.
    const place = row.seq === 0 ? null : scanPayload(row.payload);
    if (place) return this.#checkPlace(row, place, at);
    const parsed = parsePayload(row.payload);
    if (!parsed.ok) {
      if (parsed.fault === "version_unknown")
        return at("version_unknown", "the payload has a version this verifier does not know");
      if (parsed.fault === "not_canonical")
        return at("payload_not_canonical", "the payload is not canonical JSON (RFC 8785)");
      return at("payload_malformed", "the payload lacks what every entry has");
    }
    const { payload } = parsed;
    const misplaced = this.#checkPlace(row, payload, at);
    if (misplaced) return misplaced;
    if (row.seq === 0 && payload.metadata?.genesis !== row.prevHash) {
      return at("genesis_mismatch", "entry 0 does not name the genesis value that it follows");
    }
    return null;
  }

  #checkPlace(
    row: ChainRow,
    payload: PayloadPlace,
    at: (fault: ChainFault, detail: string) => ChainFinding,
  ): ChainFinding | null {
    if (payload.domain !== this.#domainId) {
      // Untrusted text would reach a terminal: only what has the form of an id is repeated.
      return at(
        "foreign_domain",
        `the entry belongs to ${parseId(payload.domain) ? payload.domain : "another domain"}`,
      );
    }
    if (payload.seq !== row.seq)
      return at("column_mismatch", `seq is ${row.seq} in the row and ${payload.seq} in the payload`);
    if (payload.id !== row.id) return at("column_mismatch", "the id of the row is not the id in the payload");
    return null;
  }
}

/** A head that somebody remembers: the log had this many entries, the last one with this hash. */
export interface RememberedHead {
  size: number;
  entryHash: string;
}

/**
 * Compares a remembered head with what was recomputed from seq 0. `hashAt` gives the recomputed entry hash of a seq, or
 * `undefined` when that seq was not among the rows.
 */
export function compareHead(
  remembered: RememberedHead,
  size: number,
  hashAt: (seq: number) => string | undefined,
): ChainFinding | null {
  if (size < remembered.size) {
    return {
      seq: size,
      fault: "tail_cut",
      detail: `the log had ${remembered.size} entries when it was last seen and has ${size} now`,
    };
  }
  const hash = hashAt(remembered.size - 1);
  if (hash === remembered.entryHash) return null;
  return {
    seq: remembered.size - 1,
    fault: "head_mismatch",
    detail: `entry ${remembered.size - 1} is not the one that was last seen there`,
  };
}

/** Exit codes of every command that verifies (DESIGN §5). */
export const EXIT = {
  verified: 0,
  refuted: 1,
  usage: 2,
  couldNotCheck: 3,
  notWitnessed: 4,
  contradictsRememberedHead: 5,
} as const;
