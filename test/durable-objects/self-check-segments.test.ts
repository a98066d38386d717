/** Several segments that one proof stands for, and damage to one of them. Runs in workerd, against the real stores. */
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/core/bytes.ts";
import { entryHash } from "../../src/core/chain.ts";
import { encodeSegment, segmentKey } from "../../src/core/segment.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { R2SegmentStore } from "../../src/storage/segment-store.ts";
import { env } from "../support/cell.ts";
import { badIn, checkDomain, ensurePlatform, wholeDomain } from "../support/self-check.ts";
import { withLimits } from "../support/tamper.ts";

const ENTRIES = 20;
const SEGMENT = 4;
const STARTS = [0, 4, 8, 12, 16, 20];

/** One run; how often the archive's part of it asked the log for a proof. */
async function proofsOfArchive(domainId: string) {
  let [proofs, isArchive] = [0, false];
  const health = await checkDomain(domainId, ({ log, segments, ledger, mirror }) => ({
    segments: {
      list: (from, limit) => {
        isArchive = true;
        return segments.list(from, limit);
      },
      get: (start) => segments.get(start),
    },
    ledger: (head) => {
      isArchive = false;
      return ledger(head);
    },
    mirror: {
      checkpoint: () => mirror.checkpoint(),
      tile: (path) => {
        isArchive = false;
        return mirror.tile(path);
      },
    },
    log: {
      ...log,
      entryProof: (call) => {
        if (isArchive) proofs++;
        return log.entryProof(call);
      },
    },
  }));
  return { proofs, bad: badIn(health) };
}

/** The segments from one on as somebody with the bucket would write them: another text, and metadata that fits it. */
async function forgeSegments(domainId: string, starts: readonly number[], changed: number): Promise<void> {
  const segments = new R2SegmentStore(env.LOG, domainId);
  let before: string | null = null;
  for (const start of starts) {
    const segment = await segments.get(start);
    if (!segment?.head) throw new Error(`there is no segment ${start}`);
    const payloads = segment.payloads.map((line, i) =>
      start + i === changed ? line.replace("invoice", "voucher") : line,
    );
    const prevHash: string = before ?? segment.head.prevHash;
    const lastHash = toHex(
      payloads.reduce((hash, line) => entryHash(sha256, hash, line), fromHex(prevHash) ?? new Uint8Array()),
    );
    await env.LOG.delete(segmentKey(domainId, start));
    await segments.put(
      { ...segment.head, prevHash, lastHash, sha256: toHex(sha256(encodeSegment(payloads))) },
      payloads,
    );
    before = lastHash;
  }
}

describe("S4-33 segments that follow each other", () => {
  test("one proof, of the last, stands for all that are read together", async () => {
    await ensurePlatform();
    const domainId = await wholeDomain(ENTRIES, SEGMENT);
    expect(await proofsOfArchive(domainId)).toEqual({ proofs: 1, bad: {} });
  });

  test("no more than the limit are in memory at once: a longer walk takes several proofs, and finds a hole between two reads", async () => {
    await ensurePlatform();
    const domainId = await wholeDomain(ENTRIES, SEGMENT);
    await withLimits({ selfCheckSegmentEntries: 2 * SEGMENT }, async () => {
      expect(await proofsOfArchive(domainId)).toEqual({ proofs: 3, bad: {} });
      await env.LOG.delete(segmentKey(domainId, 8));
      expect((await proofsOfArchive(domainId)).bad.archive).toEqual(["archive:segment_missing 8"]);
    });
  });

  test.each<[string, readonly number[]]>([
    ["alone", [8]],
    ["and the next names it as the one that it follows", [8, 12]],
    ["with every segment after it", STARTS.filter((start) => start >= 8)],
  ])(
    "one that was rewritten with right hashes, %s, is named by its entry, and those before it are well",
    async (_, forged) => {
      await ensurePlatform();
      const domainId = await wholeDomain(ENTRIES, SEGMENT);
      await forgeSegments(domainId, forged, 9);
      const { bad } = await proofsOfArchive(domainId);
      expect(bad.archive?.[0]).toBe("archive:segment_altered 9");
      expect(bad.archive?.every((finding) => Number(finding.split(" ")[1]) >= 9)).toBe(true);
    },
  );

  test("the first one that says it follows another hash is not proved by those behind it", async () => {
    await ensurePlatform();
    const domainId = await wholeDomain(ENTRIES, SEGMENT);
    const key = segmentKey(domainId, 8);
    const object = await env.LOG.get(key);
    const bytes = (await object?.arrayBuffer()) ?? new ArrayBuffer(0);
    await env.LOG.put(key, bytes, { customMetadata: { ...object?.customMetadata, "prev-hash": "0".repeat(64) } });
    const { bad } = await proofsOfArchive(domainId);
    expect(bad.archive).toEqual(["archive:segment_altered 8"]);
  });
});
