/**
 * The walk of the route table: each route × each caller, the answer computed from the tables of routes and permissions and
 * never listed by hand. Handlers are replaced by a spy; what stands before them (routing, authorisation, keys and sessions in
 * their stores, rate limits, validation) is the product's own.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { makeId } from "../../src/core/ids.ts";
import { permissionsOf } from "../../src/services/permissions.ts";
import { type Caller, operatorCallers, refusalBy, rightCallers, wrongCallers } from "../support/callers.ts";
import { jurisdiction, logOf, newDomain, newTenant, ORIGIN, type TestTenant } from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { eraseCall } from "../support/erasure.ts";
import type { FreshWorker } from "../support/fresh-worker.ts";
import { spiedWorker } from "../support/handler-spy.ts";
import { placeHold } from "../support/holds.ts";
import { OF_NOBODY, type Operation, operations, paramsOf, pathWith } from "../support/operations.ts";
import { withoutInstance } from "../support/problems.ts";

let worker: FreshWorker;
let handled: string[];
let a: TestTenant;
let ours: Record<string, string>;
let theirs: Record<string, string>;
let right: Caller[];
let wrong: Caller[];
let operators: Caller[];

const OPERATIONS = operations();
const names = (of: readonly Operation[]) => of.map((operation) => [operation.operationId, operation] as const);
const ABOUT_A_TENANT = OPERATIONS.filter(({ path }) => /\{(?:tenantId|domainId)\}/.test(path));

async function idsOf(tenant: TestTenant): Promise<Record<string, string>> {
  const domainId = await newDomain(tenant);
  const { id: holdId } = await placeHold(tenant, { domains: [tenant.tenantDomainId] });
  const { id: erasureId } = (await logOf(domainId).erase(eraseCall("usr_gone"))).erasure;
  const { tenantId, keyId } = tenant;
  return { jurisdiction, tenantId, domainId, logId: domainId, keyId, holdId, erasureId, seqOrId: "0" };
}

beforeAll(async () => {
  ({ worker, handled } = await spiedWorker());
  a = await newTenant("A");
  const b = await newTenant("B");
  [ours, theirs] = [await idsOf(a), await idsOf(b)];
  [right, wrong, operators] = [await rightCallers(a), await wrongCallers(a), await operatorCallers()];
});

/** An id of nothing for every parameter that no test of this suite needs to name something. */
const anyId = (values: Record<string, string>) =>
  new Proxy(values, {
    get: (its, name: string) => its[name] ?? (name === "resource" ? OF_NOBODY.resource : "x0000000000"),
  });

async function knock({ method, path }: Operation, { authorization }: Caller, values: Record<string, string>) {
  handled.length = 0;
  const headers = authorization === null ? {} : { Authorization: authorization };
  return worker(pathWith(path, anyId(values)), { method, headers });
}

/** What was answered: null when the handler ran, or would have, had the request been a right one. */
async function refusalOf(answer: Response): Promise<string | null> {
  if (handled.length > 0) return null;
  // The pages of people without a credential say in HTML what was wrong with a form.
  if (answer.headers.get("Content-Type")?.startsWith("text/html")) return `page ${answer.status}`;
  const { code } = (await answer.clone().json()) as { code: string };
  return code.startsWith("request.") ? null : code;
}

describe("S2-9 S2-10 every route answers every caller as the tables say", () => {
  test("there is a caller of each kind", () => {
    expect(right.filter(({ holds }) => holds?.factor !== "not a person")).toHaveLength(8);
    expect(wrong).toHaveLength(12);
    expect(operators).toHaveLength(3);
  });

  test.each(names(OPERATIONS))("%s: 401 to whoever shows nothing that is right", async (_, operation) => {
    const bodies: unknown[] = [];
    for (const caller of wrong) {
      const answer = await knock(operation, caller, ours);
      if (operation.permission === "public") {
        // It may refuse a form or a pace, and asks nobody who they are.
        expect((await refusalOf(answer)) ?? "", caller.name).not.toMatch(/^auth\./);
        continue;
      }
      expect(await refusalOf(answer), caller.name).toBe(refusalBy(operation, caller, ours.tenantId as string));
      expect(answer.status).toBe(401);
      expect(handled, caller.name).toEqual([]);
      bodies.push(await withoutInstance(answer));
    }
    // Whether a key was never there, has expired, was revoked or is of the other cell: nobody is told.
    for (const body of bodies) expect(body).toEqual(bodies[0]);
  });

  test.each(names(OPERATIONS))(
    "%s: each role, an old second factor, keys, the operator and staff, on tenant A",
    async (_, operation) => {
      const isAboutTenant = ABOUT_A_TENANT.includes(operation);
      for (const caller of [...right, ...operators]) {
        const expected = refusalBy(operation, caller, isAboutTenant ? (ours.tenantId as string) : null);
        const answer = await knock(operation, caller, ours);
        // A parameter that names nothing is a 404 of the handler's validation, after authorisation.
        const got = await refusalOf(answer);
        if (operation.permission === "public") {
          expect(got ?? "", caller.name).not.toMatch(/^auth\./);
          continue;
        }
        const isLetThrough = got === null || (got === "resource.not_found" && namesNothing(operation));
        if (expected === null) expect(isLetThrough, `${caller.name}: ${got}`).toBe(true);
        else {
          expect(got, caller.name).toBe(expected);
          expect(handled, caller.name).toEqual([]);
        }
      }
    },
  );

  test.each(names(ABOUT_A_TENANT))(
    "S1-12 %s of another tenant: the handler is not called, and the answer is that of what does not exist",
    async (_, operation) => {
      if (operation.permission === "public") return;
      const nothing = { ...theirs, tenantId: unknown("tenant"), domainId: unknown("domain") };
      for (const caller of right) {
        const forbidden = await knock(operation, caller, theirs);
        expect(handled, caller.name).toEqual([]);
        const missing = await knock(operation, caller, nothing);
        expect(handled, caller.name).toEqual([]);
        expect(forbidden.status).toBe(404);
        expect(await withoutInstance(forbidden), caller.name).toEqual(await withoutInstance(missing));
      }
    },
  );
});

const unknown = (kind: "tenant" | "domain") => makeId(kind, jurisdiction, crypto.randomUUID());
const namesNothing = ({ path }: Operation) => paramsOf(path).some((name) => !(name in ours));

describe("S1-13 a forged path reaches no handler of another tenant's", () => {
  const forgeries = (tenantId: string): string[] => [
    tenantId.toUpperCase(),
    tenantId.replace("tnt", "Tnt"),
    `${tenantId}%2F`,
    `${ours.tenantId}%2F..%2F${tenantId}`,
    `${ours.tenantId}/../${tenantId}`,
    `${ours.tenantId}/%2e%2e/${tenantId}`,
    `%2e%2e/tenants/${tenantId}`,
    `${ours.tenantId}%00${tenantId}`,
    `${ours.tenantId};${tenantId}`,
    `${tenantId};tenantId=${ours.tenantId}`,
    `${tenantId},${ours.tenantId}`,
    `${tenantId}.`,
    `${tenantId}%20`,
    `%20${tenantId}`,
    `${tenantId}%0A`,
    `/${tenantId}`,
    `${tenantId}%252F`,
    tenantId.replace("_", "%5F"),
    tenantId.replace("t", "%74"),
    // Look-alikes: Cyrillic і, full-width t and low line, a combining mark, a zero-width joiner.
    tenantId.replace("_", encodeURIComponent("\uff3f")),
    tenantId.replace("t", encodeURIComponent("\uff54")),
    tenantId.replace("e", encodeURIComponent("\u0435")),
    `${tenantId}${encodeURIComponent("\u0301")}`,
    `${encodeURIComponent("\u200d")}${tenantId}`,
    `${tenantId}?tenantId=${ours.tenantId}`,
    `${tenantId}?tenantId=${ours.tenantId}&tenantId=${tenantId}`,
    `${tenantId}%3FtenantId=${ours.tenantId}`,
    `${tenantId}#${ours.tenantId}`,
    `${ours.tenantId}\\..\\${tenantId}`,
  ];

  test("in any spelling of its id, with the first key of tenant A", async () => {
    const owner = right.find(({ name }) => name === "the tenant's first key") as Caller;
    const headers = { Authorization: owner.authorization as string };
    for (const prefix of [
      "/v1/tenants/",
      "/v1//tenants/",
      "/v1/./tenants/",
      "/V1/tenants/",
      "/v1/tenants//",
      "//v1/tenants/",
    ]) {
      for (const forged of forgeries(theirs.tenantId as string)) {
        handled.length = 0;
        const answer = await worker(`${prefix}${forged}`, { headers });
        expect(handled, `${prefix}${forged}`).toEqual([]);
        expect([404, 422], `${prefix}${forged}`).toContain(answer.status);
      }
    }
  });

  test("nor of a domain's, nor through a header or a parameter that says another path", async () => {
    const owner = right.find(({ name }) => name === "the tenant's first key") as Caller;
    const { domainId } = theirs;
    const paths = [
      `/v1/domains/${ours.domainId}/..%2f${domainId}/audit/entries`,
      `/v1/domains/${ours.domainId}%2f..%2f${domainId}/audit/entries`,
      `/v1/domains/${domainId}/audit/entries?domainId=${ours.domainId}&domainId=${domainId}`,
      `/v1/domains/${domainId}/audit//entries`,
      `/v1/domains/${domainId}/audit/entries/`,
      `/v1/domains/${domainId}/audit/entries/..%2f..`,
    ];
    for (const path of paths) {
      handled.length = 0;
      const answer = await worker(path, {
        headers: {
          Authorization: owner.authorization as string,
          "X-Original-URL": `/v1/domains/${ours.domainId}/audit/entries`,
          "X-Rewrite-URL": `/v1/domains/${ours.domainId}/audit/entries`,
          "X-Tenant-Id": ours.tenantId as string,
        },
      });
      expect(handled, path).toEqual([]);
      expect(answer.status, path).toBe(404);
    }
  });

  test("while the same key's own path, percent-encoded where that means the same, is its own", async () => {
    const owner = right.find(({ name }) => name === "the tenant's first key") as Caller;
    handled.length = 0;
    const spelled = (ours.tenantId as string).replace("_", "%5F");
    await worker(`/v1/tenants/${spelled}`, { headers: { Authorization: owner.authorization as string } });
    expect(handled).toEqual(["GET /v1/tenants/:tenantId"]);
    // What a path means is settled before anything reads it: this one is the key's own tenant, and nothing of the other.
    const answer = await worker(`/v1/tenants/${theirs.tenantId}\\..\\${ours.tenantId}`, {
      headers: { Authorization: owner.authorization as string },
    });
    expect(new URL(`${ORIGIN}/${theirs.tenantId}\\..\\${ours.tenantId}`).pathname).toBe(`/${ours.tenantId}`);
    expect(answer.status).toBe(200);
  });

  test("a method that the route has not is a 404, and one said in a header means nothing", async () => {
    const { key } = await storedKey(a.tenantId, permissionsOf("viewer"));
    const headers = { Authorization: `Bearer ${key}`, "X-HTTP-Method-Override": "PATCH" };
    handled.length = 0;
    expect((await worker(`/v1/tenants/${ours.tenantId}`, { method: "PUT", headers })).status).toBe(404);
    await worker(`/v1/tenants/${ours.tenantId}`, { headers });
    expect(handled).toEqual(["GET /v1/tenants/:tenantId"]);
  });
});
