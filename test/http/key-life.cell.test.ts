/** Keys from their first day to their last: networks, rotation, service accounts, use, leaks. */
import { v7 as uuidv7 } from "uuid";
import { beforeAll, describe, expect, test } from "vitest";
import { formatApiKey } from "../../src/core/api-key.ts";
import { idSuffix } from "../../src/core/ids.ts";
import { PERMISSION_NAMES } from "../../src/services/permissions.ts";
import { call, jurisdiction, newTenant, type TestTenant } from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { bearer, freshWorker } from "../support/fresh-worker.ts";
import { newServiceAccount, STRANGERS_KEY } from "../support/keys.ts";
import { mailsTo, memberSession } from "../support/people.ts";
import { problemOf, withoutInstance } from "../support/problems.ts";
import {
  deskOf,
  entriesOf,
  evictDesk,
  FORMS,
  type Form,
  failFrom,
  openJobs,
  recordWrites,
  runDeskAlarm,
} from "../support/tenancy.ts";

let tenant: TestTenant;
beforeAll(async () => {
  tenant = await newTenant();
});

interface Key {
  id: string;
  key: string;
  permissions: string[];
  expires_at: string | null;
  revoked_at: string | null;
  last_used_at?: string | null;
  replaces: string | null;
}

const path = (rest = "") => `/v1/tenants/${tenant.tenantId}/keys${rest}`;
const makeKey = async (fields: object = {}) => {
  const answer = await call(path(), { key: tenant.key, body: { name: "k", permissions: ["entry.append"], ...fields } });
  expect(answer.status, await answer.clone().text()).toBe(201);
  return (await answer.json()) as Key;
};
const readKey = async (id: string) => (await (await call(path(`/${id}`), { key: tenant.key })).json()) as Key;
const rotate = (id: string, overlap_seconds: number, key = tenant.key) =>
  call(path(`/${id}/rotate`), { key, body: { overlap_seconds } });
const worksAt = async (key: string, address?: string) => {
  const headers = { ...bearer(key).headers, ...(address ? { "CF-Connecting-IP": address } : {}) };
  return (await freshWorker()("/v1/whoami", { headers })).status;
};
const told = async (action: string, id: string) =>
  (await entriesOf(tenant.tenantDomainId)).filter(
    (entry) => entry.action === action && entry.targets?.some((target) => target.id === id),
  );

describe("S2-15 one key", () => {
  test("is read with its settings and without its secret", async () => {
    const wanted = { description: "of the pipeline", allowed_networks: ["192.0.2.0/24", "2001:db8::/32"] };
    const { id, key } = await makeKey(wanted);
    const text = await (await call(path(`/${id}`), { key: tenant.key })).text();
    expect(JSON.parse(text)).toMatchObject({ id, ...wanted, service_account_id: null, replaces: null });
    for (const secret of [key, key.slice(-49), key.slice(-20)]) expect(text).not.toContain(secret);
  });

  test("tells when it was last used, and that it never was", async () => {
    const { id, key } = await makeKey();
    expect((await readKey(id)).last_used_at).toBeNull();
    const before = Date.now();
    expect(await worksAt(key)).toBe(200);
    const usedAtMs = Date.parse((await readKey(id)).last_used_at as string);
    expect(usedAtMs).toBeGreaterThanOrEqual(before - 60_000);
    expect(usedAtMs).toBeLessThanOrEqual(Date.now());
  });
});

describe("a key with networks", () => {
  test.each([
    ["192.0.2.7", true],
    ["::ffff:192.0.2.7", true],
    ["2001:db8:1::9", true],
    ["192.0.3.1", false],
    ["2001:db9::1", false],
    ["::192.0.2.7", false],
    ["not an address", false],
  ])("from %s: %s", async (address, right) => {
    const { key } = await makeKey({ allowed_networks: ["192.0.2.0/24", "2001:db8::/32"] });
    expect(await worksAt(key, address)).toBe(right ? 200 : 401);
  });

  test("from elsewhere, or from nobody knows where, answers like a key that does not exist", async () => {
    const { key } = await makeKey({ allowed_networks: ["192.0.2.0/24"] });
    const unknown = await withoutInstance(await call("/v1/whoami", { key: STRANGERS_KEY }));
    const elsewhere = await call("/v1/whoami", { key, headers: { "CF-Connecting-IP": "198.51.100.1" } });
    expect(await withoutInstance(elsewhere)).toEqual(unknown);
    expect(await withoutInstance(await call("/v1/whoami", { key }))).toEqual(unknown);
  });

  test.each([
    "192.0.2.1/24",
    "192.0.2.0",
    "2001:DB8::/32",
    "::ffff:192.0.2.0/120",
    "10/8",
    "0xc0.0.2.0/24",
    "1.2.3.4/33",
    "",
  ])("%s is no network, or not in its one spelling", async (network) => {
    const body = { name: "k", permissions: ["entry.append"], allowed_networks: [network] };
    const problem = await problemOf(await call(path(), { key: tenant.key, body }), "request.invalid");
    expect(problem.errors?.map(({ pointer }) => pointer)).toEqual(["/allowed_networks/0"]);
  });

  test("no entry tells where it may be used from", async () => {
    const { id } = await makeKey({ allowed_networks: ["203.0.113.0/24"] });
    const [created] = await told("api_key.created", id);
    expect(created?.metadata).toMatchObject({ limited_to_networks: true });
    expect(JSON.stringify(created)).not.toContain("203.0.113");
  });
});

describe("rotation", () => {
  test("makes a key with the same settings; both work until the overlap ends, and entries name both", async () => {
    const old = await makeKey({ allowed_networks: ["192.0.2.0/24"], description: "d" });
    const answer = (await (await rotate(old.id, 3600)).json()) as { api_key: Key; replaced: Key };
    const { id, key } = answer.api_key;
    expect(answer.api_key).toMatchObject({ replaces: old.id, permissions: old.permissions, description: "d" });
    expect(key).not.toBe(old.key);
    for (const its of [old.key, key]) {
      expect(await worksAt(its, "192.0.2.1")).toBe(200);
      expect(await worksAt(its, "192.0.3.1")).toBe(401);
    }
    const endsInMs = Date.parse((await readKey(old.id)).expires_at as string) - Date.now();
    expect(Math.abs(endsInMs - 3_600_000)).toBeLessThan(30_000);
    const [rotated] = await told("api_key.rotated", old.id);
    expect(rotated?.metadata).toMatchObject({ replaced_by: id, ends_at: answer.replaced.expires_at });
    const [created] = await told("api_key.created", id);
    expect(created?.metadata).toMatchObject({ replaces: old.id });
  });

  test("without an overlap ends the old key at once", async () => {
    const old = await makeKey();
    const { api_key } = (await (await rotate(old.id, 0)).json()) as { api_key: Key };
    expect(await worksAt(old.key)).toBe(401);
    expect(await worksAt(api_key.key)).toBe(200);
  });

  test("puts off no end: a key that ends before the overlap does ends when it was to; the new one lives as long again", async () => {
    const soon = new Date(Date.now() + 60_000).toISOString();
    const old = await makeKey({ expires_at: soon });
    const { api_key, replaced } = (await (await rotate(old.id, 3600)).json()) as { api_key: Key; replaced: Key };
    expect(replaced.expires_at).toBe(soon);
    const lifeMs = Date.parse(api_key.expires_at as string) - Date.now();
    expect(lifeMs).toBeGreaterThan(30_000);
    expect(lifeMs).toBeLessThan(61_000);
  });

  test("gives nobody more than they hold: a key is not the way to a key that can do more", async () => {
    const powerful = await makeKey({ permissions: ["entry.append", "subject.erase"] });
    const { key } = await storedKey(tenant.tenantId, ["api_key.rotate", "entry.append"]);
    const problem = await problemOf(await rotate(powerful.id, 60, key), "auth.forbidden");
    expect(problem.detail).toContain("subject.erase");
    expect((await readKey(powerful.id)).expires_at).toBeNull();
  });

  test("of a key that is revoked or expired is refused", async () => {
    const { id } = await storedKey(tenant.tenantId, [], { expiresAt: "2020-01-01T00:00:00.000Z" });
    await problemOf(await rotate(id, 60), "api_key.ended");
    const { id: revoked } = await storedKey(tenant.tenantId, [], { revokedAt: "2020-01-01T00:00:00.000Z" });
    await problemOf(await rotate(revoked, 60), "api_key.ended");
  });

  test.each([-1, 604_801, 1.5])("an overlap of %s seconds is refused", async (overlap) => {
    await problemOf(await rotate(tenant.keyId, overlap), "request.invalid");
  });
});

describe("a service account", () => {
  test("is what its keys act as, whichever it is, and whoami tells of it", async () => {
    const service_account_id = await newServiceAccount(tenant, "deployer");
    const permissions = [...PERMISSION_NAMES].filter((name) => name === "api_key.create" || name === "entry.append");
    const { key, id } = await makeKey({ service_account_id, permissions });
    expect(await (await call("/v1/whoami", { key })).json()).toMatchObject({ key_id: id, service_account_id });
    const made = await call(path(), { key, body: { name: "child", permissions: ["entry.append"] } });
    const child = (await made.json()) as Key;
    const [created] = await told("api_key.created", child.id);
    expect(created?.actor).toMatchObject({ type: "service", id: service_account_id });
  });

  test("takes its keys with it, each with its entry, and no key comes to it afterwards", async () => {
    const service_account_id = await newServiceAccount(tenant);
    const keys = [await makeKey({ service_account_id }), await makeKey({ service_account_id })];
    const accountPath = `/v1/tenants/${tenant.tenantId}/service-accounts/${service_account_id}`;
    const removed = await call(accountPath, { key: tenant.key, method: "DELETE" });
    expect(removed.status).toBe(200);
    const first = await removed.json();
    expect(await (await call(accountPath, { key: tenant.key, method: "DELETE" })).json()).toEqual(first);
    for (const { key, id } of keys) {
      expect(await worksAt(key)).toBe(401);
      expect(await told("api_key.revoked", id)).toHaveLength(1);
    }
    expect(await told("tenant.service_account_removed", service_account_id)).toHaveLength(1);
    const body = { name: "late", permissions: ["entry.append"], service_account_id };
    await problemOf(await call(path(), { key: tenant.key, body }), "resource.not_found");
    const read = (await (await call(accountPath, { key: tenant.key })).json()) as { keys: Key[] };
    expect(read.keys.map((key) => key.revoked_at !== null)).toEqual([true, true]);
  });

  test("of another tenant is none of whose keys one can make", async () => {
    const other = await newTenant();
    const service_account_id = await newServiceAccount(other);
    const body = { name: "k", permissions: ["entry.append"], service_account_id };
    await problemOf(await call(path(), { key: tenant.key, body }), "resource.not_found");
  });

  test("is renamed, and the entry says of the name only that it changed", async () => {
    const id = await newServiceAccount(tenant, "old name");
    const accountPath = `/v1/tenants/${tenant.tenantId}/service-accounts/${id}`;
    const init = { key: tenant.key, method: "PATCH", body: { name: "new name" } };
    expect(await (await call(accountPath, init)).json()).toMatchObject({ id, name: "new name" });
    const [updated] = await told("tenant.service_account_updated", id);
    expect(updated?.metadata).toEqual({ changed: ["name"] });
    expect(JSON.stringify(updated)).not.toContain("new name");
  });
});

describe("a key that was found", () => {
  let from = 0;
  const report = (key: string, fields: object = {}) =>
    call("/v1/leaks", { body: { key, ...fields }, headers: { "CF-Connecting-IP": `198.51.100.${++from}` } });

  test("is revoked at once; its tenant's log tells of it; where it was found is sealed", async () => {
    const { id, key } = await makeKey();
    expect((await report(key, { url: "https://pastes.example/someone/1" })).status).toBe(200);
    expect(await worksAt(key)).toBe(401);
    const [leaked] = await told("api_key.leaked", id);
    expect(leaked?.actor).toMatchObject({ type: "system" });
    expect(JSON.stringify(leaked)).not.toContain("pastes.example");
    expect(await told("api_key.revoked", id)).toHaveLength(1);
  });

  test("is told to every owner by mail, once", async () => {
    const owner = await memberSession("owner", { tenant });
    const viewer = await memberSession("viewer", { tenant });
    const { key } = await makeKey();
    await report(key);
    await report(key);
    expect((await mailsTo(owner.email)).map(({ subject }) => subject)).toEqual([expect.stringContaining("API key")]);
    expect(await mailsTo(viewer.email)).toEqual([]);
  });

  test("also where it may not be used from", async () => {
    const { key, id } = await makeKey({ allowed_networks: ["192.0.2.0/24"] });
    await report(key);
    expect((await readKey(id)).revoked_at).not.toBeNull();
  });

  test("answers alike when right, wrong, unknown, revoked, or of the other jurisdiction", async () => {
    const { id, key } = await makeKey();
    const other = jurisdiction === "eu" ? "us" : "eu";
    const wrong = formatApiKey(jurisdiction, idSuffix(id), new Uint8Array(32).fill(3));
    const foreign = formatApiKey(other, idSuffix(id), new Uint8Array(32).fill(3));
    const answers = [];
    for (const its of [wrong, STRANGERS_KEY, foreign, key, key]) {
      const answer = await report(its);
      const headers = [...answer.headers].filter(([name]) => name !== "x-request-id" && name !== "date");
      answers.push({ status: answer.status, headers, body: await answer.text() });
    }
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  });

  test("a wrong secret revokes nothing", async () => {
    const { id, key } = await makeKey();
    await report(formatApiKey(jurisdiction, idSuffix(id), new Uint8Array(32).fill(4)));
    expect(await worksAt(key)).toBe(200);
  });

  test("S1-24 is limited by where reports come from, and tells so; somebody else's place is not", async () => {
    const at = (address: string) =>
      call("/v1/leaks", { body: { key: STRANGERS_KEY }, headers: { "CF-Connecting-IP": address } });
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => at(`2001:db8:7:7::${i + 1}`)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThanOrEqual(15);
    const [one] = refused as [Response];
    expect(Number(one.headers.get("Retry-After"))).toBeGreaterThan(0);
    await problemOf(one, "rate.limited");
    expect((await at("2001:db8:7:8::1")).status).toBe(200);
  });

  test("the published pattern finds real keys in a text, and the checksum leaves no other", async () => {
    const { key } = await makeKey();
    const format = (await (await call("/v1/key-format")).json()) as { api_key: { pattern: string } };
    const found = new RegExp(format.api_key.pattern).exec(`token = "${key}" # remove`)?.[0];
    expect(found).toBe(key);
  });
});

describe("T2 changes of keys and accounts, each write failing once in both forms, then an eviction and an alarm", () => {
  const BY = { type: "service", id: "key_test" } as const;
  const ROTATION = ["addKey", "expireKey", "record", "record"];
  const REMOVAL = ["removeServiceAccount", "record", "record"];
  const forms = (writes: string[]) =>
    writes.flatMap((name, nth) => FORMS.map((form) => [`${nth}: ${name}`, form, nth] as [string, Form, number]));

  async function breakAndRecover(nth: number, form: Form, change: () => Promise<unknown>) {
    await failFrom(tenant.tenantId, nth, form);
    await expect(change()).rejects.toMatchObject({ code: "storage.unavailable" });
    expect(await openJobs(tenant.tenantId)).toBe(1);
    await evictDesk(tenant.tenantId);
    expect(await runDeskAlarm(tenant.tenantId)).toBe(true);
    expect(await openJobs(tenant.tenantId)).toBe(0);
  }

  test("are these writes", async () => {
    const { id } = await makeKey();
    const rotated = await recordWrites(tenant.tenantId);
    await deskOf(tenant.tenantId).rotateApiKey({ keyId: id, overlapS: 60, by: BY });
    expect(rotated).toEqual(ROTATION);
    const account = await newServiceAccount(tenant);
    await makeKey({ service_account_id: account });
    const removed = await recordWrites(tenant.tenantId);
    await deskOf(tenant.tenantId).removeServiceAccount(account, BY);
    expect(removed).toEqual(REMOVAL);
    await evictDesk(tenant.tenantId);
  });

  test.each(forms(ROTATION))("a rotation, %s %s: one new key, one end, one entry of each", async (_, form, nth) => {
    const { id } = await makeKey();
    await breakAndRecover(nth, form, () => deskOf(tenant.tenantId).rotateApiKey({ keyId: id, overlapS: 60, by: BY }));
    const { keys } = (await (await call(path(), { key: tenant.key })).json()) as { keys: Key[] };
    const replacing = keys.filter(({ replaces }) => replaces === id);
    expect(replacing).toHaveLength(1);
    expect((await readKey(id)).expires_at).not.toBeNull();
    expect(await told("api_key.rotated", id)).toHaveLength(1);
    expect(await told("api_key.created", replacing[0]?.id as string)).toHaveLength(1);
  });

  test.each(forms(REMOVAL))("a removal, %s %s: no key works, one entry of each", async (_, form, nth) => {
    const account = await newServiceAccount(tenant, `machine ${uuidv7()}`);
    const { id, key } = await makeKey({ service_account_id: account });
    await breakAndRecover(nth, form, () => deskOf(tenant.tenantId).removeServiceAccount(account, BY));
    expect(await worksAt(key)).toBe(401);
    expect(await told("api_key.revoked", id)).toHaveLength(1);
    expect(await told("tenant.service_account_removed", account)).toHaveLength(1);
  });
});
