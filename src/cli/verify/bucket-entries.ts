/**
 * The entries of a log as a copy of its bucket has them: payloads in `audit/`, and of what has expired or was not archived yet the
 * hashes in the bundles of `tlog/`. One file at a time; untrusted.
 */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import * as zlib from "node:zlib";
import { fromHex, toHex } from "../../core/bytes.ts";
import { entryHash } from "../../core/chain.ts";
import { LIMITS } from "../../core/limits.ts";
import { bundlePath, TILE_WIDTH } from "../../core/merkle/tiles.ts";
import { parsePayload } from "../../core/payload/payload.ts";
import { decodeSegment, parseSegmentKey, segmentKey } from "../../core/segment.ts";
import { ChainVerifier } from "../../verifier/chain.ts";
import { CliError, CODE } from "../io.ts";
import { safeText } from "../text.ts";
import { NODE } from "./trust.ts";

/** Logs that a folder has anything of, in the order of their names. */
export async function logsIn(folder: string): Promise<string[]> {
  const under = async (prefix: string) => (await readdir(join(folder, prefix)).catch(() => [])).filter(isLog);
  return [...new Set([...(await under("audit")), ...(await under("tlog"))])].sort();
}

const isLog = (name: string): boolean => /^dom_(?:eu|us)_[0-9a-z]{26}$/.test(name);

/** First seqs of the segments, ascending. */
export async function startsIn(folder: string, domainId: string): Promise<number[]> {
  const names = await readdir(join(folder, "audit", domainId)).catch(() => []);
  return names
    .map((name) => parseSegmentKey(domainId, `audit/${domainId}/${name}`))
    .filter((seq) => seq !== null)
    .sort((a, b) => a - b);
}

const MAX_SEGMENT_BYTES = LIMITS.segmentBytes + LIMITS.segmentEntriesMax + LIMITS.payloadBytes;

/** The payloads; null: the file is damaged. Throws `CliError` for one that cannot be read. */
export async function payloadsOf(folder: string, domainId: string, firstSeq: number): Promise<string[] | null> {
  const path = join(folder, segmentKey(domainId, firstSeq));
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`cannot read ${safeText(path)}: ${error.code}`);
  });
  const { zstdDecompressSync } = zlib as Partial<typeof zlib>;
  if (!zstdDecompressSync) throw new CliError("could not check: this Node has no zstd, 22.15 has", CODE.unreachable);
  try {
    return decodeSegment(zstdDecompressSync(bytes, { maxOutputLength: MAX_SEGMENT_BYTES }).toString("utf8"));
  } catch {
    return null;
  }
}

/**
 * Entry hashes of [fromSeq, toSeq) out of the bundles of a tree of `size`; null: one is missing or too short. That they are right shows
 * when they fold to the root.
 */
export async function bundledIn(
  folder: string,
  domainId: string,
  range: { fromSeq: number; toSeq: number; size: number },
): Promise<Uint8Array[] | null> {
  const hashes: Uint8Array[] = [];
  for (let seq = range.fromSeq; seq < range.toSeq; ) {
    const index = Math.floor(seq / TILE_WIDTH);
    const width = Math.min(TILE_WIDTH, range.size - index * TILE_WIDTH);
    const bytes = await readFile(join(folder, "tlog", domainId, bundlePath({ index, width }))).catch(() => null);
    if (bytes?.length !== width * BUNDLED_BYTES) return null;
    for (; seq < Math.min(range.toSeq, index * TILE_WIDTH + width); seq++) {
      const start = (seq - index * TILE_WIDTH) * BUNDLED_BYTES + LENGTH_BYTES;
      hashes.push(new Uint8Array(bytes.subarray(start, start + BUNDLED_BYTES - LENGTH_BYTES)));
    }
  }
  return hashes;
}

/** Each leaf of a bundle has its length in two bytes before it (C2SP tlog-tiles). */
const LENGTH_BYTES = 2;
const BUNDLED_BYTES = LENGTH_BYTES + 32;

export interface WalkedSegments {
  /** Entries [from, size) have payloads that follow each other. */
  from: number;
  size: number;
  segments: number;
  /** What is wrong, and where; null: nothing. */
  fault: string | null;
}

/** Recomputes every segment. `feed` gets each entry hash in order. `before`: the hash that the first segment follows, when it is not of entry 0. */
export async function walkSegments(
  folder: string,
  domainId: string,
  before: Uint8Array | null,
  feed: (hash: Uint8Array) => void,
): Promise<WalkedSegments> {
  const starts = await startsIn(folder, domainId);
  const from = starts[0] ?? 0;
  const walked = { from, size: from, segments: starts.length, fault: null };
  let chain: ChainVerifier | null = null;
  let prevHash = before === null ? null : toHex(before);
  let seq = from;
  for (const start of starts) {
    if (start !== seq)
      return { ...walked, size: seq, fault: `entry ${seq} is missing: the next segment is of ${start}` };
    const payloads = await payloadsOf(folder, domainId, start);
    if (!payloads) return { ...walked, size: seq, fault: `the segment of entry ${start} is damaged` };
    for (const payload of payloads) {
      const parsed = parsePayload(payload);
      prevHash ??= parsed.ok ? String(parsed.payload.metadata?.genesis) : "";
      chain ??= new ChainVerifier(NODE.sha256, domainId, { seq: from, prevHash });
      const prev = fromHex(prevHash);
      if (!prev) return { ...walked, size: seq, fault: `entry ${seq} names no genesis value` };
      const hash = entryHash(NODE.sha256, prev, payload);
      const id = parsed.ok ? parsed.payload.id : "";
      const finding = chain.feed({ seq, id, prevHash, entryHash: toHex(hash), payload });
      if (finding) return { ...walked, size: seq, fault: `entry ${finding.seq}: ${finding.detail}` };
      feed(hash);
      prevHash = toHex(hash);
      seq++;
    }
  }
  return { ...walked, size: seq };
}
