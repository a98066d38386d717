/** S2-8 members: who may make whom what, and what each change leaves in the tenant's log. */
import { runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { ROLES, type Role } from "../../src/services/permissions.ts";
import { call, jurisdiction, newTenant, type TestTenant } from "../support/cell.ts";
import {
  acceptInvitation,
  askForLink,
  deliverLogins,
  inBook,
  linkTo,
  mailsTo,
  memberSession,
  type TestMember,
} from "../support/people.ts";
import { problemOf } from "../support/problems.ts";
import { deskOf, deskStub, entriesOf, runDeskAlarm } from "../support/tenancy.ts";

const path = ({ tenantId }: TestTenant, rest = "") => `/v1/tenants/${tenantId}/members${rest}`;
const setRole = (by: TestMember, of: TestMember, role: Role, key = by.token) =>
  call(path(by.tenant, `/${of.memberId}`), { method: "PATCH", key, body: { role } });
const remove = (by: TestMember, of: TestMember) =>
  call(path(by.tenant, `/${of.memberId}`), { method: "DELETE", key: by.token });
const rolesIn = async ({ tenantId }: TestTenant) =>
  Object.fromEntries((await inBook(tenantId, (book) => book.people())).map(({ id, role }) => [id, role]));

let tenant: TestTenant;
const of = {} as Record<Role, TestMember>;
beforeAll(async () => {
  tenant = await newTenant();
  for (const role of ROLES) of[role] = await memberSession(role, { tenant });
});

describe("nobody makes anybody more than they are themselves", () => {
  const above = ROLES.flatMap((own, i) => ROLES.slice(i + 1).map((wanted) => [own, wanted] as const)).filter(
    ([own]) => ROLES.indexOf(own) >= ROLES.indexOf("admin"),
  );

  test.each(above)("%s invites no %s", async (own, wanted) => {
    const body = { email: "above@example.org", name: "Above", role: wanted };
    const answer = await call(`/v1/tenants/${tenant.tenantId}/invitations`, { key: of[own].token, body });
    const { detail } = await problemOf(answer, "auth.forbidden");
    expect(detail).toContain(`the role ${wanted} holds`);
    expect(await mailsTo("above@example.org")).toEqual([]);
  });

  test.each(above)("%s makes nobody %s, themselves least of all", async (own, wanted) => {
    const other = await memberSession("viewer", { tenant });
    await problemOf(await setRole(of[own], other, wanted), "auth.forbidden");
    await problemOf(await setRole(of[own], of[own], wanted), "auth.forbidden");
    expect(await rolesIn(tenant)).toMatchObject({ [other.memberId]: "viewer", [of[own].memberId]: own });
  });

  test.each(above)("%s neither demotes nor removes an %s", async (own, wanted) => {
    await problemOf(await setRole(of[own], of[wanted], "viewer"), "auth.forbidden");
    await problemOf(await remove(of[own], of[wanted]), "auth.forbidden");
    expect(await rolesIn(tenant)).toMatchObject({ [of[wanted].memberId]: wanted });
  });

  test("a role that was taken a moment ago is not used any more, whatever a Worker remembers", async () => {
    const admin = await memberSession("admin", { tenant });
    // Its principal is in the Worker's memory from here on.
    expect((await call(path(tenant), { key: admin.token })).status).toBe(200);
    await inBook(tenant.tenantId, (book) => book.setRole(admin.memberId, "viewer"));
    const other = await memberSession("support", { tenant });
    await problemOf(await setRole(admin, other, "financial_admin"), "auth.forbidden");
  });
});

describe("somebody who holds less than before", () => {
  test.each<[string, (by: TestMember) => Promise<Response>, Role[]]>([
    ["made an admin", (by) => setRole(of.owner, by, "admin"), ["viewer"]],
    ["removed", (by) => remove(of.owner, by), []],
  ])("%s: no invitation of theirs brings them or anybody more back, and the log tells", async (_, lessen, left) => {
    const by = await memberSession("owner", { tenant });
    const links: Record<string, string> = {};
    const ids: string[] = [];
    for (const role of ["owner", "viewer"] as const) {
      const email = `${by.memberId}.${role}@example.org`.toLowerCase();
      const answer = await call(`/v1/tenants/${tenant.tenantId}/invitations`, {
        key: by.token,
        body: { email, name: "Second self", role },
      });
      ids.push(((await answer.json()) as { id: string }).id);
      links[role] = await linkTo(email);
    }
    expect((await lessen(by)).status).toBeLessThan(300);
    const open = await inBook(tenant.tenantId, (book) => book.openInvitations(Date.now()));
    expect(open.filter(({ id }) => ids.includes(id)).map(({ role }) => role)).toEqual(left);
    await problemOf(await acceptInvitation(links.owner as string), "auth.link_invalid");
    const told = (await entriesOf(tenant.tenantDomainId)).filter(
      ({ action, targets }) =>
        action === "tenant.invitation_withdrawn" && targets?.some(({ id }) => ids.includes(id ?? "")),
    );
    expect(told).toHaveLength(2 - left.length);
  });

  test("takes no owner's second factors away, whatever a Worker remembers", async () => {
    const by = await memberSession("owner", { tenant });
    expect((await call(path(tenant), { key: by.token })).status).toBe(200);
    await inBook(tenant.tenantId, (book) => book.setRole(by.memberId, "support"));
    const other = await memberSession("owner", { tenant });
    const reset = path(tenant, `/${other.memberId}/factors`);
    await problemOf(await call(reset, { method: "DELETE", key: by.token }), "auth.forbidden");
    expect(await inBook(tenant.tenantId, (book) => book.sessions(other.memberId, Date.now()).length)).toBe(1);
  });
});

describe("an invitation", () => {
  test("is not kept back by another tenant that has invited the address again and again", async () => {
    const [pest, other] = [await memberSession("owner"), await memberSession("owner")];
    const body = { email: `wanted.${pest.memberId}@example.org`.toLowerCase(), name: "Wanted", role: "viewer" };
    const inviteTo = (by: TestMember) => call(`/v1/tenants/${by.tenant.tenantId}/invitations`, { key: by.token, body });
    const { id } = (await (await inviteTo(pest)).json()) as { id: string };
    const again = `/v1/tenants/${pest.tenant.tenantId}/invitations/${id}/send`;
    for (let i = 1; i < LIMITS.invitationMailsPerDay; i++) await call(again, { method: "POST", key: pest.token });
    await problemOf(await call(again, { method: "POST", key: pest.token }), "mail.too_many");
    expect((await inviteTo(other)).status).toBe(201);
  });
});

describe("the last owner", () => {
  test("can neither leave nor be demoted, by themselves or by a key; an engineer counts as one", async () => {
    const owner = await memberSession("owner");
    await problemOf(await remove(owner, owner), "member.last_owner");
    await problemOf(await setRole(owner, owner, "admin"), "member.last_owner");
    await problemOf(await setRole(owner, owner, "viewer", owner.tenant.key), "member.last_owner");
    const engineer = await memberSession("engineer", { tenant: owner.tenant });
    expect((await setRole(owner, owner, "admin")).status).toBe(200);
    await problemOf(await setRole(engineer, engineer, "admin"), "member.last_owner");
  });

  test("two owners who remove each other at once: one stays", async () => {
    const a = await memberSession("owner");
    const b = await memberSession("owner", { tenant: a.tenant });
    const answers = await Promise.all([remove(a, b), remove(b, a), setRole(a, b, "viewer"), setRole(b, a, "viewer")]);
    expect(answers.filter(({ status }) => status < 300).length).toBeGreaterThanOrEqual(1);
    const roles = Object.values(await rolesIn(a.tenant));
    expect(roles.filter((role) => role === "owner")).toHaveLength(1);
  });

  test("is not erased as a person either", async () => {
    const owner = await memberSession("owner");
    const { tenantId } = owner.tenant;
    const body = { identity_id: owner.memberId };
    await problemOf(
      await call(`/v1/tenants/${tenantId}/audit/erase-identity`, { key: owner.tenant.key, body }),
      "member.last_owner",
    );
    expect(await rolesIn(owner.tenant)).toEqual({ [owner.memberId]: "owner" });
  });
});

describe("a change", () => {
  test("is an entry that names the member by a pseudonym, with both roles and no word of who they are", async () => {
    const member = await memberSession("viewer", { tenant });
    expect(await (await setRole(of.owner, member, "support")).json()).toMatchObject({
      id: member.memberId,
      role: "support",
      email: member.email,
    });
    const entries = await entriesOf(tenant.tenantDomainId);
    const told = entries.filter(({ action }) => action === "tenant.member_updated").at(-1);
    expect(told).toMatchObject({ actor: { type: "user" }, metadata: { role: "support", role_before: "viewer" } });
    expect(JSON.stringify(entries)).not.toContain(member.email);
    expect(JSON.stringify(entries)).not.toContain(member.memberId);
  });

  test("to the role that they have is none", async () => {
    const member = await memberSession("viewer", { tenant });
    const before = (await entriesOf(tenant.tenantDomainId)).length;
    expect((await setRole(of.owner, member, "viewer")).status).toBe(200);
    expect((await entriesOf(tenant.tenantDomainId)).length).toBe(before);
  });

  test.each([
    [{ role: "viewer", id: "mem_eu_x" }, "/id"],
    [{ role: "viewer", email: "other@example.org" }, "/email"],
    [{ role: "root" }, "/role"],
    [{}, "/role"],
  ])("with fields that are not to be changed (%j) is refused", async (body, pointer) => {
    const answer = await call(path(tenant, `/${of.viewer.memberId}`), { method: "PATCH", key: of.owner.token, body });
    const { errors } = await problemOf(answer, "request.invalid");
    expect(errors?.map((error) => error.pointer)).toEqual([pointer]);
  });

  test.each(["Ada\r\nBcc: b@example.org", "Ada\u0000", "\u202eadA", "<b>Ada</b>", "", " Ada", "a".repeat(101)])(
    "a name that could break out of where it is shown (%j) is refused",
    async (name) => {
      const body = { email: "name@example.org", name, role: "viewer" };
      const answer = await call(`/v1/tenants/${tenant.tenantId}/invitations`, { key: of.owner.token, body });
      const { errors } = await problemOf(answer, "request.invalid");
      expect(errors?.map((error) => error.pointer)).toContain("/name");
    },
  );
});

describe("a member who is removed", () => {
  test("is signed out, is sent no more links, what they had invited is withdrawn, and address and name are forgotten", async () => {
    const admin = await memberSession("admin", { tenant });
    const body = { email: "friend@example.org", name: "A friend", role: "viewer" };
    await call(`/v1/tenants/${tenant.tenantId}/invitations`, { key: admin.token, body });
    await runDeskAlarm(tenant.tenantId);
    expect((await remove(of.owner, admin)).status).toBe(204);
    expect(await deskOf(tenant.tenantId).session(admin.sessionId, admin.memberId)).toBeNull();
    const open = await (await call(`/v1/tenants/${tenant.tenantId}/invitations`, { key: of.owner.token })).text();
    expect(open).not.toContain("friend@example.org");
    expect(await inBook(tenant.tenantId, (book) => book.person(admin.memberId))).toMatchObject({
      sealed: null,
      lookup: null,
      removedAtMs: expect.any(Number),
    });
    await askForLink(admin.email);
    await deliverLogins();
    expect(await mailsTo(admin.email)).toEqual([]);
  });

  test("and erased: not even the row is left", async () => {
    const member = await memberSession("viewer", { tenant });
    // A wrong code leaves rows of its own.
    const wrong = { key: member.token, body: { code: "123456" } };
    await problemOf(await call(`/v1/auth/${jurisdiction}/factors/totp/confirm`, wrong), "auth.factor_wrong");
    const counted = () =>
      runInDurableObject(deskStub(tenant.tenantId), (_, { storage }) =>
        storage.sql
          .exec(
            "SELECT place FROM failed_try WHERE instr(place, ?) UNION SELECT person_id FROM login_failure WHERE person_id = ?",
            ...[member.memberId, member.memberId],
          )
          .toArray(),
      );
    expect((await counted()).length).toBeGreaterThanOrEqual(2);
    const body = { identity_id: member.memberId };
    const answer = await call(`/v1/tenants/${tenant.tenantId}/audit/erase-identity`, { key: tenant.key, body });
    expect(answer.status).toBe(200);
    expect(await inBook(tenant.tenantId, (book) => book.person(member.memberId))).toBeNull();
    expect(await deskOf(tenant.tenantId).session(member.sessionId, member.memberId)).toBeNull();
    expect(await counted()).toEqual([]);
  });
});
