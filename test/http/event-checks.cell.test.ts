/** S1-2 Events against the schemas of their tenant, and the count of those that were refused. */
import { beforeAll, describe, expect, test, vi } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import type { RejectedCount } from "../../src/services/ports.ts";
import { D1RejectedStore } from "../../src/storage/rejected-store.ts";
import { call, copiedRows, env, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { newEventType, typesPath, words } from "../support/event-types.ts";
import { type FreshWorker, freshWorker } from "../support/fresh-worker.ts";
import { pointersOf, problemOf } from "../support/problems.ts";

const ORDER = {
  type: "object",
  properties: {
    amount: { type: "integer", minimum: 1, "x-clear": true },
    buyer: { type: "string", maxLength: 20 },
    lines: { type: "array", items: { type: "object", required: ["sku"] } },
  },
  required: ["amount"],
  additionalProperties: false,
};
const order = (metadata: object = { amount: 5 }, more: object = {}) => ({
  action: "order.approved",
  actor: { type: "service", id: "app" },
  metadata,
  ...more,
});

let tenant: TestTenant;
let domainId: string;
beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
  await newEventType(tenant, "order.approved", ORDER);
});

/** As an isolate that has read no schema yet. */
function send(body: object, to = domainId, worker: FreshWorker = freshWorker(), key = tenant.key): Promise<Response> {
  return worker(`/v1/domains/${to}/audit/entries`, {
    method: "POST",
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
}

async function newest(of = domainId) {
  const rows = await copiedRows(of);
  return JSON.parse(rows.at(-1)?.payload ?? "null");
}

async function requireSchema(of: string): Promise<void> {
  const headers = { "If-Match": "*" };
  const change = { method: "PATCH", key: tenant.key, headers, body: { require_schema: true } };
  expect((await call(`/v1/domains/${of}/settings`, change)).status).toBe(200);
}

describe("an event of a tenant's own type", () => {
  test("that fits says which version it was checked against, and what its schema marks stands in clear", async () => {
    expect((await send(order({ amount: 7, buyer: "Ana" }))).status).toBe(201);
    const entry = await newest();
    expect(entry).toMatchObject({ schema_version: 1, metadata: { amount: 7 } });
    expect(JSON.stringify(entry)).not.toContain("Ana");
    expect(Object.keys(entry.private)).toEqual(["/metadata/buyer"]);
  });

  test.each<[string, object, string[]]>([
    ["a key that is required and lacking", {}, ["/metadata"]],
    ["a value of another type", { amount: "secret words" }, ["/metadata/amount"]],
    ["two faults", { amount: 0, buyer: "x".repeat(21) }, ["/metadata/amount", "/metadata/buyer"]],
    ["a key that the schema does not know", { amount: 1, "a/b": 1 }, ["/metadata/a~1b"]],
    ["a fault deep inside", { amount: 1, lines: [{ sku: 1 }, {}] }, ["/metadata/lines/1"]],
  ])("that does not fit is refused: %s, by its pointer and never by its value", async (_, metadata, pointers) => {
    const size = (await copiedRows(domainId)).length;
    const answer = await send(order(metadata));
    expect(answer.status).toBe(422);
    const problem = await problemOf(answer, "schema.mismatch");
    expect(pointersOf(problem)).toEqual(pointers);
    expect(JSON.stringify(problem)).not.toContain("secret words");
    expect((await copiedRows(domainId)).length).toBe(size);
  });

  test("of an array one that does not fit refuses all, with its index", async () => {
    const problem = await problemOf(await send([order(), order({ amount: -1 })]), "schema.mismatch");
    expect(pointersOf(problem)).toEqual(["/1/metadata/amount"]);
  });

  test("is checked against the version that it names, and the entry says so", async () => {
    const etag = await newEventType(tenant, "cart.filled", { required: ["old"] });
    const headers = { "If-Match": etag };
    const versions = typesPath(tenant, "/cart.filled/versions");
    expect((await call(versions, { key: tenant.key, body: words({ required: ["new"] }), headers })).status).toBe(201);
    const cart = (metadata: object, more: object = {}) => order(metadata, { action: "cart.filled", ...more });
    expect((await send(cart({ new: 1 }))).status).toBe(201);
    expect(await newest()).toMatchObject({ schema_version: 2 });
    expect((await send(cart({ old: 1 }, { schema_version: 1 }))).status).toBe(201);
    expect(await newest()).toMatchObject({ schema_version: 1 });
    await problemOf(await send(cart({ old: 1 })), "schema.mismatch");
    const none = await problemOf(await send(cart({ new: 1 }, { schema_version: 3 })), "schema.required");
    expect(pointersOf(none)).toEqual(["/schema_version"]);
  });

  test("can be bound in all of its fields, as they are sent", async () => {
    const event_schema = { properties: { actor: { properties: { type: { const: "user" } } } }, required: ["targets"] };
    await newEventType(tenant, "safe.opened", {}, { event_schema });
    const problem = await problemOf(await send(order({}, { action: "safe.opened" })), "schema.mismatch");
    expect(pointersOf(problem).sort()).toEqual(["", "/actor/type"]);
  });

  test("that was withdrawn is refused everywhere, until there is a new version", async () => {
    const etag = await newEventType(tenant, "fax.sent");
    expect((await send(order({}, { action: "fax.sent" }))).status).toBe(201);
    const withdraw = { method: "POST", key: tenant.key, headers: { "If-Match": etag } };
    expect((await call(typesPath(tenant, "/fax.sent/withdraw"), withdraw)).status).toBe(200);
    await problemOf(await send(order({}, { action: "fax.sent" })), "schema.withdrawn");
  });

  test("is the same request when it is sent again after its schema has a newer version", async () => {
    const etag = await newEventType(tenant, "bell.rung");
    const ring = order({}, { action: "bell.rung", id: "ring-1" });
    const first = (await (await send(ring)).json()) as { receipts: object[] };
    const headers = { "If-Match": etag };
    await call(typesPath(tenant, "/bell.rung/versions"), { key: tenant.key, body: words(), headers });
    const again = (await (await send(ring)).json()) as { receipts: object[] };
    expect(again.receipts).toEqual([{ ...first.receipts[0], replayed: true }]);
  });

  test("of another tenant binds nobody else", async () => {
    const other = await newTenant();
    const to = await newDomain(other);
    expect((await send(order({}), to, freshWorker(), other.key)).status).toBe(201);
    expect(await newest(to)).not.toHaveProperty("schema_version");
  });
});

describe("a card number in a key that the schema marks as clear", () => {
  test("S0-29 is refused: the mark does not pass by the guard", async () => {
    await newEventType(tenant, "till.used", { properties: { slip: { type: "string", "x-clear": true } } });
    const problem = await problemOf(
      await send(order({ slip: "4111 1111 1111 1111" }, { action: "till.used" })),
      "entry.refused",
    );
    expect(pointersOf(problem)).toEqual(["/metadata/slip"]);
  });
});

describe("require_schema", () => {
  test("refuses actions that the tenant has no type for, in that domain alone", async () => {
    const strict = await newDomain(tenant);
    await requireSchema(strict);
    const free = order({}, { action: "nobody.knows" });
    const problem = await problemOf(await send(free, strict), "schema.required");
    expect(pointersOf(problem)).toEqual(["/action"]);
    expect((await send(order(), strict)).status).toBe(201);
    expect((await send(free)).status).toBe(201);
  });
});

describe("while the control database is away", () => {
  /** Answers as long as the schemas are not asked for. */
  function without(state: { away: boolean }): D1Database {
    return new Proxy(env.CONTROL, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return (...values: unknown[]) => {
          if (state.away && (name === "batch" || String(values[0]).includes("event_type"))) throw new Error("away");
          return value.apply(target, values);
        };
      },
    });
  }

  test("what was read before still holds", async () => {
    const state = { away: false };
    const worker = freshWorker({ CONTROL: without(state) });
    expect((await send(order(), domainId, worker)).status).toBe(201);
    state.away = true;
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + LIMITS.domainCacheMs + 1 });
    try {
      await problemOf(await send(order({}), domainId, worker), "schema.mismatch");
    } finally {
      vi.useRealTimers();
    }
  });

  test("an isolate that has read nothing takes what needs no schema, and refuses what does with a 503", async () => {
    const worker = () => freshWorker({ CONTROL: without({ away: true }) });
    expect((await send(order({}), domainId, worker())).status).toBe(201);
    expect(await newest()).not.toHaveProperty("schema_version");
    await problemOf(await send(order({ amount: 1 }, { schema_version: 1 }), domainId, worker()), "storage.unavailable");
    const strict = await newDomain(tenant);
    await requireSchema(strict);
    await problemOf(await send(order(), strict, worker()), "storage.unavailable");
  });
});

describe("GET …/audit/rejected", () => {
  const list = async (of: string, key = tenant.key) => {
    const answer = await call(`/v1/domains/${of}/audit/rejected`, { key });
    expect(answer.status).toBe(200);
    return ((await answer.json()) as { rejected: Record<string, unknown>[] }).rejected;
  };

  test("tells why, where, how often and whose, and not a word of what was sent", async () => {
    const own = await newDomain(tenant);
    const { id, key } = await storedKey(tenant.tenantId, ["entry.append"]);
    const worker = freshWorker();
    await send(order({ amount: "CANARY" }), own, worker, key);
    await send(
      [order({ amount: "CANARY" }), order({ amount: 1, CANARY: 2, "canary@example.com": 1 })],
      own,
      worker,
      key,
    );
    await send({ ...order(), action: "not a name CANARY" }, own, worker, key);
    await vi.waitFor(async () => expect(await list(own)).toHaveLength(3), { timeout: 10_000, interval: 200 });
    const rejected = await list(own);
    expect(rejected).toContainEqual({
      code: "schema.mismatch",
      action: "order.approved",
      pointer: "/metadata/amount",
      schema_version: 1,
      credential_id: id,
      count: 2,
      first_at: expect.any(String),
      last_at: expect.any(String),
    });
    expect(rejected).toContainEqual(
      expect.objectContaining({ code: "request.invalid", action: null, pointer: "/action" }),
    );
    expect(JSON.stringify(rejected)).not.toContain("example.com");
    expect(JSON.stringify(rejected)).not.toContain("not a name");
  });

  test("keeps the kinds that were seen last, and adds to their counts", async () => {
    const own = await newDomain(tenant);
    const store = new D1RejectedStore(env.CONTROL);
    const kind = (i: number): RejectedCount => {
      const at = new Date(Date.UTC(2026, 0, 1) + i * 1000).toISOString();
      const where = { domainId: own, code: "schema.mismatch", action: `a.b${i}`, pointer: "/x" } as const;
      return { ...where, schemaVersion: 1, credentialId: "k", count: 1, firstAt: at, lastAt: at };
    };
    const all = Array.from({ length: LIMITS.rejectedKinds + 20 }, (_, i) => kind(i));
    await store.add(all);
    await store.add([{ ...kind(100), count: 4, lastAt: kind(500).lastAt }]);
    const rejected = await list(own);
    expect(rejected).toHaveLength(LIMITS.rejectedKinds);
    expect(rejected[0]).toMatchObject({ action: "a.b100", count: 5, first_at: kind(100).firstAt });
    expect(rejected.map(({ action }) => action)).not.toContain("a.b19");
    expect(rejected.map(({ action }) => action)).toContain("a.b20");
  });

  test("is for event_schema.read, and of nobody else's domain", async () => {
    const { key } = await storedKey(tenant.tenantId, ["entry.read"]);
    await problemOf(await call(`/v1/domains/${domainId}/audit/rejected`, { key }), "auth.forbidden");
    const other = await newTenant();
    await problemOf(await call(`/v1/domains/${domainId}/audit/rejected`, { key: other.key }), "resource.not_found");
  });
});
