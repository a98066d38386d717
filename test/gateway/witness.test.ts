/** The cells as witnesses, through the gateway: the submission prefix of a cell is `/witness/<jurisdiction>`. */
import { describe, expect, test } from "vitest";
import { JURISDICTIONS } from "../../src/core/ids.ts";
import { spiedGateway } from "../support/gateway.ts";
import { WitnessedLog } from "../support/witnessed-log.ts";

const HASH = "a".repeat(64);
const body = new WitnessedLog("log").body(2, 5);

describe.each(JURISDICTIONS)("a checkpoint for the witness %s", (jurisdiction) => {
  test("reaches that cell and no other, byte for byte", async () => {
    const { ask, reached } = spiedGateway();
    await ask(`/witness/${jurisdiction}/add-checkpoint`, { method: "POST", body });
    expect(reached).toEqual([
      {
        cell: jurisdiction,
        method: "POST",
        url: "https://log.test/witness/add-checkpoint",
        authorization: null,
        cookie: null,
        body,
      },
    ]);
  });

  test("crosses without a credential, a cookie or a query, whatever the caller sent", async () => {
    const seen: Headers[] = [];
    const { ask, reached } = spiedGateway(({ headers }) => {
      seen.push(headers);
      return new Response("");
    });
    const headers = { Authorization: `Bearer msk_${jurisdiction}_x`, Cookie: "a=b", "X-Request-Id": "r-1" };
    await ask(`/witness/${jurisdiction}/add-checkpoint?token=1`, { method: "POST", body, headers });
    expect(reached[0]).toMatchObject({ authorization: null, url: "https://log.test/witness/add-checkpoint" });
    expect([...(seen[0]?.keys() ?? [])].filter((name) => !["x-request-id", "content-type"].includes(name))).toEqual([]);
  });

  test.each([200, 400, 403, 404, 409, 422])("the answer %i comes back as it is", async (status) => {
    const { ask } = spiedGateway(
      () => new Response("5\n", { status, headers: { "Content-Type": "text/x.tlog.size" } }),
    );
    const answer = await ask(`/witness/${jurisdiction}/add-checkpoint`, { method: "POST", body });
    expect(answer.status).toBe(status);
    expect(answer.headers.get("Content-Type")).toBe("text/x.tlog.size");
    expect(await answer.text()).toBe("5\n");
  });

  test("a monitor's question reaches it too", async () => {
    const { ask, reached } = spiedGateway();
    await ask(`/witness/${jurisdiction}/${HASH}/checkpoint`);
    expect(reached).toMatchObject([
      { cell: jurisdiction, method: "GET", url: `https://log.test/witness/${HASH}/checkpoint` },
    ]);
  });
});

describe("nobody is asked", () => {
  test.each([
    ["POST", "/witness/add-checkpoint"],
    ["POST", "/witness/ap/add-checkpoint"],
    ["POST", "/witness/EU/add-checkpoint"],
    ["POST", "/witness/eu/add-checkpoint/more"],
    ["POST", "/witness/eu/sign-subtree"],
    ["GET", "/witness/eu/add-checkpoint"],
    ["GET", `/witness/ap/${HASH}/checkpoint`],
    ["GET", "/witness/eu/..%2f/checkpoint"],
  ])("%s %s", async (method, path) => {
    const { ask, reached } = spiedGateway();
    const answer = await ask(path, { method, ...(method === "POST" ? { body } : {}) });
    expect(answer.status).toBe(404);
    expect(reached).toEqual([]);
  });
});
