/**
 * Makes evidence of a fork (SPEC.md §15) of two files about one log that two people were given: evidence of entries, or checkpoints. What
 * it makes names hashes only: no entry, so nothing about people, leaves the files. It proves nothing by itself: `verifyFork` judges it.
 */
import { equalBytes } from "../core/bytes.ts";
import { entryHash } from "../core/chain.ts";
import { type Checkpoint, parseCheckpointNote } from "../core/checkpoint.ts";
import { type Contradiction, formatForkEvidence, orderedEvidence } from "../core/fork-evidence.ts";
import type { Sha256 } from "../core/sha256.ts";
import { decodeProvedEntry, parseTlogProof } from "../core/tlog-proof.ts";

export type BuiltFork = { ok: true; text: string } | { ok: false; why: string };

interface Sighting {
  /** The signed note, verbatim. */
  note: string;
  head: Checkpoint;
  /** Null: the file is a checkpoint alone. */
  entry: { index: number; leaf: Uint8Array; hashes: Uint8Array[] } | null;
}

/**
 * Untrusted texts in. `same_size` where the checkpoints alone contradict each other, else `leaf`. No signature and no proof is
 * checked; `why` says in words for the reader why the two contradict each other in nothing.
 */
export function forkBetween(sha256: Sha256, texts: readonly [string, string]): BuiltFork {
  const [a, b] = texts.map((text) => sightingOf(sha256, text));
  if (!a || !b) {
    return no(`the ${a ? "second" : "first"} file is neither evidence of an entry nor a checkpoint`);
  }
  if (a.head.origin !== b.head.origin) return no("they are about two logs: each may be honest");
  const contradiction = between(a, b);
  if (typeof contradiction === "string") return no(contradiction);
  const evidence = orderedEvidence({ contradiction, checkpoints: [a.note, b.note] });
  return evidence ? { ok: true, text: formatForkEvidence(evidence) } : no("their checkpoints cannot be read");
}

const no = (why: string): BuiltFork => ({ ok: false, why });

function between(a: Sighting, b: Sighting): Contradiction | string {
  if (a.head.size === b.head.size && !equalBytes(a.head.root, b.head.root)) return { kind: "same_size" };
  if (!a.entry || !b.entry) {
    return a.head.size === b.head.size
      ? "both checkpoints have the same size and root"
      : "checkpoints of two sizes: a log may grow from one to the other; evidence of one entry under each would tell";
  }
  const { index } = a.entry;
  if (index !== b.entry.index) return `they are about two entries, ${index} and ${b.entry.index}: a log has both`;
  if (equalBytes(a.entry.leaf, b.entry.leaf)) return `entry ${index} is the same in both`;
  const sides = [a.entry, b.entry].map(({ leaf: value, hashes }) => ({ value, hashes }));
  return { kind: "leaf", index, sides: sides as Extract<Contradiction, { kind: "leaf" }>["sides"] };
}

function sightingOf(sha256: Sha256, text: string): Sighting | null {
  const proof = parseTlogProof(text);
  const note = proof?.checkpoint ?? text;
  const head = parseCheckpointNote(note)?.checkpoint;
  if (!head) return null;
  if (!proof) return { note, head, entry: null };
  const proved = proof.extra && decodeProvedEntry(proof.extra);
  if (!proved) return null;
  const { index, hashes } = proof;
  return { note, head, entry: { index, hashes, leaf: entryHash(sha256, proved.prevHash, proved.payload) } };
}
