/** S3-38 with S3-41: a rotation and a change of the tenant's key service at once. One waits for the other. */
import { expect, test, vi } from "vitest";
import { call, event, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { httpsConfig, type KeyServices, standInKeyServices } from "../support/key-services.ts";
import { askForRotation, shownKeys, tenantKeyVersionsIn, untilRotated } from "../support/rotation.ts";

interface WrappedVersion {
  version: number;
  service: number | null;
}

/** From now on the service answers nothing, until the function that this returns is called. */
function holdBack(service: KeyServices["https"]): () => void {
  const { handle } = service;
  const { promise, resolve } = Promise.withResolvers<void>();
  Object.assign(service, { handle: (request: Request) => promise.then(() => handle(request)) });
  return resolve;
}

async function wrappings(tenant: TestTenant): Promise<[number, number | null][]> {
  const { versions } = await shownKeys(tenant);
  return (versions as unknown as WrappedVersion[]).map(({ version, service }) => [version, service]);
}

/** A tenant with a sealed value about nobody and one about a person, under a key of the cell. */
async function scene(): Promise<{ tenant: TestTenant; domainId: string }> {
  const tenant = await newTenant();
  const domainId = await newDomain(tenant);
  const body = [event({ actor: { type: "user", id: "usr_1", name: "Ana" } }), event({ reason: "about nobody" })];
  const answer = await call(`/v1/domains/${domainId}/audit/entries`, { key: tenant.key, body });
  expect(answer.status, await answer.clone().text()).toBe(201);
  return { tenant, domainId };
}

test("S3-38 while a key service is being set, the rotation makes no key; the one that it then makes is wrapped by that service", async () => {
  const services = standInKeyServices();
  const { tenant, domainId } = await scene();
  const letGo = holdBack(services.https);
  const path = `/v1/tenants/${tenant.tenantId}/key-service`;
  const setting = call(path, { method: "PUT", key: tenant.key, body: httpsConfig() });
  await vi.waitFor(() => expect(services.calls).toHaveLength(1));

  expect((await askForRotation(tenant)).status).toBe(200);
  // The object serves meanwhile, and each of these goes behind what its alarm could do.
  for (let round = 0; round < 20; round++) {
    expect(await wrappings(tenant)).toEqual([[1, null]]);
    expect((await shownKeys(tenant)).rotation).toMatchObject({ kind: "rotate" });
  }
  expect(services.calls).toHaveLength(1);

  letGo();
  expect((await setting).status).toBe(200);
  await untilRotated(tenant);
  expect(await wrappings(tenant)).toEqual([
    [1, null],
    [2, 1],
    [3, 1],
  ]);
  expect(await tenantKeyVersionsIn(domainId)).toEqual([3]);
});

test("S3-38 a key service that refuses itself meanwhile keeps no rotation back, and its key is the cell's", async () => {
  const services = standInKeyServices();
  const { tenant, domainId } = await scene();
  services.https.revoked = true;
  const letGo = holdBack(services.https);
  const path = `/v1/tenants/${tenant.tenantId}/key-service`;
  const setting = call(path, { method: "PUT", key: tenant.key, body: httpsConfig() });
  await vi.waitFor(() => expect(services.calls).toHaveLength(1));
  await askForRotation(tenant);
  letGo();
  expect((await setting).status).toBe(422);
  await untilRotated(tenant);
  expect(await wrappings(tenant)).toEqual([
    [1, null],
    [2, null],
  ]);
  expect(await tenantKeyVersionsIn(domainId)).toEqual([2]);
});
