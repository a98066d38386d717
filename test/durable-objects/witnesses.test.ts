/** A domain's log and its witnesses: this cell's own route as a witness, and doubles that are slow, down or gone. Runs in workerd. */
import { evictDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { witnessExchange } from "../../durable-objects/domain-log/witness-exchange.ts";
import { Witnesses } from "../../durable-objects/domain-log/witnesses.ts";
import type { DomainLog } from "../../durable-objects/domain-log.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { parseNote } from "../../src/core/note.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { proofOfGrowth, rootAt } from "../../src/services/log/tree.ts";
import type { WitnessAlarm } from "../../src/services/witness/ask.ts";
import type { WitnessConfig } from "../../src/services/witness/config.ts";
import { parseCosignerKey, parseTrustedKey, type TrustedKey } from "../../src/verifier/policy.ts";
import { CANARY, canaryEvent } from "../support/canaries.ts";
import { append, bareDomain, env, event, inLog, logOf, ORIGIN, stubOf, workerFetch } from "../support/cell.ts";
import { placesWith } from "../support/dump.ts";
import { WitnessDouble } from "../support/witness-double.ts";

const { cosigner, mlDsaCosigner, signer } = cellConfig(env);
const verifierKeys = [cosigner.verifierKey, (await mlDsaCosigner?.verifierKey()) ?? ""];
const cell: WitnessConfig = {
  name: cosigner.name,
  keys: verifierKeys.map((key) => parseCosignerKey(sha256, key)).filter((key) => key !== null),
  verifierKeys,
  verifierKey: cosigner.verifierKey,
  url: `${ORIGIN}/witness`,
  monitoringUrl: `${ORIGIN}/witness`,
  independent: false,
  origins: null,
};

interface Scene {
  witnesses: Witnesses;
  log: DomainLog;
  alarms: WitnessAlarm[];
  planned: number[];
  sent: { url: string; body: string }[];
  clock: { ms: number };
}

/** A signed log of some entries; `run` goes inside its object, with witnesses of its own. */
async function scene<T>(
  configured: WitnessConfig[],
  doubles: WitnessDouble[],
  run: (scene: Scene) => Promise<T>,
): Promise<T> {
  const domainId = await bareDomain();
  await append(domainId, [event(), event()]);
  await logOf(domainId).checkpoint();
  return inLog(domainId, (log, state) => run(sceneIn(log, state.storage, domainId, configured, doubles)));
}

function sceneIn(
  log: DomainLog,
  storage: DurableObjectStorage,
  domainId: string,
  configured: WitnessConfig[],
  doubles: WitnessDouble[],
): Scene {
  const origin = `${env.LOG_HOST}/${domainId}`;
  const own = signer.named(origin);
  for (const double of doubles) double.logs.set(origin, own.verifierKey);
  const parts: Omit<Scene, "witnesses"> = { log, alarms: [], planned: [], sent: [], clock: { ms: Date.now() } };
  const send = async (url: string, init: RequestInit) => {
    parts.sent.push({ url, body: String(init.body ?? "") });
    const double = doubles.find((each) => url.startsWith(`${each.url}/`));
    return double ? double.fetch(url, init) : workerFetch(url, init);
  };
  const { tree, checkpoints } = log.tree;
  const witnesses = new Witnesses({
    storage,
    origin: () => origin,
    clock: () => parts.clock.ms,
    configured: () => configured,
    newest: () => checkpoints.lastCheckpoint(),
    checkpointOf: (size) => checkpoints.checkpointOf(size),
    own: {
      proof: (from, to) => proofOfGrowth(tree, from, to, sha256),
      rootAt: (size) => rootAt(tree, size, sha256),
      logKeys: () => [parseTrustedKey(sha256, own.verifierKey, 1) as TrustedKey],
    },
    alarm: (alarm) => parts.alarms.push(alarm),
    plan: (atMs) => parts.planned.push(atMs),
  });
  witnesses.exchange = witnessExchange(send, 300);
  return { ...parts, witnesses };
}

/** More entries, signed; inside the object. */
async function grow({ log, witnesses }: Scene, events: object[] = [event()]): Promise<number> {
  const call = {
    body: JSON.stringify(events),
    form: "json" as const,
    scope: "test",
    idempotencyKey: null,
    waitForCopy: false,
  };
  const appended = await log.append(call);
  if (!appended.ok) throw new Error(appended.code);
  const size = log.tree.sign()?.size ?? 0;
  witnesses.hurry();
  return size;
}

const newest = ({ log }: Scene) =>
  log.tree.checkpoints.lastCheckpoint() as NonNullable<ReturnType<typeof log.tree.sign>>;
const namesOn = (note: string) =>
  parseNote(note)
    ?.signatures.map(({ name }) => name)
    .slice(1);

describe("this cell's own witness route", () => {
  test("cosigns a log of this cell, from its first checkpoint on and as it grows", async () => {
    await scene([cell], [], async (its) => {
      await its.witnesses.ask();
      expect(namesOn(its.witnesses.published(newest(its)).note)).toEqual([cosigner.name, cosigner.name]);
      for (let i = 0; i < 3; i++) {
        const size = await grow(
          its,
          Array.from({ length: 90 * i + 1 }, () => event()),
        );
        its.clock.ms += LIMITS.witnessEveryMs;
        await its.witnesses.ask();
        expect(its.witnesses.latestWitnessed(0)).toEqual(its.witnesses.published(newest(its)));
        expect(its.witnesses.view(size)).toMatchObject([
          { witnessed_size: size, lag: 0, independent: false, last_failure: null },
        ]);
      }
      // One request each: nothing had to be told by a conflict.
      expect(its.sent).toHaveLength(4);
      expect(its.witnesses.latestWitnessed(1)).toBeNull();
    });
  });

  test("refuses a log that was rewritten, and holds up what the log signed before", async () => {
    const domainId = await bareDomain();
    await append(domainId, [event(), event(), event()]);
    await logOf(domainId).checkpoint();
    await inLog(domainId, async (log, state) => {
      const its = sceneIn(log, state.storage, domainId, [cell], []);
      await its.witnesses.ask();
      // What a rewriting operator has to do: other leaves, another tree, and no memory of what was signed.
      state.storage.sql.exec("DELETE FROM checkpoint");
      state.storage.sql.exec("UPDATE tile SET hashes = zeroblob(length(hashes)) WHERE level = 0");
      state.storage.sql.exec("UPDATE tree SET frontier = zeroblob(length(frontier))");
    });
    await evictDurableObject(stubOf(domainId));
    await inLog(domainId, async (log, state) => {
      const its = sceneIn(log, state.storage, domainId, [cell], []);
      const { tree, checkpoints } = log.tree;
      const { size } = tree.frontier();
      const root = rootAt(tree, size, sha256);
      const note = signer
        .named(`${env.LOG_HOST}/${domainId}`)
        .sign(`${env.LOG_HOST}/${domainId}\n${size}\n${Buffer.from(root).toString("base64")}\n`);
      checkpoints.addCheckpoint({ size, root, note, signedAtMs: its.clock.ms });
      state.storage.sql.exec("DELETE FROM cosignature");
      its.clock.ms += LIMITS.witnessEveryMs;
      await its.witnesses.ask();
      expect(its.alarms).toMatchObject([{ kind: "fork", size, witness: cosigner.name }]);
      expect(its.witnesses.journal.contradictions()).toMatchObject([{ kind: "fork", size, note: its.alarms[0]?.note }]);
      expect(its.witnesses.view(size)).toMatchObject([{ last_failure: { code: "witness_refuses_tree" } }]);
      expect(its.witnesses.published(newest(its)).note).toBe(note);
    });
    expect(await logOf(domainId).fork()).toMatch(/^moonseal\/fork\/v1\nsame_size\n/);
  });

  test("sees nothing of a person: no byte that it is sent comes from an event", async () => {
    await scene([cell], [], async (its) => {
      await grow(its, [canaryEvent(), canaryEvent()]);
      await its.witnesses.ask();
      const sent = its.sent.map(({ url, body }) => ({ place: url, text: `${url}\n${body}` }));
      expect(sent.length).toBeGreaterThan(0);
      for (const canary of Object.values(CANARY)) expect(placesWith(sent, canary)).toEqual([]);
      for (const { text } of sent) {
        expect(text).toMatch(
          /^\S+\nold \d+\n(?:[A-Za-z0-9+/]{43}=\n)*\nlog\.test\/dom_\S+\n\d+\n[A-Za-z0-9+/]{43}=\n\n\u2014 log\.test\/dom_\S+ \S+\n$/,
        );
      }
    });
  });
});

describe("several witnesses", () => {
  const doubles = () => [1, 2, 3].map((n) => new WitnessDouble(`w${n}.example`, n));
  const hung = () => new Promise<Response>(() => {});

  test("one that hangs delays neither the others nor the next checkpoint", async () => {
    const [a, b, slow] = doubles() as [WitnessDouble, WitnessDouble, WitnessDouble];
    slow.instead = hung;
    await scene([a.config, b.config, slow.config], [a, b, slow], async (its) => {
      const first = its.witnesses.ask();
      expect(await its.witnesses.witnessedWithin(newest(its).size, 2, 250)).toBe(true);
      const size = await grow(its);
      expect(await its.witnesses.witnessedWithin(size, 2, 250)).toBe(true);
      expect(namesOn(its.witnesses.latestWitnessed(2)?.note ?? "")).toEqual(["w1.example", "w2.example"]);
      expect(slow.received).toHaveLength(1);
      await first;
      expect(its.witnesses.view(size)).toMatchObject([
        { lag: 0 },
        { lag: 0 },
        { witnessed_size: 0, last_failure: { code: "timeout" } },
      ]);
      // The next try is planned, not sooner than its time, and nobody else has anything to do.
      expect(its.witnesses.nextDueAtMs).toBe(its.clock.ms + LIMITS.witnessRetryMs);
    });
  });

  test("each is asked once for a checkpoint, however often the log asks", async () => {
    const all = doubles();
    await scene(
      all.map(({ config }) => config),
      all,
      async (its) => {
        await Promise.all([its.witnesses.ask(), its.witnesses.ask(), its.witnesses.ask()]);
        await its.witnesses.ask();
        expect(all.map(({ received }) => received.length)).toEqual([1, 1, 1]);
        expect(its.witnesses.nextDueAtMs).toBeNull();
      },
    );
  });

  test("new checkpoints are sent at the witnesses' pace, at once when somebody waits", async () => {
    const [a] = doubles() as [WitnessDouble];
    await scene([a.config], [a], async (its) => {
      await its.witnesses.ask();
      await grow(its);
      await its.witnesses.ask();
      expect(a.received).toHaveLength(1);
      expect(its.witnesses.nextDueAtMs).toBe(its.clock.ms + LIMITS.witnessEveryMs);
      const size = await grow(its);
      expect(await its.witnesses.witnessedWithin(size, 1, 250)).toBe(true);
      expect(a.received).toHaveLength(2);
    });
  });

  test("waiting ends by itself, and at once where there are too few witnesses", async () => {
    const [a] = doubles() as [WitnessDouble];
    a.instead = hung;
    await scene([a.config, cell], [a], async (its) => {
      const { size } = newest(its);
      expect(await its.witnesses.witnessedWithin(size, 1, 50)).toBe(false);
      const before = performance.now();
      expect(await its.witnesses.witnessedWithin(size, 2, 60_000)).toBe(false);
      expect(performance.now() - before).toBeLessThan(1000);
      expect(await its.witnesses.witnessedWithin(size, 0, 2000)).toBe(true);
    });
  });

  test("a witness that is configured for other origins is not asked, and one that was taken out is not published", async () => {
    const [a, b] = doubles() as [WitnessDouble, WitnessDouble];
    const configured = [{ ...a.config, origins: ["log.test/dom_other"] }, b.config];
    await scene(configured, [a, b], async (its) => {
      await its.witnesses.ask();
      expect(a.received).toEqual([]);
      expect(namesOn(its.witnesses.published(newest(its)).note)).toEqual(["w2.example"]);
      configured.pop();
      expect(namesOn(its.witnesses.published(newest(its)).note)).toEqual([]);
      expect(its.witnesses.latestWitnessed(0)).toBeNull();
    });
  });

  test("old cosignatures go, those of the newest witnessed checkpoints stay", async () => {
    const [a, b] = doubles() as [WitnessDouble, WitnessDouble];
    await scene([a.config, b.config], [a, b], async (its) => {
      await its.witnesses.ask();
      const both = newest(its).size;
      b.instead = () => new Response("", { status: 500 });
      for (let i = 0; i < 12; i++) {
        await grow(its);
        its.clock.ms += LIMITS.witnessEveryMs;
        await its.witnesses.ask();
      }
      const sizes = new Set(its.witnesses.journal.cosigned().map(({ size }) => size));
      expect(sizes.size).toBeLessThan(12);
      expect(sizes).toContain(both);
      expect(its.witnesses.latestWitnessed(2)?.size).toBe(both);
      expect(its.witnesses.keptSizes()).toEqual([...sizes].sort((x, y) => y - x));
    });
  });
});

describe("a store that fails", () => {
  test.each([
    ["failed and not persisted", false],
    ["failed but persisted", true],
  ])(
    "%s: a cosignature that could not be stored is asked for again, and never published before",
    async (_, persisted) => {
      const a = new WitnessDouble("w1.example", 1);
      await scene([a.config], [a], async (its) => {
        const { journal } = its.witnesses;
        const put = journal.put.bind(journal);
        journal.put = (...args) => {
          if (persisted) put(...args);
          throw new Error("a test broke put");
        };
        await its.witnesses.ask();
        expect(its.planned.at(-1)).toBe(its.clock.ms + LIMITS.witnessRetryMs);
        journal.put = put;
        expect(namesOn(its.witnesses.published(newest(its)).note)).toEqual(persisted ? ["w1.example"] : []);
        its.clock.ms += LIMITS.witnessRetryMs;
        await its.witnesses.ask();
        expect(namesOn(its.witnesses.published(newest(its)).note)).toEqual(["w1.example"]);
      });
    },
  );
});
