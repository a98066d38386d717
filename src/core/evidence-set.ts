/**
 * Evidence for many entries (SPEC.md §13), of two kinds. `range`: every entry from one seq to another. `selection`: these
 * entries are in the log; nothing is said about others, and there is no place for a word that would.
 *
 * A set is its proof, its payloads and the signed checkpoint, with an empty line between them. An export bundle holds the
 * same three as files.
 */
import { fromBase64, toBase64 } from "./bytes.ts";
import { parseDecimal } from "./checkpoint.ts";
import { LIMITS } from "./limits.ts";
import { HASH_BYTES } from "./sha256.ts";

export const EVIDENCE_SET_HEADER = "moonseal/evidence-set/v1";

/** Seqs are 0-based; `from` and `to` both belong to the range. Hashes as `merkle/range.ts` and `merkle/selection.ts` order them. */
export type SetProof =
  | { kind: "range"; from: number; to: number; prevHash: Uint8Array; hashes: Uint8Array[] }
  | { kind: "selection"; entries: { seq: number; prevHash: Uint8Array }[]; hashes: Uint8Array[] };

export interface EvidenceSet {
  proof: SetProof;
  /** The exact canonical texts, in the order of their seqs. */
  payloads: string[];
  /** The signed note, verbatim. */
  checkpoint: string;
}

/** Hashes that a proof may have: 53 for each leaf, or twice that for a range. */
const MAX_HASHES_A_LEAF = 53;

/** How many entries a proof is about. */
export const countOf = (proof: SetProof): number =>
  proof.kind === "range" ? proof.to - proof.from + 1 : proof.entries.length;

/** Ends with LF. */
export function formatSetProof(proof: SetProof): string {
  const what =
    proof.kind === "range"
      ? [`range ${proof.from} ${proof.to}`, `prev ${toBase64(proof.prevHash)}`]
      : [
          `selection ${proof.entries.length}`,
          ...proof.entries.map(({ seq, prevHash }) => `entry ${seq} ${toBase64(prevHash)}`),
        ];
  return `${[EVIDENCE_SET_HEADER, ...what, ...proof.hashes.map(toBase64)].join("\n")}\n`;
}

/** Takes an untrusted proof apart; null for anything that `formatSetProof` would not have written, and for more entries than `most`. */
export function parseSetProof(text: string, most: number = LIMITS.evidenceSetEntries): SetProof | null {
  if (text.length > LIMITS.evidenceSetBytes || !text.startsWith(`${EVIDENCE_SET_HEADER}\n`)) return null;
  const [, first = "", ...lines] = text.slice(0, -1).split("\n");
  const proof = first.startsWith("range ") ? rangeOf(first, lines) : selectionOf(first, lines, most);
  return proof && formatSetProof(proof) === text ? proof : null;
}

function rangeOf(first: string, [prev = "", ...lines]: string[]): SetProof | null {
  const [, a = "", b = ""] = /^range (\d+) (\d+)$/.exec(first) ?? [];
  const [from, to] = [parseDecimal(a), parseDecimal(b)];
  const prevHash = hashOf(prev.slice("prev ".length));
  const hashes = hashesOf(lines, 2 * MAX_HASHES_A_LEAF);
  if (from === null || to === null || from > to || !prevHash || !hashes) return null;
  return { kind: "range", from, to, prevHash, hashes };
}

function selectionOf(first: string, lines: string[], most: number): SetProof | null {
  const count = parseDecimal(first.slice("selection ".length));
  if (!count || count > most || lines.length < count) return null;
  const entries = lines.slice(0, count).map((line) => {
    const [, seq = "", prev = ""] = /^entry (\d+) (\S+)$/.exec(line) ?? [];
    return { seq: parseDecimal(seq) ?? -1, prevHash: hashOf(prev) };
  });
  const ascending = entries.every(({ seq }, i) => seq > (entries[i - 1]?.seq ?? -1));
  const hashes = hashesOf(lines.slice(count), count * MAX_HASHES_A_LEAF);
  if (!ascending || !entries.every(hasHash) || !hashes) return null;
  return { kind: "selection", entries, hashes };
}

function hashesOf(lines: readonly string[], most: number): Uint8Array[] | null {
  if (lines.length > most) return null;
  const hashes = lines.map(hashOf);
  return hashes.every((hash) => hash !== null) ? hashes : null;
}

function hashOf(text: string): Uint8Array | null {
  const bytes = fromBase64(text);
  return bytes?.length === HASH_BYTES ? bytes : null;
}

const hasHash = <T extends { prevHash: Uint8Array | null }>(entry: T): entry is T & { prevHash: Uint8Array } =>
  entry.prevHash !== null;

export function formatEvidenceSet({ proof, payloads, checkpoint }: EvidenceSet): string {
  return `${formatSetProof(proof)}\n${payloads.map((payload) => `${payload}\n`).join("")}\n${checkpoint}`;
}

/**
 * Takes an untrusted set apart; null for anything that `formatEvidenceSet` would not have written, and for more than
 * `LIMITS.evidenceSetEntries` entries. That the payloads are canonical is not checked here.
 */
export function parseEvidenceSet(text: string): EvidenceSet | null {
  if (text.length > LIMITS.evidenceSetBytes) return null;
  const afterProof = text.indexOf("\n\n") + 2;
  const afterPayloads = text.indexOf("\n\n", afterProof) + 2;
  if (afterProof < 2 || afterPayloads < afterProof + 2) return null;
  const proof = parseSetProof(text.slice(0, afterProof - 1));
  const payloads = text.slice(afterProof, afterPayloads - 2).split("\n");
  if (!proof || payloads.length > LIMITS.evidenceSetEntries || payloads.length !== countOf(proof)) return null;
  // What has no brace can be no payload: a proof that goes on here in place of entries ends at this line.
  if (payloads.some((payload) => !payload.startsWith("{") || payload.length > LIMITS.payloadBytes)) return null;
  const set = { proof, payloads, checkpoint: text.slice(afterPayloads) };
  return formatEvidenceSet(set) === text ? set : null;
}
