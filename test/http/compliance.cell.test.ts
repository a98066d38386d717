/** S1-6 a tenant's own history of administration: its rows, all of them, newest first, and nobody else's. */
import { beforeAll, describe, expect, test } from "vitest";
import { permissionsOf } from "../../src/services/permissions.ts";
import { call, env, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { pointersOf, problemOf } from "../support/problems.ts";

interface History {
  tenant_id: string;
  domain_id: string;
  entries: { seq: number; payload: { domain: string; action: string } }[];
  next_cursor: string | null;
}

const PATH = "/admin/compliance/audit";
const read = async (key: string, query = ""): Promise<History> => {
  const answer = await call(`${PATH}${query}`, { key });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Cache-Control")).toBe("no-store");
  return answer.json();
};
let a: TestTenant;
let b: TestTenant;

beforeAll(async () => {
  [a, b] = [await newTenant("A"), await newTenant("B")];
  await newDomain(a);
  for (const _ of [1, 2, 3]) await newDomain(b);
});

describe("S1-6 GET /admin/compliance/audit", () => {
  test("is the caller's tenant's own, newest first, up to date with what was just done", async () => {
    const before = await read(a.key);
    expect(before).toMatchObject({ tenant_id: a.tenantId, domain_id: a.tenantDomainId, next_cursor: null });
    expect(before.entries.map(({ payload }) => payload.action)).toEqual([
      "tenant.domain_added",
      "api_key.created",
      "tenant.created",
      "domain.created",
    ]);
    await newDomain(a);
    expect((await read(a.key)).entries[0]).toMatchObject({ seq: 4, payload: { action: "tenant.domain_added" } });
  });

  test("holds only rows of that tenant, page after page", async () => {
    const seen: History["entries"] = [];
    let cursor: string | null = null;
    do {
      const page: History = await read(b.key, `?limit=2${cursor ? `&cursor=${cursor}` : ""}`);
      expect(page.tenant_id).toBe(b.tenantId);
      seen.push(...page.entries);
      cursor = page.next_cursor;
    } while (cursor);
    expect(seen.map(({ seq }) => seq)).toEqual([5, 4, 3, 2, 1, 0]);
    expect(new Set(seen.map(({ payload }) => payload.domain))).toEqual(new Set([b.tenantDomainId]));
    expect(JSON.stringify(seen)).not.toContain(a.tenantId);
  });

  test("a cursor of another tenant's history is refused", async () => {
    const { next_cursor } = await read(b.key, "?limit=1");
    const answer = await call(`${PATH}?cursor=${next_cursor}`, { key: a.key });
    expect(pointersOf(await problemOf(answer, "request.invalid"))).toEqual(["query:cursor"]);
  });

  test("filters by what was done, by outcome, category and time, and pages through what it finds", async () => {
    const actions = async (query: string) => (await read(b.key, query)).entries.map(({ payload }) => payload.action);
    expect(await actions("?action=tenant.created")).toEqual(["tenant.created"]);
    expect(await actions("?action=tenant.*&order=asc")).toEqual([
      "tenant.created",
      ...Array.from({ length: 3 }, () => "tenant.domain_added"),
    ]);
    expect(await actions("?category=credential")).toEqual(["api_key.created"]);
    expect(await actions("?outcome=denied")).toEqual([]);
    expect(await actions("?before=2020-01-01")).toEqual([]);
    const seen: string[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const page: History = await read(b.key, `?action=tenant.domain_added&limit=1${cursor && `&cursor=${cursor}`}`);
      seen.push(...page.entries.map(({ seq }) => String(seq)));
      cursor = page.next_cursor;
    }
    expect(seen).toEqual(["5", "4", "3"]);
  });

  test("bad input is named by its parameter", async () => {
    for (const [query, pointer] of [
      ["action=IAM", "query:action"],
      ["outcome=fine", "query:outcome"],
      ["after=soon", "query:after"],
      ["action=tenant.*&from=1", "query:from"],
      ["action=tenant.*&cursor=AAAA", "query:cursor"],
    ]) {
      const answer = await call(`${PATH}?${query}`, { key: b.key });
      expect(pointersOf(await problemOf(answer, "request.invalid"))).toEqual([pointer]);
    }
  });

  test("no parameter names another tenant", async () => {
    const asked = `?tenant_id=${b.tenantId}&tenantId=${b.tenantId}&domainId=${b.tenantDomainId}`;
    expect((await read(a.key, asked)).tenant_id).toBe(a.tenantId);
  });

  test("admin may, whoever is below may not, and the operator has no tenant to ask about", async () => {
    const admin = await storedKey(a.tenantId, permissionsOf("admin"));
    expect((await read(admin.key)).tenant_id).toBe(a.tenantId);
    const below = await storedKey(a.tenantId, permissionsOf("financial_admin"));
    await problemOf(await call(PATH, { key: below.key }), "auth.forbidden");
    await problemOf(await call(PATH, { key: env.OPERATOR_SECRET }), "auth.forbidden");
    await problemOf(await call(PATH), "auth.required");
  });
});
