/**
 * The API description against the cell: for every operation, requests made from its schemas, right, nearly right and absurd, with a key
 * that holds every permission, with none and with wrong ones. Whatever is asked: never a 5xx but the declared 503s, and no answer that the
 * operation does not declare. `FUZZ_RUNS=500 FUZZ_SEED=… npx vitest run --project cell-eu test/http/fuzz.cell.test.ts` looks longer,
 * or again. What fails prints its seed and its smallest request. schemathesis does the same from outside: docs/development.md.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { operationsOf } from "../../src/http/document/schema.ts";
import { describedApi } from "../../src/http/openapi.ts";
import { PERMISSION_NAMES } from "../../src/services/permissions.ts";
import { call, env, event, logOf, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { eraseCall } from "../support/erasure.ts";
import { faultsOf } from "../support/fuzz/judge.ts";
import { type FuzzRequest, type Place, requestsOf } from "../support/fuzz/requests.ts";
import { placeHold } from "../support/holds.ts";
import { standInKeyServices } from "../support/key-services.ts";
import { newServiceAccount, STRANGERS_KEY } from "../support/keys.ts";
import { idsOfNothing, OF_NOBODY } from "../support/operations.ts";
import { fromSomewhere, memberSession, standInProvider } from "../support/people.ts";

const { FUZZ_RUNS, FUZZ_SEED } = env as unknown as { FUZZ_RUNS?: string; FUZZ_SEED?: string };
/** Requests an operation. */
const RUNS = Number(FUZZ_RUNS || 10);
const SEED = Number(FUZZ_SEED || crypto.getRandomValues(new Int32Array(1))[0]);

const { document } = describedApi();
const places = operationsOf(document);
const statuses = new Map<number, number>();

let tenant: TestTenant;
let ids: Record<string, string>;
let owner: string;

/** A tenant with one of everything that an operation can name. */
async function furnish(): Promise<void> {
  standInKeyServices();
  tenant = await newTenant();
  await standInProvider(tenant);
  const domainId = await newDomain(tenant);
  await call(`/v1/domains/${domainId}/audit/entries`, { key: tenant.key, body: [event(), event({ reason: "asked" })] });
  await logOf(domainId).flush();
  const { id: keyId } = await storedKey(tenant.tenantId, []);
  const { id: holdId } = await placeHold(tenant, { people: ["usr_held"] });
  const { id: erasureId } = (await logOf(domainId).erase(eraseCall("usr_gone"))).erasure;
  const { memberId, sessionId } = await memberSession("viewer", { tenant });
  owner = (await memberSession("owner", { tenant })).token;
  const serviceAccountId = await newServiceAccount(tenant);
  ids = { ...idsOfNothing(), ...OF_NOBODY };
  Object.assign(ids, {
    tenantId: tenant.tenantId,
    domainId,
    keyId,
    holdId,
    erasureId,
    memberId,
    sessionId,
    serviceAccountId,
  });
  Object.assign(ids, { seqOrId: "1", ssoTenantId: tenant.tenantId });
}

beforeAll(async () => {
  await furnish();
  console.log(`fuzz: seed ${SEED}, ${RUNS} requests an operation`);
});

afterAll(() => {
  console.log(
    `fuzz: ${[...statuses]
      .sort(([a], [b]) => a - b)
      .map(([status, count]) => `${status} × ${count}`)
      .join(", ")}`,
  );
});

async function answerTo({ address, method, headers, body }: FuzzRequest): Promise<Response> {
  const answer = await call(address, {
    method,
    headers: { ...fromSomewhere(), ...headers },
    ...(body === undefined ? {} : { rawBody: body }),
  });
  statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
  return answer;
}

describe("whatever is asked, the answer is one that the description declares", () => {
  test.each(places.map((place) => [place.operation.operationId, place] as const))("%s", async (_, place: Place) => {
    const { key } = await storedKey(tenant.tenantId, PERMISSION_NAMES);
    const best = place.operation["x-permission"] === "any_credential" ? owner : key;
    const credentials = [best, key, owner, env.OPERATOR_SECRET, null, STRANGERS_KEY, "nonsense"];
    const property = fc.asyncProperty(requestsOf(place, document, ids, credentials), async (request) => {
      expect(await faultsOf(await answerTo(request), place.operation, document)).toEqual([]);
    });
    await fc.assert(property, { numRuns: RUNS, seed: SEED, endOnFailure: true });
  });

  test("and most requests got as far as an answer that says something: the run was no walk along the door", () => {
    const all = [...statuses.values()].reduce((sum, count) => sum + count, 0);
    expect(all).toBeGreaterThanOrEqual(places.length * Math.min(RUNS, 10));
    const good = [...statuses].filter(([status]) => status < 400).reduce((sum, [, count]) => sum + count, 0);
    expect(good / all).toBeGreaterThan(0.1);
    expect(statuses.get(422) ?? 0).toBeGreaterThan(all / 50);
  });
});

/** What is answered to an example that is as it should be, but names a thing or a secret that is not there. */
const NAMES_NOTHING: Record<string, string> = {
  deleteTenant: "request.invalid",
  setKeyService: "key_service.unproven",
  queryTenantEntries: "request.invalid",
  deviceToken: "device.expired_token",
};

const withJson = places.filter(({ operation }) => operation.requestBody?.content["application/json"]);
describe("the example of a body", () => {
  // What was asked above has left its traces.
  beforeAll(furnish);

  test.each(withJson.map((place) => [place.operation.operationId, place] as const))(
    "%s is one that the route understands",
    async (id, place) => {
      const { key } = await storedKey(tenant.tenantId, PERMISSION_NAMES);
      const best = place.operation["x-permission"] === "any_credential" ? owner : key;
      const request: FuzzRequest = {
        address: place.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => ids[name] ?? name),
        method: place.method.toUpperCase(),
        headers: { Authorization: `Bearer ${best}`, "Content-Type": "application/json", "If-Match": "*" },
        body: JSON.stringify(place.operation.requestBody?.content["application/json"]?.example),
      };
      const answer = await answerTo(request);
      const { code } = (await answer.json().catch(() => ({}))) as { code?: string };
      if ([400, 415, 422].includes(answer.status)) expect(code).toBe(NAMES_NOTHING[id] ?? "understood");
    },
  );
});
