/** Whose credential lets whom in: one answer for every wrong one. */
import { beforeAll, describe, expect, test } from "vitest";
import { formatApiKey, formatOperatorSecret, parseApiKey } from "../../src/core/api-key.ts";
import { idSuffix } from "../../src/core/ids.ts";
import { apiKeyMac } from "../../src/crypto/api-key-mac.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { OWNER_KEY_PERMISSIONS } from "../../src/services/permissions.ts";
import { testBindings } from "../support/bindings.ts";
import { call, env, jurisdiction, newTenant, type TestTenant } from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { dumpCell, placesWith } from "../support/dump.ts";
import { bearer, counted, freshWorker } from "../support/fresh-worker.ts";
import { mistyped } from "../support/mistyped.ts";
import { problemOf, withoutInstance } from "../support/problems.ts";

const other = jurisdiction === "eu" ? "us" : "eu";
const secretOf = (fill: number) => new Uint8Array(32).fill(fill);
let tenant: TestTenant;

beforeAll(async () => {
  tenant = await newTenant();
});

describe("an operator's secret or a key that is not right", () => {
  const OPERATOR = env.OPERATOR_SECRET;
  const headers: [string, () => string | undefined | Promise<string>][] = [
    ["is missing", () => undefined],
    ["is empty", () => "Bearer "],
    ["comes in another scheme", () => `Basic ${btoa(`${tenant.key}:`)}`],
    ["comes without a scheme", () => tenant.key],
    ["comes twice", () => `Bearer ${tenant.key}, Bearer ${tenant.key}`],
    ["is another cell's right operator secret", () => `Bearer ${testBindings(other).OPERATOR_SECRET}`],
    ["is a wrong operator secret", () => `Bearer ${formatOperatorSecret(jurisdiction, secretOf(99))}`],
    ["is a mistyped operator secret", () => `Bearer ${mistyped(OPERATOR)}`],
    ["is a mistyped key", () => `Bearer ${mistyped(tenant.key)}`],
    ["is a key in capitals", () => `Bearer ${tenant.key.toUpperCase()}`],
    [
      "is a key with the secret of another",
      () => `Bearer ${formatApiKey(jurisdiction, idSuffix(tenant.keyId), secretOf(9))}`,
    ],
    ["is a key of nobody", () => `Bearer ${formatApiKey(jurisdiction, "01jcy3x8e7f4s9m2k5n8q1r4tv", secretOf(9))}`],
    ["is a key of the other jurisdiction", () => `Bearer ${formatApiKey(other, idSuffix(tenant.keyId), secretOf(9))}`],
    [
      "is an expired key",
      async () => {
        const expiresAt = new Date(Date.now() - 1000).toISOString();
        return `Bearer ${(await storedKey(tenant.tenantId, OWNER_KEY_PERMISSIONS, { expiresAt })).key}`;
      },
    ],
    [
      "is a revoked key",
      async () => {
        const revokedAt = new Date().toISOString();
        return `Bearer ${(await storedKey(tenant.tenantId, OWNER_KEY_PERMISSIONS, { revokedAt })).key}`;
      },
    ],
  ];

  test.each(headers)("that %s gets the identical 401", async (_, header) => {
    const sent = await header();
    const headersSent: Record<string, string> = sent === undefined ? {} : { Authorization: sent };
    const expected = await withoutInstance(await call("/v1/whoami"));
    expect(expected).toMatchObject({ status: 401, body: { code: "auth.required" } });
    for (const path of ["/v1/whoami", `/v1/tenants/${tenant.tenantId}`, `/v1/domains/${tenant.tenantDomainId}`]) {
      expect(await withoutInstance(await call(path, { headers: headersSent }))).toEqual(expected);
    }
  });

  test("gets a problem document and is told the scheme", async () => {
    const answer = await call("/v1/whoami");
    expect(answer.headers.get("WWW-Authenticate")).toBe('Bearer realm="moonseal"');
    await problemOf(answer, "auth.required");
  });
});

describe("a right credential", () => {
  test("says who it is", async () => {
    expect(await (await call("/v1/whoami", { key: tenant.key })).json()).toEqual({
      kind: "api_key",
      jurisdiction,
      tenant_id: tenant.tenantId,
      key_id: tenant.keyId,
      service_account_id: null,
      permissions: OWNER_KEY_PERMISSIONS,
      person: null,
    });
    expect(await (await call("/v1/whoami", { key: env.OPERATOR_SECRET })).json()).toMatchObject({ kind: "operator" });
  });
});

describe("S2-15 look-ups", () => {
  test.each<[string, () => string]>([
    ["a key with a wrong checksum", () => mistyped(tenant.key)],
    ["a key of the other jurisdiction", () => formatApiKey(other, idSuffix(tenant.keyId), secretOf(1))],
    ["an operator's secret, right or wrong", () => formatOperatorSecret(jurisdiction, secretOf(99))],
  ])("%s causes none", async (_, key) => {
    const control = counted(env.CONTROL);
    const answer = await freshWorker({ CONTROL: control.database })("/v1/whoami", bearer(key()));
    expect(answer.status).toBe(401);
    expect(control.statements()).toEqual([]);
  });

  test("an unknown key id and a wrong secret do the same one", async () => {
    const statementsFor = async (key: string) => {
      const control = counted(env.CONTROL);
      expect((await freshWorker({ CONTROL: control.database })("/v1/whoami", bearer(key))).status).toBe(401);
      return control.statements();
    };
    const unknown = await statementsFor(formatApiKey(jurisdiction, "01jcy3x8e7f4s9m2k5n8q1r4tv", secretOf(9)));
    const wrong = await statementsFor(formatApiKey(jurisdiction, idSuffix(tenant.keyId), secretOf(9)));
    expect(unknown).toHaveLength(1);
    expect(wrong).toEqual(unknown);
  });
});

describe("S2-15 the raw key", () => {
  test("stands in the answer that makes it and in no later one, and in no store; only its HMAC is kept", async () => {
    const body = { name: "ingest", permissions: ["entry.append"] };
    const made = await call(`/v1/tenants/${tenant.tenantId}/keys`, { key: tenant.key, body });
    const issued = (await made.json()) as { id: string; key: string };
    expect(made.headers.get("Cache-Control")).toBe("no-store");
    const paths = ["", "/keys", "/domains"].map((path) => `/v1/tenants/${tenant.tenantId}${path}`);
    const entries = `/v1/domains/${tenant.tenantDomainId}/audit/entries?consistency=latest&payload=text`;
    const seen = await Promise.all(
      [...paths, entries].map(async (path) => (await call(path, { key: tenant.key })).text()),
    );
    expect(seen.join()).toContain(issued.id);

    const dump = await dumpCell();
    expect(placesWith(dump, issued.id)).toContain("D1 CONTROL.api_key");
    for (const key of [issued.key, tenant.key]) {
      const secret = parseApiKey(key)?.secret ?? "";
      expect(secret).toHaveLength(43);
      expect(seen.join()).not.toContain(secret);
      expect(placesWith(dump, secret)).toEqual([]);
    }
    const mac = apiKeyMac(cellConfig(env).apiKeyPepper, issued.id, parseApiKey(issued.key)?.secret ?? "");
    const row = await env.CONTROL.prepare("SELECT hex(secret_mac) AS mac FROM api_key WHERE id = ?").bind(issued.id);
    expect(await row.first("mac")).toBe(Buffer.from(mac).toString("hex").toUpperCase());
    expect(placesWith(dump, env.OPERATOR_SECRET)).toEqual([]);
  });
});
