import { beforeEach, describe, expect, it } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import type { ApiKeyRecord, DomainRecord, TenantRecord } from "../../src/services/ports.ts";
import { D1ControlStore } from "../../src/storage/control-store.ts";
import { jurisdiction } from "../support/cell.ts";
import { control, newId, picture, run } from "./sql.ts";

const store = new D1ControlStore(control);
const AT = "2026-11-21T09:14:00.000Z";
const TABLES = ["tenant", "domain", "ledger_shard", "api_key"];
const pictures = () => Promise.all(TABLES.map((table) => picture(control, table)));

let tenant: TenantRecord;
let reserved: DomainRecord;

const domainOf = (tenantId: string, name: string): DomainRecord => ({
  id: newId("domain"),
  tenantId,
  name,
  kind: "client",
  segmentEntries: 256,
  createdAt: AT,
  settings: {},
});
const keyOf = (tenantId: string): ApiKeyRecord => ({
  id: newId("apiKey"),
  tenantId,
  name: "key",
  permissions: ["entry.append", "entry.read"],
  secretMac: Uint8Array.from({ length: 32 }, (_, i) => 255 - i),
  createdAt: AT,
  expiresAt: null,
  revokedAt: null,
  description: "of a machine",
  allowedNetworks: ["192.0.2.0/24"],
  serviceAccountId: null,
  replaces: null,
});

async function newTenant() {
  const id = newId("tenant");
  const domain: DomainRecord = { ...domainOf(id, "tenant"), kind: "tenant" };
  const row: TenantRecord = {
    id,
    name: "Acme",
    jurisdiction,
    tier: "pro",
    tenantDomainId: domain.id,
    settings: {},
    createdAt: AT,
  };
  await store.addTenant(row, domain, "LEDGER_00");
  return { row, domain };
}

beforeEach(async () => {
  ({ row: tenant, domain: reserved } = await newTenant());
});

const shardsOf = async (domainId: string) =>
  (await run(control, "SELECT from_seq, shard FROM ledger_shard WHERE domain_id = ?", domainId)).results;

describe("tenants", () => {
  it("are stored with their reserved domain and its shard, and read back as they were", async () => {
    expect(await store.tenant(tenant.id)).toEqual(tenant);
    expect(await store.domain(reserved.id)).toEqual(reserved);
    expect(await shardsOf(reserved.id)).toEqual([{ from_seq: 0, shard: "LEDGER_00" }]);
    expect(await store.tenant(newId("tenant"))).toBeNull();
  });

  it("a repeated addTenant changes nothing, even with another name, tier or shard", async () => {
    const before = await pictures();
    await store.addTenant(tenant, reserved, "LEDGER_00");
    await store.addTenant({ ...tenant, name: "Other", tier: "free" }, { ...reserved, name: "other" }, "LEDGER_01");
    expect(await pictures()).toEqual(before);
  });

  it("S0-22 a repeated addTenant with another jurisdiction or another reserved domain is refused whole", async () => {
    const before = await pictures();
    const other = jurisdiction === "eu" ? "us" : "eu";
    const elsewhere = domainOf(tenant.id, "elsewhere");
    for (const [row, domain] of [
      [{ ...tenant, jurisdiction: other }, reserved],
      [{ ...tenant, tenantDomainId: elsewhere.id }, elsewhere],
    ] as const) {
      await expect(store.addTenant(row, domain, "LEDGER_00")).rejects.toMatchObject({ code: "storage.unavailable" });
      expect(await pictures()).toEqual(before);
    }
  });

  it("all or nothing: a reserved domain that cannot be stored leaves no tenant behind", async () => {
    const id = newId("tenant");
    const domain = { ...domainOf(id, "tenant"), segmentEntries: 0 };
    const before = await pictures();
    const row = { ...tenant, id, tenantDomainId: domain.id };
    await expect(store.addTenant(row, domain, "LEDGER_00")).rejects.toMatchObject({ code: "storage.unavailable" });
    expect(await pictures()).toEqual(before);
  });

  it("are paged by id", async () => {
    for (let i = 0; i < 4; i++) await newTenant();
    const all = await store.tenants("", 1000);
    expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).sort());
    const paged: TenantRecord[] = [];
    for (
      let page = await store.tenants("", 2);
      page.length > 0;
      page = await store.tenants(paged.at(-1)?.id ?? "", 2)
    ) {
      expect(page.length).toBeLessThanOrEqual(2);
      paged.push(...page);
    }
    expect(paged).toEqual(all);
  });
});

describe("domains", () => {
  it("a name is unique within a tenant, and free for other tenants", async () => {
    const first = domainOf(tenant.id, "orders");
    expect(await store.addDomain(first, "LEDGER_00")).toBe(true);
    const second = domainOf(tenant.id, "orders");
    expect(await store.addDomain(second, "LEDGER_00")).toBe(false);
    expect(await store.domain(second.id)).toBeNull();
    expect(await shardsOf(second.id)).toEqual([]);
    const { row: stranger } = await newTenant();
    expect(await store.addDomain(domainOf(stranger.id, "orders"), "LEDGER_00")).toBe(true);
    expect((await store.domainsOf(tenant.id)).map(({ id }) => id)).toEqual([reserved.id, first.id].sort());
  });

  it("a repeated addDomain says true again and changes nothing", async () => {
    const row = domainOf(tenant.id, "orders");
    await store.addDomain(row, "LEDGER_00");
    const before = await pictures();
    expect(await store.addDomain(row, "LEDGER_01")).toBe(true);
    expect(await pictures()).toEqual(before);
  });

  it("finishes what a crash between the domain and its shard has left", async () => {
    const row = domainOf(tenant.id, "orders");
    await store.addDomain(row, "LEDGER_00");
    await run(control, "DELETE FROM ledger_shard WHERE domain_id = ?", row.id);
    expect(await store.addDomain(row, "LEDGER_00")).toBe(true);
    expect(await shardsOf(row.id)).toEqual([{ from_seq: 0, shard: "LEDGER_00" }]);
  });

  it("of 5 that ask for one name at once exactly one gets it", async () => {
    const rows = Array.from({ length: 5 }, () => domainOf(tenant.id, "orders"));
    const got = await Promise.all(rows.map((row) => store.addDomain(row, "LEDGER_00")));
    expect(got.filter(Boolean)).toHaveLength(1);
    expect(await store.domainsOf(tenant.id)).toHaveLength(2);
  });

  it("a domain of a tenant that is not there is refused", async () => {
    const row = domainOf(newId("tenant"), "orders");
    await expect(store.addDomain(row, "LEDGER_00")).rejects.toMatchObject({ code: "storage.unavailable" });
    expect(await store.domain(row.id)).toBeNull();
  });

  it("of all tenants are paged by id", async () => {
    const all = await store.domains("", 1000);
    expect(all.map(({ id }) => id)).toContain(reserved.id);
    expect(await store.domains(all[0]?.id ?? "", 1)).toEqual(all.slice(1, 2));
  });
});

describe("keys", () => {
  it("are read back as they were, byte for byte", async () => {
    const key = { ...keyOf(tenant.id), expiresAt: "2027-01-01T00:00:00.000Z" };
    await store.addKey(key);
    const back = await store.key(key.id);
    expect(back).toEqual(key);
    expect(back?.secretMac.constructor).toBe(Uint8Array);
    expect(await store.keysOf(tenant.id)).toEqual([key]);
    expect(await store.key(newId("apiKey"))).toBeNull();
  });

  it("a repeated addKey changes nothing: not the secret, not the permissions, not a revocation", async () => {
    const key = keyOf(tenant.id);
    await store.addKey(key);
    await store.addKey({ ...key, secretMac: new Uint8Array(32), permissions: [] });
    expect(await store.key(key.id)).toEqual(key);
    await store.revokeKey(tenant.id, key.id, AT);
    await store.addKey(key);
    expect(await store.key(key.id)).toEqual({ ...key, revokedAt: AT });
  });

  it("a revoked key stays as it was revoked the first time", async () => {
    const key = keyOf(tenant.id);
    await store.addKey(key);
    expect(await store.revokeKey(tenant.id, key.id, AT)).toEqual({ ...key, revokedAt: AT });
    expect(await store.revokeKey(tenant.id, key.id, "2030-01-01T00:00:00.000Z")).toEqual({ ...key, revokedAt: AT });
  });

  it("another tenant cannot revoke a key, nor see that it is there", async () => {
    const { row: stranger } = await newTenant();
    const key = keyOf(tenant.id);
    await store.addKey(key);
    expect(await store.revokeKey(stranger.id, key.id, AT)).toBeNull();
    expect(await store.keysOf(stranger.id)).toEqual([]);
    expect(await store.key(key.id)).toEqual(key);
  });

  it("a secret that is not a MAC of 32 bytes is refused", async () => {
    const key = { ...keyOf(tenant.id), secretMac: new Uint8Array(31) };
    await expect(store.addKey(key)).rejects.toMatchObject({ code: "storage.unavailable" });
    expect(await store.key(key.id)).toBeNull();
  });

  it("of a tenant are listed up to the limit", async () => {
    for (let i = 0; i < 3; i++) await store.addKey(keyOf(tenant.id));
    expect(await store.keysOf(tenant.id)).toHaveLength(3);
    expect(LIMITS.keysPerTenant).toBeGreaterThan(3);
  });
});

describe("errors", () => {
  const CANARY = "Jane Canary <jane@canary.example>";
  /** Everything that a log, an answer or an inspector could show of an error. */
  function shown(error: unknown): string {
    const parts: unknown[] = [];
    for (let at = error; at instanceof Error; at = at.cause) {
      parts.push(at.message, at.stack, String(at), Object.fromEntries(Object.entries(at)));
    }
    return JSON.stringify(parts);
  }
  const caught = (promise: Promise<unknown>) =>
    promise.then(
      () => null,
      (error: unknown) => error,
    );

  it.each<[string, () => Promise<unknown>]>([
    ["a CHECK", () => store.addDomain({ ...domainOf(tenant.id, CANARY), segmentEntries: 0 }, "LEDGER_00")],
    ["a foreign key", () => store.addDomain(domainOf(newId("tenant"), CANARY), "LEDGER_00")],
    ["a guard", () => store.addTenant({ ...tenant, name: CANARY, createdAt: "2020" }, reserved, "LEDGER_00")],
    ["a type", () => store.addKey({ ...keyOf(tenant.id), name: CANARY, createdAt: {} as string })],
    ["the length of a secret", () => store.addKey({ ...keyOf(CANARY), secretMac: new Uint8Array(1) })],
  ])("never carry a parameter when %s refuses: a name may be a person's", async (_, ask) => {
    const error = await caught(ask());
    expect(error).toMatchObject({ code: "storage.unavailable", internal: expect.stringMatching(/^control: /) });
    expect(shown(error)).not.toMatch(/canary|insert into|params/i);
  });

  it("name the constraint, so that an operator can tell a refusal from an outage", async () => {
    const error = await caught(store.addDomain({ ...domainOf(tenant.id, "x"), segmentEntries: 0 }, "LEDGER_00"));
    expect(error).toMatchObject({ internal: "control: SQLITE_CONSTRAINT_CHECK" });
  });

  it("keep the place in the code where it happened", async () => {
    const error = (await caught(store.addDomain(domainOf(newId("tenant"), "x"), "LEDGER_00"))) as Error;
    expect((error.cause as Error).stack).toMatch(/\n\s+at /);
  });
});

describe("provisioned", () => {
  it("gives what provisioning read back", async () => {
    expect(await store.provisioned()).toEqual([]);
    await run(control, "INSERT INTO provisioned_resource VALUES ('LEDGER_00', ?, ?)", jurisdiction, AT);
    expect(await store.provisioned()).toEqual([{ resource: "LEDGER_00", jurisdiction, readBackAt: AT }]);
  });
});
