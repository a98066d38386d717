/** S3-41 end to end: what is sealed under a key that the tenant's own service wraps, while that is revoked and after it is restored. */
import { beforeEach, describe, expect, test, vi } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { call, env, event, inLog, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { httpsConfig, type KeyServices, kmsConfig, otherConfig, standInKeyServices } from "../support/key-services.ts";
import { problemOf } from "../support/problems.ts";
import { askForRotation, shownKeys, untilRotated } from "../support/rotation.ts";
import { entriesOf, runDeskAlarm } from "../support/tenancy.ts";

let services: KeyServices;
let tenant: TestTenant;
let domainId: string;

const NAME = "Ada of the sealed values";
const personal = () => event({ actor: { type: "user", id: "usr_42", name: NAME } });
const plain = () => event({ actor: { type: "service", id: "billing" } });
const append = (body: object) => call(`/v1/domains/${domainId}/audit/entries`, { key: tenant.key, body });
const reveal = () =>
  call(`/v1/domains/${domainId}/audit/entries/reveal`, {
    key: tenant.key,
    body: { reason: "DSR-17", identity_id: "usr_42" },
  });
const told = async () =>
  (await entriesOf(tenant.tenantDomainId))
    .map(({ action }) => action)
    .filter((action) => action.includes("key_service_"));

/** The domain's object from now on lives that much later. */
async function later(ms: number): Promise<void> {
  await inLog(domainId, (log) => {
    const clock: () => number = log.stores.clock;
    log.stores = { ...log.stores, clock: () => clock() + ms };
  });
}

beforeEach(async () => {
  services = standInKeyServices();
  tenant = await newTenant();
  domainId = await newDomain(tenant);
});

describe.each([
  [
    "https",
    httpsConfig,
    (its: KeyServices, revoked: boolean): void => {
      its.https.revoked = revoked;
    },
  ],
  [
    "aws_kms",
    kmsConfig,
    (its: KeyServices, revoked: boolean): void => {
      its.kms.keyState = revoked ? "Disabled" : "Enabled";
    },
  ],
])("S3-41 with %s", (_, config, setRevoked) => {
  test("revoked there → the next read of sealed data fails within 60 s, audited; restored there → everything works again", async () => {
    const set = await call(`/v1/tenants/${tenant.tenantId}/key-service`, {
      method: "PUT",
      key: tenant.key,
      body: config(),
    });
    expect(set.status, await set.clone().text()).toBe(200);
    expect((await append(personal())).status).toBe(201);
    expect(await (await reveal()).text()).toContain(NAME);

    setRevoked(services, true);
    await later(LIMITS.unwrappedKeyMs);
    const problem = await problemOf(await reveal(), "keys.unavailable");
    expect(problem.detail).toContain("the tenant's key service refused");
    await problemOf(await append(personal()), "keys.unavailable");
    expect((await append(plain())).status).toBe(201);
    expect((await call(`/v1/domains/${domainId}/audit/entries`, { key: tenant.key })).status).toBe(200);
    await vi.waitFor(async () =>
      expect(await told()).toEqual(["tenant.key_service_changed", "tenant.key_service_failed"]),
    );

    setRevoked(services, false);
    await later(LIMITS.keyServiceRetryMs);
    expect(await (await reveal()).text()).toContain(NAME);
    expect((await append(personal())).status).toBe(201);
    await vi.waitFor(async () => expect((await told()).at(-1)).toBe("tenant.key_service_restored"));
    expect(await told()).toHaveLength(3);
  });
});

test("S3-41 whoever writes another address into the database gets no credentials and no key to wrap there", async () => {
  const path = `/v1/tenants/${tenant.tenantId}/key-service`;
  expect((await call(path, { method: "PUT", key: tenant.key, body: httpsConfig() })).status).toBe(200);
  expect((await append(personal())).status).toBe(201);
  const write = (url: string) =>
    env.CONTROL.prepare("UPDATE tenant_key_service SET settings = json_set(settings, '$.url', ?) WHERE tenant_id = ?")
      .bind(url, tenant.tenantId)
      .run();
  await write(otherConfig().url);
  const [calls, { versions }] = [services.calls.length, await shownKeys(tenant)];
  await later(LIMITS.unwrappedKeyMs);
  await problemOf(await reveal(), "storage.unavailable");
  await askForRotation(tenant);
  await runDeskAlarm(tenant.tenantId);
  expect((await shownKeys(tenant)).versions).toEqual(versions);
  expect(services.calls.slice(calls)).toEqual([]);

  await write(httpsConfig().url);
  await later(LIMITS.keyServiceRetryMs);
  expect(await (await reveal()).text()).toContain(NAME);
  await untilRotated(tenant);
  expect((await shownKeys(tenant)).versions).toHaveLength(versions.length + 1);
});
