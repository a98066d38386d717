/** The registry over HTTP, and that it tells of real entries: of the product, driven for real, and of tenants' software. */
import { beforeAll, describe, expect, test } from "vitest";
import { ACTION_SURFACES, type ActionSurface } from "../../src/core/actions/action.ts";
import { type ActionType, actionTypes } from "../../src/core/actions/index.ts";
import { PRODUCT_FAMILIES, type ProductAction } from "../../src/core/actions/product.ts";
import { TENANT_FAMILIES } from "../../src/core/actions/tenants.ts";
import { platformDomainId } from "../../src/core/ids.ts";
import { eventTypesDocument } from "../../src/http/event-types.ts";
import { call, env, jurisdiction, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { HAPPENINGS, undeclaredIn, untilLogged } from "../support/own-entries.ts";
import { pointersOf, problemOf } from "../support/problems.ts";
import { entriesOf } from "../support/tenancy.ts";

let tenant: TestTenant;
beforeAll(async () => {
  tenant = await newTenant();
});

describe("GET /v1/event-types", () => {
  test("S1-2 is a list of at least twenty for whoever asks, which may be kept for five minutes", async () => {
    const answer = await call("/v1/event-types");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Cache-Control")).toBe("public, max-age=300");
    const types = (await answer.json()) as unknown[];
    expect(types).toEqual(eventTypesDocument());
    expect(types.length).toBeGreaterThanOrEqual(20);
    expect(types).toContainEqual({
      name: "api_key.leaked",
      family: "api_key",
      description: "Somebody reported that an API key stood where it does not belong",
      category: "credential",
      does: "write",
      sensitivity: "high",
      surfaces: ["webhook"],
      people: ["/metadata/*"],
      written_by: "product",
    });
  });

  test("is chosen by category, surface and writer together", async () => {
    const answer = await call("/v1/event-types?category=billing&surface=webhook&written_by=tenant");
    const wanted = { category: "billing", surface: "webhook", writtenBy: "tenant" } as const;
    expect(await answer.json()).toEqual(eventTypesDocument(wanted));
  });

  test.each([
    ["surface=attic", "query:surface"],
    ["category=", "query:category"],
    ["surface=cron&surface=admin", "query:surface"],
    ["noun=tenant", "query:noun"],
  ])("does not guess: ?%s is refused as the gateway refuses it", async (query, pointer) => {
    const problem = await problemOf(await call(`/v1/event-types?${query}`), "request.invalid");
    expect(pointersOf(problem)).toEqual([pointer]);
  });
});

/** Sends one event of each type, as tenants' software does; the actions that the log holds behind its entry 0. */
async function sent(types: readonly ActionType[]): Promise<string[]> {
  const domainId = await newDomain(tenant);
  const body = types.map(({ name }) => ({ action: name, actor: { type: "service", id: "app" } }));
  const answer = await call(`/v1/domains/${domainId}/audit/entries`, { key: tenant.key, body });
  expect(answer.status, await answer.clone().text()).toBe(201);
  return (await entriesOf(domainId)).slice(1).map(({ action }) => action);
}

const namesOf = (types: readonly ActionType[]) => types.map(({ name }) => name);

describe("S0-17 every family of tenants' events", () => {
  test.each(Object.keys(TENANT_FAMILIES))("%s: each of its types becomes an entry", async (family) => {
    const types = actionTypes({ writtenBy: "tenant" }).filter((type) => type.family === family);
    expect(types.length).toBeGreaterThan(0);
    expect(await sent(types)).toEqual(namesOf(types));
  });
});

/** What was seen in real logs, by the tests of the families. */
const seen = new Set<ProductAction>();

describe("S0-17 every family of the product's own events", () => {
  test.each(Object.keys(PRODUCT_FAMILIES) as (keyof typeof PRODUCT_FAMILIES)[])(
    "%s: what happens is an entry of the log that it belongs to",
    async (family) => {
      const happened = await HAPPENINGS[family]();
      const actions = await untilLogged(happened);
      expect(actions.length).toBeGreaterThan(0);
      for (const action of actions) {
        expect(Object.keys(PRODUCT_FAMILIES[family])).toContain(action);
        seen.add(action);
      }
      // And what is about people in it is where the registry says.
      for (const { domainId } of happened) expect(await undeclaredIn(domainId)).toEqual([]);
    },
  );
});

describe("S0-17 the kinds of events that the product must tell of", () => {
  test.each<[string, ProductAction]>([
    ["a change of members", "tenant.member_joined"],
    ["an edit of the configuration", "tenant.updated"],
    ["the rotation of an API key", "api_key.rotated"],
    ["a billing event", "tenant.tier_changed"],
  ])("%s was seen as %s", (_, action) => {
    expect(seen).toContain(action);
  });

  test.each([
    ["a change of a persona", "persona.updated"],
    ["a change of content", "document.updated"],
    ["a chat session", "chat_session.started"],
    ["the delivery of a webhook", "webhook.delivered"],
    ["a payment", "payment.succeeded"],
  ])("%s is an entry when it is sent as %s", async (_, action) => {
    const types = actionTypes({ writtenBy: "tenant" }).filter(({ name }) => name === action);
    expect(await sent(types)).toEqual([action]);
  });
});

describe("S2-18 every surface", () => {
  test.each<ActionSurface>(ACTION_SURFACES)("%s: each type that tenants send becomes an entry", async (surface) => {
    const types = actionTypes({ surface, writtenBy: "tenant" });
    expect(await sent(types)).toEqual(namesOf(types));
  });

  test.each<ActionSurface>(ACTION_SURFACES)("%s: an entry of the product's own was seen", (surface) => {
    const own = namesOf(actionTypes({ surface, writtenBy: "product" }));
    expect(own.filter((name) => seen.has(name as ProductAction)).length).toBeGreaterThan(0);
  });
});

/** What concerns the cell, or a tenant that is none any more. */
const OF_PLATFORM: ReadonlySet<string> = new Set([
  ...Object.keys(PRODUCT_FAMILIES.alert),
  ...Object.keys(PRODUCT_FAMILIES.staff),
  "integrity.violation",
  "log.heads_recorded",
  ...["log.restore_started", "log.restored", "log.restore_refused"],
]);
const isOfPlatform = (action: string): boolean => OF_PLATFORM.has(action);
/** Entry 0; and that the operator made a tenant, which both tell. */
const OF_BOTH: ReadonlySet<string> = new Set(["domain.created", "tenant.created"]);

describe("where an entry of any type belongs", () => {
  interface Row {
    domain_id: string;
    named: string;
    action: string;
  }
  interface Anchor {
    id: string;
    kind: string;
    tenant_id: string | null;
  }
  const PLATFORM = platformDomainId(jurisdiction);
  const rows = async () => {
    const columns = "domain_id, payload ->> '$.domain' AS named, payload ->> '$.action' AS action";
    return (await env.LEDGER_00.prepare(`SELECT ${columns} FROM audit_log`).all<Row>()).results;
  };

  test("S4-31 each row names the one log that holds it: a domain of one tenant, or the platform's", async () => {
    const domains = await env.CONTROL.prepare("SELECT id, kind, tenant_id FROM domain").all<Anchor>();
    const anchors = new Map(
      domains.results.map(({ id, kind, tenant_id }) => [id, kind === "platform" ? kind : tenant_id]),
    );
    const all = await rows();
    const types = new Set(all.map(({ action }) => action));
    for (const { name } of actionTypes({ writtenBy: "tenant" })) expect(types, name).toContain(name);
    for (const name of seen) expect(types, name).toContain(name);
    expect(all.filter(({ domain_id, named }) => domain_id !== named)).toEqual([]);
    expect(all.filter(({ domain_id }) => !anchors.get(domain_id))).toEqual([]);
    expect([...anchors].filter(([, anchor]) => anchor === "platform").map(([id]) => id)).toEqual([PLATFORM]);
  });

  test("S4-33 what the operator's people do stands in the platform's log, and in no other", async () => {
    const ofStaff = (await rows()).filter(({ action }) => action.startsWith("staff."));
    expect(ofStaff.length).toBeGreaterThan(0);
    expect(new Set(ofStaff.map(({ domain_id }) => domain_id))).toEqual(new Set([PLATFORM]));
  });

  test("S4-33 no entry about the cell itself stands in a tenant's log, and of tenants the platform's tells only that they were made", async () => {
    const all = await rows();
    const elsewhere = all.filter(({ domain_id, action }) => domain_id !== PLATFORM && isOfPlatform(action));
    expect(elsewhere).toEqual([]);
    const there = new Set(all.filter(({ domain_id }) => domain_id === PLATFORM).map(({ action }) => action));
    expect([...there].filter((action) => !isOfPlatform(action) && !OF_BOTH.has(action))).toEqual([]);
    const seenOfPlatform = [...seen].filter(isOfPlatform);
    expect(seenOfPlatform.length).toBeGreaterThan(0);
    expect(seenOfPlatform.filter((action) => !there.has(action))).toEqual([]);
  });
});
