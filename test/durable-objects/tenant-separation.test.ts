/** S1-14: what two tenants of a cell share, and what each has alone. */
import { runInDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { call, env, event, newDomain, newTenant, stubOf } from "../support/cell.ts";
import { deskStub } from "../support/tenancy.ts";

/** Every text and blob in the SQLite of an object. */
const storedIn = (stub: DurableObjectStub): Promise<string> =>
  runInDurableObject(stub, (_, state) => {
    const tables = state.storage.sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\'",
      )
      .toArray();
    const rows = tables.flatMap((table) => state.storage.sql.exec(`SELECT * FROM "${table.name}"`).toArray());
    return JSON.stringify(rows, (_, value) =>
      value instanceof ArrayBuffer ? new TextDecoder().decode(new Uint8Array(value)) : value,
    );
  });

const append = async (domainId: string, key: string, marker: string) => {
  const body = event({ targets: [{ type: "invoice", id: marker }] });
  const path = `/v1/domains/${domainId}/audit/entries`;
  expect((await call(path, { key, body, headers: { Prefer: "wait=replicated" } })).status).toBe(201);
};

test("S1-14 tenants share a jurisdiction's databases row by row, and no object: each domain and each tenant has its own", async () => {
  const [a, b] = [await newTenant("A"), await newTenant("B")];
  const [domainA, domainB] = [await newDomain(a), await newDomain(b)];
  await append(domainA, a.key, "marker-of-a");
  await append(domainB, b.key, "marker-of-b");

  const inA = await storedIn(stubOf(domainA));
  const inB = await storedIn(stubOf(domainB));
  expect(inA).toContain(domainA);
  expect(inA).not.toContain(domainB);
  expect(inA).not.toContain(b.tenantId);
  expect(inB).not.toContain(domainA);
  const desk = await storedIn(deskStub(a.tenantId));
  expect(desk).not.toContain(b.tenantId);

  const { results } = await env.LEDGER_00.prepare(
    "SELECT domain_id, payload FROM audit_log WHERE payload LIKE '%marker-of-%'",
  ).all<{ domain_id: string; payload: string }>();
  expect(new Map(results.map(({ domain_id, payload }) => [domain_id, /marker-of-./.exec(payload)?.[0]]))).toEqual(
    new Map([
      [domainA, "marker-of-a"],
      [domainB, "marker-of-b"],
    ]),
  );

  const keysOf = async (tenantId: string) =>
    (await env.KEYS.list({ limit: 1000 })).objects.map(({ key }) => key).filter((key) => key.includes(tenantId));
  expect((await keysOf(a.tenantId)).length).toBeGreaterThan(0);
  expect((await keysOf(a.tenantId)).some((key) => key.includes(b.tenantId))).toBe(false);
});
