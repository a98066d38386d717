/** Live connections in one cell: what comes, what a reader and a server may do, and what ends a connection. */
import { evictDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { DomainKeeper } from "../../durable-objects/domain-keeper.ts";
import { rateDesk } from "../../durable-objects/gates.ts";
import { toHex } from "../../src/core/bytes.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { accessWish, asKey } from "../support/access.ts";
import {
  append,
  call,
  env,
  event,
  inLog,
  newDomain,
  newTenant,
  ORIGIN,
  stubOf,
  type TestTenant,
  workerFetch,
} from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { askToDelete, untilDeleted } from "../support/deletion.ts";
import { inBook, memberSession } from "../support/people.ts";
import { problemOf } from "../support/problems.ts";
import { staffSession } from "../support/staff-session.ts";
import { inKeeper, keeperOf, lookNow, openSocket, openStream, soon, tailPath } from "../support/tail.ts";
import { deskOf, entriesOf } from "../support/tenancy.ts";

let tenant: TestTenant;
beforeAll(async () => {
  tenant = await newTenant();
});

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const events = (count: number, fields: object = {}) => range(1, count).map(() => event(fields));
const later = (domainId: string, ms: number) =>
  inKeeper(domainId, (keeper) => {
    keeper.tail.deps = { ...keeper.tail.deps, clock: () => Date.now() + ms };
  });
/** Both kinds of connections behind one face. */
type Reader = Awaited<ReturnType<typeof openSocket>> | Awaited<ReturnType<typeof openStream>>;
const open = (kind: "socket" | "stream", ...args: Parameters<typeof openSocket>): Promise<Reader> =>
  kind === "socket" ? openSocket(...args) : openStream(...args);
const leave = (reader: Reader) => ("socket" in reader ? reader.socket.close(1000) : reader.leave());
const reasonOf = (reader: Reader) =>
  "socket" in reader
    ? reader.messages.find(({ type }) => type === "end")?.reason
    : JSON.parse(reader.events.find(({ type }) => type === "end")?.data ?? "{}").reason;

describe.each(["socket", "stream"] as const)("a %s", (kind) => {
  test("gets each entry from `from` on once and in order, those that are there and those that come", async () => {
    const domainId = await newDomain(tenant);
    await append(domainId, events(20));
    const reader = await open(kind, domainId, tenant.key, { query: "?from=3" });
    expect(await reader.has(18)).toEqual(range(3, 20));
    for (let i = 0; i < 5; i++) await append(domainId, events(2));
    expect(await reader.has(28)).toEqual(range(3, 30));
    await leave(reader);
  });

  test("without `from` gets what is committed after it has connected, and nothing before", async () => {
    const domainId = await newDomain(tenant);
    await append(domainId, events(3));
    const reader = await open(kind, domainId, tenant.key);
    await append(domainId, event());
    expect(await reader.has(1)).toEqual([4]);
    await leave(reader);
  });

  test("an entry is as the list shows it, and `payload=text` is the text that was hashed", async () => {
    const domainId = await newDomain(tenant);
    await append(domainId, event({ metadata: { note: 'line\nbreak\u2028 and "quotes"' } }));
    const [json, text] = await Promise.all([
      open(kind, domainId, tenant.key, { query: "?from=0" }),
      open(kind, domainId, tenant.key, { query: "?from=0&payload=text" }),
    ]);
    await Promise.all([json.has(2), text.has(2)]);
    const page = await call(`/v1/domains/${domainId}/audit/entries?consistency=latest`, { key: tenant.key });
    expect(json.entries).toEqual(((await page.json()) as { entries: object[] }).entries);
    for (const { prev_hash, entry_hash, payload } of text.entries) {
      expect(toHex(sha256(Buffer.from(prev_hash, "hex"), String(payload)))).toBe(entry_hash);
    }
    await Promise.all([leave(json), leave(text)]);
  });

  test("a filter lets through what matches all parameters, and the place moves on behind what it does not", async () => {
    const domainId = await newDomain(tenant);
    const wanted = { action: "invoice.paid", outcome: "denied" };
    await append(domainId, [event(wanted), event({ action: "invoice.paid" }), event({ action: "user.created" })]);
    const query = "?from=0&action=invoice.*&action=user.login&outcome=denied&outcome=failure";
    const reader = await open(kind, domainId, tenant.key, { query });
    await append(domainId, [event({ action: "user.login", outcome: "failure" }), event(), event()]);
    expect(await reader.has(2)).toEqual([1, 4]);
    await lookNow(domainId);
    if ("lastId" in reader) await soon(() => reader.lastId === "6", "the last id is that of the newest entry");
    else await soon(() => reader.messages.some(({ type, next }) => type === "position" && next === 7), "a position");
    await leave(reader);
  });

  test("a key that is revoked ends it at the keeper's next look", async () => {
    const domainId = await newDomain(tenant);
    const { key, id } = await storedKey(tenant.tenantId, ["entry.read"]);
    const [reader, other] = [await open(kind, domainId, key), await open(kind, domainId, tenant.key)];
    await lookNow(domainId);
    expect(reasonOf(reader)).toBeUndefined();
    await call(`/v1/tenants/${tenant.tenantId}/keys/${id}`, { key: tenant.key, method: "DELETE" });
    await lookNow(domainId);
    await reader.ended();
    expect(reasonOf(reader)).toBe("credential_ended");
    await append(domainId, event());
    expect(await other.has(1)).toEqual([1]);
    expect(reader.entries).toEqual([]);
    await leave(other);
  });

  test("S1-22 a session that is ended ends it", async () => {
    const domainId = await newDomain(tenant);
    const { token, sessionId } = await memberSession("viewer", { tenant });
    const reader = await open(kind, domainId, token);
    await lookNow(domainId);
    expect(reasonOf(reader)).toBeUndefined();
    await inBook(tenant.tenantId, (book) => book.endSession(sessionId, Date.now()));
    await lookNow(domainId);
    await reader.ended();
    expect(reasonOf(reader)).toBe("credential_ended");
  });

  test("S3-35 access of the operator's people that the tenant ends ends it", async () => {
    const domainId = await newDomain(tenant);
    const { staffId, token } = await staffSession();
    const { grant } = await deskOf(tenant.tenantId).requestAccess(accessWish(staffId));
    await deskOf(tenant.tenantId).approveAccess(grant.id, { by: asKey() });
    const reader = await open(kind, domainId, token);
    await lookNow(domainId);
    expect(reasonOf(reader)).toBeUndefined();
    await deskOf(tenant.tenantId).endAccess(grant.id, asKey());
    await lookNow(domainId);
    await reader.ended();
    expect(reasonOf(reader)).toBe("credential_ended");
  });

  test("while nobody can say whether a credential holds, nothing is sent after a minute, and the connection ends", async () => {
    const domainId = await newDomain(tenant);
    const reader = await open(kind, domainId, tenant.key);
    const away = async () => Promise.reject(new Error("the store is away"));
    await inKeeper(domainId, (keeper) => {
      keeper.tail.deps = { ...keeper.tail.deps, mayListen: away };
    });
    await lookNow(domainId);
    expect(reasonOf(reader)).toBeUndefined();
    await later(domainId, LIMITS.tailTrustMs + 1);
    await append(domainId, event());
    await inKeeper(domainId, (keeper) => keeper.tail.grew({ size: 2, copiedSize: 0 }));
    await scheduler.wait(100);
    expect(reader.entries).toEqual([]);
    await lookNow(domainId);
    await reader.ended();
    expect(reasonOf(reader)).toBe("credential_ended");
  });

  test("a connection ends when its life is over, and the next one goes on where it was", async () => {
    const domainId = await newDomain(tenant);
    const reader = await open(kind, domainId, tenant.key);
    await append(domainId, event());
    await reader.has(1);
    await later(domainId, kind === "stream" ? LIMITS.tailStreamLifeMs : LIMITS.tailSocketLifeMs);
    await lookNow(domainId);
    await reader.ended();
    expect(reasonOf(reader)).toBe("life_over");
    await later(domainId, 0);
    await append(domainId, event());
    const next = await open(kind, domainId, tenant.key, { query: "?from=2" });
    expect(await next.has(1)).toEqual([2]);
    await leave(next);
  });

  test("a log that stops ends it, and takes no new one while it is stopped", async () => {
    const domainId = await newDomain(tenant);
    const reader = await open(kind, domainId, tenant.key);
    await inLog(domainId, (log) => log.journal.stop("a test stopped it"));
    await lookNow(domainId);
    await reader.ended();
    expect(reasonOf(reader)).toBe("domain_stopped");
    await problemOf(await call(tailPath(domainId), { key: tenant.key }), "domain.stopped");
  });

  test("a tenant that is deleted ends it before the deletion is over", async () => {
    const own = await newTenant();
    const domainId = await newDomain(own);
    const reader = await open(kind, domainId, own.key);
    await askToDelete(own.tenantId);
    await lookNow(domainId);
    await untilDeleted(own.tenantId);
    await reader.ended();
    expect(["domain_gone", "credential_ended"]).toContain(reasonOf(reader));
  });

  test("S1-3 each connection is one entry of the tenant's own log, with its filter", async () => {
    const own = await newTenant();
    const domainId = await newDomain(own);
    const reader = await open(kind, domainId, own.key, { query: "?from=0&action=invoice.*" });
    await append(domainId, events(3));
    await reader.has(3);
    const reads = (await entriesOf(own.tenantDomainId)).filter(({ action }) => action === "audit.read");
    expect(reads).toHaveLength(1);
    expect(reads[0]).toMatchObject({
      targets: [{ type: "domain", id: domainId }],
      metadata: { read: "tail", from: 0 },
    });
    expect(JSON.stringify(reads[0]?.metadata)).toContain("invoice.*");
    await leave(reader);
  });

  test("past the connections that a domain may have the next one is refused, and one that leaves makes room", async () => {
    const domainId = await newDomain(tenant);
    const readers = await Promise.all(range(1, LIMITS.tailsPerDomain).map(() => open(kind, domainId, tenant.key)));
    await problemOf(await call(tailPath(domainId), { key: tenant.key }), "rate.limited");
    await leave(readers.pop() as Reader);
    const room = await soonOpened(() => open(kind, domainId, tenant.key));
    await append(domainId, event());
    for (const reader of [...readers, room]) expect(await reader.has(1)).toEqual([1]);
    await Promise.all([...readers, room].map(leave));
  });
});

test("past the connections that all domains of a tenant may have together the next one is refused", async () => {
  const own = await newTenant();
  const domainId = await newDomain(own);
  const desk = rateDesk(env, cellConfig(env), own.tenantId);
  const reader = await openSocket(domainId, own.key);
  await desk.countTails("another domain", LIMITS.tailsPerTenant - 1);
  const problem = await problemOf(await call(tailPath(domainId), { key: own.key }), "rate.limited");
  expect(problem.detail).toBe("a tenant may have 500 live connections at a time");
  await desk.countTails("another domain", 0);
  await leave(await openSocket(domainId, own.key));
  await leave(reader);
});

async function soonOpened(connect: () => Promise<Reader>): Promise<Reader> {
  for (let tries = 0; ; tries++) {
    try {
      return await connect();
    } catch (error) {
      if (tries > 50) throw error;
      await scheduler.wait(20);
    }
  }
}

describe("a WebSocket", () => {
  test("outlives the memory of the keeper and of the log, and gets what is appended then", async () => {
    const domainId = await newDomain(tenant);
    const reader = await openSocket(domainId, tenant.key, { query: "?from=0&action=invoice.exported" });
    await append(domainId, event());
    await reader.has(1);
    for (const evicted of [[keeperOf(domainId)], [stubOf(domainId)], [keeperOf(domainId), stubOf(domainId)]]) {
      for (const stub of evicted) await evictDurableObject(stub);
      await append(domainId, [event({ action: "a.b" }), event()]);
    }
    expect(await reader.has(4)).toEqual([1, 3, 5, 7]);
    reader.socket.close(1000);
  });

  test("what nobody told the keeper of it finds at its next look", async () => {
    const domainId = await newDomain(tenant);
    const reader = await openSocket(domainId, tenant.key);
    await append(domainId, event());
    await reader.has(1);
    // Nobody listens, as far as the log knows.
    await inLog(domainId, (_, { storage }) => storage.kv.delete("tail_interest_until_ms"));
    await evictDurableObject(stubOf(domainId));
    await append(domainId, event());
    await scheduler.wait(100);
    expect(reader.seqs).toEqual([1]);
    await lookNow(domainId);
    expect(await reader.has(2)).toEqual([1, 2]);
    await append(domainId, event());
    expect(await reader.has(3)).toEqual([1, 2, 3]);
    reader.socket.close(1000);
  });

  test("a reader that sends no mark back gets two windows, is told that it lags, and loses nothing when it comes again", async () => {
    const domainId = await newDomain(tenant);
    const count = LIMITS.tailWindowEntries * 3;
    await append(domainId, events(count));
    const slow = await openSocket(domainId, tenant.key, { query: "?from=1", echo: false });
    await slow.has(LIMITS.tailWindowEntries * 2);
    await lookNow(domainId);
    expect(slow.seqs).toEqual(range(1, LIMITS.tailWindowEntries * 2));
    expect(slow.closed).toBeNull();
    await later(domainId, LIMITS.tailStallMs + 1);
    await lookNow(domainId);
    expect(await slow.ended()).toMatchObject({ code: 4008 });
    const { next } = slow.messages.at(-1) as { next: number };
    await later(domainId, 0);
    const again = await openSocket(domainId, tenant.key, { query: `?from=${next}` });
    await again.has(LIMITS.tailWindowEntries);
    expect([...slow.seqs, ...again.seqs]).toEqual(range(1, count));
    again.socket.close(1000);
  });

  test("a window ends by the size of what was sent, too", async () => {
    const domainId = await newDomain(tenant);
    const big = event({ metadata: { text: "x".repeat(15_000) }, clear_metadata: ["text"] });
    await append(
      domainId,
      range(1, 60).map(() => big),
    );
    const slow = await openSocket(domainId, tenant.key, { query: "?from=1&payload=text", echo: false });
    await soon(() => slow.messages.filter(({ type }) => type === "mark").length === 2, "two marks");
    await scheduler.wait(50);
    const chars = slow.entries.reduce((sum, entry) => sum + JSON.stringify(entry).length, 0);
    expect(chars).toBeLessThan(2 * (LIMITS.tailWindowChars + 40_000));
    slow.socket.close(1000);
  });

  test("ping is answered with pong", async () => {
    const domainId = await newDomain(tenant);
    const reader = await openSocket(domainId, tenant.key);
    reader.socket.send("ping");
    await soon(() => reader.texts.includes("pong"), "a pong");
    reader.socket.close(1000);
  });

  test.each<[string, string | ArrayBuffer]>([
    ["a mark that was not sent", '{"type":"mark","next":7}'],
    ["something else", '{"from":0}'],
    ["bytes", new ArrayBuffer(4)],
  ])("%s from a client ends the connection", async (_, message) => {
    const domainId = await newDomain(tenant);
    const reader = await openSocket(domainId, tenant.key);
    reader.socket.send(message);
    expect(await reader.ended()).toMatchObject({ code: 4022 });
  });

  test("a page of another origin is refused, one of this origin is not", async () => {
    const domainId = await newDomain(tenant);
    const headers = { Upgrade: "websocket" };
    const other = await call(tailPath(domainId), {
      key: tenant.key,
      headers: { ...headers, Origin: "https://elsewhere.example" },
    });
    await problemOf(other, "auth.cross_site");
    const own = await openSocket(domainId, tenant.key, { headers: { Origin: ORIGIN } });
    own.socket.close(1000);
  });

  test("the subprotocol is answered when it was offered, and another one alone is refused", async () => {
    const domainId = await newDomain(tenant);
    const offer = (protocols: string) =>
      call(tailPath(domainId), {
        key: tenant.key,
        headers: { Upgrade: "websocket", "Sec-WebSocket-Protocol": protocols },
      });
    const right = await offer("graphql-ws, moonseal.tail.v1");
    expect([right.status, right.headers.get("Sec-WebSocket-Protocol")]).toEqual([101, "moonseal.tail.v1"]);
    right.webSocket?.accept();
    right.webSocket?.close();
    await problemOf(await offer("graphql-ws"), "request.invalid");
  });
});

describe("server-sent events", () => {
  test("`Last-Event-ID` goes on behind it and counts more than `from`", async () => {
    const domainId = await newDomain(tenant);
    await append(domainId, events(5));
    const reader = await openStream(domainId, tenant.key, { query: "?from=0", headers: { "Last-Event-ID": "3" } });
    expect(await reader.has(2)).toEqual([4, 5]);
    expect(reader.lastId).toBe("5");
    await reader.leave();
  });

  test("a reader that does not read is not written to without bound, and is ended", async () => {
    const domainId = await newDomain(tenant);
    const big = event({ metadata: { text: "x".repeat(15_000) }, clear_metadata: ["text"] });
    for (let i = 0; i < 5; i++)
      await append(
        domainId,
        range(1, 60).map(() => big),
      );
    const answer = await callWithoutReading(domainId);
    await scheduler.wait(300);
    const next = await inKeeper(domainId, async (keeper) => {
      keeper.tail.deps = { ...keeper.tail.deps, clock: () => Date.now() + LIMITS.tailStallMs + 1 };
      await keeper.tail.look();
      return keeper.tail.look();
    });
    expect(next).toBeNull();
    const { length } = await new Response(answer.body).text().catch(() => ({ length: 0 }));
    expect(length).toBeLessThan(3 * 1024 * 1024);
  });
});

const callWithoutReading = async (domainId: string) => {
  return workerFetch(`${ORIGIN}${tailPath(domainId, "?from=0")}`, {
    headers: { Authorization: `Bearer ${tenant.key}` },
  });
};

describe("bad questions", () => {
  test.each<[string, string, string]>([
    ["a seq past the head", "?from=99", "query:from"],
    ["a seq that is no number", "?from=one", "query:from"],
    ["an action that is none", "?action=Nope", "query:action"],
    ["an outcome that is none", "?outcome=fine", "query:outcome"],
    ["a category that is none", "?category=x", "query:category"],
    ["an unknown parameter", "?q=x", "query:q"],
    ["a credential in the address", "?access_token=x", "query:access_token"],
  ])("%s is refused, naming it", async (_, query, pointer) => {
    const domainId = await newDomain(tenant);
    for (const headers of [{ Accept: "text/event-stream" }, { Upgrade: "websocket" }]) {
      const problem = await problemOf(
        await call(tailPath(domainId, query), { key: tenant.key, headers }),
        "request.invalid",
      );
      expect(problem.errors?.[0]?.pointer.startsWith(pointer), problem.errors?.[0]?.pointer).toBe(true);
    }
  });
});

describe("an append", () => {
  test("waits for no keeper, whatever it does", async () => {
    const domainId = await newDomain(tenant);
    const reader = await openSocket(domainId, tenant.key);
    const hung = vi.spyOn(DomainKeeper.prototype, "grew").mockImplementation(() => new Promise<never>(() => {}));
    for (let i = 0; i < 3; i++) await append(domainId, event());
    await soon(() => hung.mock.calls.length > 0, "the keeper is told");
    expect(reader.entries).toEqual([]);
    await lookNow(domainId);
    expect(await reader.has(3)).toEqual([1, 2, 3]);
    hung.mockRestore();
    reader.socket.close(1000);
  });

  test("tells nobody when nobody has listened, and stops telling when nobody listens any more", async () => {
    const domainId = await newDomain(tenant);
    await append(domainId, event());
    const interest = () => inLog(domainId, (_, { storage }) => storage.kv.get<number>("tail_interest_until_ms"));
    expect(await interest()).toBeUndefined();
    const reader = await openSocket(domainId, tenant.key);
    expect(await interest()).toBeGreaterThan(Date.now());
    reader.socket.close(1000);
    for (let tries = 0; (await interest()) !== undefined && tries < 20; tries++) {
      await append(domainId, event());
      await scheduler.wait(100);
    }
    expect(await interest()).toBeUndefined();
  });
});
