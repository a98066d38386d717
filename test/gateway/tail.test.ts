/** A WebSocket's credential, which a browser can only offer as a subprotocol. */
import { describe, expect, test } from "vitest";
import { formatApiKey } from "../../src/core/api-key.ts";
import { type Jurisdiction, makeId } from "../../src/core/ids.ts";
import { offeredCredential } from "../../src/gateway/routing.ts";
import { spiedGateway } from "../support/gateway.ts";

const SUFFIX = "01jcy3x8e7f4s9m2k5n8q1r4tv";
const keyOf = (jurisdiction: Jurisdiction) => formatApiKey(jurisdiction, SUFFIX, new Uint8Array(32).fill(3));
const path = `/v1/domains/${makeId("domain", "eu", "0193a0c4-5f7e-7c3a-9d53-6c1f0e0f4b11")}/audit/tail`;

test.each<[string, string | null, string | null, ReturnType<typeof offeredCredential>]>([
  ["no subprotocol", null, null, null],
  ["none that is a credential", "moonseal.tail.v1, graphql-ws", null, null],
  ["one", "moonseal.tail.v1, bearer.k", null, { authorization: "Bearer k", protocols: "moonseal.tail.v1" }],
  ["one alone", "bearer.k", null, { authorization: "Bearer k", protocols: null }],
  ["two", "bearer.k,bearer.j", null, { authorization: null, protocols: null }],
  [
    "one beside a header",
    "moonseal.tail.v1,bearer.k",
    "Bearer j",
    { authorization: null, protocols: "moonseal.tail.v1" },
  ],
])("%s", (_, protocols, authorization, expected) => {
  expect(offeredCredential(protocols, authorization)).toEqual(expected);
});

describe("R1 a credential that is offered", () => {
  const ask = async (protocols: string, headers: Record<string, string> = {}) => {
    const { ask, reached } = spiedGateway((request) => Response.json([...request.headers]));
    const answer = await ask(path, { headers: { "Sec-WebSocket-Protocol": protocols, ...headers } });
    return { reached, status: answer.status, text: await answer.text() };
  };

  test("reaches the cell of the domain in the place of every other one, and in no other place", async () => {
    const { reached, text } = await ask(`moonseal.tail.v1, bearer.${keyOf("eu")}`);
    expect(reached).toMatchObject([{ cell: "eu", authorization: `Bearer ${keyOf("eu")}` }]);
    expect(text.split(keyOf("eu"))).toHaveLength(2);
    expect(text).toContain('["sec-websocket-protocol","moonseal.tail.v1"]');
  });

  test("that is the other cell's reaches nobody", async () => {
    const { reached, status } = await ask(`moonseal.tail.v1, bearer.${keyOf("us")}`);
    expect([reached, status]).toEqual([[], 404]);
  });

  test("that is not whole, or is one of two, reaches nobody", async () => {
    for (const protocols of [`bearer.${keyOf("us").slice(0, -5)}`.replace("us", "xx"), "bearer.a, bearer.b"]) {
      const { reached, text } = await ask(protocols);
      for (const { authorization } of reached) expect(authorization).toBeNull();
      expect(text).not.toContain("bearer.");
    }
  });
});
