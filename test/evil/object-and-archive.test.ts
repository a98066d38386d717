/**
 * A1 to A4 in the two stores that nobody reads every day: the object's own file and the archive. What is noticed when the
 * object starts, when a segment is read back, and what nobody notices yet (the keeper's self-check will read both).
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { headOf } from "../storm/support/drain.ts";
import { auditUrl, event, post } from "../storm/support/story.ts";
import { rewritten } from "../support/evil/forge.ts";
import { editObject } from "../support/evil/object.ts";
import { CrimeScene, remembered, SIZE, type Victim } from "./support/crime-scene.ts";
import { nextAppend, refuted, server, stranger, VERIFIED } from "./support/verdicts.ts";

const NAMES = [
  "headHash",
  "headSizeUp",
  "genesis",
  "copiedForward",
  "pendingPayload",
  "pendingGone",
  "archiveFlipped",
  "archiveDeleted",
  "archiveRewritten",
  "archiveFlippedD1Cut",
  "archiveDeletedD1Cut",
  "archiveRewrittenD1Cut",
  "archiveRewrittenD1CutInside",
] as const;
const scene = new CrimeScene("object-and-archive");
let victims: Record<(typeof NAMES)[number], Victim>;
const K = 5;
/** Left in D1 where the archive has to refill it. */
const CUT = 2;

beforeAll(async () => {
  await scene.begin();
  victims = await scene.victims(NAMES);
  // Two entries that only wait for their segment to fill up.
  for (const name of ["pendingPayload", "pendingGone"] as const) await scene.append(victims[name], 2);
  await scene.down();
  const edit = (name: (typeof NAMES)[number], sql: string) => editObject(scene.state, victims[name].domainId, sql);
  edit("headHash", "UPDATE head SET entry_hash = replace(entry_hash, substr(entry_hash, 1, 1), 'x')");
  edit("headSizeUp", "UPDATE head SET size = size + 1");
  edit("genesis", "UPDATE head SET identity = json_set(identity, '$.genesis', printf('%064d', 7))");
  edit("copiedForward", "UPDATE head SET copied_size = copied_size - 3, copied_hash = printf('%064d', 7)");
  edit("pendingPayload", `UPDATE pending SET payload = replace(payload, 'inv_9', 'inv_8') WHERE seq = ${SIZE}`);
  edit("pendingGone", `DELETE FROM pending WHERE seq = ${SIZE}`);
  for (const name of ["archiveFlipped", "archiveFlippedD1Cut"] as const) scene.archive(victims[name]).flipBit(K, 300);
  for (const name of ["archiveDeleted", "archiveDeletedD1Cut"] as const) scene.archive(victims[name]).delete(K);
  scene.ledger((ledger) => {
    for (const name of ["archiveRewritten", "archiveRewrittenD1Cut", "archiveRewrittenD1CutInside"] as const) {
      const rows = ledger.rows(victims[name].domainId);
      scene.archive(victims[name]).rewrite(rewritten(rows, K, (payload) => payload.replace("inv_5", "inv_6")));
    }
    for (const name of ["archiveFlippedD1Cut", "archiveDeletedD1Cut", "archiveRewrittenD1Cut"] as const) {
      ledger.cutTail(victims[name].domainId, CUT);
    }
    ledger.cutTail(victims.archiveRewrittenD1CutInside.domainId, K + 1);
  });
  await scene.up();
});
afterAll(() => scene.down());

describe("the object's own file", () => {
  test("A1 a changed hash of the head is refuted by readers, and the object stops before it appends", async () => {
    expect(await nextAppend(scene.url, victims.headHash)).toMatch(/^domain\.stopped: entry 11 of the ledger is not/);
  });

  test("A4 a head that counts an entry too many is refuted by readers at that seq", async () => {
    expect(await stranger(scene.url, victims.headSizeUp)).toEqual(refuted(SIZE, "tail_cut"));
    expect(await server(scene.url, victims.headSizeUp)).toEqual(refuted(SIZE, "tail_cut"));
  });

  test("A1 another genesis value is refuted by readers at entry 0", async () => {
    expect(await stranger(scene.url, victims.genesis)).toEqual(refuted(0, "prev_hash_mismatch"));
    expect(await server(scene.url, victims.genesis)).toEqual(refuted(0, "prev_hash_mismatch"));
  });

  test("a wrong account of what was copied is put right from D1's own rows; nothing is doubled", async () => {
    expect(await nextAppend(scene.url, victims.copiedForward)).toBe(`entry ${SIZE}`);
    expect(await stranger(scene.url, victims.copiedForward, remembered(victims.copiedForward))).toEqual(VERIFIED);
  });
});

describe("an entry that waits in the object for its segment, and is in D1 already", () => {
  const twoMore = (victim: Victim) =>
    post(`${auditUrl(scene.url, victim)}/entries`, victim.key, [event(), event()], { prefer: "wait=replicated" });

  test("A1 changed there, the object stops before it goes into the archive; readers see the true one in D1", async () => {
    const victim = victims.pendingPayload;
    await twoMore(victim);
    const head = await scene.untilStopped(victim);
    expect(head.stopped_reason).toBe(`entry ${SIZE} is no longer the one that was appended`);
    expect(head.archived_size).toBe(SIZE);
    expect(await stranger(scene.url, victim, remembered(victim))).toEqual(VERIFIED);
  });

  test("A2 deleted there, the object stops: it left before it was archived", async () => {
    const victim = victims.pendingGone;
    await twoMore(victim);
    const head = await scene.untilStopped(victim);
    expect(head.stopped_reason).toBe(`entry ${SIZE} left the object before it was archived`);
  });
});

describe("the archive, while D1 is whole", () => {
  test.each(["archiveFlipped", "archiveDeleted", "archiveRewritten"] as const)(
    "is not read by readers (%s), the server's verification says that it leaves it out: it is the self-check's to find",
    async (name) => {
      expect(await stranger(scene.url, victims[name], remembered(victims[name]))).toEqual(VERIFIED);
      expect(await server(scene.url, victims[name])).toEqual(VERIFIED);
      expect(await nextAppend(scene.url, victims[name])).toBe(`entry ${SIZE}`);
    },
  );
});

describe("the archive, when D1 has to be refilled from it", () => {
  test("A1 a damaged segment stops the domain and names its entries: nothing wrong reaches D1", async () => {
    await nextAppend(scene.url, victims.archiveFlippedD1Cut);
    const head = await scene.untilStopped(victims.archiveFlippedD1Cut);
    expect(head.stopped_reason).toMatch(/entry 4/);
    expect(await stranger(scene.url, victims.archiveFlippedD1Cut)).toMatchObject({ seq: CUT, fault: "tail_cut" });
  });

  test("A2 a missing segment stops the domain and names the first entry that is nowhere", async () => {
    await nextAppend(scene.url, victims.archiveDeletedD1Cut);
    const head = await scene.untilStopped(victims.archiveDeletedD1Cut);
    expect(head.stopped_reason).toMatch(/entry 4/);
  });

  test("A4 a rewritten segment, right in itself, stops the domain: it does not lead to what was archived", async () => {
    const victim = victims.archiveRewrittenD1Cut;
    expect(await nextAppend(scene.url, victim)).toMatch(/^domain\.stopped: the archive does not lead to entry/);
    expect(await headOf(scene.url, victim)).toMatchObject({ status: "stopped", size: SIZE });
    expect(await stranger(scene.url, victim)).toMatchObject({ seq: CUT, fault: "tail_cut" });
  });

  test("A4 a rewritten segment that contradicts what D1 still holds stops the domain before anything is refilled", async () => {
    const victim = victims.archiveRewrittenD1CutInside;
    expect(await nextAppend(scene.url, victim)).toMatch(
      /^domain\.stopped: entry 6 of the archive does not follow entry 5/,
    );
    expect(await headOf(scene.url, victim)).toMatchObject({ status: "stopped", size: SIZE });
  });
});
