/** Retention of entries as a tenant sees it: a policy, a dry run, a confirmation, a run, its record. */
import { runInDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, test } from "vitest";
import type { DomainKeeper } from "../../durable-objects/domain-keeper.ts";
import { cellDesk } from "../../durable-objects/gates.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { setDeskClock } from "../support/access.ts";
import { append, call, copiedRows, env, event, logOf, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { placeHold, releaseHold } from "../support/holds.ts";
import { DAY_MS, hotSeqs, settled } from "../support/prune.ts";
import { askForRun, dryRunLater, runsOf, setReference } from "../support/retention.ts";

let tenant: TestTenant;
beforeAll(async () => {
  tenant = await newTenant();
});

const path = (domainId: string, rest = "") => `/v1/domains/${domainId}/retention${rest}`;
const setPolicies = (domainId: string, policies: object) =>
  call(path(domainId), { method: "PUT", key: tenant.key, body: { policies }, headers: { "If-Match": "*" } });

/** Everything of the cell that counts time is `laterMs` ahead while `run` runs. */
async function later<T>(laterMs: number, run: () => Promise<T>): Promise<T> {
  await setDeskClock(tenant.tenantId, laterMs);
  await setReference(tenant, laterMs);
  try {
    return await run();
  } finally {
    await setDeskClock(tenant.tenantId, null);
    await setReference(tenant, null);
  }
}

/** The keeper's run, with what it asks the tenant's object for. */
const runKeeper = (domainId: string, laterMs: number) =>
  later(laterMs, () =>
    runInDurableObject(env.DOMAIN_KEEPER.getByName(domainId), async (keeper: DomainKeeper) => {
      const { context } = keeper.retaining;
      const { clock } = context;
      context.clock = () => Date.now() + laterMs;
      context.book.setDue(context.clock());
      for (let turn = 0; turn === 0 || (context.book.open() !== null && turn < 50); turn++)
        await keeper.retaining.turn();
      context.clock = clock;
    }),
  );

async function oldDomain(policies: object, entries = 6): Promise<string> {
  const domainId = await newDomain(tenant, { segment_entries: 2 });
  for (let i = 0; i < entries; i++) await append(domainId, event());
  expect((await setPolicies(domainId, policies)).status).toBe(200);
  await settled(domainId);
  return domainId;
}

async function confirm(domainId: string, laterMs: number) {
  const run = await dryRunLater(tenant, domainId, laterMs);
  const answer = await call(path(domainId, "/confirm"), { key: tenant.key, body: { token: run.token } });
  expect(answer.status).toBe(200);
  await settled(domainId);
  return run;
}

describe("retention of entries", () => {
  test("S0-11, S1-16, S4-2 nothing goes before the dry run was confirmed; then the run takes what it listed, and the younger stays", async () => {
    const domainId = await oldDomain({ audit_entries: "P1D" });
    await runKeeper(domainId, 2 * DAY_MS);
    expect((await hotSeqs(domainId))[0]).toBe(0);
    const { from_seq, to_seq } = await confirm(domainId, 2 * DAY_MS);
    expect({ from_seq, to_seq }).toEqual({ from_seq: 0, to_seq: 7 });
    // The entry of the confirmation is the newest one now.
    await runKeeper(domainId, 2 * DAY_MS);
    const { firstHot, firstKept } = await logOf(domainId).head();
    expect({ firstHot, firstKept }).toEqual({ firstHot: 8, firstKept: 8 });
    await copiedRows(domainId);
    expect((await hotSeqs(domainId))[0]).toBe(8);
    const [record] = (await runsOf(tenant)) as unknown as Record<string, unknown>[];
    expect(record).toMatchObject({
      ...{ domain_id: domainId, first_seq: 0, to_seq: 8, planned: 16, done: 16, status: "done" },
      resources: [
        { resource: "hot_entries", done: 8 },
        { resource: "audit_entries", done: 8 },
      ],
    });
  });

  test("S4-1 the time in the hot store is a policy of its own: after it the archive still has every entry", async () => {
    const domainId = await oldDomain({ audit_entries: "P7Y", hot_entries: "P1D" });
    expect(await confirm(domainId, 2 * DAY_MS)).toMatchObject({ duration: "P1D", kept_for: "P7Y" });
    await runKeeper(domainId, 2 * DAY_MS);
    expect(await logOf(domainId).head()).toMatchObject({ firstHot: 8, firstKept: 0 });
    expect((await env.LOG.list({ prefix: `audit/${domainId}/` })).objects.length).toBeGreaterThanOrEqual(4);
    // What was confirmed is not a shorter whole time.
    await setPolicies(domainId, { audit_entries: "P1Y" });
    await settled(domainId);
    await runKeeper(domainId, 2 * 366 * DAY_MS);
    expect((await logOf(domainId).head()).firstKept).toBe(0);
  });

  test("S4-1 while the clock is a year ahead nothing leaves hot store or archive, which is told; right again, the run is planned at once", async () => {
    const domainId = await oldDomain({ audit_entries: "P1D" });
    await confirm(domainId, 2 * DAY_MS);
    const alerts = async () =>
      (await cellDesk(env, cellConfig(env)).monitoring.view()).alerts
        .filter((alert) => alert.domainId === domainId)
        .map(({ kind, codes }) => `${kind} ${codes}`);
    const archived = async () => (await env.LOG.list({ prefix: `audit/${domainId}/` })).objects.map(({ key }) => key);
    const [before, whole] = [await hotSeqs(domainId), await archived()];
    /** One alarm of the keeper whose clock is `aheadMs` ahead of what everybody else takes for now, in two days. */
    const alarm = (aheadMs: number) =>
      later(2 * DAY_MS, () =>
        runInDurableObject(env.DOMAIN_KEEPER.getByName(domainId), async (keeper: DomainKeeper) => {
          const { context } = keeper.retaining;
          const { clock, plan } = context;
          const planned: number[] = [];
          const nowMs = Date.now() + 2 * DAY_MS + aheadMs;
          Object.assign(context, { clock: () => nowMs, plan: (atMs: number) => void planned.push(atMs - nowMs) });
          keeper.retaining.see();
          const nextMs = await keeper.retaining.turn();
          Object.assign(context, { clock, plan });
          return { planned, inMs: (nextMs ?? 0) - nowMs };
        }),
      );
    await runInDurableObject(env.DOMAIN_KEEPER.getByName(domainId), (keeper: DomainKeeper) =>
      keeper.retaining.context.book.setDue(Date.now() + 2 * DAY_MS),
    );
    for (const _ of ["first", "again"]) {
      expect((await alarm(366 * DAY_MS)).inMs).toBe(LIMITS.retentionRefusedMs);
      expect(await alerts()).toEqual(["clock.jumped clock_ahead"]);
    }
    expect(await hotSeqs(domainId)).toEqual(before);
    expect(await archived()).toEqual(whole);
    expect(await logOf(domainId).head()).toMatchObject({ firstHot: 0, firstKept: 0 });
    const { planned } = await alarm(0);
    expect(planned).toHaveLength(1);
    expect(planned[0]).toBeLessThanOrEqual(0);
    for (let turns = 0; turns < 20 && (await logOf(domainId).head()).firstKept === 0; turns++) await alarm(0);
    expect((await logOf(domainId).head()).firstHot).toBeGreaterThan(0);
    expect((await archived()).length).toBeLessThan(whole.length);
    expect(await alerts()).toEqual([]);
  });

  test("a hold over all domains, or one that names people, keeps everything until it is released", async () => {
    const domainId = await oldDomain({ audit_entries: "P1D" });
    await confirm(domainId, 2 * DAY_MS);
    for (const scope of [{ all_domains: true }, { people: ["usr_42"] }]) {
      const { id } = await placeHold(tenant, scope);
      await settled(domainId);
      await runKeeper(domainId, 2 * DAY_MS);
      expect((await hotSeqs(domainId))[0], JSON.stringify(scope)).toBe(0);
      await releaseHold(tenant, id);
    }
    await settled(domainId);
    await runKeeper(domainId, 2 * DAY_MS);
    await copiedRows(domainId);
    expect((await hotSeqs(domainId))[0]).toBeGreaterThan(0);
  }, 90_000);

  test("an erasure after the prune finds what is sealed in the archive, too, and nobody who was erased before comes back", async () => {
    const domainId = await newDomain(tenant, { segment_entries: 2 });
    const people = ["usr_early", "usr_late"];
    for (let i = 0; i < 4; i++)
      await append(domainId, event({ actor: { type: "user", id: people[i % 2] }, reason: `word ${i}` }));
    await setPolicies(domainId, { audit_entries: "P7Y", hot_entries: "P1D" });
    await settled(domainId);
    const erase = async (identity_id: string) => {
      const answer = await call(`/v1/domains/${domainId}/audit/erase-identity`, {
        key: tenant.key,
        body: { identity_id },
      });
      expect(answer.status).toBeLessThan(300);
      await settled(domainId);
    };
    const pagesNaming = async (identityId: string) => {
      const { pseudonym } = await logOf(domainId).person(identityId);
      const { objects } = await env.LOG.list({ prefix: `sealed/${domainId}/` });
      const texts = await Promise.all(objects.map(async ({ key }) => (await env.LOG.get(key))?.text() ?? ""));
      return texts.filter((text) => text.includes(pseudonym)).length;
    };
    await erase("usr_early");
    await confirm(domainId, 2 * DAY_MS);
    await runKeeper(domainId, 2 * DAY_MS);
    expect((await logOf(domainId).head()).firstHot).toBeGreaterThan(4);
    const sealed =
      "SELECT count(sealed) AS sealed, count(*) AS named FROM audit_private_value WHERE domain_id = ? AND seq <= 4";
    expect(await env.LEDGER_00.prepare(sealed).bind(domainId).first()).toEqual({ sealed: 0, named: 2 });
    expect([await pagesNaming("usr_early"), (await pagesNaming("usr_late")) > 0]).toEqual([0, true]);
    await erase("usr_late");
    expect(await pagesNaming("usr_late")).toBe(0);
    expect(await env.LEDGER_00.prepare(sealed).bind(domainId).first()).toEqual({ sealed: 0, named: 0 });
  });

  test("a hold by query keeps the first entry that it asks for, and all behind it", async () => {
    const domainId = await newDomain(tenant, { segment_entries: 2 });
    for (const action of ["invoice.exported", "invoice.exported", "payment.made", "invoice.exported"])
      await append(domainId, event({ action }));
    await setPolicies(domainId, { audit_entries: "P1D" });
    await settled(domainId);
    await confirm(domainId, 2 * DAY_MS);
    const { id } = await placeHold(tenant, { query: { q: "action:payment.*", domains: [domainId] } });
    await settled(domainId);
    await runKeeper(domainId, 2 * DAY_MS);
    expect((await logOf(domainId).head()).firstHot).toBe(3);
    await releaseHold(tenant, id);
    await settled(domainId);
    await runKeeper(domainId, 2 * DAY_MS);
    expect((await logOf(domainId).head()).firstHot).toBeGreaterThan(5);
  });

  test("whoever asks for a run of the tenant has the keepers of its domains look too", async () => {
    const domainId = await newDomain(tenant);
    const inBook = <T>(run: (book: DomainKeeper["retaining"]["context"]["book"]) => T) =>
      runInDurableObject(env.DOMAIN_KEEPER.getByName(domainId), (keeper: DomainKeeper) =>
        run(keeper.retaining.context.book),
      );
    await inBook((book) => book.setDue(Date.now() + 10 * DAY_MS));
    await askForRun(tenant);
    // Now, or a day behind the run that was made of it.
    expect(await inBook((book) => book.dueMs())).toBeLessThan(Date.now() + 2 * DAY_MS);
  });
});
