/**
 * S3-41: credentials for a key service and the keys that it wraps stand nowhere in clear: no row, no object, no job that a
 * crash has left, no log, no answer.
 */
import { beforeEach, describe, expect, test, vi } from "vitest";
import { tenantKeyringFor } from "../../durable-objects/tenant-keyring.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { TOKEN } from "../byok/support/https-double.ts";
import { SECRET_ACCESS_KEY } from "../byok/support/kms-double.ts";
import { call, env, newTenant, type TestTenant } from "../support/cell.ts";
import { dumpCell, placesWith } from "../support/dump.ts";
import { httpsConfig, type KeyServices, kmsConfig, standInKeyServices } from "../support/key-services.ts";
import { deskOf, failFrom, openJobs } from "../support/tenancy.ts";

const CANARIES = [TOKEN, SECRET_ACCESS_KEY];
let services: KeyServices;
let tenant: TestTenant;
let logged: string[];

beforeEach(async () => {
  logged = [];
  for (const level of ["log", "info", "warn", "error", "debug"] as const) {
    vi.spyOn(console, level).mockImplementation((...words) => void logged.push(words.map(String).join(" ")));
  }
  services = standInKeyServices();
  tenant = await newTenant();
});

const path = () => `/v1/tenants/${tenant.tenantId}/key-service`;
async function asked(method: string, body?: object): Promise<string> {
  const answer = await call(path(), { method, key: tenant.key, ...(body ? { body } : {}) });
  return `${JSON.stringify([...answer.headers])} ${await answer.text()}`;
}

async function expectNowhere(secrets: string[], answers: string[]): Promise<void> {
  const dump = await dumpCell();
  // The search itself works: it finds what is there.
  expect(placesWith(dump, tenant.tenantId).length).toBeGreaterThan(3);
  for (const secret of secrets) {
    expect(placesWith(dump, secret)).toEqual([]);
    expect(answers.filter((answer) => answer.includes(secret))).toEqual([]);
    expect(logged.filter((line) => line.includes(secret))).toEqual([]);
  }
}

describe("S3-41 a canary", () => {
  test("in the credentials is in no store, no log and no answer, whether the service works, refuses or is wrong", async () => {
    const answers = [await asked("PUT", httpsConfig()), await asked("PUT", kmsConfig())];
    services.https.revoked = true;
    services.kms.keyState = "Disabled";
    answers.push(await asked("PUT", httpsConfig()), await asked("PUT", kmsConfig()));
    answers.push(
      await asked("PUT", { ...kmsConfig(), url: TOKEN }),
      await asked("PUT", { kind: "https", token: TOKEN }),
    );
    answers.push(await asked("PUT", { ...httpsConfig(), url: `https://keys.acme.example/?${TOKEN}` }));
    await expect(tenantKeyringFor(env, cellConfig(env), tenant.tenantId).current()).rejects.toBeDefined();
    answers.push(await asked("GET"), await asked("DELETE"));
    expect(answers.filter((answer) => answer.includes("key_service.unproven"))).toHaveLength(2);
    expect(logged.some((line) => line.includes("key service: refused"))).toBe(true);
    await expectNowhere(CANARIES, answers);
  });

  test("in the credentials is not in a job that a crash has left either", async () => {
    await failFrom(tenant.tenantId, 0, "failed and not persisted");
    const by = { type: "service", id: "operator" } as const;
    for (const config of [httpsConfig(), kmsConfig()]) {
      await expect(deskOf(tenant.tenantId).setKeyService(config, by)).rejects.toMatchObject({
        code: "storage.unavailable",
      });
    }
    expect(await openJobs(tenant.tenantId)).toBe(1);
    await expectNowhere(CANARIES, []);
  });

  test("that is the wrapped key itself is in no store", async () => {
    await asked("PUT", httpsConfig());
    const { key } = await tenantKeyringFor(env, cellConfig(env), tenant.tenantId).current();
    const spellings = [
      Buffer.from(key).toString("hex"),
      Buffer.from(key).toString("base64"),
      Buffer.from(key).toString("latin1"),
    ];
    await expectNowhere(spellings, [await asked("GET")]);
  });

  test("that is the key of the cell, which replaces a service, is in R2 KEYS and nowhere else", async () => {
    await asked("PUT", httpsConfig());
    await asked("DELETE");
    const { key } = await tenantKeyringFor(env, cellConfig(env), tenant.tenantId).current();
    const dump = await dumpCell();
    expect(placesWith(dump, Buffer.from(key).toString("base64"))).toEqual([
      `R2 KEYS tenant-key/${tenant.tenantId}/00002`,
    ]);
    expect(placesWith(dump, Buffer.from(key).toString("hex"))).toEqual([]);
  });
});
