/** A key that was found goes to its own cell, and what is no key to none. */
import { describe, expect, test } from "vitest";
import { formatApiKey } from "../../src/core/api-key.ts";
import { spiedGateway } from "../support/gateway.ts";
import { problemOf } from "../support/problems.ts";

const keyOf = (jurisdiction: "eu" | "us") =>
  formatApiKey(jurisdiction, "01jcy3x8e7f4s9m2k5n8q1r4tv", new Uint8Array(32).fill(1));
const report = (body: string, headers: Record<string, string> = {}) => {
  const gateway = spiedGateway();
  const init = { method: "POST", body, headers: { "Content-Type": "application/json", ...headers } };
  return { ...gateway, answer: gateway.ask("/v1/leaks", init) };
};

describe("POST /v1/leaks", () => {
  test.each(["eu", "us"] as const)("with a key of %s reaches that cell alone", async (jurisdiction) => {
    const { answer, reached } = report(JSON.stringify({ key: keyOf(jurisdiction) }));
    await answer;
    expect(reached.map(({ cell }) => cell)).toEqual([jurisdiction]);
  });

  test.each([
    ["no JSON", "key="],
    ["no key", "{}"],
    ["a secret of somebody else", JSON.stringify({ key: "ghp_0123456789abcdef" })],
    ["an unknown jurisdiction", JSON.stringify({ key: keyOf("eu").replace("_eu_", "_cn_") })],
    ["a key that is not a text", JSON.stringify({ key: [keyOf("eu")] })],
  ])("with %s reaches no cell", async (_, body) => {
    const { answer, reached } = report(body);
    const problem = await problemOf(await answer, "request.invalid");
    expect(problem.errors?.map(({ pointer }) => pointer)).toEqual(["/key"]);
    expect(reached).toEqual([]);
  });

  test("with a credential of the other jurisdiction goes nowhere", async () => {
    const { answer, reached } = report(JSON.stringify({ key: keyOf("eu") }), {
      Authorization: `Bearer ${keyOf("us")}`,
    });
    expect((await answer).status).toBe(404);
    expect(reached).toEqual([]);
  });
});

test("GET /v1/key-format is the gateway's own", async () => {
  const { ask, reached } = spiedGateway();
  expect(await (await ask("/v1/key-format")).json()).toMatchObject({ api_key: { prefix: "msk_" } });
  expect(reached).toEqual([]);
});
