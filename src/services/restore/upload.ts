/**
 * Objects of a bucket's copy that come back into the bucket, each checked before it is put, none ever replaced. A segment's head is
 * recomputed: a copy in files has no metadata. While the log lives only segments that its own tree knows are taken: an old page of
 * sealed rows could bring back somebody who was erased, and the log makes its tiles itself.
 */
import { fromHex, toHex } from "../../core/bytes.ts";
import { entryHash } from "../../core/chain.ts";
import { LIMITS } from "../../core/limits.ts";
import { parseTilePath } from "../../core/merkle/tiles.ts";
import { leafHash } from "../../core/merkle/tree.ts";
import { parsePayload } from "../../core/payload/payload.ts";
import { parseSealedPageKey } from "../../core/sealed-page.ts";
import { encodeSegment, parseSegmentKey, type SegmentHead } from "../../core/segment.ts";
import { HASH_BYTES } from "../../core/sha256.ts";
import type { KnownLog } from "./log-calls.ts";
import { type RestoreDeps, RestoreRefused } from "./ports.ts";
import { bundledHashes, checkpointOf } from "./tree.ts";

export interface Uploaded {
  key: string;
  bytes: Uint8Array;
}

export interface UploadDeps extends RestoreDeps {
  /** The payloads of a compressed segment; null: it is none. */
  decode(bytes: Uint8Array): Promise<string[] | null>;
  /** False: something of this name is there. `head`: of a segment. */
  put(object: Uploaded, head: SegmentHead | null): Promise<boolean>;
}

/** False: the bucket has one of this name already. Throws `RestoreRefused`, or the store's error. */
export async function upload(object: Uploaded, deps: UploadDeps): Promise<boolean> {
  const { domainId, log } = deps;
  const firstSeq = parseSegmentKey(domainId, object.key);
  const known = await log.known();
  if (firstSeq === null) {
    if (!isBeside(object.key, domainId)) throw new RestoreRefused("archive_foreign");
    if (known.state === "living") throw new RestoreRefused("log_lives");
    await demandTenant(null, deps);
    return deps.put(object, null);
  }
  const payloads = await deps.decode(object.bytes);
  if (!payloads) throw new RestoreRefused("archive_damaged", firstSeq);
  await demandTenant(firstSeq === 0 ? (payloads[0] ?? "") : null, deps);
  const head = await headOf(firstSeq, payloads, known, deps);
  return deps.put(object, head);
}

function isBeside(key: string, domainId: string): boolean {
  if (parseSealedPageKey(domainId, key) !== null) return true;
  const prefix = `tlog/${domainId}/`;
  const path = key.startsWith(prefix) ? key.slice(prefix.length) : "";
  return path === "checkpoint" || parseTilePath(path) !== null;
}

/** Nothing comes back of a tenant that was deleted. Who it was is in the control database, or in entry 0. */
async function demandTenant(entryZero: string | null, deps: UploadDeps): Promise<void> {
  const payload = entryZero ?? (await deps.segments.get(0))?.payloads[0] ?? null;
  const parsed = payload === null ? null : parsePayload(payload);
  const named = parsed?.ok ? parsed.payload.metadata?.tenant : undefined;
  const tenantId = (await deps.control.domain(deps.domainId))?.tenantId ?? named;
  if (typeof tenantId !== "string") throw new RestoreRefused("tenant_missing");
  if (await deps.isDeleted(tenantId)) throw new RestoreRefused("tenant_deleted");
}

async function headOf(
  firstSeq: number,
  payloads: readonly string[],
  known: KnownLog,
  deps: UploadDeps,
): Promise<SegmentHead> {
  const { sha256, domainId, log } = deps;
  const prevHash = firstSeq === 0 ? genesisIn(payloads[0] ?? "") : await hashBefore(firstSeq, deps);
  let hash = fromHex(prevHash ?? "");
  if (!prevHash || !hash) throw new RestoreRefused("archive_missing", Math.max(0, firstSeq - 1));
  const leaves = known.state === "lost" ? new Uint8Array() : await log.leaves(firstSeq, payloads.length);
  if (known.state === "living" && leaves.length < payloads.length * HASH_BYTES) {
    throw new RestoreRefused("log_contradicts", firstSeq + leaves.length / HASH_BYTES);
  }
  for (const [i, payload] of payloads.entries()) {
    const parsed = parsePayload(payload);
    if (!parsed.ok || parsed.payload.seq !== firstSeq + i) throw new RestoreRefused("archive_damaged", firstSeq + i);
    if (parsed.payload.domain !== domainId) throw new RestoreRefused("archive_foreign", firstSeq + i);
    hash = entryHash(sha256, hash, payload);
    const leaf = toHex(leaves.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
    if (leaf !== "" && leaf !== toHex(leafHash(sha256, hash)))
      throw new RestoreRefused("archive_damaged", firstSeq + i);
  }
  const text = encodeSegment(payloads);
  return { firstSeq, count: payloads.length, prevHash, lastHash: toHex(hash), sha256: toHex(sha256(text)) };
}

function genesisIn(payload: string): string | null {
  const parsed = parsePayload(payload);
  const genesis = parsed.ok ? parsed.payload.metadata?.genesis : null;
  return typeof genesis === "string" ? genesis : null;
}

/** By the object before, else by the hashes that remain of what has expired. */
async function hashBefore(firstSeq: number, deps: UploadDeps): Promise<string | null> {
  const starts = await deps.segments.list(Math.max(0, firstSeq - LIMITS.segmentEntriesMax), LIMITS.segmentEntriesMax);
  const before = starts.findLast((start) => start < firstSeq);
  const head = before === undefined ? null : (await deps.segments.get(before))?.head;
  if (head && head.firstSeq + head.count === firstSeq) return head.lastHash;
  const hashes = await bundledHashes(firstSeq - 1, firstSeq, await checkpointOf(deps), deps);
  return hashes && toHex(hashes);
}
