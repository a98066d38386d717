/**
 * Recomputes what a set of entries leads to, entry by entry: payload → entry hash → leaf → root. Every payload must say itself
 * that it is that entry of that log, and entries that follow each other in seq must follow each other in the chain too.
 */
import { equalBytes, toHex } from "../core/bytes.ts";
import { entryHash } from "../core/chain.ts";
import { countOf, type SetProof } from "../core/evidence-set.ts";
import { RangeFold } from "../core/merkle/range.ts";
import { rootOfSelection } from "../core/merkle/selection.ts";
import { leafHash } from "../core/merkle/tree.ts";
import { type PayloadPlace, parsePayload, scanPayload } from "../core/payload/payload.ts";
import type { Sha256 } from "../core/sha256.ts";

/** What the checkpoint claims, whoever signed it. */
export interface ClaimedTree {
  domainId: string;
  size: number;
}

export interface FoldedEntry {
  seq: number;
  entryHash: Uint8Array;
}

export class SetFold {
  readonly #sha256: Sha256;
  readonly #proof: SetProof;
  readonly #tree: ClaimedTree;
  readonly #range: RangeFold | null;
  readonly #leaves: { index: number; hash: Uint8Array }[] = [];
  #fed = 0;
  #last: FoldedEntry | null = null;
  #fault: string | null = null;

  constructor(sha256: Sha256, proof: SetProof, tree: ClaimedTree) {
    this.#sha256 = sha256;
    this.#proof = proof;
    this.#tree = tree;
    const { kind, hashes } = proof;
    this.#range =
      kind === "range" ? RangeFold.begin(sha256, { from: proof.from, to: proof.to + 1 }, tree.size, hashes) : null;
  }

  /** Entries so far. */
  get fed(): number {
    return this.#fed;
  }

  /** The first thing that is wrong with an entry, with its seq. */
  get fault(): string | null {
    const missing = countOf(this.#proof) - this.#fed;
    return this.#fault ?? (missing > 0 ? `${missing} of the entries are missing` : null);
  }

  /** The next untrusted payload; never throws. Later faults than the first are not told. */
  feed(payload: string): FoldedEntry | null {
    const place = this.#next();
    if (!place) {
      this.#fault ??= "there are more entries than the proof is about";
      return null;
    }
    const { seq, prevHash } = place;
    const entry = { seq, entryHash: entryHash(this.#sha256, prevHash, payload) };
    const follows = this.#last?.seq !== seq - 1 || equalBytes(this.#last.entryHash, prevHash);
    const fault = follows
      ? payloadFault(payload, seq, prevHash, this.#tree.domainId)
      : "it does not follow the one before";
    if (fault) this.#fault ??= `entry ${seq}: ${fault}`;
    const leaf = leafHash(this.#sha256, entry.entryHash);
    if (this.#proof.kind === "range") this.#range?.append(leaf);
    else this.#leaves.push({ index: seq, hash: leaf });
    this.#last = entry;
    this.#fed++;
    return entry;
  }

  /** Null unless all entries are there and the proof has exactly the hashes that they need in a tree of this size. */
  root(): Uint8Array | null {
    if (this.#fed !== countOf(this.#proof)) return null;
    if (this.#proof.kind === "range") return this.#range?.root() ?? null;
    return rootOfSelection(this.#sha256, this.#leaves, this.#tree.size, this.#proof.hashes);
  }

  #next(): { seq: number; prevHash: Uint8Array } | null {
    const proof = this.#proof;
    if (proof.kind === "selection") return proof.entries[this.#fed] ?? null;
    if (this.#fed >= countOf(proof)) return null;
    return { seq: proof.from + this.#fed, prevHash: this.#last?.entryHash ?? proof.prevHash };
  }
}

/** What is wrong with an untrusted payload at this place; null: nothing. */
function payloadFault(payload: string, seq: number, prevHash: Uint8Array, domainId: string): string | null {
  // Entry 0 also names its genesis value, deeper than its place.
  const place = seq === 0 ? null : scanPayload(payload);
  if (place) return placeFault(place, seq, domainId);
  const parsed = parsePayload(payload);
  if (!parsed.ok) return `the payload is ${parsed.fault.replaceAll("_", " ")}`;
  if (seq === 0 && parsed.payload.metadata?.genesis !== toHex(prevHash)) {
    return "it does not name the genesis value that it follows";
  }
  return placeFault(parsed.payload, seq, domainId);
}

function placeFault(place: PayloadPlace, seq: number, domainId: string): string | null {
  if (place.seq !== seq) return `it says that it is entry ${place.seq}`;
  return place.domain === domainId ? null : "it says that it belongs to another log";
}
