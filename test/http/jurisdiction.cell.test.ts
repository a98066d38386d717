/** A tenant is pinned for life: nothing that can be sent to a cell names, moves or changes a jurisdiction. */
import { v7 as uuidv7 } from "uuid";
import { beforeAll, describe, expect, test } from "vitest";
import { makeId } from "../../src/core/ids.ts";
import { call, env, jurisdiction, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { placeHold } from "../support/holds.ts";
import { idsOfNothing, operations, pathWith } from "../support/operations.ts";
import { pointersOf, problemOf, withoutInstance } from "../support/problems.ts";

const other = jurisdiction === "eu" ? "us" : "eu";
let tenant: TestTenant;
let domainId: string;

beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
});

const tenantsInD1 = async () => (await env.CONTROL.prepare("SELECT * FROM tenant ORDER BY id").all()).results;

describe("S0-22 R4 the jurisdiction", () => {
  test("of a new tenant must be this cell's: another gets the 404 of a thing that does not exist, and nothing is made", async () => {
    const before = await tenantsInD1();
    const body = { name: "T", jurisdiction: other, tier: "pro" };
    const answer = await withoutInstance(await call("/v1/tenants", { key: env.OPERATOR_SECRET, body }));
    expect(answer).toMatchObject({ status: 404, body: { code: "resource.not_found" } });
    expect(await tenantsInD1()).toEqual(before);
  });

  test.each(["de", "EU", "", null, 1, ["eu"]])("S4-34 %j is none, and nothing is made", async (unknown) => {
    const before = await tenantsInD1();
    const body = { name: "T", jurisdiction: unknown, tier: "pro" };
    const problem = await problemOf(await call("/v1/tenants", { key: env.OPERATOR_SECRET, body }), "request.invalid");
    expect(pointersOf(problem)).toEqual(["/jurisdiction"]);
    expect(await tenantsInD1()).toEqual(before);
  });

  test("S4-34 may not be left out", async () => {
    const body = { name: "T", tier: "pro" };
    const problem = await problemOf(await call("/v1/tenants", { key: env.OPERATOR_SECRET, body }), "request.invalid");
    expect(pointersOf(problem)).toEqual(["/jurisdiction"]);
  });

  test.each(["PUT", "PATCH", "POST"])(
    "cannot be changed with %s on any address of a tenant or domain",
    async (method) => {
      const before = await tenantsInD1();
      const { id: holdId } = await placeHold(tenant, { domains: [tenant.tenantDomainId] });
      const values = {
        tenantId: tenant.tenantId,
        domainId,
        keyId: tenant.keyId,
        holdId,
        erasureId: "0",
        seqOrId: "0",
        ...idsOfNothing(),
      };
      const paths = operations().map(({ path }) => path);
      const offered = operations().filter((operation) => operation.method === method);
      // A path without a parameter may be one of an offered operation's: `…/passkeys/options` is a passkey's by its form.
      const isOffered = (path: string) =>
        offered.some((operation) => new RegExp(`^${operation.path.replaceAll(/\{\w+\}/g, "[^/]+")}$`).test(path));
      const rest = [...new Set(paths)].filter((path) => !isOffered(path));
      expect(rest.length).toBeGreaterThan(5);
      for (const path of [...rest, "/v1/tenants/{tenantId}/jurisdiction", "/v1/tenants/{tenantId}/move"]) {
        for (const key of [tenant.key, env.OPERATOR_SECRET]) {
          const answer = await call(pathWith(path, values), { method, key, body: { jurisdiction: other } });
          await problemOf(answer, "resource.not_found");
        }
      }
      expect(await tenantsInD1()).toEqual(before);
    },
  );

  test("T6 is no field of what a tenant may send", async () => {
    const wishes: [string, object][] = [
      [`/v1/tenants/${tenant.tenantId}/domains`, { name: "moved", jurisdiction: other }],
      [`/v1/tenants/${tenant.tenantId}/keys`, { name: "k", permissions: ["entry.read"], jurisdiction: other }],
    ];
    for (const [path, body] of wishes) {
      const problem = await problemOf(await call(path, { key: tenant.key, body }), "request.invalid");
      expect(pointersOf(problem)).toEqual(["/jurisdiction"]);
    }
  });

  test("S0-22 cannot be changed in the database either", async () => {
    const update = env.CONTROL.prepare("UPDATE tenant SET jurisdiction = ? WHERE id = ?").bind(other, tenant.tenantId);
    await expect(update.run()).rejects.toThrow("a tenant is pinned for life");
    const move = env.CONTROL.prepare("UPDATE domain SET tenant_id = 'tnt_x' WHERE id = ?").bind(domainId);
    await expect(move.run()).rejects.toThrow("a domain belongs to one tenant for life");
  });

  test("stands in every id and in what the cell says of tenant and domain", async () => {
    const read = async (path: string) => (await call(path, { key: tenant.key })).json();
    expect(await read(`/v1/tenants/${tenant.tenantId}`)).toMatchObject({ jurisdiction });
    expect(await read(`/v1/domains/${domainId}`)).toMatchObject({ jurisdiction });
    for (const id of [tenant.tenantId, tenant.keyId, domainId, tenant.tenantDomainId]) {
      expect(id).toMatch(new RegExp(`^[a-z]{3}_${jurisdiction}_[0-9a-z]{26}$`));
    }
  });
});

describe("T6 a new tenant's body", () => {
  test.each(["id", "tenant_domain_id", "created_at", "permissions", "api_key"])("has no field %s", async (field) => {
    const body = { name: "T", jurisdiction, tier: "pro", [field]: "x" };
    const problem = await problemOf(await call("/v1/tenants", { key: env.OPERATOR_SECRET, body }), "request.invalid");
    expect(pointersOf(problem)).toEqual([`/${field}`]);
  });

  test.each<[string, string, string]>([
    [
      "an address with two equal keys",
      `{"name":"T","name":"U","jurisdiction":"${jurisdiction}","tier":"pro"}`,
      "/name",
    ],
    ["an array", "[]", ""],
    ["text", "hello", ""],
    ["nothing", "", ""],
  ])("cannot be %s", async (_, rawBody, pointer) => {
    const answer = await call("/v1/tenants", { method: "POST", key: env.OPERATOR_SECRET, rawBody });
    const problem = await problemOf(answer, rawBody === "[]" ? "request.invalid" : "request.malformed");
    expect(pointersOf(problem)).toEqual([pointer]);
  });

  test("is bounded to 64 KiB and must be JSON by its content type", async () => {
    const rawBody = JSON.stringify({ name: "x".repeat(65_536), jurisdiction, tier: "pro" });
    await problemOf(await call("/v1/tenants", { key: env.OPERATOR_SECRET, rawBody }), "request.too_large");
    const headers = { "Content-Type": "text/plain" };
    const answer = await call("/v1/tenants", { key: env.OPERATOR_SECRET, rawBody: "{}", headers });
    expect(pointersOf(await problemOf(answer, "request.unsupported_media_type"))).toEqual(["header:Content-Type"]);
  });
});
