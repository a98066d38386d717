/** S3-35: a tenant that nobody can get into gets a new owner, a day later and before everybody's eyes, and the operator no key. */
import { runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import type { TenantDesk } from "../../durable-objects/tenant-desk.ts";
import type { DescribedRecovery } from "../../src/services/access/recovery/desk.ts";
import { asKey, asStaff, HOUR, newId, setDeskClock } from "../support/access.ts";
import { newTenant, type TestTenant } from "../support/cell.ts";
import { dumpCell, placesWith } from "../support/dump.ts";
import { deskOf, deskStub, entriesOf, evictDesk, FORMS, failFrom, openJobs, runDeskAlarm } from "../support/tenancy.ts";

const OPERATOR = { type: "service", id: "operator" } as const;
const reason = "The only owner has left; asked in writing, 7f3e";
const owner = { email: "new.owner.7f3e@example.org", name: "New Owner 7f3e" };
const wish = { reason, owner, by: OPERATOR };
const DAY = 24 * HOUR;

const actionsOf = async (tenant: TestTenant) =>
  (await entriesOf(tenant.tenantDomainId))
    .map(({ action }) => action)
    .filter((action) => /recovery|invited/.test(action));
const invitations = (tenant: TestTenant) => deskOf(tenant.tenantId).people.invitations();

/** Asked for `agoMs` ago: the logs know no desk whose clock is ahead of theirs by more than a day. */
async function recovering(agoMs = DAY, asking = wish) {
  const tenant = await newTenant();
  const desk = deskOf(tenant.tenantId);
  await setDeskClock(tenant.tenantId, -agoMs);
  const asked = await desk.recoverTenant(asking);
  return { tenant, desk, asked };
}

/** The clock is right again, and the alarm comes. */
async function nowDue({ tenantId }: TestTenant) {
  await setDeskClock(tenantId, null);
  await runDeskAlarm(tenantId);
}

describe("S3-35 a recovery", () => {
  test("invites the new owner when its time is over, not before, and tells of both in the tenant's log", async () => {
    const { tenant, desk, asked } = await recovering();
    expect(asked.recovery).toMatchObject({ state: "waiting", by: OPERATOR });
    expect(asked.recovery.worksAtMs - asked.recovery.askedAtMs).toBe(DAY);
    await setDeskClock(tenant.tenantId, -60_000);
    await runDeskAlarm(tenant.tenantId);
    expect(await invitations(tenant)).toEqual([]);
    await nowDue(tenant);
    const [invitation] = await invitations(tenant);
    expect(invitation).toMatchObject({ ...owner, role: "owner" });
    const [{ recovery, words }] = (await desk.recoveries()) as [DescribedRecovery];
    expect(recovery).toMatchObject({ state: "done", invitationId: invitation?.id });
    expect(words).toEqual({ reason, owner: null });
    expect(await actionsOf(tenant)).toEqual([
      "tenant.recovery_requested",
      "tenant.recovery_done",
      "tenant.member_invited",
    ]);
  });

  test("that the tenant stops invites nobody, then or later", async () => {
    const { tenant, desk } = await recovering();
    expect((await desk.stopRecovery(asKey())).recovery.state).toBe("stopped");
    await nowDue(tenant);
    expect(await invitations(tenant)).toEqual([]);
    expect(await actionsOf(tenant)).toEqual(["tenant.recovery_requested", "tenant.recovery_stopped"]);
    await expect(desk.stopRecovery(asKey())).rejects.toMatchObject({ code: "access.not_open" });
  });

  test("that the operator takes back invites nobody, and another may be asked for", async () => {
    const { desk } = await recovering();
    await expect(desk.recoverTenant(wish)).rejects.toMatchObject({ code: "access.not_open" });
    await desk.withdrawRecovery(OPERATOR);
    expect((await desk.recoverTenant({ ...wish, by: asStaff(newId("staff")) })).recovery.state).toBe("waiting");
  });

  test("whose time is over at the moment of the stop is one or the other, never both", async () => {
    const { tenant, desk } = await recovering();
    await setDeskClock(tenant.tenantId, null);
    const [stop] = await Promise.allSettled([desk.stopRecovery(asKey()), runDeskAlarm(tenant.tenantId)]);
    const [{ recovery }] = (await desk.recoveries()) as [DescribedRecovery];
    expect(recovery.state).toBe(stop.status === "fulfilled" ? "stopped" : "done");
    expect(await invitations(tenant)).toHaveLength(stop.status === "fulfilled" ? 0 : 1);
  });

  test("stands nowhere in clear with its reason, the address and the name", async () => {
    const other = { email: "nobody.91c2@example.org", name: "Nobody 91c2" };
    const { asked } = await recovering(0, { ...wish, owner: other });
    const dump = await dumpCell();
    expect(placesWith(dump, asked.recovery.id).length).toBeGreaterThan(0);
    for (const word of [reason, other.email, other.name]) expect(placesWith(dump, word)).toEqual([]);
  });

  test("to the address of a member fails, with its entry, and does not come again", async () => {
    const { tenant, desk } = await recovering();
    await desk.people.invite({ ...owner, role: "viewer", by: asKey(), holding: "any" });
    await nowDue(tenant);
    expect((await desk.recoveries())[0]?.recovery.state).toBe("failed");
    expect(await actionsOf(tenant)).toContain("tenant.recovery_failed");
    expect(await invitations(tenant)).toHaveLength(1);
  });

  test.each(FORMS)("whose entries' writes %s has one invitation and each entry once after the alarm", async (form) => {
    const { tenant } = await recovering();
    await setDeskClock(tenant.tenantId, null);
    await failFrom(tenant.tenantId, 0, form);
    await runInDurableObject(deskStub(tenant.tenantId), (desk: TenantDesk) => desk.alarm());
    expect(await openJobs(tenant.tenantId)).toBe(2);
    await evictDesk(tenant.tenantId);
    await runDeskAlarm(tenant.tenantId);
    expect(await openJobs(tenant.tenantId)).toBe(0);
    expect(await invitations(tenant)).toHaveLength(1);
    expect((await actionsOf(tenant)).sort()).toEqual([
      "tenant.member_invited",
      "tenant.recovery_done",
      "tenant.recovery_requested",
    ]);
  });
});
