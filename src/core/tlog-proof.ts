/**
 * C2SP tlog-proof: the offline proof of one entry. `extra` is base64 of canonical `{payload, prev_hash, v}` (SPEC.md): the
 * entry itself, so that one file is enough. Nothing in it is trusted until it was recomputed.
 */
import { fromBase64, fromHex, toBase64, toHex, utf8 } from "./bytes.ts";
import { canonicalJson, parseCanonicalJson } from "./canonical.ts";
import { parseDecimal } from "./checkpoint.ts";
import { LIMITS } from "./limits.ts";
import { HASH_BYTES } from "./sha256.ts";

export const TLOG_PROOF_HEADER = "c2sp.org/tlog-proof@v1";
export const PROOF_EXTRA_VERSION = 1;

export interface TlogProof {
  /** Opaque here; null when the line is left out. */
  extra: Uint8Array | null;
  index: number;
  /** From the leaf's sibling to the root's child. */
  hashes: Uint8Array[];
  /** The signed checkpoint, verbatim. */
  checkpoint: string;
}

/** What the proof of an entry carries beside its place. */
export interface ProvedEntry {
  prevHash: Uint8Array;
  /** The exact canonical text. */
  payload: string;
}

const MAX_HASHES = 63;

export function formatTlogProof({ extra, index, hashes, checkpoint }: TlogProof): string {
  const lines = [
    TLOG_PROOF_HEADER,
    ...(extra === null ? [] : [`extra ${toBase64(extra)}`]),
    `index ${index}`,
    ...hashes.map(toBase64),
  ];
  return `${lines.join("\n")}\n\n${checkpoint}`;
}

/** Takes an untrusted proof apart; null for anything that `formatTlogProof` would not have written. */
export function parseTlogProof(text: string): TlogProof | null {
  const end = text.indexOf("\n\n");
  if (end < 0) return null;
  const [header, ...lines] = text.slice(0, end).split("\n");
  const first = /^extra ([A-Za-z0-9+/=]*)$/.exec(lines[0] ?? "")?.[1];
  const extra = first === undefined ? null : fromBase64(first);
  if (first !== undefined) {
    if (extra === null) return null;
    lines.shift();
  }
  const index = parseDecimal(/^index (\d+)$/.exec(lines.shift() ?? "")?.[1] ?? "");
  const hashes = lines.map(fromBase64);
  if (header !== TLOG_PROOF_HEADER || index === null || hashes.length > MAX_HASHES) return null;
  if (hashes.some((hash) => hash?.length !== HASH_BYTES)) return null;
  const proof = { extra, index, hashes: hashes as Uint8Array[], checkpoint: text.slice(end + 2) };
  return formatTlogProof(proof) === text ? proof : null;
}

export function encodeProvedEntry({ prevHash, payload }: ProvedEntry): Uint8Array {
  return utf8(canonicalJson({ payload, prev_hash: toHex(prevHash), v: PROOF_EXTRA_VERSION }));
}

/** Untrusted; null for any other spelling. That the payload is canonical is not checked here. */
export function decodeProvedEntry(extra: Uint8Array): ProvedEntry | null {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(extra);
  } catch {
    return null;
  }
  const value = parseCanonicalJson(text, LIMITS.jsonDepth)?.value;
  if (value === null || typeof value !== "object" || Array.isArray(value)) return null;
  const { payload, prev_hash, v } = value;
  const prevHash = typeof prev_hash === "string" ? fromHex(prev_hash) : null;
  if (Object.keys(value).length !== 3 || v !== PROOF_EXTRA_VERSION) return null;
  if (typeof payload !== "string" || prevHash?.length !== HASH_BYTES) return null;
  return { prevHash, payload };
}
