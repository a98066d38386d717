import { describe, expect, it } from "vitest";
import { fromHex, toHex, utf8 } from "../../src/core/bytes.ts";
import { entryHash } from "../../src/core/chain.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { encodeSegment, type SegmentHead, segmentKey, segmentMetadata } from "../../src/core/segment.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import type { EntryRow } from "../../src/services/ports.ts";
import { R2SegmentStore } from "../../src/storage/segment-store.ts";
import { compress, decompress } from "../../src/storage/zstd.ts";
import { env } from "../support/cell.ts";
import { chainOf } from "../verifier/rows.ts";
import { newId } from "./sql.ts";

const payloadsOf = (rows: readonly EntryRow[]) => rows.map(({ payload }) => payload);

function headOf(rows: readonly EntryRow[]): SegmentHead {
  const bytes = utf8(encodeSegment(payloadsOf(rows)));
  return {
    firstSeq: rows[0]?.seq ?? 0,
    count: rows.length,
    prevHash: rows[0]?.prevHash ?? "",
    lastHash: rows.at(-1)?.entryHash ?? "",
    sha256: toHex(sha256(bytes)),
  };
}

function archive() {
  const domainId = newId("domain");
  return { domainId, store: new R2SegmentStore(env.LOG, domainId), rows: chainOf(30, { domain: domainId }) };
}

const keysOf = async (domainId: string) =>
  (await env.LOG.list({ prefix: `audit/${domainId}` })).objects.map(({ key }) => key);

describe("segments", () => {
  it("S4-6 every object of a domain's archive is named audit/<domain_id>/<seq:020d>.json.zst", async () => {
    const { domainId, store, rows } = archive();
    for (const from of [0, 10, 20])
      await store.put(headOf(rows.slice(from, from + 10)), payloadsOf(rows.slice(from, from + 10)));
    const keys = await keysOf(domainId);
    expect(keys).toHaveLength(3);
    for (const key of keys)
      expect(key).toMatch(/^audit\/dom_(?:eu|us)_[0-7][0-9a-hjkmnp-tv-z]{25}\/\d{20}\.json\.zst$/);
    expect(keys).toEqual([0, 10, 20].map((seq) => `audit/${domainId}/${String(seq).padStart(20, "0")}.json.zst`));
  });

  it("S4-7 an object decompresses to canonical JSON lines whose hashes are the rows' entry hashes", async () => {
    const { domainId, store, rows } = archive();
    await store.put(headOf(rows), payloadsOf(rows));
    const object = await env.LOG.get(segmentKey(domainId, 0));
    if (!object) throw new Error("no object");
    const text = await decompress(new Uint8Array(await object.arrayBuffer()), LIMITS.segmentBytes);
    expect(text.endsWith("\n")).toBe(true);
    const lines = text.slice(0, -1).split("\n");
    let prev = fromHex(rows[0]?.prevHash ?? "") ?? new Uint8Array();
    const hashes = lines.map((line) => {
      prev = entryHash(sha256, prev, line);
      return toHex(prev);
    });
    expect(hashes).toEqual(rows.map((row) => row.entryHash));
    expect(object.customMetadata).toEqual(segmentMetadata(headOf(rows)));
  });

  it("reads back what was put, and null where nothing is", async () => {
    const { store, rows } = archive();
    expect(await store.put(headOf(rows), payloadsOf(rows))).toBe(true);
    expect(await store.get(0)).toEqual({ head: headOf(rows), payloads: payloadsOf(rows) });
    expect(await store.get(1)).toBeNull();
  });

  it("a segment is never overwritten: the second put says so and every byte stays", async () => {
    const { domainId, store, rows } = archive();
    await store.put(headOf(rows), payloadsOf(rows));
    const before = await env.LOG.get(segmentKey(domainId, 0));
    const bytes = await before?.arrayBuffer();
    expect(await store.put(headOf(rows.slice(0, 5)), payloadsOf(rows.slice(0, 5)))).toBe(false);
    expect(await store.put(headOf(rows), payloadsOf(rows))).toBe(false);
    const after = await env.LOG.get(segmentKey(domainId, 0));
    expect(after).toMatchObject({ version: before?.version, customMetadata: before?.customMetadata });
    expect(await after?.arrayBuffer()).toEqual(bytes);
  });

  it("of 5 puts at once exactly one is stored", async () => {
    const { store, rows } = archive();
    const sizes = [1, 2, 3, 4, 5];
    const stored = await Promise.all(
      sizes.map((size) => store.put(headOf(rows.slice(0, size)), payloadsOf(rows.slice(0, size)))),
    );
    expect(stored.filter(Boolean)).toHaveLength(1);
    expect((await store.get(0))?.payloads).toHaveLength(sizes[stored.indexOf(true)] ?? 0);
  });

  it.each<[string, (good: Uint8Array) => Uint8Array | Promise<Uint8Array>]>([
    [
      "one byte changed in the middle",
      (good) => good.with(Math.floor(good.length / 2), (good[Math.floor(good.length / 2)] ?? 0) ^ 0xff),
    ],
    ["the end cut off", (good) => good.slice(0, -5)],
    ["nothing in it", () => new Uint8Array()],
    ["something that is not zstd", () => utf8("not zstd")],
    ["no LF at its end", () => compress('{"v":1}')],
    ["an empty line", () => compress('{"v":1}\n\n{"v":1}\n')],
    ["too many lines", () => compress("{}\n".repeat(LIMITS.segmentEntriesMax + 1))],
    [
      "more bytes than a segment may have",
      () => compress(`${"x".repeat(LIMITS.segmentBytes + LIMITS.segmentEntriesMax + LIMITS.payloadBytes)}\n`),
    ],
  ])("an object with %s is read as one without entries, never as a segment", async (_, damage) => {
    const { domainId, store, rows } = archive();
    const good = await compress(encodeSegment(payloadsOf(rows)));
    const bad = await damage(good);
    await env.LOG.put(segmentKey(domainId, 0), bad, { customMetadata: segmentMetadata(headOf(rows)) });
    const back = await store.get(0);
    expect(back?.head).toEqual(headOf(rows));
    expect(back?.payloads ?? "no object").not.toEqual(payloadsOf(rows));
    expect(back?.payloads).toEqual([]);
  });

  it("the largest segment that the archiver makes can be read back", async () => {
    const { store, rows } = archive();
    const line = JSON.stringify({ x: "y".repeat(LIMITS.segmentBytes / LIMITS.segmentEntriesMax) });
    const payloads = Array.from({ length: LIMITS.segmentEntriesMax }, () => line);
    await store.put({ ...headOf(rows), count: payloads.length }, payloads);
    const back = await store.get(0);
    expect(back?.payloads.length).toBe(payloads.length);
    expect(back?.payloads.every((payload) => payload === line)).toBe(true);
  });

  it("a segment that could never be read back is not put: what is put stays", async () => {
    const { domainId, store, rows } = archive();
    const payloads = Array.from({ length: 300 }, () => JSON.stringify({ x: "語".repeat(20_000) }));
    expect(payloads.join("").length).toBeLessThan(LIMITS.segmentBytes);
    const put = store.put({ ...headOf(rows), count: payloads.length }, payloads);
    await expect(put).rejects.toMatchObject({ code: "internal" });
    expect(await keysOf(domainId)).toEqual([]);
  });

  it.each([
    ["without metadata", {}],
    ["with a hash that is cut", { sha256: "ab" }],
    ["with a count of 0", { count: "0" }],
    ["with a seq in another spelling", { "first-seq": "00" }],
  ])("an object %s has no head", async (_, changed) => {
    const { domainId, store, rows } = archive();
    const metadata = Object.keys(changed).length === 0 ? {} : { ...segmentMetadata(headOf(rows)), ...changed };
    await env.LOG.put(segmentKey(domainId, 0), await compress(encodeSegment(payloadsOf(rows))), {
      customMetadata: metadata,
    });
    expect(await store.get(0)).toEqual({ head: null, payloads: payloadsOf(rows) });
  });
});

describe("list", () => {
  it("gives the segments of this domain from a seq on, ascending, at most as many as asked for", async () => {
    const { domainId, store, rows } = archive();
    const other = archive();
    await other.store.put(headOf(other.rows), payloadsOf(other.rows));
    for (const seq of [20, 0, 7, 1_000_000]) await store.put({ ...headOf(rows), firstSeq: seq }, payloadsOf(rows));
    for (const key of ["audit", "x.json.zst", `${"1".repeat(21)}.json.zst`, `${"0".repeat(20)}.json`]) {
      await env.LOG.put(`audit/${domainId}/${key}`, "");
    }
    expect(await store.list(0, 10)).toEqual([0, 7, 20, 1_000_000]);
    expect(await store.list(7, 10)).toEqual([7, 20, 1_000_000]);
    expect(await store.list(8, 1)).toEqual([20]);
    expect(await store.list(1_000_001, 10)).toEqual([]);
    expect(await new R2SegmentStore(env.LOG, newId("domain")).list(0, 10)).toEqual([]);
  });

  it("goes on past the 1,000 that R2 lists at once", async () => {
    const { domainId, store } = archive();
    const seqs = Array.from({ length: 1005 }, (_, seq) => seq);
    for (let from = 0; from < seqs.length; from += 100) {
      await Promise.all(seqs.slice(from, from + 100).map((seq) => env.LOG.put(segmentKey(domainId, seq), "")));
    }
    expect(await store.list(0, 2000)).toEqual(seqs);
    expect(await store.list(2, 1001)).toEqual(seqs.slice(2, 1003));
  });
});
