/** S3-41: a tenant's keys wrapped by its own service, through the API: set, replaced, revoked there, restored, removed. */
import { beforeEach, describe, expect, test, vi } from "vitest";
import { tenantKeyringFor } from "../../durable-objects/tenant-keyring.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import type { TenantKeyring } from "../../src/services/keys/tenant-keyring.ts";
import { R2TenantKeyStore } from "../../src/storage/tenant-key-store.ts";
import { call, env, event, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { httpsConfig, type KeyServices, kmsConfig, otherConfig, standInKeyServices } from "../support/key-services.ts";
import { pointersOf, problemOf } from "../support/problems.ts";
import { entriesOf } from "../support/tenancy.ts";

interface KeyServiceAnswer {
  active: { service: number; settings: { kind: string }; state: string; checked_at: string } | null;
  key_versions: { version: number; service: number | null; retired_at: string | null }[];
}

let services: KeyServices;
let tenant: TestTenant;
let nowMs: number;

beforeEach(async () => {
  services = standInKeyServices();
  tenant = await newTenant();
  nowMs = Date.now();
});

const path = () => `/v1/tenants/${tenant.tenantId}/key-service`;
const put = (body: object) => call(path(), { method: "PUT", key: tenant.key, body });
const remove = () => call(path(), { method: "DELETE", key: tenant.key });
const answerOf = async (answer: Response) => {
  expect(answer.status, await answer.clone().text()).toBe(200);
  expect(answer.headers.get("Cache-Control")).toBe("no-store");
  return (await answer.json()) as KeyServiceAnswer;
};
const read = async () => answerOf(await call(path(), { key: tenant.key }));
const told = async () =>
  (await entriesOf(tenant.tenantDomainId)).filter(({ action }) => action.startsWith("tenant.key_service"));
const actions = async () => (await told()).map(({ action }) => action);
const versions = ({ key_versions }: KeyServiceAnswer) =>
  key_versions.map(({ version, service, retired_at }) => [version, service, retired_at === null]);

/** The keys as one object of the tenant holds them. */
const object = (): TenantKeyring => tenantKeyringFor(env, cellConfig(env), tenant.tenantId, { clock: () => nowMs });
/** What is reported is not waited for. */
const settled = (count: number) => vi.waitFor(async () => expect(await told()).toHaveLength(count), { timeout: 5000 });

describe("S3-41 a tenant without a key service", () => {
  test("is told so, and which keys the cell holds", async () => {
    expect(await read()).toEqual({ active: null, key_versions: [] });
    await object().current();
    expect(versions(await read())).toEqual([[1, null, true]]);
    expect(await answerOf(await remove())).toEqual(await read());
    expect(await actions()).toEqual([]);
  });
});

describe("S3-41 a key service that is set", () => {
  test.each([
    ["https", httpsConfig, { host: "keys.acme.example" }, { kind: "https", url: "https://keys.acme.example/moonseal" }],
    [
      "aws_kms",
      kmsConfig,
      { key_arn: kmsConfig().key_arn },
      { kind: "aws_kms", region: "eu-central-1", key_arn: kmsConfig().key_arn },
    ],
  ])("%s proves itself, wraps the next key, and the log says who did it", async (kind, config, named, settings) => {
    const before = await object().current();
    const answer = await answerOf(await put(config()));
    expect(answer.active).toMatchObject({ service: 1, settings, state: "working" });
    expect(Object.keys(answer.active?.settings ?? {}).sort()).toEqual(Object.keys(settings).sort());
    expect(versions(answer)).toEqual([
      [1, null, false],
      [2, 1, true],
    ]);
    expect(await read()).toEqual(answer);
    expect(await told()).toMatchObject([
      {
        action: "tenant.key_service_changed",
        actor: { type: "service", id: tenant.keyId },
        targets: [{ type: "tenant", id: tenant.tenantId }],
        metadata: { kind, service: 1, key_version: 2, ...named },
      },
    ]);
    const now = await object().current();
    expect(now.version).toBe(2);
    expect(Buffer.from(now.key).equals(Buffer.from(before.key))).toBe(false);
    expect(await object().ofVersion(1)).toEqual(before.key);
    const stored = await new R2TenantKeyStore(env.KEYS).list(tenant.tenantId);
    expect(stored.map(({ material }) => material.kind)).toEqual(["raw", "wrapped"]);
  });

  test("a second time replaces the credentials: no new key, and what it wrapped opens with the new ones only", async () => {
    await put(httpsConfig());
    const { key } = await object().current();
    services.https.token = "the-token-that-comes-next";
    await problemOf(await put(httpsConfig()), "key_service.unproven");
    await expect(object().current()).rejects.toMatchObject({ code: "keys.unavailable" });
    const answer = await answerOf(await put(httpsConfig({ token: "the-token-that-comes-next" })));
    expect(versions(answer)).toEqual([[1, 1, true]]);
    expect((await object().current()).key).toEqual(key);
    const last = (await told()).at(-1);
    expect(last).toMatchObject({
      action: "tenant.key_service_changed",
      metadata: { service: 1, credentials: "replaced" },
    });
  });

  test("in place of another one wraps new keys, and what the other one wrapped opens by that", async () => {
    await put(httpsConfig());
    const first = await object().current();
    const answer = await answerOf(await put(otherConfig()));
    expect(answer.active).toMatchObject({ service: 2 });
    expect(versions(answer)).toEqual([
      [1, 1, false],
      [2, 2, true],
    ]);
    services.other.revoked = true;
    expect(await object().ofVersion(1)).toEqual(first.key);
    await expect(object().current()).rejects.toMatchObject({ code: "keys.unavailable" });
    services.other.revoked = false;
    // Back again: the first one's row, and a key of its own.
    expect(versions(await answerOf(await put(httpsConfig())))).toEqual([
      [1, 1, false],
      [2, 2, false],
      [3, 1, true],
    ]);
  });

  test("and removed gives way to a key of the cell; what it wrapped still needs it", async () => {
    await put(httpsConfig());
    services.https.revoked = true;
    const answer = await answerOf(await remove());
    expect(answer.active).toBeNull();
    expect(versions(answer)).toEqual([
      [1, 1, false],
      [2, null, true],
    ]);
    expect((await object().current()).version).toBe(2);
    await expect(object().ofVersion(1)).rejects.toMatchObject({ code: "keys.unavailable" });
    services.https.revoked = false;
    expect(await object().ofVersion(1)).toHaveLength(32);
    expect(await answerOf(await remove())).toEqual(answer);
    expect((await told()).filter(({ action }) => action === "tenant.key_service_removed")).toMatchObject([
      { actor: { type: "service", id: tenant.keyId }, metadata: { key_version: 2 } },
    ]);
  });

  test("eight times over is the most while their keys are in use", async () => {
    for (let n = 0; n < LIMITS.keyServicesPerTenant; n++) {
      await answerOf(await put(httpsConfig({ url: `https://keys.acme.example/${n}` })));
    }
    await problemOf(await put(httpsConfig({ url: "https://keys.acme.example/more" })), "limit.reached");
    await answerOf(await put(httpsConfig({ url: "https://keys.acme.example/3" })));
  }, 60_000);

  test("by two at once is two changes, one after the other", async () => {
    const answers = await Promise.all([put(httpsConfig()), put(otherConfig())]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    const { active, key_versions } = await read();
    expect(key_versions.map(({ version, retired_at }) => [version, retired_at === null])).toEqual([
      [1, false],
      [2, true],
    ]);
    expect(active?.service).toBe(key_versions[1]?.service);
    expect(await actions()).toEqual(["tenant.key_service_changed", "tenant.key_service_changed"]);
  });
});

describe("S3-41 a key service that does not prove itself", () => {
  test.each<[string, (its: KeyServices) => object, string]>([
    ["refuses the token", () => httpsConfig({ token: "a-token-that-is-wrong" }), "it does not accept the token"],
    [
      "cannot be reached",
      () => httpsConfig({ url: "https://nobody.acme.example" }),
      "no connection to it could be made",
    ],
    [
      "is revoked already",
      (its) => {
        its.https.revoked = true;
        return httpsConfig();
      },
      "the key is revoked there",
    ],
    ["knows another secret", () => kmsConfig({ secret_access_key: "another-secret-of-nobody" }), "the access key"],
    [
      "has the key disabled",
      (its) => {
        its.kms.keyState = "Disabled";
        return kmsConfig();
      },
      "the key is disabled there",
    ],
  ])("because it %s changes nothing", async (_, config, words) => {
    const problem = await problemOf(await put(config(services)), "key_service.unproven");
    expect(problem.detail).toContain(words);
    expect(await read()).toEqual({ active: null, key_versions: [] });
    expect(await actions()).toEqual([]);
  });

  test("because it gives back other bytes changes nothing", async () => {
    const { handle } = services.https;
    vi.spyOn(services.https, "handle").mockImplementation(async (request) =>
      request.url.endsWith("/unwrap") ? Response.json({ key: Buffer.alloc(32).toString("base64") }) : handle(request),
    );
    const problem = await problemOf(await put(httpsConfig()), "key_service.unproven");
    expect(problem.detail).toContain("other bytes");
    expect(await actions()).toEqual([]);
  });

  test("leaves the one that is there as it was", async () => {
    await put(httpsConfig());
    const before = await read();
    await problemOf(await put(kmsConfig({ access_key_id: "AKIAUNKNOWN000000000" })), "key_service.unproven");
    expect(await read()).toEqual(before);
  });
});

describe("S3-41 revoked there", () => {
  test("keys are gone within 60 s, the log says so once for all objects, and restored there everything works again", async () => {
    await put(httpsConfig());
    const domainId = await newDomain(tenant);
    const append = () =>
      call(`/v1/domains/${domainId}/audit/entries`, {
        key: tenant.key,
        body: event({ actor: { type: "service", id: "billing" } }),
      });
    const objects = [object(), object(), object()];
    const { key } = await (objects[0] as TenantKeyring).current();
    for (const its of objects) await its.current();

    services.https.revoked = true;
    nowMs += LIMITS.unwrappedKeyMs;
    for (const its of objects) {
      await expect(its.current()).rejects.toMatchObject({
        code: "keys.unavailable",
        detail: "the tenant's key service refused: the key is revoked there (status 403)",
      });
    }
    await settled(2);
    expect((await read()).active).toMatchObject({ state: "refused" });
    expect((await append()).status).toBe(201);

    services.https.revoked = false;
    nowMs += LIMITS.keyServiceRetryMs;
    for (const its of objects) expect((await its.current()).key).toEqual(key);
    await settled(3);
    expect((await read()).active).toMatchObject({ state: "working" });

    expect(await told()).toMatchObject([
      { action: "tenant.key_service_changed" },
      {
        action: "tenant.key_service_failed",
        actor: { type: "system", id: "system:moonseal" },
        outcome: "failure",
        metadata: { service: 1, kind: "https", host: "keys.acme.example", fault: "refused" },
      },
      { action: "tenant.key_service_restored", metadata: { service: 1 } },
    ]);
  });

  test("reported by many objects at once is told once", async () => {
    await put(httpsConfig());
    services.https.revoked = true;
    const objects = Array.from({ length: 8 }, object);
    await Promise.all(objects.map((its) => expect(its.current()).rejects.toMatchObject({ code: "keys.unavailable" })));
    await settled(2);
    await vi.waitFor(async () => expect((await read()).active?.state).toBe("refused"));
    expect(await actions()).toEqual(["tenant.key_service_changed", "tenant.key_service_failed"]);
  });
});

describe("S3-41 what is sent", () => {
  test.each<[string, object, string]>([
    ["an unknown kind", { kind: "vault", url: "https://keys.acme.example" }, "/kind"],
    ["an address without TLS", httpsConfig({ url: "http://keys.acme.example" }), "/url"],
    ["an address in digits", httpsConfig({ url: "https://10.0.0.1" }), "/url"],
    ["an address with a password", httpsConfig({ url: "https://a:b@keys.acme.example" }), "/url"],
    ["a token with a line break", httpsConfig({ token: "a-token-with-a\nline-break" }), "/token"],
    ["a short token", httpsConfig({ token: "short" }), "/token"],
    ["a member too many", httpsConfig({ note: "mine" }), "/note"],
    ["an alias in place of a key", kmsConfig({ key_arn: "arn:aws:kms:eu-central-1:111122223333:alias/a" }), "/key_arn"],
    ["a key of another region", kmsConfig({ region: "eu-west-1" }), "/key_arn"],
    ["a region that is none", kmsConfig({ region: "eu" }), "/region"],
    ["an endpoint without TLS", kmsConfig({ endpoint: "http://kms.acme.example" }), "/endpoint"],
    ["a secret with a space", kmsConfig({ secret_access_key: "a secret with spaces" }), "/secret_access_key"],
  ])("%s is refused, naming the field and asking nobody", async (_, body, pointer) => {
    const problem = await problemOf(await put(body), "request.invalid");
    expect(pointersOf(problem)).toEqual([pointer]);
    expect(services.calls).toEqual([]);
    expect(JSON.stringify(problem)).not.toMatch(/line-break|with spaces|a:b/);
  });
});

describe("S3-41 the operator of the cell", () => {
  test.each(["GET", "PUT", "DELETE"])("may not %s a tenant's key service", async (method) => {
    const body = method === "PUT" ? { body: httpsConfig() } : {};
    await problemOf(await call(path(), { method, key: env.OPERATOR_SECRET, ...body }), "auth.forbidden");
    expect(services.calls).toEqual([]);
  });
});
