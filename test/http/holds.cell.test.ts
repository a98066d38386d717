/** Legal holds: what they block, that they show in every log concerned, and that no step of one can be lost. */
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { beforeAll, describe, expect, test } from "vitest";
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
  type TestTenant,
} from "../support/cell.ts";
import { dumpCell, placesWith } from "../support/dump.ts";
import { pseudonymIn } from "../support/erased.ts";
import { FAULT_FORMS, withFault } from "../support/faults.ts";
import { holdsPath, placeHold, REVIEW_AT, readHold, releaseHold } from "../support/holds.ts";
import { problemOf } from "../support/problems.ts";
import { deskStub, entriesAbout, evictDesk, failFrom, runDeskAlarm } from "../support/tenancy.ts";

let tenant: TestTenant;
let domainId: string;
let otherId: string;
beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
  otherId = await newDomain(tenant);
});

const by = (id: string) => event({ actor: { type: "user", id } });
const blocking = async (domain: string, identityId: string) => {
  const pseudonym = await pseudonymIn(domain, identityId);
  return inLog(domain, (log) => log.holds.blockingErasure(pseudonym));
};
const ledgerHolds = async (domain: string, id: string) => {
  const sql = "SELECT from_seq, to_seq FROM ledger_hold WHERE domain_id = ? AND hold_id = ? ORDER BY from_seq";
  return (await env.LEDGER_00.prepare(sql).bind(domain, id).all()).results;
};

describe("a legal hold", () => {
  test("on people blocks their erasure in every domain, also in one that comes later, and nobody else's", async () => {
    const mine = await newTenant();
    const before = await newDomain(mine);
    const hold = await placeHold(mine, { people: ["usr_held"] });
    expect(hold).toMatchObject({ status: "active", scope: { people: ["usr_held"] } });
    expect(hold.domains.map(({ confirmed }) => confirmed)).toEqual([true, true]);
    const after = await newDomain(mine);
    for (const domain of [before, after]) {
      const reference = { holdId: hold.id, reason: "person", reviewAt: REVIEW_AT };
      expect(await blocking(domain, "usr_held")).toEqual(reference);
      expect(await blocking(domain, "usr_free")).toBeNull();
    }
    expect((await readHold(mine, hold.id)).domains).toHaveLength(3);
  });

  test("on a domain blocks everybody there and nobody elsewhere; D1's guard refuses what a release would let go", async () => {
    await append(domainId, by("usr_1"), { waitForCopy: true });
    const hold = await placeHold(tenant, { domains: [domainId] });
    expect(await blocking(domainId, "usr_whoever")).toMatchObject({ holdId: hold.id, reason: "domain" });
    expect(await blocking(otherId, "usr_whoever")).toBeNull();
    expect(await ledgerHolds(domainId, hold.id)).toEqual([{ from_seq: 0, to_seq: Number.MAX_SAFE_INTEGER }]);
    const release = "INSERT INTO ledger_release VALUES (?, 0, 1, 'prune', '2026-11-21T00:00:00Z')";
    await env.LEDGER_00.prepare(release).bind(domainId).run();
    const remove = env.LEDGER_00.prepare("DELETE FROM audit_log WHERE domain_id = ? AND seq = 1").bind(domainId);
    await expect(remove.run()).rejects.toThrow(/delete refused/);
    await releaseHold(tenant, hold.id);
    expect(await ledgerHolds(domainId, hold.id)).toEqual([]);
    expect(await blocking(domainId, "usr_whoever")).toBeNull();
  });

  test("on a range blocks exactly the people whom its entries name, however many there are", async () => {
    const people = Array.from({ length: 1100 }, (_, i) => `usr_many_${i}`);
    for (const part of [people.slice(0, 600), people.slice(600)]) await append(otherId, part.map(by));
    const { seq } = (await append(otherId, by("usr_outside"))).receipts[0] as { seq: number };
    const hold = await placeHold(tenant, { ranges: [{ domain_id: otherId, from: 1, to: seq - 1 }] });
    expect(hold.status).toBe("active");
    expect(await blocking(otherId, "usr_many_0")).toEqual({ holdId: hold.id, reason: "range", reviewAt: REVIEW_AT });
    expect(await blocking(otherId, "usr_many_1099")).toMatchObject({ reason: "range" });
    expect(await blocking(otherId, "usr_outside")).toBeNull();
    expect(await blocking(domainId, "usr_many_0")).toBeNull();
    expect(await ledgerHolds(otherId, hold.id)).toEqual([{ from_seq: 1, to_seq: seq - 1 }]);
    await releaseHold(tenant, hold.id);
    expect(await blocking(otherId, "usr_many_0")).toBeNull();
  });

  test("S4-32 tells of each change in every domain concerned and the tenant's own, with one correlation id", async () => {
    const hold = await placeHold(
      tenant,
      { domains: [domainId] },
      { owner: "Jo Canary", reason: "matter Canary-Words" },
    );
    const review = { note: "looked at", review_at: "2098-01-01T00:00:00Z" };
    await call(holdsPath(tenant, `/${hold.id}/review`), { key: tenant.key, body: review });
    const released = await releaseHold(tenant, hold.id);
    expect(released).toMatchObject({ status: "released", owner: "Jo Canary", reason: "matter Canary-Words" });
    expect(released.changes.map(({ kind, note }) => [kind, note])).toEqual([
      ["placed", "matter Canary-Words"],
      ["reviewed", "looked at"],
      ["released", "settled"],
    ]);
    const expected = ["placed", "reviewed", "released"].map((kind) => `hold.${kind} ${hold.id}`);
    const told: unknown[] = [];
    for (const domain of [domainId, tenant.tenantDomainId]) {
      expect(await entriesAbout(domain, [hold.id])).toEqual(expected);
      const rows = (await copiedRows(domain)).map(({ payload }) => JSON.parse(payload));
      const own = rows.filter(({ targets }) => targets?.[0]?.id === hold.id);
      told.push(own.map(({ metadata }) => metadata.correlation_id));
      expect(Object.keys(own[0].private).sort()).toEqual(["/metadata/owner", "/reason"]);
    }
    expect(told[0]).toEqual(told[1]);
    expect(told[0]).toEqual(released.changes.map(({ correlation_id }) => correlation_id));
  });

  test("S2-27 its words and its people stand in clear in no store, and after the release its people nowhere", async () => {
    const hold = await placeHold(
      tenant,
      { people: ["usr_canary_held"] },
      { owner: "Owner-Canary", reason: "Reason-Canary" },
    );
    expect(await blocking(domainId, "usr_canary_held")).not.toBeNull();
    const dump = await dumpCell();
    for (const canary of ["usr_canary_held", "Owner-Canary", "Reason-Canary"])
      expect(placesWith(dump, canary)).toEqual([]);
    expect((await releaseHold(tenant, hold.id)).scope.people).toBeNull();
    expect((await readHold(tenant, hold.id)).reason).toBe("Reason-Canary");
  });
});

describe("a hold whose way is broken", () => {
  const fault = (domain: string, form: (typeof FAULT_FORMS)[number]) =>
    inLog(domain, (log) => {
      const { store } = withFault(log.stores.holdMirror, { method: "set", form, times: 1 });
      log.stores = { ...log.stores, holdMirror: store };
    });

  test.each(FAULT_FORMS)(
    "blocks at once, is placing, names the domain, and becomes active by the alarms (%s)",
    async (form) => {
      await fault(domainId, form);
      const hold = await placeHold(tenant, { domains: [domainId, otherId] });
      expect(hold.status).toBe("placing");
      expect(hold.domains.filter(({ confirmed }) => !confirmed)).toEqual([
        { domain_id: domainId, confirmed: false, fault: "storage.unavailable" },
      ]);
      expect(await blocking(domainId, "usr_1")).toMatchObject({ holdId: hold.id });
      await evictDesk(tenant.tenantId);
      await runDurableObjectAlarm(deskStub(tenant.tenantId));
      expect((await readHold(tenant, hold.id)).status).toBe("active");
      expect(await entriesAbout(domainId, [hold.id])).toEqual([`hold.placed ${hold.id}`]);
      await fault(domainId, form);
      expect((await releaseHold(tenant, hold.id)).status).toBe("releasing");
      expect(await blocking(domainId, "usr_1")).toBeNull();
      await runDeskAlarm(tenant.tenantId);
      expect((await readHold(tenant, hold.id)).status).toBe("released");
      expect(await ledgerHolds(domainId, hold.id)).toEqual([]);
    },
  );

  test.each(["failed and not persisted", "failed but persisted"] as const)(
    "tells of it exactly once in each log, whichever entry %s",
    async (form) => {
      // The first write makes the key of the tenant, which seals the words.
      for (const nth of [1, 2]) {
        const mine = await newTenant();
        const domain = await newDomain(mine);
        await failFrom(mine.tenantId, nth, form);
        const hold = await placeHold(mine, { domains: [domain] });
        expect(hold.status).toBe("placing");
        await evictDesk(mine.tenantId);
        await runDeskAlarm(mine.tenantId);
        expect((await readHold(mine, hold.id)).status).toBe("active");
        for (const log of [domain, mine.tenantDomainId]) {
          expect(await entriesAbout(log, [hold.id])).toEqual([`hold.placed ${hold.id}`]);
        }
      }
    },
  );

  test("is in force after an eviction of the domain's object, and D1's rows come back when it was set back", async () => {
    const hold = await placeHold(tenant, { domains: [domainId] });
    await env.LEDGER_00.prepare("DELETE FROM ledger_hold WHERE hold_id = ?").bind(hold.id).run();
    await evictDurableObject(stubOf(domainId));
    expect(await blocking(domainId, "usr_1")).toMatchObject({ holdId: hold.id });
    await append(domainId, by("usr_1"));
    await alarmLater(domainId);
    expect(await ledgerHolds(domainId, hold.id)).toHaveLength(1);
    await releaseHold(tenant, hold.id);
  });

  test("released before it arrived does not arrive: a late placement changes nothing", async () => {
    const hold = await placeHold(tenant, { domains: [domainId] });
    await releaseHold(tenant, hold.id);
    const late = { holdId: hold.id, reviewAt: REVIEW_AT, whole: true, ranges: [], people: [], query: null };
    await inLog(domainId, (log) => log.placeHold(late));
    expect(await blocking(domainId, "usr_1")).toBeNull();
  });
});

describe("what is no right hold is refused, naming the field", () => {
  const foreign = async () => newDomain(await newTenant());
  test.each<[string, () => Promise<object>, string]>([
    ["a person with a control character", async () => ({ scope: { people: ["usr_1\t"] } }), "/scope/people/0"],
    ["nothing in its scope", async () => ({ scope: {} }), "/scope"],
    ["a domain of another tenant", async () => ({ scope: { domains: [await foreign()] } }), "/scope/domains/0"],
    [
      "a range past the newest entry",
      async () => ({ scope: { ranges: [{ domain_id: domainId, from: 0, to: 1_000_000 }] } }),
      "/scope/ranges/0",
    ],
    [
      "a range that begins behind its end",
      async () => ({ scope: { ranges: [{ domain_id: domainId, from: 1, to: 0 }] } }),
      "/scope/ranges/0",
    ],
    [
      "a review in the past",
      async () => ({ scope: { domains: [domainId] }, review_at: "2020-01-01T00:00:00Z" }),
      "/review_at",
    ],
  ])("%s", async (_, fields, pointer) => {
    const body = { reason: "r", review_at: REVIEW_AT, ...(await fields()) };
    const problem = await problemOf(await call(holdsPath(tenant), { key: tenant.key, body }), "request.invalid");
    expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer]);
  });

  test("a released hold is neither reviewed nor released again", async () => {
    const hold = await placeHold(tenant, { domains: [domainId] });
    await releaseHold(tenant, hold.id);
    for (const [change, body] of [
      ["release", { reason: "again" }],
      ["review", { note: "n", review_at: REVIEW_AT }],
    ] as const) {
      await problemOf(
        await call(holdsPath(tenant, `/${hold.id}/${change}`), { key: tenant.key, body }),
        "hold.released",
      );
    }
  });
});
