/** Part 5 of the query: the keeper of a domain indexes what is copied, soon, whoever fails on the way. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import type { DomainKeeper } from "../../durable-objects/domain-keeper.ts";
import { ledgerAt } from "../../durable-objects/domain-log/stores.ts";
import { EVERYTHING } from "../../src/core/query/filter.ts";
import type { IndexShard } from "../../src/services/ports.ts";
import { filed, indexOf, readAll } from "../storage/support/indexed.ts";
import { alarmLater, append, bareDomain, copiedRows, env, event, inLog, keeperOf, logOf } from "../support/cell.ts";
import { FAULT_FORMS, withFault } from "../support/faults.ts";
import { withLimits } from "../support/tamper.ts";

const keeperStub = (domainId: string) => env.DOMAIN_KEEPER.getByName(domainId);
const inKeeper = <T>(domainId: string, run: (keeper: DomainKeeper, state: DurableObjectState) => T | Promise<T>) =>
  runInDurableObject(keeperStub(domainId), (keeper: DomainKeeper, state) => run(keeper, state));
const many = (count: number) => Array.from({ length: count }, (_, i) => event({ metadata: { i } }));
const sizeOf = async (domainId: string) => indexOf(domainId, (await logOf(domainId).head()).shards).size();
const soonIndexed = (domainId: string, size: number) =>
  vi.waitFor(async () => expect(await sizeOf(domainId)).toBe(size), { timeout: 15_000, interval: 100 });

/** As docs/querying.md has it. */
const REBUILD = "UPDATE audit_index SET from_size = -1, size = -1 WHERE domain_id = ?";

async function expectFiled(domainId: string): Promise<void> {
  const { stored, wanted } = await filed(domainId, await copiedRows(domainId));
  expect(stored.length).toBeGreaterThan(0);
  expect(stored).toEqual(wanted);
}

describe("the index of a domain", () => {
  it("follows the copy by itself, and finds what was appended", async () => {
    const domainId = await bareDomain();
    await append(domainId, many(20));
    await append(domainId, many(5));
    await soonIndexed(domainId, 26);
    await expectFiled(domainId);
    const index = indexOf(domainId, (await logOf(domainId).head()).shards);
    const filter = { ...EVERYTHING, clauses: [{ field: "action" as const, anyOf: ["invoice.*"], not: false }] };
    expect((await readAll(index, filter, "desc", 10)).seqs).toHaveLength(25);
  });

  it("is brought up to the head for whoever waits: `consistency=latest`", async () => {
    const domainId = await bareDomain();
    for (let i = 1; i <= 3; i++) {
      await append(domainId, many(10));
      const { size, shards } = await keeperOf(domainId).catchUp({ size: null, withinMs: 10_000 });
      expect(size).toBe(1 + 10 * i);
      expect(await indexOf(domainId, shards).size()).toBe(size);
    }
    await expectFiled(domainId);
  });

  it.each(FAULT_FORMS)("goes on by its alarm after D1 failed (%s), and files every entry once", async (form) => {
    const domainId = await bareDomain();
    await inKeeper(domainId, ({ indexing }) => {
      const { shard } = indexing.context;
      const faulty = withFault<IndexShard>(shard("LEDGER_00"), { method: "commit", form, times: 2 }).store;
      indexing.context.shard = () => faulty;
    });
    await append(domainId, many(12));
    await soonIndexed(domainId, 13);
    await expectFiled(domainId);
  });

  it("says that it could not be brought up to date while D1 is away, in the time that it was given", async () => {
    const domainId = await bareDomain();
    await append(domainId, many(3), { waitForCopy: true });
    await soonIndexed(domainId, 4);
    const answers: (() => void)[] = [];
    await inKeeper(domainId, ({ indexing }) => {
      const { shard } = indexing.context;
      const stalled = shard("LEDGER_00");
      const rows = stalled.rows.bind(stalled);
      stalled.rows = async (from, to) => {
        await new Promise<void>((resolve) => answers.push(resolve));
        indexing.context.shard = shard;
        return rows(from, to);
      };
      indexing.context.shard = () => stalled;
    });
    await append(domainId, many(2));
    const late = keeperOf(domainId).catchUp({ size: null, withinMs: 300 });
    await expect(late).rejects.toMatchObject({ code: "storage.unavailable" });
    // D1 answers again: whoever waits now gets what the others began.
    await inKeeper(domainId, () => {
      for (const answer of answers) answer();
    });
    expect((await keeperOf(domainId).catchUp({ size: null, withinMs: 10_000 })).size).toBe(6);
  });

  it("whose wake-up was lost with its keeper is taken up by the next cron", async () => {
    const domainId = await bareDomain();
    await withLimits({ indexGatherMs: 3_600_000 }, async () => {
      await append(domainId, many(2), { waitForCopy: true });
      await soonIndexed(domainId, 3);
      // The log tells nobody of these for an hour.
      await append(domainId, many(2), { waitForCopy: true });
      expect(await sizeOf(domainId)).toBe(3);
      await inKeeper(domainId, (_, state) => state.storage.deleteAll());
      await evictDurableObject(keeperStub(domainId));
    });
    await alarmLater(domainId);
    await logOf(domainId).wake();
    await soonIndexed(domainId, 5);
    await expectFiled(domainId);
  });

  it("built anew while entries are appended is the same index", async () => {
    const domainId = await bareDomain();
    await append(domainId, many(30), { waitForCopy: true });
    await soonIndexed(domainId, 31);
    await runInDurableObject(keeperStub(domainId), (keeper: DomainKeeper) => keeper.rebuildIndex());
    await append(domainId, many(5), { waitForCopy: true });
    await soonIndexed(domainId, 36);
    await expectFiled(domainId);
  });

  it("is built anew by the statement of docs/querying.md: a lost posting is found again, and nothing is counted twice", async () => {
    const domainId = await bareDomain();
    await append(domainId, many(30), { waitForCopy: true });
    await soonIndexed(domainId, 31);
    const lost =
      "DELETE FROM audit_posting WHERE number = (SELECT number FROM audit_index WHERE domain_id = ?) AND seq = 7";
    await env.LEDGER_00.prepare(lost).bind(domainId).run();
    await env.LEDGER_00.prepare(REBUILD).bind(domainId).run();
    expect(await sizeOf(domainId)).toBe(0);
    await keeperOf(domainId).indexSoon();
    await soonIndexed(domainId, 31);
    await expectFiled(domainId);
  });

  it("never holds up an append or a copy: its keeper may be away", async () => {
    const domainId = await bareDomain();
    await inKeeper(domainId, ({ indexing }) => {
      indexing.context.log = () => {
        throw new Error("away");
      };
    });
    const { replicated } = await append(domainId, many(4), { waitForCopy: true });
    expect(replicated).toBe(true);
    expect(await inLog(domainId, (log) => log.journal.copied().size)).toBe(5);
    const ledger = ledgerAt(env, domainId, await logOf(domainId).flush());
    expect((await ledger.tip())?.size).toBe(5);
  });
});
