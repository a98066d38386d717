/** CONVENTIONS §2: a version of an event type is never edited, whatever the code above does. */
import { beforeEach, expect, it } from "vitest";
import { control, newId, picture, refusal, run } from "./sql.ts";

const CREATED = "2026-11-21T09:14:00.000Z";
const TENANT =
  "INTO tenant (id, name, jurisdiction, tier, tenant_domain_id, created_at) VALUES (?, 'A', 'eu', 'pro', ?, ?)";
const TYPE = "INTO event_type (tenant_id, action, newest, created_at) VALUES (?, 'a.b', ?, ?)";
const VERSION = `INTO event_type_version
  (number, tenant_id, action, version, description, category, does, sensitivity, people, metadata_schema, created_at)
  VALUES (?, ?, 'a.b', ?, 'x', 'billing', 'read', 'low', '[]', ?, ?)`;
const PATHS = ["INSERT OR REPLACE", "REPLACE"];

let tenantId: string;
let number: number;
beforeEach(async () => {
  tenantId = newId("tenant");
  await run(control, `INSERT ${TENANT}`, tenantId, newId("domain"), CREATED);
  await run(control, `INSERT ${TYPE}`, tenantId, 2, CREATED);
  await run(control, `INSERT ${VERSION}`, null, tenantId, 1, "{}", CREATED);
  const sql = "SELECT number FROM event_type_version WHERE tenant_id = ?";
  number = (await run(control, sql, tenantId)).results[0]?.number as number;
});

async function expectSame(table: string, change: () => Promise<string>, answer: string): Promise<void> {
  const before = await picture(control, table);
  expect(await change()).toContain(answer);
  expect(await picture(control, table)).toBe(before);
}

const EDITED = "a version of an event type is never edited";

it.each([
  ["metadata_schema", `'{"type":"object"}'`],
  ["event_schema", "'{}'"],
  ["description", "'y'"],
  ["version", "2"],
  ["tenant_id", "'tnt_other'"],
  ["created_at", "'2020-01-01'"],
])("no UPDATE changes the %s of a version", async (column, value) => {
  for (const or of ["", "OR REPLACE ", "OR IGNORE "]) {
    const sql = `UPDATE ${or}event_type_version SET ${column} = ${value} WHERE number = ?`;
    await expectSame("event_type_version", () => refusal(control, sql, number), EDITED);
  }
});

it.each(PATHS)("%s does not edit it, by its name or by its number", async (path) => {
  const sql = `${path} ${VERSION}`;
  const byName = () => refusal(control, sql, null, tenantId, 1, '{"type":"object"}', CREATED);
  const byNumber = () => refusal(control, sql, number, tenantId, 2, "{}", CREATED);
  for (const change of [byName, byNumber]) await expectSame("event_type_version", change, EDITED);
});

it("the same version may be sent again, and a next one", async () => {
  const sql = `INSERT ${VERSION} ON CONFLICT DO NOTHING`;
  expect(await refusal(control, sql, null, tenantId, 1, "{}", CREATED)).toBe("accepted");
  expect(await refusal(control, sql, null, tenantId, 2, "{}", CREATED)).toBe("accepted");
});

it.each([
  ["newest", "1"],
  ["action", "'c.d'"],
  ["created_at", "'2020-01-01'"],
])("no UPDATE takes back the %s of a type", async (column, value) => {
  const sql = `UPDATE event_type SET ${column} = ${value} WHERE tenant_id = ?`;
  await expectSame("event_type", () => refusal(control, sql, tenantId), "keeps its name and its versions");
});

it.each(PATHS)("%s does not take back its newest version", async (path) => {
  const change = () => refusal(control, `${path} ${TYPE}`, tenantId, 1, CREATED);
  await expectSame("event_type", change, "keeps its name and its versions");
});

it("it is withdrawn, and taken into use again with a newer version", async () => {
  const sql = "UPDATE event_type SET withdrawn_at = ?, newest = ? WHERE tenant_id = ?";
  expect(await refusal(control, sql, CREATED, 2, tenantId)).toBe("accepted");
  expect(await refusal(control, sql, null, 3, tenantId)).toBe("accepted");
});
