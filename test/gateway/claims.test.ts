/** What was promised belongs to no cell: the gateway says it itself. */
import { expect, test } from "vitest";
import { claimsDocument } from "../../src/http/claims.ts";
import { spiedGateway } from "../support/gateway.ts";

test("GET /v1/claims is answered here, whoever asks, and may be kept for five minutes", async () => {
  const { ask, reached } = spiedGateway();
  for (const headers of [{}, { Authorization: "Bearer nonsense" }]) {
    const answer = await ask("/v1/claims", { headers });
    expect(answer.headers.get("Cache-Control")).toBe("public, max-age=300");
    expect(await answer.json()).toEqual(claimsDocument());
  }
  expect(reached).toEqual([]);
});

test("the first page leads there", async () => {
  expect(await (await spiedGateway().ask("/")).text()).toContain('href="/v1/claims"');
});
