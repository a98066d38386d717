/** Making evidence for many entries: what goes out verifies, and what would not verify does not go out. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AppError } from "../../../src/core/errors.ts";
import { formatEvidenceSet, parseEvidenceSet } from "../../../src/core/evidence-set.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { startBundle } from "../../../src/services/bundle/export.ts";
import { evidenceSet, proveSet } from "../../../src/services/log/evidence-set.ts";
import type { EntryRow, SegmentStore } from "../../../src/services/ports.ts";
import { verifyBundle } from "../../../src/verifier/bundle.ts";
import { verifyEvidenceSet } from "../../../src/verifier/evidence-set.ts";
import { PLATFORM, ProvedLog, policyJson, rowsFromGenesis, trust } from "../../verifier/proved-log.ts";
import { collect } from "../bundle/bundle-of.ts";
import { setDeps, TreeDouble } from "./tree-double.ts";

const log = new ProvedLog(rowsFromGenesis(600));
const deps = setDeps(log);
const verdict = (text: string) => verifyEvidenceSet(text, trust(), PLATFORM).verdict;

describe("an evidence set", () => {
  test("of any range is the one that the whole tree gives, and verifies", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(599), fc.nat(599), async (a, b) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const text = await evidenceSet({ kind: "range", from, to }, deps);
        expect(text === formatEvidenceSet(log.rangeSet(from, to))).toBe(true);
      }),
      { numRuns: 30 },
    );
    expect(verdict(await evidenceSet({ kind: "range", from: 0, to: 599 }, deps))).toBe("verified");
    expect(verdict(await evidenceSet({ kind: "range", from: 255, to: 256 }, deps))).toBe("verified");
  });

  test("of any selection verifies, over the borders of pages and tiles", async () => {
    const seqs = [0, 1, 17, 254, 255, 256, 257, 511, 512, 598, 599];
    expect(verdict(await evidenceSet({ kind: "selection", seqs }, setDeps(log, log.rows, 3)))).toBe("verified");
  });

  test("of entries that the log does not have is not found", async () => {
    for (const wanted of [
      { kind: "range" as const, from: 590, to: 600 },
      { kind: "selection" as const, seqs: [3, 600] },
    ]) {
      await expect(evidenceSet(wanted, deps)).rejects.toMatchObject({ code: "resource.not_found" });
    }
  });

  test("of more entries than the limit is refused before anything is read", async () => {
    const unread = { ...deps, ledger: () => expect.unreachable() };
    for (const wanted of [
      { kind: "range" as const, from: 0, to: LIMITS.evidenceSetEntries },
      { kind: "selection" as const, seqs: [...Array(LIMITS.evidenceSetEntries + 1).keys()] },
    ]) {
      await expect(evidenceSet(wanted, unread as never)).rejects.toMatchObject({ code: "limit.reached" });
    }
  });

  test("of too many characters is refused, though the entries are few", async () => {
    const large = log.rows.map((row) => ({ ...row, payload: row.payload.padEnd(60_000, " ") }));
    const wanted = { kind: "range" as const, from: 0, to: 200 };
    await expect(evidenceSet(wanted, setDeps(log, large))).rejects.toMatchObject({ code: "limit.reached" });
  });

  test("does not go out when the ledger lacks an entry, has another one, or none at all", async () => {
    const fake = rowsFromGenesis(600, "fake");
    const wanted = { kind: "range" as const, from: 5, to: 9 };
    for (const rows of [
      log.rows.toSpliced(7, 1),
      log.rows.toSpliced(7, 1, fake[7] as (typeof fake)[0]),
      log.rows.toSpliced(5, 1, { ...log.rows[5]!, prevHash: "zz" }),
      fake,
      [],
    ]) {
      await expect(evidenceSet(wanted, setDeps(log, rows))).rejects.toMatchObject({ code: "storage.unavailable" });
      const selected = { kind: "selection" as const, seqs: [5, 7] };
      await expect(evidenceSet(selected, setDeps(log, rows))).rejects.toMatchObject({ code: "storage.unavailable" });
    }
  });

  test("of the largest number of entries stays below the size that a verifier takes", async () => {
    const many = new ProvedLog(rowsFromGenesis(LIMITS.evidenceSetEntries * 2));
    const seqs = [...Array(LIMITS.evidenceSetEntries).keys()].map((i) => 2 * i);
    const text = await evidenceSet({ kind: "selection", seqs }, setDeps(many));
    expect(parseEvidenceSet(text)).not.toBeNull();
    expect(verdict(text)).toBe("verified");
    // The worst case: every hash of 53 levels for each entry, beside payloads of the largest size together.
    expect(LIMITS.evidenceSetEntries * 54 * 80 + LIMITS.pageChars).toBeLessThan(LIMITS.evidenceSetBytes);
  });

  test("can be made of an earlier tree, and never of a later one", () => {
    const tree = new TreeDouble(log.rows);
    const wanted = { kind: "range" as const, from: 3, to: 8 };
    expect(proveSet(tree, wanted, 300, sha256)).toEqual(log.rangeSet(3, 8, 300).proof.hashes);
    expect(() => proveSet(tree, wanted, 601, sha256)).toThrow(RangeError);
  });
});

describe("an export", () => {
  const bundleDeps = {
    ...deps,
    size: async () => ({ size: 600, firstKept: 0 }),
    expiredProof: async () => null,
    shards: async () => [],
    segments: { list: async () => [], get: async () => null },
    waiting: async () => [],
    signer: log.signer,
    clock: () => Date.UTC(2026, 10, 21),
    policy: policyJson(),
    script: "// short\n",
    page: "<!doctype html>\n",
    madeBy: "moonseal 0.1.0",
  };

  test("of a range, or of everything, is a bundle that verifies", async () => {
    for (const [call, from, to] of [
      [{ from: 3, to: 450 }, 3, 450],
      [{ from: 0, to: null }, 0, 599],
      [{ from: 599, to: null }, 599, 599],
    ] as const) {
      const started = await startBundle(call, bundleDeps);
      expect([started.from, started.to]).toEqual([from, to]);
      const report = verifyBundle(await collect(started.chunks), trust(), PLATFORM);
      expect(report).toMatchObject({ verdict: "verified", bundle: { manifest: { content: { from, to } } } });
    }
  });

  test("that cannot be made is refused before its first byte", async () => {
    const code = (code: string) => ({ code });
    for (const call of [
      { from: 600, to: null },
      { from: 0, to: 600 },
      { from: 9, to: 8 },
    ]) {
      await expect(startBundle(call, bundleDeps)).rejects.toMatchObject(code("resource.not_found"));
    }
    const tooMany = { from: 0, to: LIMITS.bundleEntries };
    await expect(startBundle(tooMany, bundleDeps)).rejects.toMatchObject(code("limit.reached"));
    const gone = { ...bundleDeps, ledger: setDeps(log, []).ledger };
    await expect(startBundle({ from: 1, to: 2 }, gone)).rejects.toMatchObject(code("storage.unavailable"));
  });

  test("whose ledger lacks an entry in the middle breaks off without a manifest", async () => {
    const holes = { ...bundleDeps, ledger: setDeps(log, log.rows.toSpliced(300, 1)).ledger };
    const { chunks } = await startBundle({ from: 0, to: null }, holes);
    await expect(collect(chunks)).rejects.toMatchObject({ code: "storage.unavailable" });
  });

  test("reads from the archive and from the object what the ledger lacks, or does not answer for", async () => {
    const answers = (places: object) => ({ ...bundleDeps, ledger: setDeps(log, []).ledger, ...places });
    const segments = segmentsOf(log.rows.slice(0, 500), 77);
    const waiting = async (fromSeq: number, limit: number) =>
      log.rows.filter(({ seq }) => seq >= Math.max(fromSeq, 480)).slice(0, limit);
    const away = async () => {
      throw new AppError("storage.unavailable");
    };
    for (const places of [
      { segments, waiting },
      { segments, waiting, log: { ...deps.log, flush: away } },
      { segments, waiting, ledger: () => ({ rows: away, rowsAt: away }) },
      { segments, waiting, ledger: setDeps(log, log.rows.toSpliced(100, 300)).ledger },
    ]) {
      const { chunks } = await startBundle({ from: 3, to: null }, answers(places));
      expect(verifyBundle(await collect(chunks), trust(), PLATFORM).verdict).toBe("verified");
    }
    const { chunks } = await startBundle({ from: 3, to: null }, answers({ segments }));
    await expect(collect(chunks)).rejects.toMatchObject({ code: "storage.unavailable" });
    const none = startBundle({ from: 3, to: null }, answers({ ledger: () => ({ rows: away, rowsAt: away }) }));
    await expect(none).rejects.toMatchObject({ code: "storage.unavailable" });
  });

  test("from an archive with other entries in it does not go out", async () => {
    const fake = segmentsOf(rowsFromGenesis(600, "fake"), 77);
    const lacking = { ...bundleDeps, ledger: setDeps(log, log.rows.slice(0, 100)).ledger, segments: fake };
    const { chunks } = await startBundle({ from: 3, to: null }, lacking);
    await expect(collect(chunks)).rejects.toMatchObject({ code: "storage.unavailable" });
  });
});

/** An archive of these rows, `count` a segment. */
function segmentsOf(rows: readonly EntryRow[], count: number): Pick<SegmentStore, "get" | "list"> {
  const starts = rows.map(({ seq }) => seq).filter((seq) => seq % count === 0);
  return {
    list: async (fromSeq, limit) => starts.filter((seq) => seq >= fromSeq).slice(0, limit),
    get: async (firstSeq) => {
      const mine = rows.slice(firstSeq, firstSeq + count);
      const prevHash = mine[0]?.prevHash ?? "";
      const head = { firstSeq, count: mine.length, prevHash, lastHash: mine.at(-1)?.entryHash ?? "", sha256: "" };
      return { head, payloads: mine.map(({ payload }) => payload) };
    },
  };
}
