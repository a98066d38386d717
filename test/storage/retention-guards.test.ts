/** S1-15: what was decided about retention is never edited, whatever the code above does; and the store in its order. */
import { beforeEach, expect, it } from "vitest";
import type { PolicyRow } from "../../src/services/ports.ts";
import { D1RetentionStore } from "../../src/storage/retention-store.ts";
import { control, newId, picture, refusal, run } from "./sql.ts";

const CREATED = "2026-11-21T09:14:00.000Z";
const TABLE = "data_retention_policies";
const EDITED = "a retention policy is never edited";
const store = new D1RetentionStore(control);

let tenantId: string;
const row = (version: number, duration: string | null = "P1Y"): PolicyRow => ({
  ...{ tenantId, version, domainId: null, resource: "sessions" },
  ...{ duration, effectiveFrom: CREATED, setAt: CREATED },
});
beforeEach(async () => {
  tenantId = newId("tenant");
  const sql =
    "INSERT INTO tenant (id, name, jurisdiction, tier, tenant_domain_id, created_at) VALUES (?, 'A', 'eu', 'pro', ?, ?)";
  await run(control, sql, tenantId, newId("domain"), CREATED);
  await store.add(tenantId, [row(1)], []);
});

it.each([
  ["duration", "'P9Y'"],
  ["duration", "NULL"],
  ["effective_from", "'2020-01-01'"],
  ["resource", "'invitations'"],
  ["version", "7"],
  ["tenant_id", "'tnt_other'"],
])("no UPDATE changes the %s to %s", async (column, value) => {
  for (const or of ["", "OR REPLACE ", "OR IGNORE "]) {
    const before = await picture(control, TABLE);
    const sql = `UPDATE ${or}${TABLE} SET ${column} = ${value} WHERE tenant_id = ?`;
    expect(await refusal(control, sql, tenantId)).toContain(EDITED);
    expect(await picture(control, TABLE)).toBe(before);
  }
});

it.each(["INSERT OR REPLACE", "REPLACE"])("%s does not edit it; the same row may come again", async (path) => {
  const sql = `${path} INTO ${TABLE} VALUES (?, 1, NULL, 'sessions', ?, ?, ?)`;
  const before = await picture(control, TABLE);
  expect(await refusal(control, sql, tenantId, "P9Y", CREATED, CREATED)).toContain(EDITED);
  expect(await refusal(control, sql, tenantId, null, CREATED, CREATED)).toContain(EDITED);
  expect(await refusal(control, sql, tenantId, "P1Y", CREATED, CREATED)).toBe("accepted");
  expect(await picture(control, TABLE)).toBe(before);
});

it("a change that comes twice is there once, and what it outlived is gone with it", async () => {
  for (let time = 0; time < 2; time++) await store.add(tenantId, [row(2, "P2Y"), row(3, null)], [1]);
  expect(await store.policies(tenantId)).toEqual([row(2, "P2Y"), row(3, null)]);
  expect(await store.policies(newId("tenant"))).toEqual([]);
});
