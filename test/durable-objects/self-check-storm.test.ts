/** The self-check beside everything else that a domain does: no false alarm. Runs in workerd, against the real stores. */
import { evictDurableObject } from "cloudflare:test";
import { expect, test } from "vitest";
import { segmentKey } from "../../src/core/segment.ts";
import type { DomainHealth } from "../../src/services/self-check/view.ts";
import { alarmLater, append, env, event, inLog, logOf, newDomain, newTenant, stubOf } from "../support/cell.ts";
import { erase, eventAbout } from "../support/erasure.ts";
import { FAULT_FORMS, withFault } from "../support/faults.ts";
import { expireTo, pruneTo } from "../support/pruned.ts";
import { askForRotation, untilRotated } from "../support/rotation.ts";
import { alertsOf, badIn, checkDomain, checkOf, settle } from "../support/self-check.ts";

const SEGMENT = 5;

/** Checks the domain over and over until `work` is over, and once more. */
async function checkedWhile(domainId: string, work: () => Promise<void>): Promise<DomainHealth[]> {
  const runs: DomainHealth[] = [];
  let isOver = false;
  const checking = (async () => {
    while (!isOver) runs.push(await checkDomain(domainId));
  })();
  await work().finally(() => {
    isOver = true;
  });
  await checking;
  return [...runs, await checkDomain(domainId)];
}

/** Nothing bad at any time, and all of it read at the end. */
async function expectQuiet(domainId: string, runs: readonly DomainHealth[], least: number): Promise<void> {
  expect(runs.length).toBeGreaterThan(least);
  expect(runs.map(badIn).filter((bad) => Object.keys(bad).length > 0)).toEqual([]);
  expect(await alertsOf(domainId)).toEqual({});
  const { size, stoppedReason } = await logOf(domainId).head();
  expect(stoppedReason).toBeNull();
  await settle(domainId);
  const last = await checkDomain(domainId);
  expect(last.state).toBe("ok");
  for (const name of ["ledger", "archive", "mirror"] as const)
    expect(checkOf(last, name).verifiedTo).toBeGreaterThanOrEqual(size);
}

test("no false alarm while entries are appended, copied, archived, signed and mirrored, also when stores fail and objects go", async () => {
  const domainId = await newDomain(await newTenant(), { segment_entries: SEGMENT });
  const runs = await checkedWhile(domainId, async () => {
    for (let round = 0; round < 24; round++) {
      await append(
        domainId,
        Array.from({ length: 1 + (round % 17) }, () => event()),
        { waitForCopy: round % 3 === 0 },
      );
      if (round % 4 === 1) await alarmLater(domainId);
      if (round % 6 === 2) await inLog(domainId, (log) => log.tree.mirror().then(() => undefined));
      const form = FAULT_FORMS[round % 2] ?? "lost";
      if (round % 6 === 3) {
        await inLog(domainId, (log) => {
          const { store: ledger } = withFault(log.stores.ledger, { method: "insert", form, times: 1 });
          const { store: segments } = withFault(log.stores.segments, { method: "put", form, times: 1 });
          log.stores = { ...log.stores, ledger, segments };
        });
      }
      if (round % 8 === 7) await evictDurableObject(stubOf(domainId));
      if (round % 12 === 11) await evictDurableObject(env.DOMAIN_KEEPER.getByName(domainId)).catch(() => {});
    }
  });
  await expectQuiet(domainId, runs, 3);
});

test("no false alarm while people are erased and the tenant's key is rotated", async () => {
  const tenant = await newTenant();
  const domainId = await newDomain(tenant, { segment_entries: SEGMENT });
  const people = Array.from({ length: 4 }, (_, i) => `person-${i}`);
  for (const person of people) await append(domainId, [eventAbout(person), event()], { waitForCopy: true });
  await settle(domainId);
  const runs = await checkedWhile(domainId, async () => {
    for (const person of people.slice(0, 2)) {
      await erase(domainId, person);
      await alarmLater(domainId);
    }
    expect((await askForRotation(tenant)).status).toBeLessThan(300);
    await untilRotated(tenant);
    await append(domainId, eventAbout("person-9"));
    await alarmLater(domainId);
  });
  await expectQuiet(domainId, runs, 2);
});

test("no false alarm while a prefix is pruned and its payloads expire; what is left is read, and damage to it is found", async () => {
  const domainId = await newDomain(await newTenant(), { segment_entries: SEGMENT });
  await append(
    domainId,
    Array.from({ length: 39 }, () => event()),
    { waitForCopy: true },
  );
  await settle(domainId);
  const runs = await checkedWhile(domainId, async () => {
    for (const toSeq of [10, 20]) {
      await pruneTo(domainId, toSeq);
      await append(domainId, event());
    }
    await expireTo(domainId, 10);
  });
  await expectQuiet(domainId, runs, 2);
  const last = await checkDomain(domainId);
  const { size } = await logOf(domainId).head();
  expect(checkOf(last, "ledger").sampleSize).toBe(size - 20);
  expect(checkOf(last, "archive").sampleSize).toBe(size - 10);
  await env.LOG.delete(segmentKey(domainId, 10));
  expect(badIn(await checkDomain(domainId)).archive).toEqual(["archive:segment_missing 10"]);
});

test("no false alarm while the mirror has put its whole tiles, and not yet the checkpoint that needs them", async () => {
  const domainId = await newDomain(await newTenant());
  await append(domainId, event(), { waitForCopy: true });
  await settle(domainId);
  // Before anything comes that the log's own timer could mirror.
  const broken = await inLog(domainId, (log) => {
    const { treeMirror } = log.stores;
    const { store, failed } = withFault(treeMirror, { method: "putCheckpoint", form: "lost", times: 1000 });
    log.stores = { ...log.stores, treeMirror: store };
    const mend = () => {
      log.stores = { ...log.stores, treeMirror };
    };
    return { failed, mend };
  });
  await append(
    domainId,
    Array.from({ length: 300 }, () => event()),
    { waitForCopy: true },
  );
  await inLog(domainId, async (log) => {
    log.tree.sign();
    for (let tries = 0; tries < 20 && broken.failed() === 0; tries++) await log.tree.mirror().catch(() => undefined);
    broken.mend();
  });
  expect(broken.failed()).toBeGreaterThan(0);
  expect((await env.LOG.list({ prefix: `tlog/${domainId}/tile/0/000.p/` })).objects).toEqual([]);
  const health = await checkDomain(domainId);
  expect(badIn(health)).toEqual({});
  expect(checkOf(health, "mirror")).toMatchObject({ state: "ok" });
  await settle(domainId);
  expect((await checkDomain(domainId)).state).toBe("ok");
});
