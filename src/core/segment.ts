/** Archive segments (SPEC.md §5, decision 11): consecutive entries as JSON lines, named after the first. */
import { LIMITS } from "./limits.ts";

export const SEGMENT_VERSION = 1;

const SEQ_DIGITS = 20;

export const segmentPrefix = (domainId: string): string => `audit/${domainId}/`;

/** `audit/<domain_id>/<seq:020d>.json.zst`. */
export function segmentKey(domainId: string, firstSeq: number): string {
  if (!Number.isSafeInteger(firstSeq) || firstSeq < 0) throw new RangeError("a seq is an integer from 0 to 2^53-1");
  return `${segmentPrefix(domainId)}${String(firstSeq).padStart(SEQ_DIGITS, "0")}.json.zst`;
}

/** First seq of a segment from its key; `null` for any other name. */
export function parseSegmentKey(domainId: string, key: string): number | null {
  const prefix = segmentPrefix(domainId);
  const match = key.startsWith(prefix) ? /^(\d{20})\.json\.zst$/.exec(key.slice(prefix.length)) : null;
  const seq = match ? Number(match[1]) : Number.NaN;
  return Number.isSafeInteger(seq) ? seq : null;
}

/** The uncompressed bytes: each line exactly one payload and LF. A payload is canonical JSON, so it holds no LF. */
export function encodeSegment(payloads: readonly string[]): string {
  return payloads.map((payload) => `${payload}\n`).join("");
}

/** The payloads of an untrusted segment; `null` when it does not end with LF, is empty or has too many lines. */
export function decodeSegment(text: string): string[] | null {
  if (!text.endsWith("\n")) return null;
  const payloads = text.slice(0, -1).split("\n");
  return payloads.length <= LIMITS.segmentEntriesMax && payloads.every((line) => line !== "") ? payloads : null;
}

/** What stands in the custom metadata of the object. */
export interface SegmentHead {
  firstSeq: number;
  count: number;
  /** Lower-case hex: previous hash of the first entry, entry hash of the last, SHA-256 of the uncompressed bytes. */
  prevHash: string;
  lastHash: string;
  sha256: string;
}

export function segmentMetadata(head: SegmentHead): Record<string, string> {
  return {
    "first-seq": String(head.firstSeq),
    count: String(head.count),
    "prev-hash": head.prevHash,
    "last-hash": head.lastHash,
    sha256: head.sha256,
  };
}

export function parseSegmentMetadata(metadata: Record<string, string> | undefined): SegmentHead | null {
  const number = (text: string | undefined) => {
    const value = /^(0|[1-9]\d{0,15})$/.test(text ?? "") ? Number(text) : Number.NaN;
    return Number.isSafeInteger(value) ? value : null;
  };
  const hash = (text: string | undefined) => (/^[0-9a-f]{64}$/.test(text ?? "") ? (text as string) : null);
  const firstSeq = number(metadata?.["first-seq"]);
  const count = number(metadata?.count);
  const prevHash = hash(metadata?.["prev-hash"]);
  const lastHash = hash(metadata?.["last-hash"]);
  const sha256 = hash(metadata?.sha256);
  if (firstSeq === null || !count || !prevHash || !lastHash || !sha256) return null;
  return { firstSeq, count, prevHash, lastHash, sha256 };
}
