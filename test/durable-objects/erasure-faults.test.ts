/**
 * An erasure whose nth question to a store fails in either form, as do all after it, while events about the same person keep
 * coming; then the object is evicted, and a new one finishes on its own.
 */
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import type { DomainStores } from "../../durable-objects/domain-log/stores.ts";
import { AppError, isAppError } from "../../src/core/errors.ts";
import { alarmLater, append, bareDomain, copiedRows, inLog, logOf, runAlarm, stubOf } from "../support/cell.ts";
import { erase, eventAbout, expectGone, NO_TRACES, pseudonymIn, tracesOf } from "../support/erasure.ts";
import { FAULT_FORMS, type FaultForm } from "../support/faults.ts";
import { expectWholeLog } from "../support/verify.ts";

const WATCHED = ["sealedRows", "sealedPages", "subjectPages", "ledger", "tenantKeys"] as const;

/** Lets the first `nth` questions pass; those after it fail in the given form. Answers how many were asked. */
function failFrom(domainId: string, nth: number, form: FaultForm): Promise<() => number> {
  return inLog(domainId, (log) => {
    let asked = 0;
    const watched = <T extends object>(store: T): T =>
      new Proxy(store, {
        get(target, name) {
          const value = Reflect.get(target, name) as unknown;
          if (typeof value !== "function") return value;
          return async (...args: unknown[]) => {
            if (asked++ < nth) return value.apply(target, args);
            if (form === "answer_lost") await value.apply(target, args);
            throw new AppError("storage.unavailable", { internal: `injected: ${String(name)} ${form}` });
          };
        },
      });
    const stores: DomainStores = { ...log.stores };
    for (const name of WATCHED) Object.assign(stores, { [name]: watched(stores[name]) });
    log.stores = stores;
    return () => asked;
  });
}

async function crowdedDomain(): Promise<{ domainId: string; pseudonym: string }> {
  const domainId = await bareDomain(4);
  await append(domainId, [eventAbout("usr_1"), eventAbout("usr_2"), eventAbout("usr_1")], { waitForCopy: true });
  await append(
    domainId,
    Array.from({ length: 6 }, () => eventAbout("usr_1")),
  );
  await inLog(domainId, (log) => log.alarm());
  await append(domainId, eventAbout("usr_1"));
  return { domainId, pseudonym: await pseudonymIn(domainId, "usr_1") };
}

/** Events about the person, one after the other, until told to end. A store that is away may refuse some. */
function storm(domainId: string): () => Promise<number> {
  let going = true;
  let accepted = 0;
  const done = (async () => {
    while (going) {
      try {
        await append(domainId, [
          eventAbout("usr_1"),
          eventAbout("usr_3", { targets: [{ type: "user", id: "usr_1" }] }),
        ]);
        accepted += 2;
      } catch (error) {
        if (!isAppError(error)) throw error;
      }
    }
  })();
  return async () => {
    going = false;
    await done;
    return accepted;
  };
}

async function finish(domainId: string): Promise<void> {
  for (let run = 0; run < 4; run++) await alarmLater(domainId);
}

describe("S1-20 an erasure that fails in the middle", () => {
  for (const form of FAULT_FORMS) {
    it(`at any question to any store (${form}), under a storm of events about the person, is finished by the object alone`, async () => {
      let asked = Number.POSITIVE_INFINITY;
      let rounds = 0;
      for (let nth = 0; nth < asked; nth++) {
        const { domainId, pseudonym } = await crowdedDomain();
        await evictDurableObject(stubOf(domainId));
        const questions = await failFrom(domainId, nth, form);
        const end = storm(domainId);
        const { erasure } = await erase(domainId, "usr_1");
        await end();
        asked = await inLog(domainId, () => questions());
        // Suppression is one transaction: from the answer on nothing new about the person is stored, whatever failed.
        expect((await tracesOf(domainId, pseudonym)).object, `after question ${nth}`).toBe(0);
        await evictDurableObject(stubOf(domainId));
        const endAgain = storm(domainId);
        await runAlarm(domainId);
        await finish(domainId);
        await endAgain();
        await finish(domainId);
        expect(await tracesOf(domainId, pseudonym), `after question ${nth}`).toEqual(NO_TRACES);
        expect(await logOf(domainId).erasure(erasure.id), `after question ${nth}`).toMatchObject({
          status: "executed",
        });
        const told = (await copiedRows(domainId)).filter(({ payload }) => payload.includes('"audit.identity_erased"'));
        expect(told, `after question ${nth}`).toHaveLength(1);
        await expectWholeLog(domainId);
        rounds++;
        if (erasure.status === "executed") break;
      }
      expect(rounds).toBeGreaterThan(8);
    }, 240_000);
  }

  it("a retry by the caller finishes it too, and is the same erasure", async () => {
    const { domainId, pseudonym } = await crowdedDomain();
    await evictDurableObject(stubOf(domainId));
    await failFrom(domainId, 3, "lost");
    const first = await erase(domainId, "usr_1");
    expect(first.erasure.status).toBe("finishing");
    await expect(logOf(domainId).erasureCertificate(first.erasure.id)).rejects.toMatchObject({
      code: "erasure.unfinished",
    });
    await evictDurableObject(stubOf(domainId));
    const again = await erase(domainId, "usr_1");
    expect(again).toMatchObject({ already: true, erasure: { id: first.erasure.id, status: "executed" } });
    await expectGone(domainId, pseudonym);
  });
});

describe("an erasure among others", () => {
  it("of many people at once, among events about all of them, leaves nobody behind", async () => {
    const domainId = await bareDomain(8);
    const people = Array.from({ length: 12 }, (_, i) => `usr_${i}`);
    await append(
      domainId,
      people.map((id) => eventAbout(id)),
    );
    let going = true;
    const storming = (async () => {
      while (going)
        await append(
          domainId,
          people.map((id) => eventAbout(id)),
        );
    })();
    const results = await Promise.all(people.map((id) => erase(domainId, id)));
    going = false;
    await storming;
    await finish(domainId);
    for (const { erasure } of results) {
      await expectGone(domainId, erasure.pseudonym);
      expect((await logOf(domainId).erasure(erasure.id)).status).toBe("executed");
    }
    await expectWholeLog(domainId);
  });

  it("of somebody at the very moment of their first sighting leaves no key behind", async () => {
    for (let round = 0; round < 5; round++) {
      const domainId = await bareDomain();
      const [, { erasure }] = await Promise.all([
        append(
          domainId,
          Array.from({ length: 3 }, () => eventAbout("usr_new")),
        ).catch(() => null),
        erase(domainId, "usr_new"),
      ]);
      await finish(domainId);
      await expectGone(domainId, erasure.pseudonym);
    }
  });

  it("answers a person with 20,000 entries in under two seconds, and finishes by itself", async () => {
    const domainId = await bareDomain(256);
    for (let batch = 0; batch < 20; batch++) {
      const events = Array.from({ length: 1000 }, () => ({ action: "a.b", actor: { type: "user", id: "usr_1" } }));
      await append(domainId, events);
    }
    await logOf(domainId).flush();
    await finish(domainId);
    const startMs = performance.now();
    const { erasure } = await erase(domainId, "usr_1");
    expect(performance.now() - startMs).toBeLessThan(2000);
    for (let run = 0; run < 5; run++) await alarmLater(domainId);
    await expectGone(domainId, erasure.pseudonym);
    expect(await logOf(domainId).erasure(erasure.id)).toMatchObject({
      status: "executed",
      counts: { entries: 20_000, ledgerRows: 20_000 },
    });
  }, 120_000);
});
