/** The oldest entries leave the hot store, and in the end every store; what proves them stays. */
import { describe, expect, it, test } from "vitest";
import { segmentKey } from "../../src/core/segment.ts";
import { append, bareDomain, copiedRows, env, event, inLog, logOf } from "../support/cell.ts";
import { confirmed, DAY_MS, hotSeqs, killKeeper, retain, rowsIn, settled } from "../support/prune.ts";

const many = (count: number) => Array.from({ length: count }, () => event());
const YEAR_MS = 366 * DAY_MS;

/** Entry 0 and `count` more, archived, mirrored and indexed. */
async function domainWith(count: number, segmentEntries = 4): Promise<string> {
  const domainId = await bareDomain(segmentEntries);
  await append(domainId, many(count));
  await settled(domainId);
  return domainId;
}

async function actionsOf(domainId: string) {
  const rows = await copiedRows(domainId);
  return rows.map(({ payload }) => JSON.parse(payload) as { action: string; metadata?: Record<string, unknown> });
}
const told = async (domainId: string, action: string) =>
  (await actionsOf(domainId)).filter((entry) => entry.action === action).map(({ metadata }) => metadata);
const segments = async (domainId: string) =>
  (await env.LOG.list({ prefix: `audit/${domainId}/` })).objects.map(({ key }) => Number(key.slice(-29, -9)));

describe("a prune", () => {
  it("S1-16, S4-2 takes what is older than the policy out of the hot store, but the newest entry, and is itself an entry", async () => {
    const domainId = await domainWith(10);
    const { runs, alerts } = await retain(domainId);
    expect(runs).toMatchObject([{ fromSeq: 0, toSeq: 10, planned: 10, done: 10, expired: 0, status: "done" }]);
    expect(alerts).toEqual([]);
    expect(await logOf(domainId).head()).toMatchObject({ size: 12, firstHot: 10, firstKept: 0 });
    await copiedRows(domainId);
    expect(await hotSeqs(domainId)).toEqual([10, 11]);
    expect(await told(domainId, "ledger.pruned")).toMatchObject([
      { first_seq: 0, last_seq: 9, entries: 10, minimum_index: 10, duration: "P1D" },
    ]);
    expect(await segments(domainId)).toEqual([0, 4, 8]);
  });

  it("S0-15 the chain goes on behind it, and the copy begins with a base of the right hash", async () => {
    const domainId = await domainWith(10);
    const before = await copiedRows(domainId);
    await retain(domainId);
    await append(domainId, many(3));
    const after = await copiedRows(domainId);
    expect(after[0]).toEqual(before[10]);
    expect(after.every((row, i) => i === 0 || row.prevHash === after[i - 1]?.entryHash)).toBe(true);
    const sql = "SELECT base_seq AS seq, lower(hex(base_prev_hash)) AS hash FROM ledger_base WHERE domain_id = ?";
    const { results } = await env.LEDGER_00.prepare(sql).bind(domainId).all();
    expect(results).toContainEqual({ seq: 10, hash: before[9]?.entryHash });
  });

  it("takes what they were found by out of the index, and leaves the rest as it is counted", async () => {
    const domainId = await domainWith(10);
    await retain(domainId);
    await settled(domainId);
    const [postings, tallies] = [await rowsIn(domainId, "audit_posting"), await rowsIn(domainId, "audit_tally")];
    const sums = `SELECT sum(count) AS n FROM audit_tally t JOIN audit_index i USING (number)
      WHERE i.domain_id = ? AND t.kind = 'action'`;
    const hot = (await hotSeqs(domainId)).length;
    expect(await env.LEDGER_00.prepare(sums).bind(domainId).first<number>("n")).toBe(hot);
    const places = `SELECT count(DISTINCT seq) AS n, min(seq) AS first FROM audit_posting t JOIN audit_index i USING (number) WHERE i.domain_id = ?`;
    expect(await env.LEDGER_00.prepare(places).bind(domainId).first()).toEqual({ n: hot, first: 10 });
    // A second run finds nothing to do.
    await retain(domainId, { hot: "P1Y" });
    expect([await rowsIn(domainId, "audit_posting"), await rowsIn(domainId, "audit_tally")]).toEqual([
      postings,
      tallies,
    ]);
  });

  it("S4-3 takes nothing while nobody has confirmed a dry run, nor when the policy became shorter than what was confirmed", async () => {
    const domainId = await domainWith(6);
    for (const confirmation of [null, confirmed(domainId, "P2D")]) await retain(domainId, { confirmation });
    expect(await hotSeqs(domainId)).toHaveLength(7);
    expect((await logOf(domainId).head()).firstHot).toBe(0);
  });

  test("a clock that is a year ahead of what a store says takes nothing, and is told of", async () => {
    const domainId = await domainWith(6);
    const { alerts, runs } = await retain(domainId, { laterMs: YEAR_MS, referenceLaterMs: 0 });
    expect({ alerts, runs }).toMatchObject({ alerts: [{ kind: "clock.jumped", codes: ["clock_ahead"] }], runs: [] });
    expect(await hotSeqs(domainId)).toHaveLength(7);
  });

  it("does not take what is not archived, or not under a mirrored checkpoint", async () => {
    const domainId = await domainWith(6);
    await append(domainId, many(5));
    await copiedRows(domainId);
    expect((await retain(domainId)).runs).toMatchObject([{ toSeq: 7, done: 7 }]);
  });

  it("an idle log does not go on for ever with entries about the one before", async () => {
    const domainId = await domainWith(3);
    for (let day = 2; day < 8; day++) {
      await retain(domainId, { laterMs: day * DAY_MS });
      await settled(domainId);
    }
    expect((await logOf(domainId).head()).size).toBeLessThanOrEqual(6);
  });

  it("a freshly started object agrees with its pruned copy and goes on", async () => {
    const domainId = await domainWith(10);
    await retain(domainId);
    await inLog(domainId, (_, state) => void state.abort()).catch(() => {});
    await append(domainId, many(2));
    await settled(domainId);
    expect(await logOf(domainId).head()).toMatchObject({ size: 14, copiedSize: 14, firstHot: 10, stoppedReason: null });
    expect(await hotSeqs(domainId)).toEqual([10, 11, 12, 13]);
  });

  it("an empty copy is refilled from where the hot store begins: what was pruned does not come back", async () => {
    const domainId = await domainWith(10);
    await retain(domainId);
    await settled(domainId);
    const release = "INSERT INTO ledger_release VALUES (?, 0, 99, 'tenant_deletion', '2026-11-22')";
    await env.LEDGER_00.prepare(release).bind(domainId).run();
    await env.LEDGER_00.prepare("DELETE FROM audit_log WHERE domain_id = ?").bind(domainId).run();
    await inLog(domainId, (_, state) => void state.abort()).catch(() => {});
    await append(domainId, event());
    await settled(domainId);
    expect(await hotSeqs(domainId)).toEqual([10, 11, 12]);
    expect((await logOf(domainId).head()).stoppedReason).toBeNull();
  });
});

describe("holds and a prune", () => {
  const place = (domainId: string, fromSeq: number, toSeq: number) =>
    logOf(domainId).placeHold({
      ...{ holdId: `hold_${crypto.randomUUID()}`, reviewAt: "2099-01-01T00:00:00.000Z", whole: false, people: [] },
      ...{ ranges: [{ fromSeq, toSeq }], query: null },
    });

  it("a hold over a later entry ends it there", async () => {
    const domainId = await domainWith(10);
    await place(domainId, 6, 7);
    expect((await retain(domainId)).runs).toMatchObject([{ toSeq: 6, done: 6, held: 1 }]);
    expect((await hotSeqs(domainId))[0]).toBe(6);
  });

  it("one that is placed after the plan wins: nothing has gone, nothing is told", async () => {
    const domainId = await domainWith(10);
    const faulty = ({ log }: { log: ReturnType<typeof logOf> }) => ({
      log: {
        ...log,
        prune: async (call: Parameters<typeof log.prune>[0]) => {
          await place(domainId, 3, 3);
          return log.prune(call);
        },
      },
    });
    const { runs } = await retain(domainId, { faulty: faulty as never });
    expect(runs).toMatchObject([{ done: 0, held: 1, status: "done" }]);
    expect(await hotSeqs(domainId)).toHaveLength(11);
    expect(await told(domainId, "ledger.pruned")).toEqual([]);
  });

  it("one that is placed when rows have begun to go keeps those that are still there", async () => {
    const domainId = await domainWith(10);
    let batches = 0;
    const { runs } = await retain(domainId, {
      faulty: ({ shard }) => ({
        shard: (name) => {
          const its = shard(name);
          return Object.assign(Object.create(its), {
            first: () => its.first(),
            hashes: (from: number, to: number) => its.hashes(from, to),
            remove: async (rows: Parameters<typeof its.remove>[0]) => {
              if (batches++ === 1) await place(domainId, 5, 5);
              return its.remove(rows);
            },
          });
        },
      }),
    });
    expect(runs).toMatchObject([{ held: 1 }]);
    // The batch of four was refused as a whole by the guard; what lies before the hold then went alone.
    expect((await hotSeqs(domainId)).slice(0, 2)).toEqual([5, 6]);
    expect(await segments(domainId)).toEqual([0, 4, 8]);
  });
});

describe("faults of a prune", () => {
  const methods = ["first", "hashes", "remove"] as const;

  it.each(methods.flatMap((method) => (["lost", "done"] as const).map((form) => [method, form] as const)))(
    "S1-17 %s fails and its effect is %s: tried again, each row goes once and is counted out of the sums once",
    async (method, form) => {
      const domainId = await domainWith(10);
      let failures = 0;
      const { faults } = await retain(domainId, {
        faulty: ({ shard }) => ({
          shard: (name) => {
            const its = shard(name);
            const own = Object.fromEntries(
              [...methods, "forget" as const].map((each) => [
                each,
                async (...args: never[]) => {
                  const run = () => (its[each] as (...given: never[]) => Promise<unknown>).apply(its, args);
                  if (each !== method || failures++ > 0) return run();
                  if (form === "done") await run();
                  throw new Error("no answer");
                },
              ]),
            );
            return own as never;
          },
        }),
      });
      expect(faults).toHaveLength(1);
      await copiedRows(domainId);
      expect(await hotSeqs(domainId)).toEqual([10, 11]);
      await settled(domainId);
      const sums = `SELECT sum(count) AS n FROM audit_tally t JOIN audit_index i USING (number)
        WHERE i.domain_id = ? AND t.kind = 'action'`;
      expect(await env.LEDGER_00.prepare(sums).bind(domainId).first<number>("n")).toBe(2);
      expect(await told(domainId, "ledger.pruned")).toHaveLength(1);
    },
  );

  it.each(["lost", "done"] as const)("the log's word is %s: there is one entry", async (form) => {
    const domainId = await domainWith(10);
    let failures = 0;
    await retain(domainId, {
      faulty: ({ log }) => ({
        log: {
          ...log,
          prune: async (call) => {
            if (failures++ > 0) return log.prune(call);
            if (form === "done") await log.prune(call);
            throw new Error("no answer");
          },
        },
      }),
    });
    expect(await told(domainId, "ledger.pruned")).toHaveLength(1);
    expect(await hotSeqs(domainId)).toEqual([10, 11]);
  });

  it("killed before any call of a store or of the log, the next turn goes on, and what is there in the end is the same", async () => {
    for (let kill = 1; kill <= 40; kill += 3) {
      const domainId = await domainWith(10);
      let calls = 0;
      const mortal = <T extends object>(its: T): T =>
        new Proxy(its, {
          get: (target, name) => {
            const of = Reflect.get(target, name);
            if (typeof of !== "function") return of;
            return (...args: unknown[]) => {
              if (++calls >= kill) throw new Error("killed");
              return of.apply(target, args);
            };
          },
        });
      await retain(domainId, {
        ...{ hot: "P1D", whole: "P1D", turns: 1 },
        faulty: ({ log, shard, archive, segments: its }) => ({
          ...{ log: mortal(log), archive: mortal(archive), segments: mortal(its) },
          shard: (name) => mortal(shard(name)),
        }),
      });
      await killKeeper(domainId);
      await retain(domainId, { hot: "P1D", whole: "P1D" });
      await copiedRows(domainId);
      expect({ kill, hot: (await hotSeqs(domainId))[0], cold: await segments(domainId) }).toEqual({
        kill,
        hot: 10,
        cold: [8],
      });
      for (const action of ["ledger.pruned", "ledger.expired"]) expect(await told(domainId, action)).toHaveLength(1);
    }
  });

  it("two at once take each row once", async () => {
    const domainId = await domainWith(10);
    const results = await Promise.all([retain(domainId), retain(domainId)]);
    expect(results.flatMap(({ alerts }) => alerts)).toEqual([]);
    await settled(domainId);
    expect(await hotSeqs(domainId)).toEqual([10, 11]);
    expect(await told(domainId, "ledger.pruned")).toHaveLength(1);
  });

  it.each(["lost", "altered"])("an archive segment that is %s: refused, told of, and every row stays", async (how) => {
    const domainId = await domainWith(10);
    const key = segmentKey(domainId, 4);
    if (how === "lost") await env.LOG.delete(key);
    else {
      const other = await env.LOG.get(segmentKey(domainId, 8));
      const bytes = (await other?.arrayBuffer()) ?? new ArrayBuffer(0);
      await env.LOG.put(key, bytes, { customMetadata: (await env.LOG.head(key))?.customMetadata ?? {} });
    }
    const { runs, alerts } = await retain(domainId);
    expect(runs).toMatchObject([{ status: "failed", fault: "archive.damaged", done: 0 }]);
    expect(alerts).toMatchObject([{ kind: "retention.failed", domainId, codes: ["archive.damaged"] }]);
    expect(await hotSeqs(domainId)).toHaveLength(11);
    expect((await logOf(domainId).head()).firstHot).toBe(0);
  });

  it("a segment that is lost between the decision and its rows keeps them, and is told of", async () => {
    const domainId = await domainWith(10);
    const { runs, alerts } = await retain(domainId, {
      faulty: ({ log }) => ({
        log: {
          ...log,
          prune: async (call) => {
            const decided = await log.prune(call);
            await env.LOG.delete(segmentKey(domainId, 4));
            return decided;
          },
        },
      }),
    });
    expect(runs).toMatchObject([{ status: "failed", fault: "archive.differs", done: 4 }]);
    expect(alerts).toHaveLength(1);
    expect((await hotSeqs(domainId))[0]).toBe(4);
  });
});

describe("S2-16 the ledger itself", () => {
  it("takes no entry back that was pruned, by any path of SQL, and no base begins a second run of rows", async () => {
    const domainId = await domainWith(10);
    const [first] = await copiedRows(domainId);
    await retain(domainId);
    const values = [domainId, 0, first?.id, first?.prevHash, first?.entryHash, first?.payload];
    for (const verb of ["INSERT", "INSERT OR IGNORE", "INSERT OR REPLACE", "REPLACE"]) {
      const sql = `${verb} INTO audit_log VALUES (?, ?, ?, unhex(?), unhex(?), ?)`;
      await expect(
        env.LEDGER_00.prepare(sql)
          .bind(...values)
          .run(),
        verb,
      ).rejects.toThrow("append-only");
    }
    // Even when nothing is left of the log.
    const release = "INSERT INTO ledger_release VALUES (?, 10, 99, 'prune', '2026-11-22')";
    await env.LEDGER_00.prepare(release).bind(domainId).run();
    await env.LEDGER_00.prepare("DELETE FROM audit_log WHERE domain_id = ?").bind(domainId).run();
    const again = env.LEDGER_00.prepare("INSERT INTO audit_log VALUES (?, ?, ?, unhex(?), unhex(?), ?)");
    await expect(again.bind(...values).run()).rejects.toThrow("entry was pruned");
  });

  it("refuses a release that begins behind the first row", async () => {
    const domainId = await domainWith(10);
    const release = "INSERT INTO ledger_release VALUES (?, 3, 5, 'prune', '2026-11-22')";
    await expect(env.LEDGER_00.prepare(release).bind(domainId).run()).rejects.toThrow("begins with the first entry");
  });
});

describe("S4-1 the end of the whole time", () => {
  const both = { hot: "P1D", whole: "P1D" };

  it("whole segments go, with their sealed pages; one that is partly past it waits; the hashes stay", async () => {
    const domainId = await domainWith(10);
    const { runs } = await retain(domainId, both);
    expect(runs).toMatchObject([{ done: 10, expired: 8, status: "done" }]);
    expect(await segments(domainId)).toEqual([8]);
    expect(await logOf(domainId).head()).toMatchObject({ firstHot: 10, firstKept: 8 });
    expect((await env.LOG.list({ prefix: `sealed/${domainId}/` })).objects).toHaveLength(1);
    expect((await env.LOG.list({ prefix: `tlog/${domainId}/tile/entries` })).objects.length).toBeGreaterThan(0);
    expect(await told(domainId, "ledger.expired")).toMatchObject([{ first_seq: 0, last_seq: 7, minimum_index: 8 }]);
    const named = "SELECT count(*) AS n FROM audit_private_value WHERE domain_id = ? AND seq < 8";
    expect(await env.LEDGER_00.prepare(named).bind(domainId).first<number>("n")).toBe(0);
  });

  test("a clock that is a year ahead of what a store says lets no archive go, neither what is hot nor what was pruned", async () => {
    const domainId = await domainWith(10);
    await retain(domainId);
    const kept = await segments(domainId);
    const { alerts, runs } = await retain(domainId, { ...both, laterMs: YEAR_MS, referenceLaterMs: 0 });
    expect({ alerts, runs }).toMatchObject({ alerts: [{ kind: "clock.jumped", codes: ["clock_ahead"] }], runs: [] });
    expect(await segments(domainId)).toEqual(kept);
    expect((await logOf(domainId).head()).firstKept).toBe(0);
    expect(await told(domainId, "ledger.expired")).toEqual([]);
  });

  it("a hold keeps its segment and those behind it", async () => {
    const domainId = await domainWith(10);
    await retain(domainId);
    await logOf(domainId).placeHold({
      ...{ holdId: "hold_later", reviewAt: "2099-01-01T00:00:00.000Z", whole: false, people: [], query: null },
      ranges: [{ fromSeq: 5, toSeq: 5 }],
    });
    const { runs } = await retain(domainId, both);
    expect(runs).toMatchObject([{ expired: 4 }]);
    expect((await segments(domainId)).slice(0, 2)).toEqual([4, 8]);
  });

  it.each(["removePage", "removeSegment"] as const)("%s fails, done or not: the next turn goes on", async (method) => {
    for (const form of ["lost", "done"]) {
      const domainId = await domainWith(10);
      let failures = 0;
      const { faults } = await retain(domainId, {
        ...both,
        faulty: ({ archive }) => ({
          archive: {
            removePage: (seq) => archive.removePage(seq),
            removeSegment: (seq) => archive.removeSegment(seq),
            [method]: async (seq: number) => {
              if (failures++ > 0) return archive[method](seq);
              if (form === "done") await archive[method](seq);
              throw new Error("no answer");
            },
          },
        }),
      });
      expect(faults).toHaveLength(1);
      expect(await segments(domainId)).toEqual([8]);
      expect(await told(domainId, "ledger.expired")).toHaveLength(1);
    }
  });
});
