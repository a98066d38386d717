/** Legal holds by query: what they keep, now and later, whom they protect, and what they do when it is not known. */
import { beforeAll, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import {
  append,
  call,
  copiedRows,
  env,
  event,
  inLog,
  keeperOf,
  logOf,
  newDomain,
  newTenant,
  runAlarm,
  type TestTenant,
} from "../support/cell.ts";
import { dumpCell, placesWith } from "../support/dump.ts";
import { erase } from "../support/erasure.ts";
import { FAULT_FORMS, withFault } from "../support/faults.ts";
import { holdsPath, placeHold, REVIEW_AT, readHold, releaseHold } from "../support/holds.ts";
import { problemOf } from "../support/problems.ts";

let tenant: TestTenant;
beforeAll(async () => {
  tenant = await newTenant();
});

const by = (id: string, action = "invoice.exported") => event({ action, actor: { type: "user", id } });
const payments = (domainId: string) => ({ query: { q: "action:payment.*", domains: [domainId] } });
const ledgerHold = async (domainId: string, id: string) => {
  const sql = "SELECT from_seq, to_seq FROM ledger_hold WHERE domain_id = ? AND hold_id = ? ORDER BY from_seq";
  return (await env.LEDGER_00.prepare(sql).bind(domainId, id).all()).results;
};
const fromThere = (fromSeq: number) => [{ from_seq: fromSeq, to_seq: Number.MAX_SAFE_INTEGER }];

/** Seqs 1 to 4: somebody, a payment of `usr_payer`, somebody, nobody of interest. */
async function withPayment() {
  const domainId = await newDomain(tenant);
  await append(domainId, [by("usr_a"), by("usr_payer", "payment.sent"), by("usr_b"), by("usr_c")], {
    waitForCopy: true,
  });
  return domainId;
}

describe("S2-27 a hold by query", () => {
  test("keeps the log from the first entry that it asks for, and lets go what lies before", async () => {
    const domainId = await withPayment();
    const hold = await placeHold(tenant, payments(domainId));
    expect(hold).toMatchObject({ status: "active", scope: { query: { q: "action:payment.*", domains: [domainId] } } });
    expect(await logOf(domainId).heldFrom(0)).toBe(2);
    expect(await logOf(domainId).heldFrom(3)).toBe(3);
    expect(await ledgerHold(domainId, hold.id)).toEqual(fromThere(2));
    const release = "INSERT INTO ledger_release VALUES (?, 0, ?, 'prune', '2026-11-21T00:00:00Z')";
    await env.LEDGER_00.prepare(release).bind(domainId, 4).run();
    const remove = env.LEDGER_00.prepare("DELETE FROM audit_log WHERE domain_id = ? AND seq = ?");
    await expect(remove.bind(domainId, 2).run()).rejects.toThrow(/delete refused/);
    await expect(remove.bind(domainId, 4).run()).rejects.toThrow(/delete refused/);
    await releaseHold(tenant, hold.id);
    expect(await logOf(domainId).heldFrom(0)).toBeNull();
    expect(await ledgerHold(domainId, hold.id)).toEqual([]);
  });

  test("keeps entries that come after it was placed, and everything until they were looked at", async () => {
    const domainId = await newDomain(tenant);
    const hold = await placeHold(tenant, payments(domainId));
    await append(domainId, [by("usr_a"), by("usr_b"), by("usr_payer", "payment.sent"), by("usr_c")]);
    const [guard] = (await ledgerHold(domainId, hold.id)) as { from_seq: number }[];
    expect(guard?.from_seq).toBeLessThanOrEqual(2);
    const { size } = await logOf(domainId).head();
    expect(await logOf(domainId).heldFrom(0)).toBe(size - 2);
    expect(await ledgerHold(domainId, hold.id)).toEqual(fromThere(size - 2));
  });

  test("refuses to erase whom its entries name, whenever they were written, and erases everybody else", async () => {
    const domainId = await withPayment();
    const hold = await placeHold(tenant, payments(domainId));
    await expect(erase(domainId, "usr_payer")).rejects.toMatchObject({ code: "subject.held" });
    await append(domainId, by("usr_later", "payment.sent"));
    await expect(erase(domainId, "usr_later")).rejects.toMatchObject({ code: "subject.held" });
    expect((await erase(domainId, "usr_b")).already).toBe(false);
    await releaseHold(tenant, hold.id);
    expect((await erase(domainId, "usr_payer")).already).toBe(false);
  });

  test("on a person holds that person's entries, whatever the log calls them, and stores no identity id", async () => {
    const domainId = await withPayment();
    const asked = "actor:usr_canary_asked action:payment.*";
    await append(domainId, by("usr_canary_asked", "payment.sent"), { waitForCopy: true });
    const hold = await placeHold(tenant, { query: { q: asked, domains: [domainId] } });
    expect(await logOf(domainId).heldFrom(0)).toBe((await copiedRows(domainId)).length - 2);
    expect(placesWith(await dumpCell(), "usr_canary_asked")).toEqual([]);
    const released = await releaseHold(tenant, hold.id);
    expect(released.scope).toMatchObject({ query: { q: null } });
    expect(await inLog(domainId, (log) => log.holds.queries.heldFrom(hold.id))).toBeNull();
  });

  test("over all domains reaches one that comes later", async () => {
    const mine = await newTenant();
    const hold = await placeHold(mine, { query: { filter: { actions: ["payment.sent"] }, all_domains: true } });
    const domainId = await newDomain(mine);
    await append(domainId, by("usr_late", "payment.sent"), { waitForCopy: true });
    expect((await readHold(mine, hold.id)).domains).toHaveLength(2);
    await expect(erase(domainId, "usr_late")).rejects.toMatchObject({ code: "subject.held" });
  });

  test("goes on by the alarm where a log has more entries than one look takes", async () => {
    const domainId = await newDomain(tenant);
    const many = Array.from({ length: 1000 }, () => event());
    for (let i = 0; i < LIMITS.holdScanEntries; i += many.length) await append(domainId, many);
    await append(domainId, by("usr_payer", "payment.sent"), { waitForCopy: true });
    const hold = await placeHold(tenant, payments(domainId));
    expect(await inLog(domainId, (log) => log.holds.queries.heldFrom(hold.id))).toBeGreaterThanOrEqual(
      LIMITS.holdScanEntries,
    );
    await runAlarm(domainId);
    const { size } = await logOf(domainId).head();
    expect(await inLog(domainId, (log) => log.holds.queries.unread(size))).toBeNull();
    await expect(erase(domainId, "usr_payer")).rejects.toMatchObject({ code: "subject.held" });
  });
});

describe("S2-27 where a store fails, a hold by query holds more and never less", () => {
  test.each(FAULT_FORMS)("the guard of the ledger, %s: a prune is told nothing before it agrees", async (form) => {
    const domainId = await withPayment();
    await placeHold(tenant, payments(domainId));
    await append(domainId, by("usr_z"), { waitForCopy: true });
    await inLog(domainId, (log) => {
      log.stores = {
        ...log.stores,
        holdMirror: withFault(log.stores.holdMirror, { method: "set", form, times: 1 }).store,
      };
    });
    await expect(logOf(domainId).heldFrom(0)).rejects.toMatchObject({ code: "storage.unavailable" });
    expect(await logOf(domainId).heldFrom(0)).toBe(2);
  });

  test("with more entries that were not looked at than can be judged at once nobody is erased, and nobody called held", async () => {
    const domainId = await newDomain(tenant);
    await placeHold(tenant, payments(domainId));
    const many = Array.from({ length: 1000 }, () => event());
    await inLog(domainId, (log) => {
      const { store } = withFault(log.stores.ledger, {
        method: "insert",
        form: "lost",
        times: Number.POSITIVE_INFINITY,
      });
      log.stores = { ...log.stores, ledger: store };
    });
    for (let i = 0; i < 5; i++) await append(domainId, many);
    await expect(erase(domainId, "usr_b")).rejects.toMatchObject({ code: "storage.unavailable" });
  });
});

test("S2-27 a preview counts what a hold would cover, by domain, and holds nothing", async () => {
  const domainId = await withPayment();
  const empty = await newDomain(tenant);
  await keeperOf(domainId).catchUp({ size: null, withinMs: 10_000 });
  const body = { query: { q: "action:payment.*", domains: [domainId, empty] } };
  const answer = await call(holdsPath(tenant, "/preview"), { key: tenant.key, body });
  const shown = (await answer.json()) as { entries: number; exact: boolean; domains: object[] };
  expect(shown).toMatchObject({ entries: 1, exact: true });
  expect(shown.domains).toEqual(
    expect.arrayContaining([
      { domain_id: domainId, entries: 1, exact: true, searchable_through: 4 },
      expect.objectContaining({ domain_id: empty, entries: 0 }),
    ]),
  );
  expect(await inLog(domainId, (log) => log.holds.inForce())).toEqual([]);
});

describe("what is no right query is refused, naming the field", () => {
  test.each<[string, object, string]>([
    ["a field that there is not", { q: "nothing:there", all_domains: true }, "/scope/query/q"],
    ["an empty scope of it", { q: "action:a.b" }, "/scope/query"],
    ["a domain that is none", { q: "action:a.b", domains: ["dom_eu_0"] }, "/scope/query/domains/0"],
    ["nothing that it asks for", { all_domains: true }, "/scope/query"],
    ["a time that there is not", { filter: { after: "2026-02-30" }, all_domains: true }, "/scope/query/filter/after"],
  ])("%s", async (_, query, pointer) => {
    const body = { reason: "r", review_at: REVIEW_AT, scope: { query } };
    const problem = await problemOf(await call(holdsPath(tenant), { key: tenant.key, body }), "request.invalid");
    expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer]);
  });
});
