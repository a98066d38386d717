/** Queries, exports and settings with the client: what is asked again, and with what. */
import { describe, expect, test } from "vitest";
import { type Fetch, MoonsealClient, MoonsealProblem, MoonsealUnreachable } from "../../src/client/index.ts";

type Init = Parameters<Fetch>[1];
interface Scripted {
  status?: number;
  body?: unknown;
  headers?: { [name: string]: string };
  /** A body as it comes; "cut" ends it by breaking off. */
  chunks?: (string | "cut")[];
}

function scripted(...script: (Scripted | Error)[]) {
  const asked: { url: URL; init: Init }[] = [];
  const waits: number[] = [];
  const fetch: Fetch = async (url, init) => {
    asked.push({ url: new URL(url), init });
    const next = script.shift();
    if (!next) throw new Error("one request too many");
    if (next instanceof Error) throw next;
    const { status = 200, body = {}, headers = {}, chunks } = next;
    async function* bodyOf() {
      for (const chunk of chunks ?? []) {
        if (chunk === "cut") throw new TypeError("terminated");
        yield new TextEncoder().encode(chunk);
      }
    }
    return {
      ...{ status, headers: { get: (name: string) => headers[name] ?? null }, body: chunks ? bodyOf() : null },
      text: async () => JSON.stringify(body),
    };
  };
  const client = new MoonsealClient({
    ...{ baseUrl: "https://api.example.com", apiKey: "msk_eu_key", fetch, random: () => 0.5 },
    sleep: async (ms) => {
      waits.push(ms);
    },
  });
  const bodies = () => asked.map(({ init }) => JSON.parse(String(init.body)));
  return { client, asked, waits, bodies };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const item of items) seen.push(item);
  return seen;
}

describe("queries", () => {
  test("pages go on with the same query to the last, also behind an empty one, and only the first waits for the newest", async () => {
    const page = (next_cursor: string | null, entries: object[] = []) => ({ body: { entries, next_cursor } });
    const { client, bodies } = scripted(page("c1", [{ seq: 1 }]), page("c2"), page(null, [{ seq: 2 }]));
    const pages = await all(client.queries.pages("dom", { q: "is:failed", limit: 1, consistency: "latest" }));
    expect(pages.map(({ entries }) => entries.length)).toEqual([1, 0, 1]);
    expect(bodies()).toEqual([
      { q: "is:failed", limit: 1, consistency: "latest" },
      { q: "is:failed", limit: 1, cursor: "c1" },
      { q: "is:failed", limit: 1, cursor: "c2" },
    ]);
  });

  test("whoever stops looking asks for no page more", async () => {
    const { client, asked } = scripted({ body: { entries: [], next_cursor: "c1" } });
    for await (const _ of client.queries.tenantPages("tnt")) break;
    expect(asked).toHaveLength(1);
  });
});

describe("what is changed only as it was read", () => {
  test("sends the ETag, and is not repeated when the answer is lost", async () => {
    const { client, asked } = scripted({ headers: { etag: '"e1"' } }, new TypeError("fetch failed"));
    const { etag } = await client.domainSettings.read("dom");
    const changing = client.domainSettings.change("dom", { require_schema: true }, etag);
    await expect(changing).rejects.toThrow(MoonsealUnreachable);
    expect(asked.map(({ init }) => [init.method, init.headers["if-match"]])).toEqual([
      ["GET", undefined],
      ["PATCH", '"e1"'],
    ]);
  });
});

describe("exports", () => {
  const part = (at: number, size: number, ...chunks: string[]): Scripted => ({
    ...{ status: 206, chunks, headers: { "content-range": `bytes ${at}-${size - 1}/${size}` } },
  });
  const downloaded = async (client: MoonsealClient, offset = 0) => {
    const chunks = await all(client.exports.download("dom", "exp", "tok", { offset }));
    return chunks.map((chunk) => new TextDecoder().decode(chunk)).join("");
  };

  test("S0-20: one of the credential's own tenant is asked for without a domain in the address, and not asked for twice", async () => {
    const wish = { domain_id: "dom_eu_01jcy3x8e7f4s9m2k5n8q1r4tv", q: "is:failed", formats: ["csv" as const] };
    const { client, asked, bodies } = scripted(
      { status: 202, body: { export: { id: "exp", status: "queued" } } },
      new TypeError("fetch failed"),
    );
    expect(await client.exports.createForTenant(wish)).toEqual({ id: "exp", status: "queued" });
    await expect(client.exports.createForTenant(wish)).rejects.toThrow(MoonsealUnreachable);
    expect(asked.map(({ url, init }) => [init.method, url.pathname])).toEqual([
      ["POST", "/v1/audit/export"],
      ["POST", "/v1/audit/export"],
    ]);
    expect(bodies()).toEqual([wish, wish]);
  });

  test("a download that breaks off goes on behind its last byte, without the credential", async () => {
    const whole = { chunks: ["abc", "d", "cut"], headers: { "content-length": "8" } };
    const { client, asked } = scripted(whole, { status: 503 }, part(4, 8, "ef"), part(6, 8, "gh"));
    expect(await downloaded(client)).toBe("abcdefgh");
    expect(asked.map(({ init }) => init.headers.range)).toEqual([undefined, "bytes=4-", "bytes=4-", "bytes=6-"]);
    for (const { init, url } of asked) {
      expect(init.headers.authorization).toBeUndefined();
      expect(url.searchParams.get("token")).toBe("tok");
    }
  });

  test("another part than was asked for is never taken, nor is a whole archive for a part", async () => {
    const others = Array.from({ length: 6 }, (_, i) => part(i === 0 ? 5 : 3, 8, "xyz"));
    await expect(downloaded(scripted(...others).client, 4)).rejects.toThrow("another part");
    await expect(downloaded(scripted({ chunks: ["abcdefgh"] }).client, 4)).rejects.toThrow(MoonsealProblem);
  });

  test("a revoked link is said at once, and a server that gives nothing is left after six tries", async () => {
    const gone = scripted({ status: 404, body: { code: "resource.not_found" } });
    await expect(downloaded(gone.client)).rejects.toMatchObject({ code: "resource.not_found" });
    const deaf = scripted(...Array.from({ length: 6 }, () => new TypeError("fetch failed")));
    await expect(downloaded(deaf.client)).rejects.toThrow(MoonsealUnreachable);
    expect(deaf.asked).toHaveLength(6);
  });

  test("watching ends with an export that is over, however it ended", async () => {
    for (const status of ["done", "failed", "revoked", "expired"]) {
      const { client, waits } = scripted(
        { body: { status: "queued" } },
        { body: { status: "running" } },
        { body: { status } },
      );
      const seen = await all(client.exports.watch("dom", "exp"));
      expect(seen.map((view) => view.status)).toEqual(["queued", "running", status]);
      expect(waits).toHaveLength(2);
    }
  });
});
