/** S3-35 over HTTP: one of the operator's people reads a tenant's entries with the tenant's approval, while it lasts, and not otherwise. */
import { beforeAll, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { actionsOf, HOUR, REASON, setDeskClock } from "../support/access.ts";
import { call, copiedRows, env, event, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { mailsTo, memberSession } from "../support/people.ts";
import { problemOf } from "../support/problems.ts";
import { type StaffSession, staffSession } from "../support/staff-session.ts";

let tenant: TestTenant;
let domainId: string;
let staff: StaffSession;
/** A key that the tenant made itself. */
let key: string;
beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
  const body = event({ reason: "something private", actor: { type: "user", id: "usr_42", name: "Jo" } });
  await call(`/v1/domains/${domainId}/audit/entries`, { key: tenant.key, body });
  staff = await staffSession();
  key = (await storedKey(tenant.tenantId, ["access.approve", "access.end", "access.read"])).key;
});

interface Shown {
  id: string;
  state: string;
  granted: { permissions: string[]; until: string } | null;
}

const path = (rest = "", { tenantId }: TestTenant = tenant) => `/v1/tenants/${tenantId}/access${rest}`;
const wish = (more: object = {}) => ({
  reason: REASON,
  permissions: ["entry.read"],
  domains: [domainId],
  duration_seconds: 3600,
  ...more,
});
const ask = async (who = staff, more: object = {}): Promise<Shown> => {
  const answer = await call(path(), { key: who.token, body: wish(more) });
  expect(answer.status, await answer.clone().text()).toBe(201);
  return (await answer.json()) as Shown;
};
const approve = (id: string, by = key, body: object = {}) => call(path(`/${id}/approve`), { key: by, body });
const read = (who = staff, domain = domainId) =>
  call(`/v1/domains/${domain}/audit/entries?consistency=latest`, { key: who.token });

describe("S3-35 one of the operator's people", () => {
  test("reads nothing of a tenant without an approval: each route of reading says where to ask", async () => {
    const nobody = await staffSession();
    for (const route of ["audit/entries", "audit/entries/0", "log/checkpoint"]) {
      const problem = await problemOf(
        await call(`/v1/domains/${domainId}/${route}`, { key: nobody.token }),
        "auth.forbidden",
      );
      expect(problem.detail).toContain(`POST /v1/tenants/${tenant.tenantId}/access`);
    }
  });

  test("asks, is approved, reads, and is refused from the tenant's word on", async () => {
    const it = await staffSession();
    const { id } = await ask(it);
    await problemOf(await read(it), "auth.forbidden");
    const granted = (await (await approve(id)).json()) as Shown;
    expect(granted).toMatchObject({ state: "approved", granted: { permissions: ["entry.read"] } });
    const answer = await read(it);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain("invoice.exported");
    expect((await call(path(`/${id}/end`), { key, method: "POST" })).status).toBe(200);
    const problem = await problemOf(await read(it), "auth.forbidden");
    expect(problem.detail).toContain(`your access ${id} is ended since`);
    expect(await actionsOf(tenant, id)).toEqual(["requested", "approved", "used", "ended"]);
  });

  test("is refused within a second of the end of the time, and hears when that was", async () => {
    const mine = await newTenant();
    const domain = await newDomain(mine);
    const it = await staffSession();
    const asked = await call(path("", mine), { key: it.token, body: wish({ domains: "all" }) });
    const { id } = (await asked.json()) as Shown;
    const { key: own } = await storedKey(mine.tenantId, ["access.approve"]);
    const granted = (await (await call(path(`/${id}/approve`, mine), { key: own, body: {} })).json()) as Shown;
    const leftMs = Date.parse(granted.granted?.until ?? "") - Date.now();
    await setDeskClock(mine.tenantId, leftMs - 2000);
    expect((await read(it, domain)).status).toBe(200);
    await setDeskClock(mine.tenantId, leftMs + 1);
    const problem = await problemOf(await read(it, domain), "auth.forbidden");
    expect(problem.detail).toContain(`your access ${id} is expired since ${granted.granted?.until}`);
    expect(leftMs).toBeLessThanOrEqual(HOUR);
  });

  test("opens no other domain, no other permission and no other tenant with it", async () => {
    const it = await staffSession();
    await approve((await ask(it)).id);
    const other = await newDomain(tenant);
    const theirs = await newDomain(await newTenant());
    const refused = [
      await read(it, other),
      await read(it, theirs),
      await call(`/v1/domains/${domainId}/audit/entries/reveal`, { key: it.token, body: { reason: "x", seqs: [0] } }),
      await call(`/v1/domains/${domainId}/log/checkpoint`, { key: it.token }),
      await call(`/v1/tenants/${tenant.tenantId}/legal-holds`, { key: it.token }),
      await call(`/v1/domains/${domainId}/audit/entries`, { key: it.token, body: event() }),
    ];
    for (const answer of refused) await problemOf(answer, "auth.forbidden");
    expect((await read(it)).status).toBe(200);
    await problemOf(await read(await staffSession()), "auth.forbidden");
  });

  test("reveals what is private only by an approval that names it, and the log's entry names the access", async () => {
    const it = await staffSession();
    const body = { reason: "looking into ticket 4711", seqs: [0] };
    const reveal = () => call(`/v1/domains/${domainId}/audit/entries/reveal`, { key: it.token, body });
    const wanted = { permissions: ["entry.read", "entry.reveal"] };
    const first = await ask(it, wanted);
    await approve(first.id);
    await problemOf(await reveal(), "auth.forbidden");
    const second = await ask(it, wanted);
    await approve(second.id, key, wanted);
    expect((await reveal()).status).toBe(200);
    const entries = (await copiedRows(domainId)).map(({ payload }) => JSON.parse(payload));
    const revealed = entries.filter(({ action }) => action === "audit.revealed").at(-1);
    expect(revealed).toMatchObject({ actor: { type: "support" }, metadata: { access_id: second.id } });
  });

  test("without a second factor nothing, however much was approved; what is sensitive asks for it again", async () => {
    const never = await staffSession({ secondFactorAtMs: null });
    await problemOf(await call(path(), { key: never.token, body: wish() }), "auth.mfa_required");
    await problemOf(await read(never), "auth.mfa_required");
    const old = await staffSession({ secondFactorAtMs: Date.now() - LIMITS.stepUpMs - 1000 });
    await problemOf(await call(path("/break-glass"), { key: old.token, body: wish() }), "auth.step_up_required");
    const { id } = await ask(old, { permissions: ["entry.read", "entry.reveal"] });
    await approve(id, key, { permissions: ["entry.reveal"] });
    const body = { reason: "looking into ticket 4711", seqs: [0] };
    const reveal = await call(`/v1/domains/${domainId}/audit/entries/reveal`, { key: old.token, body });
    await problemOf(reveal, "auth.step_up_required");
    expect(await actionsOf(tenant, id)).toEqual(["requested", "approved"]);
  });

  test("sees and withdraws their own requests and nobody else's; the tenant and the operator's secret see all", async () => {
    const [one, other] = [await staffSession(), await staffSession()];
    const { id } = await ask(one);
    const idsFor = async (by: string) => {
      const { access } = (await (await call(path(), { key: by })).json()) as { access: Shown[] };
      return access.map((shown) => shown.id);
    };
    expect(await idsFor(one.token)).toEqual([id]);
    expect(await idsFor(other.token)).toEqual([]);
    expect(await idsFor(key)).toContain(id);
    expect(await idsFor(env.OPERATOR_SECRET)).toContain(id);
    await problemOf(await call(path(`/${id}`), { key: other.token }), "resource.not_found");
    const withdraw = (by: string) => call(path(`/${id}/withdraw`), { key: by, method: "POST" });
    await problemOf(await withdraw(other.token), "resource.not_found");
    expect(((await (await withdraw(one.token)).json()) as Shown).state).toBe("withdrawn");
  });
});

describe("S3-35 nobody approves their own request", () => {
  test("not the operator's people, not the operator's secret, not the key that the operator saw", async () => {
    const { id } = await ask();
    for (const by of [staff.token, (await staffSession()).token, env.OPERATOR_SECRET, tenant.key]) {
      await problemOf(await approve(id, by), "auth.forbidden");
      await problemOf(await call(path(`/${id}/deny`), { key: by, method: "POST" }), "auth.forbidden");
    }
    const shown = (await (await call(path(`/${id}`), { key })).json()) as Shown;
    expect(shown.state).toBe("requested");
  });

  test("not a member with the same address; another member does", async () => {
    const both = await staffSession();
    const { id } = await ask(both);
    const same = await memberSession("owner", { tenant, email: both.email });
    const problem = await problemOf(await approve(id, same.token), "auth.forbidden");
    expect(problem.detail).toBe("nobody answers a request of their own");
    const other = await memberSession("owner", { tenant });
    expect((await approve(id, other.token)).status).toBe(200);
  });

  test("not a member whose role does not hold it, and not with an old second factor", async () => {
    const { id } = await ask();
    const support = await memberSession("support", { tenant });
    await problemOf(await approve(id, support.token), "auth.forbidden");
    const old = await memberSession("owner", { tenant, secondFactorAtMs: Date.now() - LIMITS.stepUpMs - 1000 });
    await problemOf(await approve(id, old.token), "auth.step_up_required");
  });
});

describe("S3-35 break-glass", () => {
  test("opens at once, mails every owner and nobody else, and ends at the tenant's word", async () => {
    const mine = await newTenant();
    const domain = await newDomain(mine);
    const owner = await memberSession("owner", { tenant: mine });
    const engineer = await memberSession("engineer", { tenant: mine });
    const viewer = await memberSession("viewer", { tenant: mine });
    const it = await staffSession();
    const answer = await call(path("/break-glass", mine), { key: it.token, body: wish({ domains: "all" }) });
    expect(answer.status, await answer.clone().text()).toBe(201);
    const { id } = (await answer.json()) as Shown;
    expect((await read(it, domain)).status).toBe(200);
    for (const { email } of [owner, engineer]) {
      const [mail, ...more] = await mailsTo(email);
      expect(mail?.text).toContain(`/v1/tenants/${mine.tenantId}/access`);
      expect(more).toEqual([]);
      expect(mail?.text).not.toContain(REASON);
    }
    expect(await mailsTo(viewer.email)).toEqual([]);
    expect((await call(path(`/${id}/end`, mine), { key: owner.token, method: "POST" })).status).toBe(200);
    await problemOf(await read(it, domain), "auth.forbidden");
    const again = await call(path("/break-glass", mine), { key: it.token, body: wish({ domains: "all" }) });
    await problemOf(again, "access.not_open");
    expect(await actionsOf(mine, id)).toEqual(["break_glass", "used", "ended"]);
  });

  test.each<[string, object, string]>([
    ["longer than four hours", { duration_seconds: 4 * 3600 + 1 }, "/duration_seconds"],
    ["for what is private", { permissions: ["entry.reveal"] }, "/permissions"],
    ["with a dot for a reason", { reason: "." }, "/reason"],
  ])("is refused %s", async (_, more, pointer) => {
    const answer = await call(path("/break-glass"), { key: staff.token, body: wish({ domains: "all", ...more }) });
    const problem = await problemOf(answer, "request.invalid");
    expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer]);
  });
});

describe("S3-35 a request is refused", () => {
  test.each<[string, object, string]>([
    ["without a reason", { reason: "          " }, "/reason"],
    ["for longer than eight hours", { duration_seconds: 8 * 3600 + 1 }, "/duration_seconds"],
    ["that waits longer than seven days", { answer_within_seconds: 7 * 86_400 + 1 }, "/answer_within_seconds"],
    ["for writing", { permissions: ["entry.append"] }, "/permissions/0"],
    ["for approving", { permissions: ["access.approve"] }, "/permissions/0"],
    ["for no domain", { domains: [] }, "/domains"],
    ["in the name of somebody else", { staff_id: "stf_eu_01jcy3x8e7f4s9m2k5n8q1r4tv" }, "/staff_id"],
  ])("%s", async (_, more, pointer) => {
    const problem = await problemOf(await call(path(), { key: staff.token, body: wish(more) }), "request.invalid");
    expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer]);
  });

  test("of the operator's secret and of the tenant's own keys and members", async () => {
    const member = await memberSession("engineer", { tenant });
    for (const by of [env.OPERATOR_SECRET, tenant.key, member.token]) {
      await problemOf(await call(path(), { key: by, body: wish() }), "auth.forbidden");
    }
  });
});
