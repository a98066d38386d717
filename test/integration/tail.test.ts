/** Live connections through the gateway, to the cell of the domain and to no other. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { JURISDICTIONS, type Jurisdiction } from "../../src/core/ids.ts";
import { testBindings } from "../support/bindings.ts";
import { deployment } from "../support/deployment.ts";

const { server, start, stop, ask } = deployment();
interface Story {
  key: string;
  domainId: string;
}
const stories = {} as Record<Jurisdiction, Story>;
let origin: string;

beforeAll(async () => {
  await start();
  origin = (await server.listen()).url.origin;
  for (const jurisdiction of JURISDICTIONS) {
    const body = { name: "Acme", jurisdiction, tier: "pro" };
    const made = await ask("/v1/tenants", { key: testBindings(jurisdiction).OPERATOR_SECRET, body });
    const { tenant, api_key } = (await made.json()) as { tenant: { id: string }; api_key: { key: string } };
    const domain = await ask(`/v1/tenants/${tenant.id}/domains`, { key: api_key.key, body: { name: "log" } });
    stories[jurisdiction] = { key: api_key.key, domainId: ((await domain.json()) as { id: string }).id };
  }
});
afterAll(() => stop());

const event = { action: "invoice.exported", actor: { type: "system" } };
const append = ({ domainId, key }: Story) => ask(`/v1/domains/${domainId}/audit/entries`, { key, body: event });
const tailUrl = ({ domainId }: Story, query = "") => `${origin}/v1/domains/${domainId}/audit/tail${query}`;

/** As a browser connects: it can set no header. */
function connect(url: string, protocols: string[]) {
  const socket = new WebSocket(url.replace("http", "ws"), protocols);
  const seqs: number[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  const ended = new Promise<"open" | "refused">((resolve) => {
    socket.addEventListener("error", () => resolve("refused"));
    socket.addEventListener("open", () => resolve("open"));
  });
  socket.addEventListener("message", ({ data }) => {
    const message = JSON.parse(data);
    if (message.type === "entry") seqs.push(message.entry.seq);
    for (const { count, resolve } of waiting) if (seqs.length >= count) resolve();
  });
  const has = (count: number) =>
    new Promise<void>((resolve) => (seqs.length >= count ? resolve() : waiting.push({ count, resolve })));
  return { socket, seqs, ended, has };
}

describe.each(JURISDICTIONS)("in the %s", (jurisdiction) => {
  test("a WebSocket with the credential as a subprotocol gets what is appended", async () => {
    const story = stories[jurisdiction];
    const { socket, seqs, ended, has } = connect(tailUrl(story, "?from=0"), [
      "moonseal.tail.v1",
      `bearer.${story.key}`,
    ]);
    expect(await ended).toBe("open");
    expect(socket.protocol).toBe("moonseal.tail.v1");
    await append(story);
    await append(story);
    await has(3);
    expect(seqs.slice(0, 3)).toEqual([0, 1, 2]);
    socket.close();
  });

  test("a credential of the other cell, and none, connect nobody", async () => {
    const other = stories[jurisdiction === "eu" ? "us" : "eu"];
    const url = tailUrl(stories[jurisdiction]);
    for (const protocols of [["moonseal.tail.v1", `bearer.${other.key}`], ["moonseal.tail.v1"]]) {
      expect(await connect(url, protocols).ended).toBe("refused");
    }
  });

  test("server-sent events come as they happen and not when the answer ends", async () => {
    const story = stories[jurisdiction];
    const leave = new AbortController();
    const answer = await fetch(tailUrl(story), {
      headers: { Authorization: `Bearer ${story.key}`, Accept: "text/event-stream" },
      signal: leave.signal,
    });
    expect(answer.headers.get("content-type")).toBe("text/event-stream");
    expect(answer.headers.get("strict-transport-security")).toContain("max-age");
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    let text = decoder.decode((await reader.read()).value);
    expect(text).toMatch(/^retry: 1000\n/);
    await append(story);
    while (!text.includes("data: ")) text += decoder.decode((await reader.read()).value);
    expect(text).toMatch(/id: \d+\ndata: \{"seq":\d+,/);
    leave.abort();
  });
});
