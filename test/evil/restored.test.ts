/** F16: D1, one object or the buckets put back to earlier copies of their files, alone and together. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { auditUrl, event, post } from "../storm/support/story.ts";
import { restoreBuckets, restoreLedger, restoreObject } from "../support/evil/restore.ts";
import { CrimeScene, remembered, SIZE, type Victim } from "./support/crime-scene.ts";
import { contradicts, nextAppend, refuted, server, stranger, VERIFIED } from "./support/verdicts.ts";

/** Appended after the copies were made. */
const LATER = 9;
const NEWEST = SIZE + LATER;

function scenario(name: string, restore: (scene: CrimeScene, victim: Victim) => void) {
  const scene = new CrimeScene(`restored-${name}`);
  const at: { url: string; victim: Victim } = {} as never;
  beforeAll(async () => {
    await scene.begin();
    at.victim = await scene.victim();
    await scene.keepCopy();
    await scene.append(at.victim, LATER);
    await scene.down();
    restore(scene, at.victim);
    await scene.up();
    at.url = scene.url;
  });
  afterAll(() => scene.down());
  return { scene, at };
}

describe("F16 a ledger that was restored to an earlier copy", () => {
  const { at } = scenario("ledger", (scene) => restoreLedger(scene.copy, scene.state, "eu"));

  test("is named by readers at the first entry that it lost", async () => {
    expect(await stranger(at.url, at.victim)).toEqual(refuted(SIZE, "tail_cut"));
    expect(await server(at.url, at.victim)).toEqual(refuted(SIZE, "tail_cut"));
  });

  test("is refilled from the object and the archive with the very entries, and the log goes on", async () => {
    expect(await nextAppend(at.url, at.victim)).toBe(`entry ${NEWEST}`);
    expect(await stranger(at.url, at.victim, remembered(at.victim))).toEqual(VERIFIED);
  });
});

describe("F16 an object that was restored to an earlier state", () => {
  const { at, scene } = scenario("object", (scene, victim) => restoreObject(scene.copy, scene.state, victim.domainId));

  test("is refuted by the server: D1 goes on behind the head", async () => {
    expect(await server(at.url, at.victim)).toEqual(refuted(SIZE, "beyond_head"));
  });

  test("not yet: a stranger without a remembered head reads up to the head that it is told, and finds it whole", async () => {
    expect(await stranger(at.url, at.victim)).toEqual(VERIFIED);
  });

  test("contradicts a remembered head", async () => {
    expect(await stranger(at.url, at.victim, remembered(at.victim))).toEqual(contradicts(SIZE, "tail_cut"));
  });

  test("stops at the next cron run, without an append", async () => {
    await scene.cron();
    expect((await scene.untilStopped(at.victim)).size).toBe(SIZE);
  });

  test("stops before it appends, however often it is asked, and D1 keeps what it had", async () => {
    for (let i = 0; i < 3; i++) {
      const said = await nextAppend(at.url, at.victim);
      expect(said).toBe(
        `domain.stopped: the ledger holds ${NEWEST} entries, the object only ${SIZE}: the object was set back`,
      );
    }
    expect((await scene.untilEntry(at.victim, NEWEST - 1)).entry_hash).toBe(at.victim.head.entry_hash);
  });
});

describe("F16 an object and a ledger that were restored together", () => {
  const { at } = scenario("object-and-ledger", (scene, victim) => {
    restoreLedger(scene.copy, scene.state, "eu");
    restoreObject(scene.copy, scene.state, victim.domainId);
  });

  test("contradict a remembered head, and the archive stops the domain before it appends", async () => {
    expect(await stranger(at.url, at.victim, remembered(at.victim))).toEqual(contradicts(SIZE, "tail_cut"));
    expect(await nextAppend(at.url, at.victim)).toMatch(
      /^domain\.stopped: the archive reaches entry \d+, the object only/,
    );
  });
});

describe("F16 buckets that were restored to earlier copies", () => {
  const { at } = scenario("buckets", (scene) => restoreBuckets(scene.copy, scene.state));

  test("not yet: nobody misses the newer segments while D1 holds their entries", async () => {
    expect(await stranger(at.url, at.victim, remembered(at.victim))).toEqual(VERIFIED);
    expect(await nextAppend(at.url, at.victim)).toBe(`entry ${NEWEST}`);
  });
});

describe("F16 buckets and ledger that were restored together", () => {
  const { at, scene } = scenario("buckets-and-ledger", (scene) => {
    restoreBuckets(scene.copy, scene.state);
    restoreLedger(scene.copy, scene.state, "eu");
  });

  test("are named by readers at the first entry that is nowhere, and stop the domain", async () => {
    expect(await stranger(at.url, at.victim)).toEqual(refuted(SIZE, "tail_cut"));
    await post(`${auditUrl(at.url, at.victim)}/entries`, at.victim.key, event());
    expect((await scene.untilStopped(at.victim)).stopped_reason).toMatch(
      /^entry \d+ is neither in the object nor in the archive/,
    );
  });
});

describe("F16 everything restored to the same earlier moment", () => {
  const { at } = scenario("everything", (scene, victim) => {
    restoreBuckets(scene.copy, scene.state);
    restoreLedger(scene.copy, scene.state, "eu");
    restoreObject(scene.copy, scene.state, victim.domainId);
  });

  test("not yet: agrees with itself, and the log goes on from there", async () => {
    expect(await stranger(at.url, at.victim)).toEqual(VERIFIED);
    expect(await server(at.url, at.victim)).toEqual(VERIFIED);
    expect(await nextAppend(at.url, at.victim)).toBe(`entry ${SIZE}`);
  });

  test("contradicts a remembered head, also after the log went on", async () => {
    expect(await stranger(at.url, at.victim, remembered(at.victim))).toEqual(contradicts(SIZE + 1, "tail_cut"));
  });
});
