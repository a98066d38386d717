/** What is the same in every cell, the gateway says itself; a tenant's history goes where the credential says. */
import { describe, expect, test } from "vitest";
import { formatApiKey } from "../../src/core/api-key.ts";
import type { Jurisdiction } from "../../src/core/ids.ts";
import { tiersDocument } from "../../src/http/catalogue.ts";
import { eventTypesDocument } from "../../src/http/event-types.ts";
import { PERMISSION_NAMES } from "../../src/services/permissions.ts";
import { spiedGateway } from "../support/gateway.ts";
import { pointersOf, problemOf } from "../support/problems.ts";

const keyOf = (cell: Jurisdiction) => formatApiKey(cell, "01jcy3x8e7f4s9m2k5n8q1r4tv", new Uint8Array(32));

describe("what belongs to no cell", () => {
  test.each([undefined, "eu", "us"] as const)(
    "S0-12 S2-9 is answered here, whoever asks (%s)",
    async (jurisdiction) => {
      const { ask, reached } = spiedGateway();
      const headers = jurisdiction ? { Authorization: `Bearer ${keyOf(jurisdiction)}` } : {};
      expect(await (await ask("/v1/tiers", { headers })).json()).toEqual(tiersDocument());
      const { permissions } = (await (await ask("/v1/permissions", { headers })).json()) as {
        permissions: { name: string }[];
      };
      expect(permissions.map(({ name }) => name)).toEqual(PERMISSION_NAMES);
      expect(await (await ask("/v1/event-types", { headers })).json()).toEqual(eventTypesDocument());
      expect(reached).toEqual([]);
    },
  );

  test("S1-2 event types are chosen by category, surface and writer; the answer may be kept for five minutes", async () => {
    const { ask, reached } = spiedGateway();
    const answer = await ask("/v1/event-types?surface=webhook&category=credential&written_by=product");
    expect(answer.headers.get("Cache-Control")).toBe("public, max-age=300");
    const names = ((await answer.json()) as { name: string }[]).map(({ name }) => name);
    expect(names).toEqual([
      "api_key.revoked",
      "api_key.leaked",
      "tenant.key_service_failed",
      "tenant.key_service_restored",
    ]);
    expect(reached).toEqual([]);
  });

  test.each([
    ["surface=attic", "query:surface"],
    ["surface=cron&surface=admin", "query:surface"],
    ["category=", "query:category"],
    ["noun=tenant", "query:noun"],
    ["constructor=x", "query:constructor"],
  ])("S1-2 event types are not guessed at: ?%s is refused, and goes nowhere", async (query, pointer) => {
    const { ask, reached } = spiedGateway();
    const problem = await problemOf(await ask(`/v1/event-types?${query}`), "request.invalid");
    expect(pointersOf(problem)).toEqual([pointer]);
    expect(reached).toEqual([]);
  });
});

describe("S1-6 GET /admin/compliance/audit", () => {
  test.each(["eu", "us"] as const)("with a key of %s goes to that cell and to no other", async (jurisdiction) => {
    const { ask, reached } = spiedGateway();
    await ask("/admin/compliance/audit", { headers: { Authorization: `Bearer ${keyOf(jurisdiction)}` } });
    expect(reached.map(({ cell }) => cell)).toEqual([jurisdiction]);
  });

  test("without a credential, or with one that names no cell, goes nowhere", async () => {
    const { ask, reached } = spiedGateway();
    await problemOf(await ask("/admin/compliance/audit"), "resource.not_found");
    const headers = { Authorization: "Bearer nonsense" };
    await problemOf(await ask("/admin/compliance/audit", { headers }), "resource.not_found");
    expect(reached).toEqual([]);
  });
});
