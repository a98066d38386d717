/** S2-11, S2-14: the operator's people: invited by the operator, of no use with one factor, with passwords that cannot be sprayed. */
import { runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, test } from "vitest";
import type { CellDesk } from "../../durable-objects/cell-desk.ts";
import { platformDomainId } from "../../src/core/ids.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { mailLookup } from "../../src/services/access/people/address.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { STAFF_PERMISSIONS } from "../../src/services/permissions.ts";
import { call, env, jurisdiction, newTenant, type TestTenant } from "../support/cell.ts";
import { operations } from "../support/operations.ts";
import { acceptInvitation, askForLink, confirmLink, deliverLogins, fromSomewhere, linkTo } from "../support/people.ts";
import { problemOf } from "../support/problems.ts";
import { addTotp, inviteStaff, newStaff, staffEmail, type TestStaff } from "../support/staff.ts";
import { entriesOf } from "../support/tenancy.ts";

const AUTH = `/v1/auth/${jurisdiction}`;
const PASSWORD = "violet anchor 41 quarrel umbrella";
const platform = platformDomainId(jurisdiction);
let tenant: TestTenant;
beforeAll(async () => {
  tenant = await newTenant();
});

const setPassword = (token: string, password: string) =>
  call(`${AUTH}/staff/password`, { key: token, method: "PUT", body: { password } });
const logIn = (email: string, password: string, headers: Record<string, string> = fromSomewhere()) =>
  call(`${AUTH}/staff/login`, { body: { email, password }, headers });
const show = (token: string, totp: string) => call(`${AUTH}/second-factor`, { key: token, body: { totp } });
const tokenOf = async (answer: Response) => ((await answer.json()) as { token: string }).token;

/** With an authenticator app and a password. */
async function fullStaff(): Promise<TestStaff & Awaited<ReturnType<typeof addTotp>>> {
  const staff = await newStaff();
  const totp = await addTotp(staff.token);
  const set = await setPassword(staff.token, PASSWORD);
  if (set.status !== 204) throw new Error(`no password: ${set.status} ${await set.text()}`);
  return { ...staff, ...totp };
}

/** Lets the second factor of a session be of this age. */
const age = ({ sessionId }: TestStaff, ageMs: number) =>
  runInDurableObject(env.CELL_DESK.getByName("cell"), (_, { storage }) => {
    storage.sql.exec("UPDATE session SET second_factor_at_ms = ? WHERE id = ?", Date.now() - ageMs, sessionId);
  });

describe("S2-11 a session of the operator's people with one factor", () => {
  const open = operations().filter(
    ({ permission, path }) => STAFF_PERMISSIONS.includes(permission as never) && !path.includes("{"),
  );
  let one: TestStaff;
  beforeAll(async () => {
    one = await newStaff();
  });

  test("there are routes to ask", () => {
    expect(open.map(({ operationId }) => operationId)).toEqual(
      expect.arrayContaining(["listStaff", "createTenant", "listTenants"]),
    );
  });

  test.each(open.map((operation) => [operation.operationId, operation] as const))(
    "%s answers mfa_required and where to go on",
    async (_, { method, path }) => {
      const problem = await problemOf(await call(path, { key: one.token, method }), "auth.mfa_required");
      expect(problem.continue).toBe(`POST ${AUTH}/second-factor`);
    },
  );

  test("opens nothing of a tenant either, nor does one of a password or of a link", async () => {
    const staff = await fullStaff();
    const byPassword = await tokenOf(await logIn(staff.email, PASSWORD));
    const cookie = await askForLink(staff.email);
    await deliverLogins();
    const byLink = await tokenOf(await confirmLink(await linkTo(staff.email), cookie));
    for (const key of [one.token, byPassword, byLink]) {
      await problemOf(await call(`/v1/tenants/${tenant.tenantId}`, { key }), "auth.mfa_required");
      await problemOf(await call("/v1/staff", { key }), "auth.mfa_required");
    }
    expect((await show(byLink, staff.code(0))).status).toBe(200);
    expect((await call("/v1/staff", { key: byLink })).status).toBe(200);
    await problemOf(await call("/v1/staff", { key: byPassword }), "auth.mfa_required");
  });

  test("sets no password and takes no factor away", async () => {
    await problemOf(await setPassword(one.token, PASSWORD), "auth.mfa_required");
    const staff = await fullStaff();
    const byPassword = await tokenOf(await logIn(staff.email, PASSWORD));
    await problemOf(await setPassword(byPassword, `${PASSWORD} 2`), "auth.step_up_required");
    await problemOf(await call(`${AUTH}/factors/totp`, { key: byPassword, method: "DELETE" }), "auth.step_up_required");
    await problemOf(await call(`${AUTH}/factors/totp`, { key: staff.token, method: "DELETE" }), "auth.factor_needed");
  });
});

describe("the operator's people", () => {
  test("are invited, listed and removed by the operator and by one another; the platform's log tells of all of it", async () => {
    const staff = await newStaff();
    await addTotp(staff.token);
    const before = (await entriesOf(platform)).length;
    const email = staffEmail();
    expect((await inviteStaff(email, staff.token)).status).toBe(201);
    await problemOf(await inviteStaff(email), "member.exists");
    const listed = (await (await call("/v1/staff", { key: env.OPERATOR_SECRET })).json()) as {
      staff: { id: string; email: string }[];
      invitations: { id: string; email: string; invited_by: string }[];
    };
    expect(listed.staff).toContainEqual(expect.objectContaining({ id: staff.staffId, email: staff.email }));
    expect(listed.invitations).toContainEqual(expect.objectContaining({ email, invited_by: staff.staffId }));
    const link = await linkTo(email);
    const invitation = listed.invitations.find((each) => each.email === email)?.id;
    expect((await call(`/v1/staff/invitations/${invitation}`, { key: staff.token, method: "DELETE" })).status).toBe(
      204,
    );
    await problemOf(await acceptInvitation(link), "auth.link_invalid");
    const other = await newStaff();
    const removed = await call(`/v1/staff/${other.staffId}`, { key: staff.token, method: "DELETE" });
    expect(removed.status).toBe(204);
    await problemOf(await call(`${AUTH}/factors`, { key: other.token }), "auth.required");
    const entries = (await entriesOf(platform)).slice(before);
    expect(entries.map(({ action }) => action)).toEqual(
      expect.arrayContaining([
        "staff.member_invited",
        "staff.invitation_withdrawn",
        "staff.member_joined",
        "staff.login",
        "staff.member_removed",
      ]),
    );
    for (const personal of [email, staff.email, staff.staffId, other.staffId]) {
      expect(JSON.stringify(entries)).not.toContain(personal);
    }
  });

  test("S2-12 are asked again for what is sensitive, and not for what is not", async () => {
    const staff = await fullStaff();
    await age(staff, LIMITS.stepUpMs + 1000);
    expect((await call("/v1/staff", { key: staff.token })).status).toBe(200);
    await problemOf(await inviteStaff(staffEmail(), staff.token), "auth.step_up_required");
    expect((await show(staff.token, staff.code(0))).status).toBe(200);
    expect((await inviteStaff(staffEmail(), staff.token)).status).toBe(201);
  });

  test("a reset takes factors and password and ends the sessions", async () => {
    const staff = await fullStaff();
    const path = `/v1/staff/${staff.staffId}/factors`;
    expect((await call(path, { key: env.OPERATOR_SECRET, method: "DELETE" })).status).toBe(204);
    await problemOf(await call(`${AUTH}/factors`, { key: staff.token }), "auth.required");
    await problemOf(await logIn(staff.email, PASSWORD), "auth.login_failed");
  });

  test("a tenant's key, whatever it holds, and a member know of nobody", async () => {
    for (const [method, path] of [
      ["GET", "/v1/staff"],
      ["POST", "/v1/staff"],
    ] as const) {
      await problemOf(await call(path, { key: tenant.key, method }), "auth.forbidden");
    }
  });

  test("an entry whose log did not answer is told by the alarm, once", async () => {
    const staff = await newStaff();
    const before = (await entriesOf(platform)).length;
    await runInDurableObject(env.CELL_DESK.getByName("cell"), (_, { storage }) => {
      const entry = {
        kind: "entry",
        domainId: platform,
        once: `staff.password_set:${staff.staffId}`,
        event: { action: "staff.password_set", actor: { type: "support", id: staff.staffId } },
      };
      for (const _ of [1, 2]) storage.sql.exec("INSERT INTO job (job) VALUES (?)", JSON.stringify(entry));
    });
    await runInDurableObject(env.CELL_DESK.getByName("cell"), (desk: CellDesk) => desk.alarm());
    const told = (await entriesOf(platform)).slice(before).filter(({ action }) => action === "staff.password_set");
    expect(told).toHaveLength(1);
    const left = await runInDurableObject(env.CELL_DESK.getByName("cell"), (_, { storage }) =>
      storage.sql.exec("SELECT count(*) AS rows FROM job").one(),
    );
    expect(left.rows).toBe(0);
  });
});

describe("S2-14 logging in with a password", () => {
  test("works with the right one, and stores nothing but a bcrypt hash at cost 12", async () => {
    const staff = await fullStaff();
    expect((await logIn(staff.email, PASSWORD)).status).toBe(200);
    const [row] = await runInDurableObject(env.CELL_DESK.getByName("cell"), (_, { storage }) =>
      storage.sql.exec<{ hash: string }>("SELECT hash FROM password WHERE person_id = ?", staff.staffId).toArray(),
    );
    expect(row?.hash).toMatch(/^\$2b\$12\$/);
  });

  test.each([
    ["short", "too short", /15 characters/],
    ["easy to guess", "passwordpassword", /easy to guess/],
    ["longer than bcrypt looks", "é".repeat(37), /72 bytes/],
  ])("one that is %s is not taken, with the reason and without the word", async (_, password, reason) => {
    const staff = await newStaff();
    await addTotp(staff.token);
    const { errors } = await problemOf(await setPassword(staff.token, password), "request.invalid");
    expect(errors).toEqual([{ pointer: "/password", detail: expect.stringMatching(reason) }]);
    expect(JSON.stringify(errors)).not.toContain(password);
  });

  test("somebody who does not exist, a wrong word and somebody without one get one answer", async () => {
    const [staff, without] = [await fullStaff(), await newStaff()];
    const answers = await Promise.all(
      [
        [staff.email, "another anchor 42 quarrel umbrella"],
        [without.email, PASSWORD],
        [staffEmail(), PASSWORD],
      ].map(([email = "", password = ""]) => logIn(email, password)),
    );
    const bodies = await Promise.all(
      answers.map(async (answer) => ({ ...((await answer.json()) as object), instance: "" })),
    );
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 401]);
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
  });

  test("five wrong ones at an account make that network wait, the same for one that does not exist, and nobody else", async () => {
    const staff = await fullStaff();
    for (const email of [staff.email, staffEmail()]) {
      const here = fromSomewhere();
      for (let i = 0; i < 5; i++) await problemOf(await logIn(email, `${PASSWORD}${i}`, here), "auth.login_failed");
      await problemOf(await logIn(email, PASSWORD, here), "auth.too_many_tries");
    }
    expect((await logIn(staff.email, PASSWORD)).status).toBe(200);
  });

  test("a flood is checked a few at a time and never more than five from one place", async () => {
    const staff = await fullStaff();
    const here = fromSomewhere();
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, i) => logIn(staff.email, `${PASSWORD}${i}`, here)),
    );
    const evaluated = answers.filter(({ status }) => status === 401).length;
    expect(evaluated).toBeLessThanOrEqual(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(12 - evaluated);
  });

  test("what was not looked at for want of time counts for nobody: a flood takes nobody's tries away", async () => {
    const staff = await fullStaff();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, i) => logIn(staff.email, `${PASSWORD}${i}`, fromSomewhere())),
    );
    const evaluated = answers.filter(({ status }) => status === 401).length;
    expect(evaluated).toBeLessThan(8);
    const place = `password:person:${mailLookup(cellConfig(env).pseudonymPepper, staff.email)}`;
    const counted = await runInDurableObject(env.CELL_DESK.getByName("cell"), (_, { storage }) =>
      Number(
        storage.sql.exec<{ tries: number }>("SELECT count(*) AS tries FROM failed_try WHERE place = ?", place).one()
          .tries,
      ),
    );
    expect(counted).toBe(evaluated);
  });

  test("a browser that has shown a second factor is not held up by strangers who use up everybody's tries", async () => {
    const staff = await fullStaff();
    const cookie = await askForLink(staff.email);
    const first = await tokenOf(await logIn(staff.email, PASSWORD, { ...fromSomewhere(), Cookie: cookie }));
    const headers = { Cookie: cookie };
    expect((await call(`${AUTH}/second-factor`, { key: first, body: { totp: staff.code(0) }, headers })).status).toBe(
      200,
    );
    const place = `password:person:${mailLookup(cellConfig(env).pseudonymPepper, staff.email)}`;
    await logIn(staff.email, `${PASSWORD} 2`);
    await runInDurableObject(env.CELL_DESK.getByName("cell"), (_, { storage }) => {
      const counted = storage.sql.exec("SELECT count(*) AS rows FROM failed_try WHERE place = ?", place).one().rows;
      expect(counted).toBe(1);
      for (let i = 0; i < 24; i++)
        storage.sql.exec("INSERT INTO failed_try (place, at) VALUES (?, ?)", place, Date.now());
    });
    await problemOf(await logIn(staff.email, PASSWORD), "auth.too_many_tries");
    expect((await logIn(staff.email, PASSWORD, { ...fromSomewhere(), Cookie: cookie })).status).toBe(200);
  }, 60_000);

  test("spraying one word over many accounts makes the network wait", async () => {
    const here = fromSomewhere();
    const statuses: number[] = [];
    for (let i = 0; i < 22; i++) statuses.push((await logIn(staffEmail(), PASSWORD, here)).status);
    expect(statuses.indexOf(429)).toBeGreaterThan(0);
    expect(statuses.lastIndexOf(401)).toBeLessThan(20);
  }, 60_000);

  test("a known password of somebody else is not logged or told: the log counts failures and names nobody for addresses of nobody", async () => {
    const before = (await entriesOf(platform)).length;
    const email = staffEmail();
    await logIn(email, PASSWORD);
    await runInDurableObject(env.CELL_DESK.getByName("cell"), (desk: CellDesk) => desk.alarm());
    const told = JSON.stringify((await entriesOf(platform)).slice(before));
    expect(told).not.toContain(email);
    expect(told).not.toContain(PASSWORD);
  });
});
