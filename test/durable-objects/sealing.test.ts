/** What is sealed beside the entries: in the object, in D1, in the archive, and while the keys are away. */
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import type { PrivateRow, SealedStore } from "../../src/services/ports.ts";
import { alarmLater, append, bareDomain, copiedRows, env, event, inLog, logOf, stubOf } from "../support/cell.ts";
import { erasedFrom, pseudonymIn } from "../support/erased.ts";
import { withFault } from "../support/faults.ts";
import { expectWholeLog } from "../support/verify.ts";

const ana = (fields: object = {}) => event({ actor: { type: "user", id: "ana" }, ...fields });
const secretive = (fields: object = {}) => ana({ reason: "why", ...fields });
const nobody = (fields: object = {}) => event({ actor: { type: "service", id: "svc" }, ...fields });

/** What waits in the object. */
const waiting = (domainId: string) =>
  inLog(domainId, (log) => {
    const { privates, subjects } = log.sealed.pendingSealed(0, Number.MAX_SAFE_INTEGER);
    return {
      privates: privates.map(({ seq, subject, sealed }) => [seq, subject, sealed !== null] as const),
      subjects: subjects.map(({ pseudonym, seq }) => [pseudonym, seq] as const),
    };
  });

/** What the ledger holds. */
const stored = (domainId: string) =>
  inLog(domainId, async (log) => {
    const { results } = await env.LEDGER_00.prepare(
      "SELECT seq, lower(hex(subject)) AS subject, sealed IS NOT NULL AS sealed FROM audit_private_value WHERE domain_id = ?1 ORDER BY seq, subject",
    )
      .bind(log.journal.identity()?.domainId)
      .all<{ seq: number; subject: string; sealed: number }>();
    return results.map(({ seq, subject, sealed }) => [seq, subject, sealed === 1] as const);
  });
const countPeople = async (domainId: string) =>
  (
    await env.LEDGER_00.prepare("SELECT count(*) AS n FROM audit_subject_pii WHERE domain_id = ?1")
      .bind(domainId)
      .first<{ n: number }>()
  )?.n;

describe("an append", () => {
  test("S4-28 keeps who a new person is once, and from then on only that entries name them: 100 appends, one row", async () => {
    const domainId = await bareDomain();
    const ref = await pseudonymIn(domainId, "ana");
    await append(domainId, ana());
    expect(await waiting(domainId)).toEqual({ privates: [[1, ref, false]], subjects: [[ref, 1]] });
    for (let i = 0; i < 9; i++)
      await append(
        domainId,
        Array.from({ length: 11 }, () => ana()),
      );
    await logOf(domainId).flush();
    expect(await countPeople(domainId)).toBe(1);
    expect(await stored(domainId)).toEqual(Array.from({ length: 100 }, (_, i) => [i + 1, ref, false]));
  });

  test("a batch with the same person keeps the mapping of the first sighting, a row for each entry", async () => {
    const domainId = await bareDomain();
    const ref = await pseudonymIn(domainId, "ana");
    await append(domainId, [ana(), secretive(), ana({ targets: [{ type: "user", id: "ana" }] })]);
    expect(await waiting(domainId)).toEqual({
      privates: [
        [1, ref, false],
        [2, ref, true],
        [3, ref, false],
      ],
      subjects: [[ref, 1]],
    });
  });

  test("what is about nobody is sealed beside the entry under nobody, under the tenant's key", async () => {
    const domainId = await bareDomain();
    await append(domainId, nobody({ reason: "why" }));
    expect(await waiting(domainId)).toEqual({ privates: [[1, "", true]], subjects: [] });
    const sealed = await inLog(domainId, (log) => log.sealed.pendingSealed(1, 1).privates[0]?.sealed);
    // Format 1, slot 5, then slot version 1, tenant key version 1, subject epoch 0 (SPEC.md §9).
    expect([...(sealed ?? []).slice(0, 8)]).toEqual([1, 5, 0, 1, 0, 1, 0, 0]);
  });

  test("one entry about two people seals what is about each under each", async () => {
    const domainId = await bareDomain();
    const [a, b] = [await pseudonymIn(domainId, "ana"), await pseudonymIn(domainId, "bo")];
    await append(domainId, secretive({ on_behalf_of: { type: "user", id: "bo", name: "Bo" } }));
    const { privates, subjects } = await waiting(domainId);
    expect(privates).toEqual(expect.arrayContaining([[1, a, true] as const, [1, b, true] as const]));
    expect(privates).toHaveLength(2);
    expect(new Set(subjects.map(([pseudonym]) => pseudonym))).toEqual(new Set([a, b]));
  });

  test("one that is refused leaves nothing sealed behind, and its person is still new", async () => {
    const domainId = await bareDomain();
    const large = { changes: Array.from({ length: 100 }, (_, i) => ({ path: `/${"ü".repeat(500)}${i}` })) };
    await expect(append(domainId, [secretive(), secretive(large)])).rejects.toMatchObject({
      code: "request.too_large",
    });
    expect(await waiting(domainId)).toEqual({ privates: [], subjects: [] });
    await append(domainId, ana());
    expect((await waiting(domainId)).subjects).toHaveLength(1);
  });

  test("a retry under the same key or id seals nothing again", async () => {
    const domainId = await bareDomain();
    await append(domainId, secretive({ id: "a" }), { idempotencyKey: "k" });
    const before = await waiting(domainId);
    await append(domainId, secretive({ id: "a" }), { idempotencyKey: "k" });
    await append(domainId, secretive({ id: "a" }));
    expect(await waiting(domainId)).toEqual(before);
  });
});

describe("while R2 KEYS is away", () => {
  const away = () => Promise.reject(new AppError("storage.unavailable", { internal: "injected: KEYS" }));
  /** After a start: nothing of the keys is in memory but what the domain needs for its pseudonyms. */
  async function cutOff(domainId: string): Promise<void> {
    await evictDurableObject(stubOf(domainId));
    // Loads the domain's keys, as any append after the start would have.
    await pseudonymIn(domainId, "ana");
    await inLog(domainId, (log) => {
      const { roots, subjectPages, tenantKeys } = log.stores;
      const gone = <T extends object>(store: T): T => new Proxy(store, { get: () => away });
      log.stores = {
        ...log.stores,
        roots: gone(roots),
        subjectPages: gone(subjectPages),
        tenantKeys: gone(tenantKeys),
      };
    });
  }

  test("events about people who are known, without anything private, go on; others get a 503 and leave nothing", async () => {
    const domainId = await bareDomain();
    await append(domainId, secretive());
    await cutOff(domainId);
    const { size } = await logOf(domainId).head();
    expect((await append(domainId, [ana(), nobody()])).receipts).toHaveLength(2);
    for (const refused of [secretive(), event({ actor: { type: "user", id: "new" } }), nobody({ reason: "why" })]) {
      await expect(append(domainId, refused)).rejects.toMatchObject({ code: "storage.unavailable" });
    }
    expect((await logOf(domainId).head()).size).toBe(size + 2);
    await expectWholeLog(domainId);
  });

  test("a retry of what was answered before gets its receipts, also when it held something private", async () => {
    const domainId = await bareDomain();
    const first = await append(domainId, [secretive(), nobody({ reason: "why" })], { idempotencyKey: "k" });
    await cutOff(domainId);
    const again = await append(domainId, [secretive(), nobody({ reason: "why" })], { idempotencyKey: "k" });
    expect(again.receipts).toEqual(first.receipts);
  });

  test("an object whose keys are in memory goes on with everything about people whose page it has open", async () => {
    const domainId = await bareDomain();
    await append(domainId, [secretive(), nobody({ reason: "why" })]);
    await inLog(domainId, (log) => {
      log.stores = { ...log.stores, roots: new Proxy(log.stores.roots, { get: () => away }) };
    });
    expect((await append(domainId, [secretive(), nobody({ reason: "why" })])).receipts).toHaveLength(2);
  });
});

describe("copies", () => {
  const copied = async (domainId: string): Promise<PrivateRow[]> =>
    inLog(domainId, (log) => log.stores.sealedRows.privateRows([{ seq: 1, subject: "" }]));

  test.each(["lost", "answer_lost"] as const)(
    "sealed rows reach D1 with their entries or not at all, also when the insert fails (%s)",
    async (form) => {
      const domainId = await bareDomain();
      await logOf(domainId).flush();
      await inLog(domainId, (log) => {
        log.stores = {
          ...log.stores,
          ledger: withFault(log.stores.ledger, { method: "insert", form, times: 1 }).store,
        };
      });
      await append(domainId, [nobody({ reason: "why" }), secretive()]);
      for (let i = 0; i < 3; i++) {
        await alarmLater(domainId);
        const { copiedSize } = await logOf(domainId).head();
        expect((await copied(domainId)).length).toBe(copiedSize > 1 ? 1 : 0);
      }
      expect(await countPeople(domainId)).toBe(1);
      await expectWholeLog(domainId);
    },
  );

  test("they leave the object only when D1 and the archive both hold them, and open as before", async () => {
    const domainId = await bareDomain();
    await append(domainId, [secretive({ reason: "first" }), nobody({ reason: "second" })]);
    const before = await opened(domainId, 1, "ana");
    await logOf(domainId).flush();
    expect((await waiting(domainId)).privates).toHaveLength(2);
    await alarmLater(domainId, 7_200_000);
    expect(await waiting(domainId)).toEqual({ privates: [], subjects: [] });
    expect(await opened(domainId, 1, "ana")).toEqual(before);
    expect(before).toContain("first");
  });

  test("a ledger that was set back gets its sealed rows again from the pages of the archive, byte for byte", async () => {
    const domainId = await bareDomain(3);
    await append(domainId, [secretive(), nobody({ reason: "why" }), ana(), secretive(), ana()], { waitForCopy: true });
    await alarmLater(domainId);
    expect((await logOf(domainId).head()).archivedSize).toBeGreaterThanOrEqual(6);
    const all = () => sealedRows(domainId);
    const before = await all();
    await setBack(domainId, 2);
    expect((await all()).length).toBeLessThan(before.length);
    await evictDurableObject(stubOf(domainId));
    await logOf(domainId).wake();
    expect(await all()).toEqual(before);
    await expectWholeLog(domainId);
  });

  test("entries with very much sealed beside them go in bounded parts, each whole, and into shorter segments", async () => {
    const domainId = await bareDomain(64);
    const note = "x".repeat(16_000);
    const big = secretive({ metadata: Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`k${i}`, note])) });
    for (let i = 0; i < 12; i++) await append(domainId, big);
    const inserts: number[] = [];
    await inLog(domainId, (log) => {
      const { ledger } = log.stores;
      const insert: typeof ledger.insert = (rows, base, sealed) => {
        inserts.push((sealed?.privates ?? []).reduce((sum, row) => sum + (row.sealed?.length ?? 0), 0));
        return ledger.insert(rows, base, sealed);
      };
      const watched = new Proxy(ledger, {
        get: (target, name) => (name === "insert" ? insert : (Reflect.get(target, name) as () => unknown).bind(target)),
      });
      log.stores = { ...log.stores, ledger: watched };
    });
    for (let i = 0; i < 4; i++) await alarmLater(domainId, 7_200_000 * (i + 1));
    expect(await stored(domainId)).toHaveLength(12);
    expect(inserts.length).toBeGreaterThan(0);
    for (const bytes of inserts) expect(bytes).toBeLessThanOrEqual(LIMITS.sealedCopyBytes);
    const { objects } = await env.LOG.list({ prefix: `sealed/${domainId}/` });
    expect(objects.length).toBeGreaterThan(1);
    for (const { size } of objects) expect(size).toBeLessThan(LIMITS.sealedCopyBytes * 1.5);
    expect((await expectWholeLog(domainId)).archivedSize).toBe(13);
  });

  test("one that is set back gets nothing about somebody who was erased since", async () => {
    const domainId = await bareDomain(3);
    await append(domainId, [secretive(), event({ actor: { type: "user", id: "bo" } })], { waitForCopy: true });
    await alarmLater(domainId);
    const ref = await erasedFrom(domainId, "ana");
    await setBack(domainId, 1);
    await evictDurableObject(stubOf(domainId));
    await logOf(domainId).wake();
    expect((await stored(domainId)).map(([, subject]) => subject)).toEqual([await pseudonymIn(domainId, "bo")]);
    expect(JSON.stringify(await copiedRows(domainId))).toContain(ref);
    expect(await countPeople(domainId)).toBe(1);
  });
});

describe("somebody who is suppressed", () => {
  test("leaves nothing sealed: no mapping, no value, not even that the entry names them; the receipt says so", async () => {
    const domainId = await bareDomain();
    const ref = await erasedFrom(domainId, "ana");
    const { receipts } = await append(domainId, [secretive(), nobody({ reason: "kept" })]);
    expect(receipts[0]).toMatchObject({ suppressed: true, dropped: ["/reason"] });
    expect(receipts[1]).not.toHaveProperty("suppressed");
    expect(await waiting(domainId)).toEqual({ privates: [[2, "", true]], subjects: [] });
    const [, first] = await copiedRows(domainId);
    expect(JSON.parse(first?.payload ?? "")).toMatchObject({ actor: { ref } });
    expect(JSON.parse(first?.payload ?? "")).not.toHaveProperty("private");
  });

  test("while an append about them is under way: what was prepared is thrown away, others in the batch keep theirs", async () => {
    const domainId = await bareDomain();
    await append(domainId, ana());
    const [ref, other] = [await pseudonymIn(domainId, "ana"), await pseudonymIn(domainId, "bo")];
    await evictDurableObject(stubOf(domainId));
    let struck = 0;
    await inLog(domainId, (log) => {
      // The keys are being fetched; before the append's block runs, the first step of an erasure does.
      const { subjectPages } = log.stores;
      const put: typeof subjectPages.put = async (...args) => {
        const etag = await subjectPages.put(...args);
        log.sealed.suppress(ref, Date.now());
        struck++;
        return etag;
      };
      const { get, list, destroy } = subjectPages;
      const bound = { get: get.bind(subjectPages), list: list.bind(subjectPages), destroy: destroy.bind(subjectPages) };
      log.stores = { ...log.stores, subjectPages: { ...bound, put } };
    });
    const { receipts } = await append(domainId, [secretive(), { ...secretive(), actor: { type: "user", id: "bo" } }]);
    expect(struck).toBe(1);
    expect(receipts[0]).toMatchObject({ seq: 2, suppressed: true, dropped: ["/reason"] });
    expect(receipts[1]).not.toHaveProperty("suppressed");
    expect(await waiting(domainId)).toEqual({ privates: [[3, other, true]], subjects: [[other, 3]] });
  });
});

/** All sealed rows of the domain in the ledger, as hex. */
async function sealedRows(domainId: string): Promise<unknown[]> {
  const privates = await env.LEDGER_00.prepare(
    "SELECT seq, hex(subject), hex(sealed) FROM audit_private_value WHERE domain_id = ?1 ORDER BY seq, subject",
  )
    .bind(domainId)
    .all();
  const people = await env.LEDGER_00.prepare(
    "SELECT hex(pseudonym), first_seq, hex(subject_plaintext) FROM audit_subject_pii WHERE domain_id = ?1 ORDER BY pseudonym",
  )
    .bind(domainId)
    .all();
  return [...privates.results, ...people.results];
}

/** As a restore to an earlier point leaves it: entries and sealed rows from `size` on are not there. */
async function setBack(domainId: string, size: number): Promise<void> {
  const guards = await env.LEDGER_00.prepare(
    "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_log' AND sql LIKE '%DELETE%'",
  ).all<{ name: string; sql: string }>();
  for (const { name } of guards.results) await env.LEDGER_00.prepare(`DROP TRIGGER ${name}`).run();
  const cut = (table: string, column: string) =>
    env.LEDGER_00.prepare(`DELETE FROM ${table} WHERE domain_id = ?1 AND ${column} >= ?2`).bind(domainId, size).run();
  await cut("audit_log", "seq");
  await cut("audit_private_value", "seq");
  await cut("audit_subject_pii", "first_seq");
  for (const { sql } of guards.results) await env.LEDGER_00.prepare(sql).run();
}

/** The plaintext of a private row, through the object's own opening. */
async function opened(domainId: string, seq: number, identityId: string): Promise<string | null | undefined> {
  await logOf(domainId).flush();
  const subject = await pseudonymIn(domainId, identityId);
  return inLog(domainId, async (log) => {
    const store: SealedStore = log.stores.sealedRows;
    const [row] = await store.privateRows([{ seq, subject }]);
    const [entry] = await log.stores.ledger.rows({ fromSeq: seq, toSeq: seq, limit: 1 });
    const sealed = row?.sealed as Uint8Array;
    const call = { privates: [{ seq, subject, sealed, entryId: entry?.id ?? "" }], mappings: [], people: [] };
    const outcome = await log.openSealed(call);
    return outcome.ok ? outcome.value.privates[0] : undefined;
  });
}
