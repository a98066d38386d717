import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { domainLog } from "../../durable-objects/gates.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { D1ControlStore } from "../../src/storage/control-store.ts";
import { D1LedgerStore } from "../../src/storage/ledger-store.ts";
import {
  alarmLater,
  append,
  call,
  copiedRows,
  env,
  event,
  inLog,
  newDomain,
  newTenant,
  stubOf,
} from "../support/cell.ts";
import { expectWholeLog } from "../support/verify.ts";

const many = (count: number) =>
  Array.from({ length: count }, (_, i) => event({ id: crypto.randomUUID(), metadata: { i } }));
const second = (domainId: string) =>
  new D1LedgerStore((env as unknown as { LEDGER_01: D1Database }).LEDGER_01, domainId);
const first = (domainId: string) => new D1LedgerStore(env.LEDGER_00, domainId);

/** Lets the object think that the first shard is full, as its size would after millions of entries. */
function fillFirstShard(domainId: string): Promise<void> {
  return inLog(domainId, (log) => {
    const { lastSize } = log.stores;
    const full = cellConfig(env).shardLimitBytes;
    log.stores = { ...log.stores, lastSize: (shard) => (shard === "LEDGER_00" ? full : lastSize(shard)) };
  });
}

async function domainOverTwoShards() {
  const tenant = await newTenant();
  const domainId = await newDomain(tenant, { segment_entries: 4 });
  const { receipts: before } = await append(domainId, many(9), { waitForCopy: true });
  await fillFirstShard(domainId);
  const { receipts: after } = await append(domainId, many(7), { waitForCopy: true });
  return { tenant, domainId, before, after };
}

describe("a domain whose shard is full", () => {
  it("goes on in another one: old rows stay, new ones go there, and the chain is one", async () => {
    const { domainId } = await domainOverTwoShards();
    expect((await first(domainId).tip())?.size).toBe(10);
    expect((await second(domainId).rows({ fromSeq: 0, toSeq: 99, limit: 99 })).map(({ seq }) => seq)).toEqual([
      10, 11, 12, 13, 14, 15, 16,
    ]);
    expect(await domainLog(env, cellConfig(env), domainId).flush()).toEqual([
      { fromSeq: 0, shard: "LEDGER_00" },
      { fromSeq: 10, shard: "LEDGER_01" },
    ]);
    expect((await expectWholeLog(domainId)).size).toBe(17);
  });

  it("never goes back to a shard that it has left, which would take no later entry: it waits for a new one", async () => {
    const { domainId } = await domainOverTwoShards();
    await inLog(domainId, (log) => {
      const { gauges } = log.stores;
      const full = cellConfig(env).shardLimitBytes;
      log.stores = {
        ...log.stores,
        // The first is the emptiest again, as after tenants were deleted: only that the domain was in it speaks against it.
        lastSize: (shard) => (shard === "LEDGER_00" ? 0 : full),
        gauges: async () =>
          (await gauges()).map(({ shard, bytes }) => ({ shard, bytes: shard === "LEDGER_00" ? 0 : bytes + 1 })),
      };
    });
    const { replicated } = await append(domainId, many(3), { waitForCopy: true });
    expect(replicated).toBe(true);
    const ranges = await domainLog(env, cellConfig(env), domainId).flush();
    expect(ranges.filter(({ shard }) => shard === "LEDGER_00")).toEqual([{ fromSeq: 0, shard: "LEDGER_00" }]);
    expect((await expectWholeLog(domainId)).size).toBe(20);
  });

  it("is read over the border in both directions, by page, by seq and by id, and verifies", async () => {
    const { tenant, domainId, before, after } = await domainOverTwoShards();
    const base = `/v1/domains/${domainId}/audit`;
    const seqs = [];
    let path: string | null = `${base}/entries?order=desc&limit=5`;
    while (path) {
      const page = (await (await call(path, { key: tenant.key })).json()) as {
        entries: { seq: number }[];
        next_cursor: string | null;
      };
      seqs.push(...page.entries.map(({ seq }) => seq));
      path = page.next_cursor && `${base}/entries?limit=5&cursor=${page.next_cursor}`;
    }
    expect(seqs).toEqual(Array.from({ length: 17 }, (_, i) => 16 - i));
    for (const { seq, id } of [before[8], after[0]].flatMap((receipt) => receipt ?? [])) {
      for (const name of [seq, id]) {
        expect(await (await call(`${base}/entries/${name}`, { key: tenant.key })).json()).toMatchObject({ seq, id });
      }
    }
    const verdict = await (await call(`${base}/verify`, { key: tenant.key })).json();
    expect(verdict).toMatchObject({ verdict: "verified", entries: 17 });
  });

  it("keeps every id unique over the shards", async () => {
    const { domainId, before } = await domainOverTwoShards();
    const id = before[0]?.id ?? "";
    await inLog(domainId, (log) => log.journal.forget(Date.now() + 200 * 86_400_000));
    await expect(append(domainId, event({ id }))).rejects.toMatchObject({ code: "entry.id_conflict" });
  });

  it("refills a first shard that was set back, over the border, from the archive", async () => {
    const { domainId } = await domainOverTwoShards();
    await alarmLater(domainId, 3_600_000 * 3);
    const whole = await copiedRows(domainId);
    const { results } = await env.LEDGER_00.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all<{
      name: string;
      sql: string;
    }>();
    await env.LEDGER_00.batch([
      ...results.map(({ name }) => env.LEDGER_00.prepare(`DROP TRIGGER ${name}`)),
      env.LEDGER_00.prepare("DELETE FROM audit_log WHERE domain_id = ? AND seq >= 6").bind(domainId),
      ...results.map(({ sql }) => env.LEDGER_00.prepare(sql)),
    ]);
    await evictDurableObject(stubOf(domainId));
    await append(domainId, event());
    expect((await copiedRows(domainId)).slice(0, 17)).toEqual(whole);
    await expectWholeLog(domainId);
  });

  it("tells the control database before the first row goes there, also when that failed at first", async () => {
    const tenant = await newTenant();
    const domainId = await newDomain(tenant);
    await append(domainId, many(2), { waitForCopy: true });
    let broken = true;
    await inLog(domainId, (log) => {
      const { lastSize, mirrorShards } = log.stores;
      log.stores = {
        ...log.stores,
        lastSize: (shard) => (shard === "LEDGER_00" ? cellConfig(env).shardLimitBytes : lastSize(shard)),
        mirrorShards: async (ranges) => {
          if (broken) throw new Error("injected");
          return mirrorShards(ranges);
        },
      };
    });
    expect((await append(domainId, many(2), { waitForCopy: true })).replicated).toBe(false);
    expect(await second(domainId).tip()).toBeNull();
    broken = false;
    await expectWholeLog(domainId);
    expect(await new D1ControlStore(env.CONTROL).shards(domainId)).toHaveLength(2);
    expect((await second(domainId).tip())?.size).toBe(5);
  });

  it("stays where it is when no shard has room, and says so", async () => {
    const tenant = await newTenant();
    const domainId = await newDomain(tenant);
    await inLog(domainId, (log) => {
      const full = cellConfig(env).shardLimitBytes;
      const gauges = async () => ["LEDGER_00", "LEDGER_01"].map((shard) => ({ shard, bytes: full }));
      log.stores = { ...log.stores, lastSize: () => full, gauges };
    });
    await append(domainId, many(3), { waitForCopy: true });
    expect((await first(domainId).tip())?.size).toBe(4);
    await expectWholeLog(domainId);
  });
});

describe("the gauges", () => {
  it("name the size of every shard of the cell, as the database itself says it", async () => {
    const { shardGauges } = await import("../../durable-objects/domain-log/stores.ts");
    const gauges = await shardGauges(env);
    expect(gauges.map(({ shard }) => shard)).toEqual(["LEDGER_00", "LEDGER_01"]);
    for (const { bytes } of gauges) expect(bytes).toBeGreaterThan(4096);
  });
});
