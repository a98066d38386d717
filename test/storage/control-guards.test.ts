/** A tenant and its domains never move and a revoked key never works again, whatever the code above does. */
import { beforeEach, describe, expect, it } from "vitest";
import { env } from "../support/cell.ts";
import { control, newId, picture, refusal, run } from "./sql.ts";

let tenantId: string;
let domainId: string;
let keyId: string;
const CREATED = "2026-11-21T09:14:00.000Z";
const REVOKED = "2026-11-22T09:14:00.000Z";

const TENANT = "INTO tenant (id, name, jurisdiction, tier, tenant_domain_id, created_at) VALUES (?, ?, ?, ?, ?, ?)";
const DOMAIN = "INTO domain (id, tenant_id, name, kind, segment_entries, created_at) VALUES (?, ?, ?, ?, 256, ?)";
const KEY =
  "INTO api_key (id, tenant_id, name, permissions, secret_mac, created_at, revoked_at) VALUES (?, ?, ?, '[]', zeroblob(32), ?, ?)";
const PATHS = ["INSERT OR REPLACE", "REPLACE"];

async function newTenant() {
  const ids = { tenantId: newId("tenant"), domainId: newId("domain") };
  await run(control, `INSERT ${TENANT}`, ids.tenantId, "Acme", env.JURISDICTION, "pro", ids.domainId, CREATED);
  await run(control, `INSERT ${DOMAIN}`, ids.domainId, ids.tenantId, "tenant", "tenant", CREATED);
  return ids;
}

beforeEach(async () => {
  ({ tenantId, domainId } = await newTenant());
  keyId = newId("apiKey");
  await run(control, `INSERT ${KEY}`, keyId, tenantId, "key", CREATED, REVOKED);
});

async function expectSame(table: string, change: () => Promise<string>, answer: string): Promise<void> {
  const before = await picture(control, table);
  expect(await change()).toContain(answer);
  expect(await picture(control, table)).toBe(before);
}

describe("S0-22 a tenant is pinned for life", () => {
  const other = env.JURISDICTION === "eu" ? "us" : "eu";

  it.each([
    ["jurisdiction", `'${other}'`],
    ["id", "'tnt_other'"],
    ["tenant_domain_id", "'dom_other'"],
    ["created_at", "'2020-01-01'"],
  ])("no UPDATE changes its %s", async (column, value) => {
    for (const or of ["", "OR REPLACE ", "OR IGNORE "]) {
      const sql = `UPDATE ${or}tenant SET ${column} = ${value} WHERE id = ?`;
      await expectSame("tenant", () => refusal(control, sql, tenantId), "a tenant is pinned for life");
    }
  });

  it.each(PATHS)("%s does not move it, nor take its reserved domain", async (path) => {
    for (const [id, jurisdiction, reserved, created] of [
      [tenantId, other, domainId, CREATED],
      [tenantId, env.JURISDICTION, newId("domain"), CREATED],
      [tenantId, env.JURISDICTION, domainId, "2020-01-01"],
      [newId("tenant"), env.JURISDICTION, domainId, CREATED],
    ]) {
      const change = () => refusal(control, `${path} ${TENANT}`, id, "Acme", jurisdiction, "pro", reserved, created);
      await expectSame("tenant", change, "a tenant is pinned for life");
    }
  });

  it("an upsert does not move it", async () => {
    const sql = `INSERT ${TENANT} ON CONFLICT (id) DO UPDATE SET jurisdiction = excluded.jurisdiction`;
    const change = () => refusal(control, sql, tenantId, "Acme", other, "pro", domainId, CREATED);
    await expectSame("tenant", change, "a tenant is pinned for life");
  });

  it("its name and its tier may change, and the same row may be sent again", async () => {
    expect(await refusal(control, "UPDATE tenant SET name = 'New', tier = 'team' WHERE id = ?", tenantId)).toBe(
      "accepted",
    );
    const again = `INSERT ${TENANT} ON CONFLICT DO NOTHING`;
    const change = () => refusal(control, again, tenantId, "Acme", env.JURISDICTION, "pro", domainId, CREATED);
    await expectSame("tenant", change, "accepted");
  });
});

describe("S0-22 a domain belongs to one tenant for life", () => {
  const text = "a domain belongs to one tenant for life";

  it.each([
    ["id", "'dom_other'"],
    ["tenant_id", "(SELECT id FROM tenant ORDER BY id LIMIT 1)"],
    ["kind", "'client'"],
    ["created_at", "'2020-01-01'"],
  ])("no UPDATE changes its %s", async (column, value) => {
    for (const or of ["", "OR REPLACE ", "OR IGNORE "]) {
      const sql = `UPDATE ${or}domain SET ${column} = ${value} WHERE id = ?`;
      await expectSame("domain", () => refusal(control, sql, domainId), text);
    }
  });

  it.each(PATHS)("%s does not give it to another tenant, nor make it another kind", async (path) => {
    const stranger = await newTenant();
    for (const [owner, kind, created] of [
      [stranger.tenantId, "tenant", CREATED],
      [tenantId, "client", CREATED],
      [tenantId, "tenant", "2020-01-01"],
    ]) {
      const change = () => refusal(control, `${path} ${DOMAIN}`, domainId, owner, "x", kind, created);
      await expectSame("domain", change, text);
    }
  });

  it("its name may change, and the same row may be sent again", async () => {
    expect(await refusal(control, "UPDATE domain SET name = 'new' WHERE id = ?", domainId)).toBe("accepted");
    const again = `INSERT ${DOMAIN} ON CONFLICT DO NOTHING`;
    const change = () => refusal(control, again, domainId, tenantId, "tenant", "tenant", CREATED);
    await expectSame("domain", change, "accepted");
  });
});

describe("a revoked key stays revoked", () => {
  it.each(["NULL", "'2030-01-01T00:00:00.000Z'"])("no UPDATE sets its revocation to %s", async (value) => {
    for (const or of ["", "OR REPLACE ", "OR IGNORE "]) {
      const sql = `UPDATE ${or}api_key SET revoked_at = ${value} WHERE id = ?`;
      await expectSame("api_key", () => refusal(control, sql, keyId), "a revoked key stays revoked");
    }
  });

  it.each([...PATHS, "INSERT OR IGNORE"])("%s of the key as it was leaves it revoked", async (path) => {
    await expectSame(
      "api_key",
      () => refusal(control, `${path} ${KEY}`, keyId, tenantId, "key", CREATED, null),
      "accepted",
    );
  });

  it("a late repetition of its creation leaves it revoked and is no error", async () => {
    const sql = `INSERT ${KEY} ON CONFLICT (id) DO NOTHING`;
    await expectSame("api_key", () => refusal(control, sql, keyId, tenantId, "key", CREATED, null), "accepted");
  });

  it("a key that works may be revoked, once", async () => {
    const fresh = newId("apiKey");
    await run(control, `INSERT ${KEY}`, fresh, tenantId, "key", CREATED, null);
    expect(await refusal(control, "UPDATE api_key SET revoked_at = ? WHERE id = ?", REVOKED, fresh)).toBe("accepted");
    expect(await refusal(control, "UPDATE api_key SET revoked_at = NULL WHERE id = ?", fresh)).toContain(
      "stays revoked",
    );
  });
});
