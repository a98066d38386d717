import { describe, expect, test } from "vitest";
import {
  type Fetch,
  MoonsealClient,
  MoonsealProblem,
  MoonsealUnreachable,
  type TransportOptions,
} from "../../src/client/index.ts";

type Scripted = Error | { status: number; body?: unknown; headers?: { [name: string]: string } };

/** Answers from a script; whatever is asked beyond it fails the test. */
function scripted(...options: Scripted[] | [Pick<TransportOptions, "secondFactor">, ...Scripted[]]) {
  const [first] = options;
  const own = first && !("status" in first) && !(first instanceof Error) ? first : null;
  const script = (own ? options.slice(1) : options) as Scripted[];
  const requests: Parameters<Fetch>[] = [];
  const waits: number[] = [];
  const fake: Fetch = async (...request) => {
    requests.push(request);
    const next = script.shift();
    if (!next) throw new Error("one request too many");
    if (next instanceof Error) throw next;
    const { status, body = {}, headers = {} } = next;
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return { status, headers: { get: (name) => headers[name] ?? null }, text: async () => text };
  };
  let uuids = 0;
  const client = new MoonsealClient({
    baseUrl: "https://api.example.com/",
    apiKey: "msk_eu_key",
    fetch: fake,
    random: () => 0.5,
    randomUuid: () => `uuid-${++uuids}`,
    sleep: async (ms) => {
      waits.push(ms);
    },
    ...own,
  });
  return { client, requests, waits };
}

const EVENT = { action: "invoice.exported", actor: { type: "user", id: "usr_1" } } as const;
const lost = () => new TypeError("fetch failed");

test("a retry after a lost answer carries the same idempotency key and the same bytes", async () => {
  const { client, requests } = scripted(lost(), { status: 503 }, { status: 201, body: { receipts: [] } });
  await client.append("dom_eu_1", EVENT);
  const sent = requests.map(([, init]) => [init.headers["idempotency-key"], init.body]);
  expect(sent).toEqual(Array(3).fill(["uuid-1", JSON.stringify(EVENT)]));
});

test("every append has its own idempotency key", async () => {
  const answer = { status: 201, body: { receipts: [] } };
  const { client, requests } = scripted(answer, answer);
  await client.append("dom_eu_1", EVENT);
  await client.append("dom_eu_1", EVENT);
  expect(requests.map(([, init]) => init.headers["idempotency-key"])).toEqual(["uuid-1", "uuid-2"]);
});

test("a replayed answer says so", async () => {
  const { client } = scripted({ status: 200, body: { receipts: [] }, headers: { "idempotency-replayed": "true" } });
  expect(await client.append("dom_eu_1", EVENT)).toMatchObject({ idempotency_replayed: true });
});

test.each([429, 502, 503, 504])("%i is retried after the pause that the server asks for", async (status) => {
  const { client, waits } = scripted({ status, headers: { "retry-after": "3" } }, { status: 200 });
  await client.whoami();
  expect(waits).toEqual([3000 + 100]);
});

test.each([400, 401, 403, 404, 409, 413, 422, 500])("%i is not retried", async (status) => {
  const { client, requests } = scripted({ status });
  await expect(client.append("dom_eu_1", EVENT)).rejects.toMatchObject({ status });
  expect(requests).toHaveLength(1);
});

test("a stopped domain is not retried: only a person can change it", async () => {
  const { client, requests } = scripted({
    status: 503,
    body: { code: "domain.stopped" },
    headers: { "retry-after": "5" },
  });
  await expect(client.append("dom_eu_1", EVENT)).rejects.toMatchObject({ code: "domain.stopped", retryAfterMs: 5000 });
  expect(requests).toHaveLength(1);
});

test("what could create a second thing is never retried", async () => {
  for (const call of [
    (client: MoonsealClient) => client.createDomain("tnt_eu_1", { name: "production" }),
    (client: MoonsealClient) => client.createKey("tnt_eu_1", { name: "k", permissions: ["entry.read"] }),
    (client: MoonsealClient) => client.createTenant({ name: "Acme", jurisdiction: "eu", tier: "pro" }),
  ]) {
    const { client, requests } = scripted(lost());
    await expect(call(client)).rejects.toBeInstanceOf(MoonsealUnreachable);
    expect(requests).toHaveLength(1);
  }
});

test("attempts are bounded, and the error says that no answer came", async () => {
  const { client, requests } = scripted(...Array.from({ length: 6 }, lost));
  await expect(client.head("dom_eu_1")).rejects.toMatchObject({ name: "MoonsealUnreachable", attempts: 6 });
  expect(requests).toHaveLength(6);
});

test("an answer that was cut off on the way counts as lost", async () => {
  const { client, requests } = scripted(
    { status: 200, body: '{"kind":"api' },
    { status: 200, body: { kind: "api_key" } },
  );
  expect(await client.whoami()).toEqual({ kind: "api_key" });
  expect(requests).toHaveLength(2);
});

test("a problem carries code, fields and request id, and never the credential", async () => {
  const body = {
    code: "request.invalid",
    title: "T",
    detail: "D",
    instance: "req-9",
    errors: [{ pointer: "/action", detail: "x" }, 7],
  };
  const { client } = scripted({ status: 422, body });
  const problem = await client.append("dom_eu_1", EVENT).catch((error) => error);
  expect(problem).toBeInstanceOf(MoonsealProblem);
  expect(problem).toMatchObject({
    code: "request.invalid",
    requestId: "req-9",
    errors: [{ pointer: "/action", detail: "x" }],
  });
  expect(JSON.stringify({ ...problem, stack: problem.stack })).not.toContain("msk_eu_key");
});

test("the page of a proxy becomes a problem of its own", async () => {
  const { client } = scripted({ status: 403, body: "<html>", headers: { "x-request-id": "req-2" } });
  await expect(client.whoami()).rejects.toMatchObject({ code: "http.403", requestId: "req-2" });
});

test("a redirect is not followed: it would carry the credential away", async () => {
  const { client, requests } = scripted({ status: 307, headers: { location: "https://elsewhere.example" } });
  await expect(client.whoami()).rejects.toMatchObject({ status: 307 });
  expect(requests[0]?.[1].redirect).toBe("manual");
});

test("the public health route gets no credential", async () => {
  const { client, requests } = scripted({ status: 200, body: { status: "ok" } });
  await client.health();
  expect(requests[0]?.[1].headers).not.toHaveProperty("authorization");
});

test("ids are encoded into the path, never able to leave it", async () => {
  const { client, requests } = scripted({ status: 200 });
  await client.entry("dom_eu_1", "../../head?x=1");
  expect(requests[0]?.[0]).toBe("https://api.example.com/v1/domains/dom_eu_1/audit/entries/..%2F..%2Fhead%3Fx%3D1");
});

test("an abort ends the call at once with its reason", async () => {
  const { client, requests } = scripted(lost());
  const stop = new AbortController();
  stop.abort(new Error("enough"));
  await expect(client.whoami({ signal: stop.signal })).rejects.toThrow("enough");
  expect(requests).toHaveLength(0);
});

describe("S2-12 a request that needs a second factor", () => {
  const refused = (code = "auth.step_up_required") => ({
    status: 403,
    body: { code, title: "x", continue: "POST /v1/auth/eu/second-factor" },
  });
  const asking = (shown: boolean) => {
    const asked: MoonsealProblem[] = [];
    const secondFactor = async (problem: MoonsealProblem) => {
      asked.push(problem);
      return shown;
    };
    return { asked, secondFactor };
  };

  test.each(["auth.step_up_required", "auth.mfa_required"])(
    "(%s) is sent once more when one was shown: the same bytes under the same idempotency key",
    async (code) => {
      const { asked, secondFactor } = asking(true);
      const { client, requests } = scripted({ secondFactor }, refused(code), { status: 201, body: { receipts: [] } });
      await client.append("dom_eu_1", EVENT);
      expect(asked.map(({ continueAt }) => continueAt)).toEqual(["POST /v1/auth/eu/second-factor"]);
      const [before, after] = requests.map(([url, { signal: _, ...init }]) => ({ url, ...init }));
      expect([requests.length, after]).toEqual([2, before]);
    },
  );

  test("fails as it did when none was shown, and when it is refused a second time", async () => {
    const none = asking(false);
    const first = scripted({ secondFactor: none.secondFactor }, refused());
    await expect(first.client.whoami()).rejects.toMatchObject({ code: "auth.step_up_required" });
    const again = asking(true);
    const second = scripted({ secondFactor: again.secondFactor }, refused(), refused());
    await expect(second.client.whoami()).rejects.toMatchObject({ code: "auth.step_up_required" });
    expect([none.asked.length, again.asked.length, second.requests.length]).toEqual([1, 1, 2]);
  });

  test("asks nobody for another refusal", async () => {
    const { asked, secondFactor } = asking(true);
    const { client } = scripted({ secondFactor }, refused("auth.forbidden"));
    await expect(client.whoami()).rejects.toMatchObject({ code: "auth.forbidden" });
    expect(asked).toEqual([]);
  });
});

test("what makes, ends or shows something once is not repeated after a lost answer; what can be asked again is", async () => {
  const once = scripted({}, ...Array.from({ length: 7 }, lost));
  const { signIn, secondFactors, members, access } = once.client;
  for (const call of [
    signIn.device("eu"),
    signIn.deviceToken("eu", "code"),
    secondFactors.show("eu", { totp: "123456" }),
    members.invite("t", { email: "a@b.c", name: "A", role: "viewer" }),
    members.remove("t", "m"),
    once.client.rotateKey("t", "k", { overlap_seconds: 0 }),
    access.approve("t", "a"),
  ]) {
    await expect(call).rejects.toBeInstanceOf(MoonsealUnreachable);
  }
  expect(once.requests).toHaveLength(7);
  const again = scripted({}, lost(), { status: 200, body: {} });
  await again.client.access.end("t", "a");
  expect(again.requests).toHaveLength(2);
});

test("ids are encoded into paths, and no credential goes along with signing in", async () => {
  const { client, requests } = scripted({}, { status: 200 }, { status: 200 });
  await client.members.update("t/../x", "m?y", { role: "viewer" });
  await client.signIn.device("eu");
  expect(requests.map(([url, init]) => [url, init.method, init.headers.authorization])).toEqual([
    ["https://api.example.com/v1/tenants/t%2F..%2Fx/members/m%3Fy", "PATCH", "Bearer msk_eu_key"],
    ["https://api.example.com/v1/auth/eu/device", "POST", undefined],
  ]);
});
