import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { append, bareDomain, copiedRows, event, inLog, logOf, stubOf } from "../support/cell.ts";
import { expectWholeLog } from "../support/verify.ts";

const userEvent = (id: string, fields: object = {}) => event({ id, ...fields });

describe("order", () => {
  it("S0-15 S1-1 every row carries the previous hash and its own, and they are one chain", async () => {
    const domainId = await bareDomain();
    const { receipts } = await append(domainId, [event(), event(), event()]);
    expect(receipts.map(({ seq }) => seq)).toEqual([1, 2, 3]);
    const rows = await copiedRows(domainId);
    for (const [i, row] of rows.entries()) if (i > 0) expect(row.prevHash).toBe(rows[i - 1]?.entryHash);
    expect(receipts.map(({ entry_hash }) => entry_hash)).toEqual(rows.slice(1).map(({ entryHash }) => entryHash));
    await expectWholeLog(domainId);
  });

  it("S2-19 200 parallel appends give 200 consecutive seqs, one chain, no doubled previous hash", async () => {
    const domainId = await bareDomain();
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, i) => append(domainId, event({ metadata: { i } }))),
    );
    const seqs = results.flatMap(({ receipts }) => receipts.map(({ seq }) => seq)).sort((a, b) => a - b);
    expect(seqs).toEqual(Array.from({ length: 200 }, (_, i) => i + 1));
    const prev = results.flatMap(({ receipts }) => receipts.map(({ prev_hash }) => prev_hash));
    expect(new Set(prev).size).toBe(200);
    expect((await expectWholeLog(domainId)).size).toBe(201);
  });

  it("S2-20 a burst goes on as one chain when the object is evicted in the middle of it", async () => {
    const domainId = await bareDomain();
    const seqs: number[] = [];
    for (let round = 0; round < 5; round++) {
      const results = await Promise.all(Array.from({ length: 20 }, () => append(domainId, event())));
      seqs.push(...results.flatMap(({ receipts }) => receipts.map(({ seq }) => seq)));
      await evictDurableObject(stubOf(domainId));
    }
    expect(seqs.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
    await expectWholeLog(domainId);
  });

  it("a clock that runs backwards never takes recorded_at back", async () => {
    const domainId = await bareDomain();
    const nowMs = Date.now();
    for (const clockMs of [nowMs + 5000, nowMs, nowMs - 3_600_000, nowMs + 6000]) {
      await inLog(domainId, (log) => {
        log.stores = { ...log.stores, clock: () => clockMs };
      });
      await append(domainId, event());
    }
    const times = (await copiedRows(domainId))
      .slice(1)
      .map(({ payload }) => Date.parse(JSON.parse(payload).recorded_at));
    expect(times).toEqual([nowMs + 5000, nowMs + 5000, nowMs + 5000, nowMs + 6000]);
  });
});

describe("exactly once", () => {
  it("a retry under the same idempotency key gets the first receipts and adds nothing", async () => {
    const domainId = await bareDomain();
    const first = await append(domainId, [event(), event()], { idempotencyKey: "k1" });
    await append(domainId, event());
    const again = await append(domainId, [event(), event()], { idempotencyKey: "k1" });
    expect(again).toEqual({ ...first, replayed: true, replicated: again.replicated });
    expect((await logOf(domainId).head()).size).toBe(4);
  });

  it("a retry after eviction and after the entries left the object still gets the first receipts", async () => {
    const domainId = await bareDomain(2);
    const first = await append(domainId, [event(), event(), event()], { idempotencyKey: "k1", waitForCopy: true });
    await inLog(domainId, (log) => log.alarm());
    expect((await logOf(domainId).head()).backlogEntries).toBe(0);
    await evictDurableObject(stubOf(domainId));
    const again = await append(domainId, [event(), event(), event()], { idempotencyKey: "k1" });
    expect(again.receipts).toEqual(first.receipts);
  });

  it("50 parallel requests under one key make one entry", async () => {
    const domainId = await bareDomain();
    const results = await Promise.all(
      Array.from({ length: 50 }, () => append(domainId, event(), { idempotencyKey: "k" })),
    );
    expect(new Set(results.map(({ receipts }) => receipts[0]?.entry_hash)).size).toBe(1);
    expect(results.filter(({ replayed }) => !replayed)).toHaveLength(1);
    expect((await expectWholeLog(domainId)).size).toBe(2);
  });

  it("another body under the same key is refused, and the same key of another credential is another key", async () => {
    const domainId = await bareDomain();
    await append(domainId, event(), { idempotencyKey: "k", scope: "a" });
    await expect(
      append(domainId, event({ action: "invoice.paid" }), { idempotencyKey: "k", scope: "a" }),
    ).rejects.toMatchObject({ code: "idempotency.key_reused" });
    expect((await append(domainId, event(), { idempotencyKey: "k", scope: "b" })).replayed).toBe(false);
  });

  it("an event sent again under its own id gets its first receipt, in whatever batch it comes", async () => {
    const domainId = await bareDomain();
    const first = await append(domainId, [userEvent("a"), userEvent("b")]);
    const mixed = await append(domainId, [userEvent("c"), userEvent("b"), event(), userEvent("a")]);
    expect(mixed.receipts.map(({ seq, replayed }) => [seq, replayed ?? false])).toEqual([
      [3, false],
      [2, true],
      [4, false],
      [1, true],
    ]);
    expect(mixed.receipts[3]).toMatchObject({ entry_hash: first.receipts[0]?.entry_hash });
    expect((await expectWholeLog(domainId)).size).toBe(5);
  });

  it("a replayed request whose events had mixed fates answers the same seqs", async () => {
    const domainId = await bareDomain();
    await append(domainId, userEvent("a"));
    const events = [event(), userEvent("a"), userEvent("b"), event()];
    const first = await append(domainId, events, { idempotencyKey: "k" });
    const again = await append(domainId, events, { idempotencyKey: "k" });
    expect(again.receipts.map(({ seq }) => seq)).toEqual(first.receipts.map(({ seq }) => seq));
    expect(again.receipts.map(({ seq }) => seq)).toEqual([2, 1, 3, 4]);
  });

  it("another event under an id that exists is refused with its pointer, and nothing of the request is stored", async () => {
    const domainId = await bareDomain();
    await append(domainId, userEvent("a"));
    const refused = append(domainId, [event(), userEvent("a", { outcome: "failure" })]);
    await expect(refused).rejects.toMatchObject({ code: "entry.id_conflict", errors: [{ pointer: "/1/id" }] });
    expect((await logOf(domainId).head()).size).toBe(2);
  });

  it("the same id twice in one request: equal events are one entry, different ones are refused", async () => {
    const domainId = await bareDomain();
    const twice = await append(domainId, [userEvent("a"), userEvent("a")]);
    expect(twice.receipts.map(({ seq, replayed }) => [seq, replayed])).toEqual([
      [1, undefined],
      [1, true],
    ]);
    const different = append(domainId, [userEvent("b"), userEvent("b", { outcome: "denied" })]);
    await expect(different).rejects.toMatchObject({ code: "entry.id_conflict" });
  });

  it("an id older than what the object remembers is found in D1 and never reaches the copier", async () => {
    const domainId = await bareDomain();
    await append(domainId, [userEvent("old"), event()], { waitForCopy: true });
    const later = Date.now() + (LIMITS.idempotencyDays + 40) * 86_400_000;
    await inLog(domainId, (log) => {
      log.stores = { ...log.stores, clock: () => later };
      log.journal.forget(later);
      expect(log.journal.knownIds(["old"])).toEqual([]);
    });
    await expect(append(domainId, userEvent("old"))).rejects.toMatchObject({
      code: "entry.id_conflict",
      errors: [{ pointer: "/id", detail: "entry 1 has this id" }],
    });
    expect((await append(domainId, userEvent("new"))).receipts[0]?.seq).toBe(3);
    await expectWholeLog(domainId);
  });

  it("an idempotency key is remembered for the promised days and forgotten after", async () => {
    const domainId = await bareDomain();
    await append(domainId, event(), { idempotencyKey: "k" });
    const day = 86_400_000;
    await inLog(domainId, (log) => log.journal.forget(Date.now() + LIMITS.idempotencyDays * day));
    expect((await append(domainId, event(), { idempotencyKey: "k" })).replayed).toBe(true);
    await inLog(domainId, (log) => log.journal.forget(Date.now() + (LIMITS.idempotencyDays + 32) * day));
    expect((await append(domainId, event(), { idempotencyKey: "k" })).replayed).toBe(false);
  });
});

describe("what enters the log", () => {
  it("S4-25 S4-26 one subject has one pseudonym in a domain and another one in the next domain", async () => {
    const [a, b] = [await bareDomain(), await bareDomain()];
    await append(a, event());
    await append(a, event());
    await append(b, event());
    const refs = async (domainId: string) =>
      (await copiedRows(domainId)).slice(1).map(({ payload }) => JSON.parse(payload).actor.ref as string);
    const [first, second] = await refs(a);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(second).toBe(first);
    expect(await refs(b)).not.toContain(first);
  });

  it("S0-31 two domains begin with different hashes, and entry 0 names the genesis value it follows", async () => {
    const [a, b] = [await bareDomain(), await bareDomain()];
    const [zeroA] = await copiedRows(a);
    const [zeroB] = await copiedRows(b);
    expect(zeroA?.prevHash).not.toBe(zeroB?.prevHash);
    expect(JSON.parse(zeroA?.payload ?? "")).toMatchObject({
      action: "domain.created",
      seq: 0,
      metadata: { genesis: zeroA?.prevHash, origin: `log.test/${a}`, kind: "client" },
    });
  });

  it("creating a domain again changes nothing", async () => {
    const domainId = await bareDomain();
    const before = await logOf(domainId).head();
    const identity = await inLog(domainId, (log) => log.journal.identity());
    await logOf(domainId).create({ domainId, tenantId: identity?.tenantId ?? "", kind: "client", segmentEntries: 9 });
    const { size, entryHash, genesis } = await logOf(domainId).head();
    expect({ size, entryHash, genesis }).toEqual({
      size: before.size,
      entryHash: before.entryHash,
      genesis: before.genesis,
    });
    expect((await inLog(domainId, (log) => log.journal.identity()))?.segmentEntries).toBe(256);
  });

  it("S4-15 private values stand in the payload as commitments only, and none of them is in any row", async () => {
    const domainId = await bareDomain();
    const secret = "canary-7f3a";
    const { receipts } = await append(
      domainId,
      event({
        actor: { type: "user", id: "usr_42", name: secret, email: `${secret}@example.com` },
        reason: secret,
        context: { ip: "203.0.113.9", user_agent: secret },
        changes: [{ path: "/status", from: secret, to: secret }],
        metadata: { note: secret, format: "csv" },
        clear_metadata: ["format"],
      }),
    );
    expect(receipts[0]?.dropped).toBeUndefined();
    const rows = await copiedRows(domainId);
    const commitments = JSON.parse(rows[1]?.payload ?? "").private as Record<string, string>;
    expect(Object.keys(commitments).sort()).toEqual(
      [
        "/actor/email",
        "/actor/name",
        "/changes/0/from",
        "/changes/0/to",
        "/context/ip",
        "/context/user_agent",
        "/metadata/note",
        "/reason",
      ].sort(),
    );
    for (const commitment of Object.values(commitments)) expect(commitment).toMatch(/^[0-9a-f]{64}$/);
    // The same value twice has two salts, so nobody sees that it is the same.
    expect(commitments["/changes/0/from"]).not.toBe(commitments["/changes/0/to"]);
    const text = JSON.stringify(rows);
    for (const canary of [secret, "usr_42", "203.0.113.9"]) expect(text).not.toContain(canary);
  });

  it("an entry over the limit is refused with its pointer, and nothing of the request is stored", async () => {
    const domainId = await bareDomain();
    const targets = Array.from({ length: 50 }, (_, i) => ({ type: "x".repeat(60), id: "ü".repeat(250) + i }));
    const changes = Array.from({ length: 100 }, (_, i) => ({ path: `/${"ü".repeat(500)}${i}` }));
    await expect(append(domainId, [event(), event({ targets, changes })])).rejects.toMatchObject({
      code: "request.too_large",
      errors: [{ pointer: "/1" }],
    });
    expect((await logOf(domainId).head()).size).toBe(1);
  });

  it("more private values than the ledger can hold beside one entry are refused with its pointer, and nothing is stored", async () => {
    const domainId = await bareDomain();
    const note = "x".repeat(16_000);
    const metadata = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`k${i}`, note]));
    await expect(append(domainId, [event(), event({ metadata })])).rejects.toMatchObject({
      code: "request.too_large",
      errors: [{ pointer: "/1" }],
    });
    expect((await logOf(domainId).head()).size).toBe(1);
    expect(await inLog(domainId, (log) => log.sealed.pendingSealed(0, 9))).toEqual({ privates: [], subjects: [] });
  });
});
