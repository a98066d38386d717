/** S1-2 A tenant's own action types: how they are made, what is frozen, and which entries tell of them. */
import { beforeAll, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { call, newTenant, type TestTenant } from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { newEventType, typesPath, words } from "../support/event-types.ts";
import { pointersOf, problemOf } from "../support/problems.ts";
import { entriesOf } from "../support/tenancy.ts";

let tenant: TestTenant;
beforeAll(async () => {
  tenant = await newTenant();
});

const AMOUNT = { type: "object", properties: { amount: { type: "integer", minimum: 1 } }, required: ["amount"] };
const get = (rest = "", of = tenant) => call(typesPath(of, rest), { key: of.key });
const post = (rest: string, body?: object, headers: Record<string, string> = {}, of = tenant) =>
  call(typesPath(of, rest), { method: "POST", key: of.key, headers, ...(body ? { body } : {}) });

describe("a type", () => {
  test("is added with its first version, shown with a strong ETag, and listed by action", async () => {
    const answer = await post("", { action: "order.approved", ...words(AMOUNT, { people: ["/actor", "/actor"] }) });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("Location")).toBe(typesPath(tenant, "/order.approved"));
    expect(answer.headers.get("ETag")).toBe('"1"');
    const added = (await answer.json()) as { versions: { sha256: string }[] };
    expect(added).toMatchObject({
      action: "order.approved",
      newest: 1,
      withdrawn_at: null,
      current: { version: 1, category: "billing", people: ["/actor"], metadata_schema: AMOUNT, event_schema: null },
    });
    const read = await get("/order.approved");
    expect(read.headers.get("ETag")).toBe('"1"');
    expect(await read.json()).toEqual(added);
    const version = await get("/order.approved/versions/1");
    expect(version.headers.get("ETag")).toBe(`"${added.versions[0]?.sha256}"`);
    await newEventType(tenant, "apple.eaten");
    const { event_types } = (await (await get()).json()) as { event_types: { action: string }[] };
    expect(event_types.map(({ action }) => action)).toEqual(["apple.eaten", "order.approved"]);
    expect(JSON.stringify(event_types)).not.toContain("schema");
  });

  test("S1-2 with all=true the list also tells what every deployment knows", async () => {
    const { known } = (await (await get("?all=true")).json()) as { known: { action: string }[] };
    const everybody = (await (await call("/v1/event-types")).json()) as { name: string }[];
    expect(known.map(({ action }) => action)).toEqual(everybody.map(({ name }) => name));
  });

  test("is never edited: a second one of the name is refused, and versions know no PUT, PATCH or DELETE", async () => {
    await newEventType(tenant, "kiln.fired");
    await problemOf(await post("", { action: "kiln.fired", ...words() }), "event_type.exists");
    for (const path of ["/kiln.fired", "/kiln.fired/versions/1"]) {
      for (const method of ["PUT", "PATCH", "DELETE"]) {
        const answer = await call(typesPath(tenant, path), { method, key: tenant.key, body: words() });
        expect([404, 405]).toContain(answer.status);
      }
    }
  });

  test("gets a new version from whoever has seen the newest: without If-Match 428, with an old one 412", async () => {
    const etag = await newEventType(tenant, "boat.sailed", AMOUNT);
    await problemOf(await post("/boat.sailed/versions", words()), "precondition.required");
    const second = await post("/boat.sailed/versions", words(), { "If-Match": etag });
    expect(second.status).toBe(201);
    expect(second.headers.get("ETag")).toBe('"2"');
    await problemOf(await post("/boat.sailed/versions", words(), { "If-Match": etag }), "precondition.failed");
    const { versions } = (await second.json()) as { versions: { version: number }[] };
    expect(versions.map(({ version }) => version)).toEqual([1, 2]);
    expect(await (await get("/boat.sailed/versions/1")).json()).toMatchObject({ metadata_schema: AMOUNT });
    await problemOf(await get("/boat.sailed/versions/3"), "resource.not_found");
  });

  test("of two who add a version at once one is told that it changed", async () => {
    const etag = await newEventType(tenant, "race.run");
    const answers = await Promise.all([1, 2, 3].map(() => post("/race.run/versions", words(), { "If-Match": etag })));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 412, 412]);
  });

  test("that is withdrawn stays readable, and is in use again with a new version", async () => {
    const etag = await newEventType(tenant, "lamp.lit");
    await problemOf(await post("/lamp.lit/withdraw"), "precondition.required");
    const withdrawn = await post("/lamp.lit/withdraw", undefined, { "If-Match": etag });
    expect(withdrawn.status).toBe(200);
    expect(withdrawn.headers.get("ETag")).toBe('"1-withdrawn"');
    await problemOf(await post("/lamp.lit/withdraw", undefined, { "If-Match": etag }), "precondition.failed");
    const again = await post("/lamp.lit/versions", words(), { "If-Match": '"1-withdrawn"' });
    expect(await again.json()).toMatchObject({ newest: 2, withdrawn_at: null });
  });

  test.each([
    ["an action of the product", { action: "tenant.created" }, ["/action"]],
    ["an action that is no name", { action: "Order" }, ["/action"]],
    ["a field that is none", { action: "a.b", schema: {} }, ["/schema"]],
    ["an address in the description", { action: "a.b", description: "by ana@example.com" }, ["/description"]],
    ["a schema that is no schema", { action: "a.b", metadata_schema: { type: "text" } }, ["/metadata_schema/type"]],
    ["a remote $ref", { action: "a.b", event_schema: { $ref: "https://example.com/s" } }, ["/event_schema/$ref"]],
    ["a field about people that is none", { action: "a.b", people: ["/salary"] }, ["/people/0"]],
  ])("with %s is refused with a pointer, and nothing is stored", async (_, body, pointers) => {
    const problem = await problemOf(await post("", { ...words(), ...body }), "request.invalid");
    expect(pointersOf(problem)).toEqual(pointers);
    await problemOf(await get("/a.b"), "resource.not_found");
  });

  test("takes reading for event_schema.read, changing for event_schema.manage, and is its tenant's alone", async () => {
    const etag = await newEventType(tenant, "door.opened");
    const reader = await storedKey(tenant.tenantId, ["event_schema.read"]);
    const path = typesPath(tenant, "/door.opened");
    expect((await call(path, { key: reader.key })).status).toBe(200);
    const change = { method: "POST", key: reader.key, headers: { "If-Match": etag } };
    await problemOf(await call(`${path}/withdraw`, change), "auth.forbidden");
    const other = await newTenant();
    await problemOf(await call(path, { key: other.key }), "resource.not_found");
    await problemOf(await get("/door.opened", other), "resource.not_found");
  });

  test("stands in the tenant's log with every change, once, by the hash of what it says", async () => {
    const own = await newTenant();
    const etag = await newEventType(own, "order.approved", AMOUNT);
    await post("/order.approved/versions", words(), { "If-Match": etag }, own);
    await post("/order.approved/withdraw", undefined, { "If-Match": '"2"' }, own);
    const { versions } = (await (await get("/order.approved", own)).json()) as { versions: { sha256: string }[] };
    const told = (await entriesOf(own.tenantDomainId)).filter(({ action }) => action.includes("event_type"));
    expect(told.map(({ action, metadata }) => [action, metadata])).toEqual([
      ["tenant.event_type_added", { version: 1, sha256: versions[0]?.sha256 }],
      ["tenant.event_type_version_added", { version: 2, sha256: versions[1]?.sha256 }],
      ["tenant.event_type_withdrawn", { newest: 2 }],
    ]);
    for (const { targets } of told) expect(targets).toEqual([{ type: "event_type", id: "order.approved" }]);
  });

  test("past the schemas that a tenant may have is refused, naming the limit", async () => {
    const own = await newTenant();
    const large = { description: "x".repeat(LIMITS.eventSchemaBytes - 100) };
    const needed = Math.floor(LIMITS.eventSchemasBytes / JSON.stringify(large).length);
    const etag = await newEventType(own, "big.thing0", large);
    expect(etag).toBe('"1"');
    for (let i = 1; i < needed; i++) await newEventType(own, `big.thing${i}`, large);
    const problem = await problemOf(await post("", { action: "one.more", ...words(large) }, {}, own), "limit.reached");
    expect(problem.detail).toContain(String(LIMITS.eventSchemasBytes));
  });
});
