/** Types of tenants in memory: what is read again, how often, and what holds while they cannot be read. */
import { expect, test } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { knownTypes } from "../../../src/services/event-types/known-types.ts";
import type { EventTypeRecord, NumberedVersion } from "../../../src/services/ports.ts";

function setUp() {
  let nowMs = 0;
  let isAway = false;
  const asked: number[] = [];
  const types: EventTypeRecord[] = [];
  const versions: NumberedVersion[] = [];
  const typesOf = knownTypes(
    {
      async after(tenantId, number) {
        if (isAway) throw new Error("away");
        asked.push(number);
        const mine = <T extends { tenantId: string }>(rows: T[]) => rows.filter((row) => row.tenantId === tenantId);
        return { types: structuredClone(mine(types)), versions: mine(versions).filter((v) => v.number > number) };
      },
    },
    () => nowMs,
  );
  const add = (tenantId: string, action: string, description = "x") => {
    const type = types.find((its) => its.tenantId === tenantId && its.action === action);
    const version = (type?.newest ?? 0) + 1;
    if (type) type.newest = version;
    else types.push({ tenantId, action, newest: 1, createdAt: "", withdrawnAt: null });
    const words = { category: "billing", does: "read", sensitivity: "low", people: [], description } as const;
    const schemas = { metadataSchema: { required: [`v${version}`] }, eventSchema: null };
    versions.push({
      number: versions.length + 1,
      tenantId,
      action,
      version,
      createdAt: "",
      ...words,
      ...schemas,
      people: [],
    });
  };
  return { typesOf, add, asked, pass: (ms: number) => void (nowMs += ms), away: (its: boolean) => void (isAway = its) };
}

test("what is known is used for ten seconds, then what is newer is read, and nothing twice", async () => {
  const { typesOf, add, asked, pass } = setUp();
  add("t", "a.b");
  expect((await typesOf("t"))?.get("a.b")?.newest).toBe(1);
  add("t", "a.b");
  expect((await typesOf("t"))?.get("a.b")?.newest).toBe(1);
  pass(LIMITS.domainCacheMs);
  const type = (await typesOf("t"))?.get("a.b");
  expect(type?.newest).toBe(2);
  expect(asked).toEqual([0, 1]);
  expect([1, 2, 3].map((version) => type?.version(version)?.version)).toEqual([1, 2, undefined]);
});

test("while the store is away, what was read holds; what was not is said to be unknown", async () => {
  const { typesOf, add, pass, away } = setUp();
  add("t", "a.b");
  await typesOf("t");
  away(true);
  pass(LIMITS.domainCacheMs * 100);
  expect((await typesOf("t"))?.has("a.b")).toBe(true);
  expect(await typesOf("other")).toBeNull();
  away(false);
  expect((await typesOf("other"))?.size).toBe(0);
});

test("tenants that were read longest ago are forgotten when all together are too large", async () => {
  const { typesOf, add, asked } = setUp();
  const tenants = Array.from({ length: 5 }, (_, i) => `t${i}`);
  for (const tenant of tenants) add(tenant, "a.b", "x".repeat(LIMITS.eventSchemasKeptBytes / 4));
  for (const tenant of tenants) await typesOf(tenant);
  expect(asked).toHaveLength(5);
  await typesOf("t4");
  expect(asked).toHaveLength(5);
  await typesOf("t0");
  expect(asked).toHaveLength(6);
});
