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

test("/claims is the same for people: a page without a script that names every promise and says what is missing", async () => {
  const { claims, counts } = claimsDocument();
  const answer = await spiedGateway().ask("/claims");
  expect(answer.headers.get("Content-Type")).toMatch(/^text\/html/);
  expect(answer.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
  const page = await answer.text();
  for (const { id } of claims) expect(page).toContain(`<tr id="${id}">`);
  expect(page).toContain(`${counts.missing} missing`);
  expect(page).not.toMatch(/<script|style=|https?:\/\//);
});

test("the first page leads there", async () => {
  expect(await (await spiedGateway().ask("/")).text()).toContain('href="/claims"');
});
