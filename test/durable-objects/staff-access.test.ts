/** S3-35: access of the operator's people in the object of the tenant: what opens, when it ends, what the tenant's log tells. */
import { runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, test } from "vitest";
import { parseSealedHeader } from "../../src/crypto/sealed.ts";
import type { Permission } from "../../src/services/permissions.ts";
import {
  accessWish,
  actionsOf,
  asKey,
  asMember,
  asStaff,
  HOUR,
  newId,
  REASON,
  setDeskClock,
  toldOf,
} from "../support/access.ts";
import { newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { dumpCell, placesWith } from "../support/dump.ts";
import { memberSession } from "../support/people.ts";
import { askForRotation, untilRotated } from "../support/rotation.ts";
import { deskOf, deskStub, evictDesk, FORMS, failFrom, openJobs, runDeskAlarm } from "../support/tenancy.ts";

let tenant: TestTenant;
let domainId: string;
let desk: ReturnType<typeof deskOf>;
beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
  desk = deskOf(tenant.tenantId);
});

const uses = (staffId: string, permission: Permission = "entry.read", inDomain: string | null = domainId) =>
  desk.useAccess({ staffId, permission, domainId: inDomain, by: asStaff(staffId) });
const opens = async (...asked: Parameters<typeof uses>) => (await uses(...asked)).ok;

async function approved(changes: Parameters<typeof accessWish>[1] = {}) {
  const staffId = newId("staff");
  const { grant } = await desk.requestAccess(accessWish(staffId, changes));
  await desk.approveAccess(grant.id, { by: asKey() });
  return { staffId, id: grant.id };
}

describe("S3-35 access of one of the operator's people", () => {
  test("opens between the tenant's approval and its end, and each step is an entry of the tenant's own log", async () => {
    const staffId = newId("staff");
    const { grant, reason } = await desk.requestAccess(accessWish(staffId, { domains: [domainId] }));
    expect({ state: grant.state, reason }).toEqual({ state: "requested", reason: REASON });
    expect(await uses(staffId)).toMatchObject({ ok: false, last: { accessId: grant.id, state: "requested" } });
    const { memberId } = await memberSession("owner", { tenant });
    await desk.approveAccess(grant.id, { by: asMember(memberId) });
    expect(await uses(staffId)).toEqual({ ok: true, accessId: grant.id });
    expect(await uses(staffId)).toEqual({ ok: true, accessId: grant.id });
    await desk.endAccess(grant.id, asKey());
    expect(await uses(staffId)).toMatchObject({ ok: false, last: { accessId: grant.id, state: "ended" } });
    const told = await toldOf(tenant, grant.id);
    expect(told.map(({ action }) => action)).toEqual([
      "tenant.access_requested",
      "tenant.access_approved",
      "tenant.access_used",
      "tenant.access_ended",
    ]);
    expect(told[0]?.metadata).toMatchObject({
      permissions: ["entry.read"],
      domains: [domainId],
      duration_seconds: 3600,
    });
    expect(told[1]?.metadata).toMatchObject({ until: expect.stringMatching(/Z$/) });
    expect(told.map(({ actor }) => actor.type)).toEqual(["support", "user", "support", "service"]);
  });

  test("names nobody in clear, and its reason stands sealed everywhere", async () => {
    const staffId = newId("staff");
    const reason = "A very special reason 8c1f that is nowhere in clear";
    const { grant } = await desk.requestAccess(accessWish(staffId, { reason }));
    expect((await desk.access(grant.id, null)).reason).toBe(reason);
    const dump = await dumpCell();
    expect(placesWith(dump, grant.id).length).toBeGreaterThan(0);
    expect(placesWith(dump, reason)).toEqual([]);
    const told = JSON.stringify(await toldOf(tenant, grant.id));
    expect(told).not.toContain(staffId);
    expect(told).toContain("/reason");
  });

  test("opens what was granted and nothing beside it, for this person alone", async () => {
    const other = await newDomain(tenant);
    const { staffId } = await approved({ domains: [domainId], permissions: ["entry.read", "entry.reveal"] });
    expect(await opens(staffId)).toBe(true);
    expect(await opens(staffId, "entry.read", other)).toBe(false);
    expect(await opens(staffId, "entry.read", null)).toBe(false);
    expect(await opens(staffId, "log.read")).toBe(false);
    expect(await opens(staffId, "entry.append")).toBe(false);
    expect(await opens(staffId, "entry.reveal")).toBe(false);
    expect(await uses(newId("staff"))).toEqual({ ok: false, last: null });
  });

  test("of all domains opens the tenant's settings too", async () => {
    const { staffId } = await approved({ permissions: ["hold.read"] });
    expect(await opens(staffId, "hold.read", null)).toBe(true);
  });

  test("cannot be asked for in a domain of somebody else", async () => {
    const theirs = await newDomain(await newTenant());
    const wish = accessWish(newId("staff"), { domains: [domainId, theirs] });
    await expect(desk.requestAccess(wish)).rejects.toMatchObject({
      code: "request.invalid",
      errors: [{ pointer: "/domains/1" }],
    });
  });

  test("is seen and withdrawn by its own person only, and by the tenant", async () => {
    const { staffId, id } = await approved();
    const stranger = newId("staff");
    await expect(desk.access(id, stranger)).rejects.toMatchObject({ code: "resource.not_found" });
    await expect(desk.withdrawAccess(id, asStaff(stranger))).rejects.toMatchObject({ code: "resource.not_found" });
    expect(await desk.accesses(stranger)).toEqual([]);
    expect((await desk.accesses(null)).map(({ grant }) => grant.id)).toContain(id);
    expect((await desk.withdrawAccess(id, asStaff(staffId))).grant.state).toBe("ended");
    expect(await opens(staffId)).toBe(false);
  });
});

describe("S3-35 nobody answers their own request", () => {
  const BY = [
    ["the person who asked", () => asStaff(newId("staff"))],
    ["the operator's secret", () => ({ type: "service", id: "operator" }) as const],
    ["the first key, which the operator has seen", () => ({ type: "service", id: tenant.keyId }) as const],
  ] as const;

  test.each(BY)("%s can neither approve nor deny", async (_, by) => {
    const { grant } = await desk.requestAccess(accessWish(newId("staff")));
    await expect(desk.approveAccess(grant.id, { by: by() })).rejects.toMatchObject({ code: "auth.forbidden" });
    await expect(desk.denyAccess(grant.id, by())).rejects.toMatchObject({ code: "auth.forbidden" });
    expect((await desk.access(grant.id, null)).grant.state).toBe("requested");
  });

  test("nor a key that the operator or one of the operator's people made", async () => {
    const wish = { name: "k", permissions: ["access.approve" as const], expiresAt: null };
    for (const by of [{ type: "service", id: "operator" } as const, asStaff(newId("staff"))]) {
      const { record } = await desk.createKey({ ...wish, by });
      const { grant } = await desk.requestAccess(accessWish(newId("staff")));
      const answer = desk.approveAccess(grant.id, { by: { type: "service", id: record.id } });
      await expect(answer).rejects.toMatchObject({ code: "auth.forbidden" });
    }
    const { record } = await desk.createKey({ ...wish, by: asKey() });
    const { grant } = await desk.requestAccess(accessWish(newId("staff")));
    const answer = await desk.approveAccess(grant.id, { by: { type: "service", id: record.id } });
    expect(answer.grant.state).toBe("approved");
  });
});

describe("S3-35 the clock ends it", () => {
  test("an approval: the use at its instant is refused, and a clock that is set back opens nothing again", async () => {
    const mine = await newTenant();
    const own = deskOf(mine.tenantId);
    const staffId = newId("staff");
    const use = () => own.useAccess({ staffId, permission: "entry.read", domainId: null, by: asStaff(staffId) });
    const { grant } = await own.requestAccess(accessWish(staffId));
    await own.approveAccess(grant.id, { by: asKey() });
    await setDeskClock(mine.tenantId, HOUR - 5000);
    expect(await use()).toMatchObject({ ok: true });
    await setDeskClock(mine.tenantId, HOUR);
    expect(await use()).toMatchObject({ ok: false, last: { state: "expired" } });
    await setDeskClock(mine.tenantId, null);
    expect(await use()).toMatchObject({ ok: false, last: { state: "expired" } });
    expect(await actionsOf(mine, grant.id)).toEqual(["requested", "approved", "used", "expired"]);
  });

  test("an approval that nobody uses any more: the alarm writes the entry, at the instant of its end", async () => {
    const mine = await newTenant();
    const own = deskOf(mine.tenantId);
    const { grant } = await own.requestAccess(accessWish(newId("staff")));
    const { grant: granted } = await own.approveAccess(grant.id, { by: asKey() });
    await setDeskClock(mine.tenantId, HOUR + 120_000);
    await runDeskAlarm(mine.tenantId);
    const told = (await toldOf(mine, grant.id)).at(-1) as unknown as { action: string; occurred_at: string };
    expect(told.action).toBe("tenant.access_expired");
    expect(Date.parse(told.occurred_at)).toBe(granted.granted?.untilMs);
  });

  test("a request that nobody answers: its own state, with its entry, and no approval any more", async () => {
    const mine = await newTenant();
    const own = deskOf(mine.tenantId);
    const { grant } = await own.requestAccess(accessWish(newId("staff"), {}));
    await setDeskClock(mine.tenantId, 24 * HOUR);
    await runDeskAlarm(mine.tenantId);
    expect(await actionsOf(mine, grant.id)).toEqual(["requested", "timed_out"]);
    const late = own.approveAccess(grant.id, { by: asKey() });
    await expect(late).rejects.toMatchObject({ code: "access.not_open", detail: "this access is timed_out" });
  });
});

describe("S3-35 break-glass", () => {
  test("is open at once, is told of at once, and once the tenant has ended it nobody takes another for a day", async () => {
    const mine = await newTenant();
    const own = deskOf(mine.tenantId);
    const staffId = newId("staff");
    const { grant } = await own.breakGlass(accessWish(staffId));
    expect(grant.state).toBe("approved");
    expect(await actionsOf(mine, grant.id)).toEqual(["break_glass"]);
    const use = { staffId, permission: "entry.read" as const, domainId: null, by: asStaff(staffId) };
    expect(await own.useAccess(use)).toMatchObject({ ok: true });
    expect(await own.useAccess({ ...use, permission: "entry.reveal" })).toMatchObject({ ok: false });
    // Ended by its own person: another is possible. By the tenant: not.
    await own.withdrawAccess(grant.id, asStaff(staffId));
    const second = await own.breakGlass(accessWish(staffId));
    await own.endAccess(second.grant.id, asKey());
    expect(await own.useAccess(use)).toMatchObject({ ok: false });
    await expect(own.breakGlass(accessWish(newId("staff")))).rejects.toMatchObject({ code: "access.not_open" });
    await setDeskClock(mine.tenantId, 24 * HOUR + 1000);
    expect((await own.breakGlass(accessWish(staffId))).grant.state).toBe("approved");
  });
});

describe("S3-35 break-glass of one person", () => {
  test("is one at a time, so that what the tenant ends has no second behind it", async () => {
    const mine = await newTenant();
    const own = deskOf(mine.tenantId);
    const staffId = newId("staff");
    const { grant } = await own.breakGlass(accessWish(staffId));
    await expect(own.breakGlass(accessWish(staffId))).rejects.toMatchObject({ code: "access.not_open" });
    await own.endAccess(grant.id, asKey());
    const use = { staffId, permission: "entry.read" as const, domainId: null, by: asStaff(staffId) };
    expect(await own.useAccess(use)).toMatchObject({ ok: false });
    await setDeskClock(mine.tenantId, 25 * HOUR);
    expect((await own.breakGlass(accessWish(staffId))).grant.state).toBe("approved");
  });
});

describe("S3-38 a rotation of the tenant's key", () => {
  test("seals reasons and addresses anew, and they open as before", async () => {
    const mine = await newTenant();
    const own = deskOf(mine.tenantId);
    const { grant } = await own.requestAccess(accessWish(newId("staff")));
    const owner = { email: "boss@example.org", name: "Boss" };
    await own.recoverTenant({ reason: REASON, owner, by: { type: "service", id: "operator" } });
    expect(await tenantKeyVersions(mine.tenantId)).toEqual([1, 1, 1]);
    expect((await askForRotation(mine)).status).toBeLessThan(300);
    await untilRotated(mine);
    expect(await tenantKeyVersions(mine.tenantId)).toEqual([2, 2, 2]);
    expect((await own.access(grant.id, null)).reason).toBe(REASON);
    expect((await own.recoveries())[0]?.words).toEqual({ reason: REASON, owner });
  });
});

/** Under which versions of the tenant's key the words of accesses and recoveries stand in the object. */
const tenantKeyVersions = (tenantId: string) =>
  runInDurableObject(deskStub(tenantId), (_, { storage }) => {
    const sql =
      "SELECT reason AS sealed FROM access_grant UNION ALL SELECT reason FROM recovery UNION ALL SELECT address FROM recovery";
    const rows = storage.sql.exec<{ sealed: ArrayBuffer }>(sql).toArray();
    return rows.map(({ sealed }) => parseSealedHeader(new Uint8Array(sealed))?.tenantKeyVersion);
  });

describe("S3-35 at the same time and under failure", () => {
  test("of an approval and a refusal that meet, one wins and the other hears what it is now", async () => {
    const staffId = newId("staff");
    const { grant } = await desk.requestAccess(accessWish(staffId));
    const answers = await Promise.allSettled([
      desk.approveAccess(grant.id, { by: asKey() }),
      desk.denyAccess(grant.id, asKey()),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    expect(await actionsOf(tenant, grant.id)).toHaveLength(2);
  });

  test("many first uses at once are one entry", async () => {
    const { staffId, id } = await approved();
    const all = await Promise.all(Array.from({ length: 8 }, () => uses(staffId)));
    expect(all.every(({ ok }) => ok)).toBe(true);
    expect((await actionsOf(tenant, id)).filter((action) => action === "used")).toHaveLength(1);
  });

  test.each(FORMS)(
    "an entry whose write %s is there once after the alarm; the change was in force before",
    async (form) => {
      const mine = await newTenant();
      const own = deskOf(mine.tenantId);
      const staffId = newId("staff");
      const { grant } = await own.requestAccess(accessWish(staffId));
      await failFrom(mine.tenantId, 0, form);
      await own.approveAccess(grant.id, { by: asKey() });
      const use = { staffId, permission: "entry.read" as const, domainId: null, by: asStaff(staffId) };
      expect(await own.useAccess(use)).toMatchObject({ ok: true });
      await own.endAccess(grant.id, asKey());
      expect(await openJobs(mine.tenantId)).toBe(3);
      await evictDesk(mine.tenantId);
      await runDeskAlarm(mine.tenantId);
      expect(await openJobs(mine.tenantId)).toBe(0);
      expect(await actionsOf(mine, grant.id)).toEqual(["requested", "approved", "used", "ended"]);
    },
  );

  test("so many requests and no more are open at a time", async () => {
    const mine = await newTenant();
    const own = deskOf(mine.tenantId);
    for (let open = 0; open < 50; open++) await own.requestAccess(accessWish(newId("staff")));
    await expect(own.requestAccess(accessWish(newId("staff")))).rejects.toMatchObject({ code: "limit.reached" });
  });
});
