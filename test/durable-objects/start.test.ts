import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { cellDesk } from "../../durable-objects/gates.ts";
import { platformDomainId } from "../../src/core/ids.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import {
  alarmLater,
  append,
  bareDomain,
  copiedRows,
  env,
  event,
  inLog,
  jurisdiction,
  logOf,
  stubOf,
} from "../support/cell.ts";
import { expectWholeLog } from "../support/verify.ts";

const many = (count: number) => Array.from({ length: count }, () => event());

/** What the account's owner could do by hand: the guards are dropped, the statement runs, the guards come back. */
async function withoutGuards(...statements: string[]): Promise<void> {
  const { results } = await env.LEDGER_00.prepare("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").all<{
    name: string;
    sql: string;
  }>();
  await env.LEDGER_00.batch([
    ...results.map(({ name }) => env.LEDGER_00.prepare(`DROP TRIGGER ${name}`)),
    ...statements.map((sql) => env.LEDGER_00.prepare(sql)),
    ...results.map(({ sql }) => env.LEDGER_00.prepare(sql)),
  ]);
}

/** Sets the object back, as a point-in-time restore would. */
async function setBack(domainId: string, seqs: number): Promise<void> {
  await inLog(domainId, (log, state) => {
    const sql = state.storage.sql;
    const last = log.journal.pending(seqs - 1, 1, 1)[0];
    sql.exec("DELETE FROM pending WHERE seq >= ?", seqs);
    sql.exec("UPDATE head SET size = ?, entry_hash = ?", seqs, last?.entryHash ?? "");
    sql.exec("UPDATE head SET copied_size = min(copied_size, ?), archived_size = min(archived_size, ?)", seqs, seqs);
  });
  await evictDurableObject(stubOf(domainId));
}

describe("the comparison at every start", () => {
  it("a D1 that was restored to an earlier copy is refilled from the object", async () => {
    const domainId = await bareDomain();
    await append(domainId, many(9), { waitForCopy: true });
    const before = await copiedRows(domainId);
    await withoutGuards(`DELETE FROM audit_log WHERE domain_id = '${domainId}' AND seq >= 4`);
    await evictDurableObject(stubOf(domainId));
    await alarmLater(domainId);
    await logOf(domainId).wake();
    expect(await copiedRows(domainId)).toEqual(before);
    await expectWholeLog(domainId);
  });

  it("a D1 that was restored to an earlier copy is refilled from the archive when the object let the entries go", async () => {
    const domainId = await bareDomain(3);
    await append(domainId, many(8), { waitForCopy: true });
    const before = await copiedRows(domainId);
    await alarmLater(domainId);
    expect((await logOf(domainId).head()).backlogEntries).toBe(0);
    for (const keep of [7, 3, 0]) {
      const base = keep === 0 ? [`DELETE FROM ledger_base WHERE domain_id = '${domainId}'`] : [];
      await withoutGuards(`DELETE FROM audit_log WHERE domain_id = '${domainId}' AND seq >= ${keep}`, ...base);
      await evictDurableObject(stubOf(domainId));
      await append(domainId, event());
      expect((await copiedRows(domainId)).slice(0, 9)).toEqual(before);
      await expectWholeLog(domainId);
    }
  });

  it("an object that was set back behind D1 stops: nothing is appended, copied or overwritten", async () => {
    const domainId = await bareDomain();
    await append(domainId, many(9), { waitForCopy: true });
    await setBack(domainId, 5);
    await expect(append(domainId, event())).rejects.toMatchObject({ code: "domain.stopped" });
    expect((await logOf(domainId).head()).stoppedReason).toMatch(/set back/);
  });

  it("an object that was set back behind the archive stops, also when D1 was set back with it", async () => {
    for (const segmentEntries of [1, 3]) {
      const domainId = await bareDomain(segmentEntries);
      await append(domainId, many(8), { waitForCopy: true });
      await inLog(domainId, (log) => {
        log.journal.release = () => {};
      });
      await alarmLater(domainId);
      await withoutGuards(`DELETE FROM audit_log WHERE domain_id = '${domainId}' AND seq >= 4`);
      await setBack(domainId, 4);
      const appended = append(domainId, event());
      await expect(appended).rejects.toMatchObject({ code: "domain.stopped" });
    }
  });

  it("a row of D1 that is not the one that was appended stops the domain", async () => {
    const domainId = await bareDomain();
    await append(domainId, many(3), { waitForCopy: true });
    await withoutGuards(`UPDATE audit_log SET entry_hash = randomblob(32) WHERE domain_id = '${domainId}' AND seq = 3`);
    await evictDurableObject(stubOf(domainId));
    await expect(append(domainId, event())).rejects.toMatchObject({ code: "domain.stopped" });
  });

  it("a stopped domain says so on the platform domain, once", async () => {
    await cellDesk(env, cellConfig(env)).ensurePlatform();
    const domainId = await bareDomain();
    await append(domainId, many(3), { waitForCopy: true });
    await setBack(domainId, 2);
    await expect(append(domainId, event())).rejects.toMatchObject({ code: "domain.stopped" });
    await alarmLater(domainId);
    await alarmLater(domainId);
    const entries = (await copiedRows(platformDomainId(jurisdiction))).map(({ payload }) => JSON.parse(payload));
    const violations = entries.filter(
      ({ action, targets }) => action === "integrity.violation" && targets[0].id === domainId,
    );
    expect(violations).toHaveLength(1);
    expect(violations[0]).toMatchObject({ outcome: "failure", actor: { type: "system", id: "system:moonseal" } });
  });

  it("a missing guard refuses writes until it is back, and names itself", async () => {
    const domainId = await bareDomain();
    await append(domainId, event(), { waitForCopy: true });
    const name = "audit_log_no_delete";
    const sql = await env.LEDGER_00.prepare("SELECT sql FROM sqlite_master WHERE name = ?")
      .bind(name)
      .first<string>("sql");
    await env.LEDGER_00.prepare(`DROP TRIGGER ${name}`).run();
    await evictDurableObject(stubOf(domainId));
    await expect(append(domainId, event())).rejects.toMatchObject({
      code: "ledger.guard_missing",
      detail: expect.stringContaining(name),
    });
    await env.LEDGER_00.prepare(sql ?? "").run();
    expect((await append(domainId, event())).receipts[0]?.seq).toBe(2);
  });

  it("S0-24 S4-34 an object whose jurisdiction is not its cell's refuses every call and writes nothing", async () => {
    const domainId = await bareDomain();
    const size = (await logOf(domainId).head()).size;
    await inLog(domainId, (log) => {
      const wrong = { ...env, DO_JURISDICTION: env.JURISDICTION, UNPINNED_LOCAL: "" };
      Object.defineProperty(log, "env", { value: wrong });
    });
    await expect(append(domainId, event())).rejects.toMatchObject({ code: "residency.unknown" });
    await expect(logOf(domainId).head()).rejects.toMatchObject({ code: "residency.unknown" });
    await evictDurableObject(stubOf(domainId));
    expect((await logOf(domainId).head()).size).toBe(size);
  });
});
