import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { platformDomainId } from "../../src/core/ids.ts";
import {
  alarmLater,
  append,
  bareDomain,
  copiedRows,
  env,
  inLog,
  jurisdiction,
  logOf,
  newTenant,
  stubOf,
} from "../support/cell.ts";
import { erase, eventAbout, expectGone, pseudonymIn, tracesOf } from "../support/erasure.ts";
import { pruneTo, settled } from "../support/pruned.ts";
import { expectWholeLog } from "../support/verify.ts";

const SEALED_TABLES = ["audit_private_value", "audit_subject_pii"] as const;
const BY = { type: "service" as const, id: "operator" };

type Row = Record<string, string | number | number[] | null>;
type Dump = Record<(typeof SEALED_TABLES)[number], Row[]>;

/** What the ledger holds of a domain beside its entries. */
async function dumpSealed(domainId: string): Promise<Dump> {
  const rows = await Promise.all(
    SEALED_TABLES.map((table) =>
      env.LEDGER_00.prepare(`SELECT * FROM ${table} WHERE domain_id = ?`).bind(domainId).all<Row>(),
    ),
  );
  return Object.fromEntries(SEALED_TABLES.map((table, i) => [table, rows[i]?.results ?? []])) as Dump;
}

async function restoreSealed(dump: Dump): Promise<void> {
  for (const table of SEALED_TABLES) {
    for (const row of dump[table]) {
      const columns = Object.keys(row);
      const values = Object.values(row).map((value) => (Array.isArray(value) ? Uint8Array.from(value) : value));
      const sql = `INSERT OR IGNORE INTO ${table} (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`;
      await env.LEDGER_00.prepare(sql)
        .bind(...values)
        .run();
    }
  }
}

/** Forgets in the object whatever it knows of erasures and of people, as one that was set back or made anew would. */
const forgetErasures = (domainId: string) =>
  inLog(domainId, (_, { storage }) => {
    for (const table of ["erasure", "erasure_seq", "subject"]) storage.sql.exec(`DELETE FROM ${table}`);
  });

async function replayAll(domainId: string): Promise<number> {
  let erasures = 0;
  for (let fromSeq: number | null = 0; fromSeq !== null; ) {
    const part = await logOf(domainId).replayErasures({ by: BY, fromSeq });
    erasures += part.erasures;
    fromSeq = part.nextSeq;
  }
  for (let run = 0; run < 3; run++) await alarmLater(domainId);
  return erasures;
}

/** A domain in which `usr_1` was erased, and what D1 held before that. */
async function erasedDomain() {
  const domainId = await bareDomain(8);
  await append(
    domainId,
    Array.from({ length: 12 }, () => eventAbout("usr_1")),
    { waitForCopy: true },
  );
  await append(domainId, eventAbout("usr_2"), { waitForCopy: true });
  await inLog(domainId, (log) => log.alarm());
  const before = await dumpSealed(domainId);
  const { erasure } = await erase(domainId, "usr_1");
  return { domainId, before, erasure, pseudonym: erasure.pseudonym };
}

describe("S2-24 a restore cannot bring an erased person back", () => {
  it("a database as it was before the erasure: nothing opens, and after the replay nothing is there", async () => {
    const { domainId, before, pseudonym, erasure } = await erasedDomain();
    const note = await logOf(domainId).erasureCertificate(erasure.id);
    await restoreSealed(before);
    expect(await tracesOf(domainId, pseudonym)).toMatchObject({ ledgerRows: 12, mappings: 1, keys: 0 });
    const sealed = before.audit_private_value.find(
      ({ subject }) => Buffer.from(subject as number[]).toString("hex") === pseudonym,
    );
    const [entry] = (await copiedRows(domainId)).filter(({ seq }) => seq === sealed?.seq);
    const row = {
      seq: sealed?.seq as number,
      entryId: entry?.id ?? "",
      subject: pseudonym,
      sealed: Uint8Array.from(sealed?.sealed as number[]),
    };
    const opened = await logOf(domainId).openSealed({ privates: [row], mappings: [], people: [] });
    expect(opened).toEqual({ privates: [null], mappings: [], erased: [pseudonym] });
    expect(await replayAll(domainId)).toBe(1);
    await expectGone(domainId, pseudonym);
    expect(await logOf(domainId).erasure(erasure.id)).toMatchObject({ status: "executed", entry: erasure.entry });
    expect(await logOf(domainId).erasureCertificate(erasure.id)).toBe(note);
    await expectWholeLog(domainId);
  });

  it("the same where the object has forgotten the erasure too: it does not open without the key, and the list is rebuilt from the chain", async () => {
    const { domainId, before, pseudonym, erasure } = await erasedDomain();
    await restoreSealed(before);
    await forgetErasures(domainId);
    await evictDurableObject(stubOf(domainId));
    const sealed = before.audit_private_value.find(
      ({ subject }) => Buffer.from(subject as number[]).toString("hex") === pseudonym,
    );
    const [entry] = (await copiedRows(domainId)).filter(({ seq }) => seq === sealed?.seq);
    const row = {
      seq: sealed?.seq as number,
      entryId: entry?.id ?? "",
      subject: pseudonym,
      sealed: Uint8Array.from(sealed?.sealed as number[]),
    };
    const opened = await logOf(domainId).openSealed({ privates: [row], mappings: [], people: [] });
    expect(opened.privates).toEqual([null]);
    // Until the replay the person is a new one: what came meanwhile goes with it.
    await append(domainId, eventAbout("usr_1"), { waitForCopy: true });
    expect(await replayAll(domainId)).toBe(1);
    await expectGone(domainId, pseudonym);
    const again = await erase(domainId, "usr_1");
    expect(again).toMatchObject({ already: true, erasure: { id: erasure.id, status: "executed" } });
    const { receipts } = await append(domainId, eventAbout("usr_1"));
    expect(receipts[0]).toMatchObject({ suppressed: true });
    expect(await tracesOf(domainId, await pseudonymIn(domainId, "usr_2"))).toMatchObject({ mappings: 1 });
    await expectWholeLog(domainId);
  });

  it("an object that meets a ledger that was set back erases from it again by itself", async () => {
    const { domainId, before, pseudonym } = await erasedDomain();
    await inLog(domainId, (log) => log.alarm());
    await restoreSealed(before);
    // As D1's own restore leaves it: the newest entries are gone as well.
    const guard = "SELECT sql FROM sqlite_master WHERE name = 'audit_log_no_delete'";
    const { sql } = (await env.LEDGER_00.prepare(guard).first<{ sql: string }>()) as { sql: string };
    await env.LEDGER_00.exec("DROP TRIGGER audit_log_no_delete");
    const { size } = await logOf(domainId).head();
    await env.LEDGER_00.prepare("DELETE FROM audit_log WHERE domain_id = ? AND seq >= ?")
      .bind(domainId, size - 1)
      .run();
    await env.LEDGER_00.prepare(sql).run();
    await evictDurableObject(stubOf(domainId));
    for (let run = 0; run < 3; run++) await alarmLater(domainId);
    await logOf(domainId).flush();
    for (let run = 0; run < 3; run++) await alarmLater(domainId);
    await expectGone(domainId, pseudonym);
    await expectWholeLog(domainId);
  });

  it("S2-24 S4-8 the same where the entry that tells of it was pruned: it is read out of the archive, and certified again", async () => {
    const { domainId, pseudonym, erasure } = await erasedDomain();
    await append(domainId, eventAbout("usr_2"), { waitForCopy: true });
    await settled(domainId);
    const { size } = await logOf(domainId).head();
    await pruneTo(domainId, size - 1);
    expect(erasure.entry?.seq).toBeLessThan((await logOf(domainId).head()).firstHot);
    await forgetErasures(domainId);
    await evictDurableObject(stubOf(domainId));
    expect(await replayAll(domainId)).toBe(1);
    const left = await logOf(domainId).replayErasures({ by: BY, fromSeq: Number.MAX_SAFE_INTEGER });
    expect(left.unfinished).toBe(0);
    expect(await logOf(domainId).erasure(erasure.id)).toMatchObject({ status: "executed", entry: erasure.entry });
    expect(await logOf(domainId).erasureCertificate(erasure.id)).toContain(erasure.id);
    const { receipts } = await append(domainId, eventAbout("usr_1"));
    expect(receipts[0]).toMatchObject({ suppressed: true });
    await expectGone(domainId, pseudonym);
  });

  it("a replay of a log without erasures finds nothing and appends nothing", async () => {
    const domainId = await bareDomain();
    await append(domainId, eventAbout("usr_1"));
    expect(await replayAll(domainId)).toBe(0);
    expect((await logOf(domainId).head()).size).toBe(2);
  });
});

describe("S4-35 the reserved chains", () => {
  it("erase a person by the same code: the platform's and a tenant's own", async () => {
    const tenant = await newTenant();
    for (const domainId of [platformDomainId(jurisdiction), tenant.tenantDomainId]) {
      await append(domainId, eventAbout("staff_7", { action: "tenant.noted" }), { waitForCopy: true });
      const pseudonym = await pseudonymIn(domainId, "staff_7");
      expect(await tracesOf(domainId, pseudonym)).toMatchObject({ mappings: 1, keys: 1 });
      const { erasure } = await erase(domainId, "staff_7");
      expect(erasure.status).toBe("executed");
      await expectGone(domainId, pseudonym);
      await expectWholeLog(domainId);
    }
  });
});
