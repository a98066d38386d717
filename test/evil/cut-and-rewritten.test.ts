/**
 * A5 and A6: the tail cut, or the whole log rewritten, in one store after the other. As long as one store that the owner of
 * the account forgot remembers the truth, the object stops. Once all agree on the lie, only a head that somebody else
 * remembers tells: today the one of `moonseal verify`; from the next issues on signed checkpoints and witnesses.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { untilMirrored } from "../storm/support/drain.ts";
import { type Row, rechained } from "../support/evil/forge.ts";
import { cutObject, rewriteObject } from "../support/evil/object.ts";
import { forgeTree, forgetCheckpoints } from "../support/evil/tree.ts";
import { CrimeScene, remembered, SIZE, type Victim } from "./support/crime-scene.ts";
import { contradicts, nextAppend, refuted, server, stranger, VERIFIED } from "./support/verdicts.ts";

/** How thoroughly it is done: D1 and the chain of the object, then also its tree, what it signed, the archive's tree, all. */
const DEPTHS = ["d1", "chain", "tree", "signed", "everything"] as const;
type Depth = (typeof DEPTHS)[number];
/** Inside the last segment; the archive goes on after it. */
const CUT = 6;
/** After the last full segment: nothing of the rest is in the archive. */
const CUT_UNARCHIVED = 13;

const scene = new CrimeScene("cut-and-rewritten");
let cuts: Record<Depth, Victim>;
let unarchived: Record<Depth, Victim>;
let rewrites: Record<Depth, Victim>;

const reaches = (depth: Depth, asked: Depth) => DEPTHS.indexOf(depth) >= DEPTHS.indexOf(asked);

function cut(victim: Victim, size: number, depth: Depth): void {
  const { state } = scene;
  const rows = scene.ledger((ledger) => ledger.rows(victim.domainId));
  scene.ledger((ledger) => ledger.cutTail(victim.domainId, size));
  if (reaches(depth, "chain")) cutObject(state, victim.domainId, size, rows[size - 1] as Row);
  forgeProofs(victim, rows.slice(0, size), depth);
  if (depth === "everything") scene.archive(victim).cut(size);
}

function rewrite(victim: Victim, depth: Depth): void {
  const rows = scene.ledger((ledger) => ledger.rows(victim.domainId));
  const lies = rechained(
    rows.map((row) => ({ ...row, payload: row.payload.replace("inv_", "lie_") })),
    0,
  );
  scene.ledger((ledger) => ledger.replace(victim.domainId, lies));
  if (reaches(depth, "chain")) rewriteObject(scene.state, victim.domainId, lies);
  forgeProofs(victim, lies, depth);
  if (depth === "everything") scene.archive(victim).rewrite(lies);
}

function forgeProofs(victim: Victim, rows: readonly Row[], depth: Depth): void {
  const hashes = rows.map(({ entryHash }) => entryHash);
  if (reaches(depth, "tree")) forgeTree(scene.state, victim.domainId, hashes);
  if (reaches(depth, "signed")) forgetCheckpoints(scene.state, victim.domainId, 0);
  if (depth === "everything") scene.archive(victim).forgetTree();
}

beforeAll(async () => {
  await scene.begin();
  cuts = await scene.victims(DEPTHS);
  unarchived = await scene.victims(DEPTHS);
  rewrites = await scene.victims(DEPTHS);
  for (const depth of DEPTHS) {
    // Two entries more than three segments hold.
    await scene.append(unarchived[depth], 2);
    for (const victims of [cuts, unarchived, rewrites]) await untilMirrored(scene.url, victims[depth]);
  }
  await scene.down();
  for (const depth of DEPTHS) {
    cut(cuts[depth], CUT, depth);
    cut(unarchived[depth], CUT_UNARCHIVED, depth);
    rewrite(rewrites[depth], depth);
  }
  await scene.up();
});
afterAll(() => scene.down());

describe("A5 a tail that is cut in D1 alone", () => {
  test("is named by its first missing seq, by a stranger and by the server", async () => {
    expect(await stranger(scene.url, cuts.d1)).toEqual(refuted(CUT, "tail_cut"));
    expect(await server(scene.url, cuts.d1)).toEqual(refuted(CUT, "tail_cut"));
    const seen = await stranger(scene.url, cuts.d1, remembered(cuts.d1));
    expect(seen).toEqual(contradicts(CUT, "tail_cut"));
  });

  test("is filled again from the object and the archive at the next append, with the very entries", async () => {
    expect(await nextAppend(scene.url, cuts.d1)).toBe(`entry ${SIZE}`);
    expect(await stranger(scene.url, cuts.d1, remembered(cuts.d1))).toEqual(VERIFIED);
  });
});

describe("A5 a tail that is cut in D1 and in the object, inside what was archived", () => {
  test("not yet: is seen by nobody who only reads entries, because that does not ask for a checkpoint", async () => {
    expect(await stranger(scene.url, cuts.chain)).toEqual(VERIFIED);
    expect(await server(scene.url, cuts.chain)).toEqual(VERIFIED);
  });

  test.each(["chain", "tree", "signed"] as const)(
    "contradicts a remembered head at its first missing seq (%s)",
    async (depth) => {
      expect(await stranger(scene.url, cuts[depth], remembered(cuts[depth]))).toEqual(contradicts(CUT, "tail_cut"));
    },
  );

  test.each(["chain", "tree", "signed"] as const)(
    "stops the domain at the next append: the archive reaches further than the object (%s)",
    async (depth) => {
      const said = await nextAppend(scene.url, cuts[depth]);
      expect(said).toBe("domain.stopped: the archive reaches entry 11, the object only 5: the object was set back");
    },
  );
});

describe("A5 a tail that is cut in D1 and in the object before it was archived", () => {
  test("not yet: is seen by nobody who only reads entries: the cut ones are in no store", async () => {
    expect(await stranger(scene.url, unarchived.chain)).toEqual(VERIFIED);
    expect(await server(scene.url, unarchived.chain)).toEqual(VERIFIED);
  });

  test("contradicts a remembered head at its first missing seq", async () => {
    const victim = unarchived.chain;
    expect(await stranger(scene.url, victim, remembered(victim))).toEqual(contradicts(CUT_UNARCHIVED, "tail_cut"));
  });

  test.each([
    ["chain", "the tree has 14 entries, the chain 13"],
    ["tree", "the last signed checkpoint covers 14 entries, the tree has 13: the object was set back"],
    ["signed", "the checkpoint in the archive covers 14 entries, the tree has 13: the object was set back"],
  ] as const)("stops the domain at the next append, whatever else was cut along: %s", async (depth, reason) => {
    expect(await nextAppend(scene.url, unarchived[depth])).toBe(`domain.stopped: ${reason}`);
  });

  test("not yet: with the archive's tree too, the log goes on over the cut; the remembered head still contradicts it", async () => {
    const victim = unarchived.everything;
    expect(await nextAppend(scene.url, victim)).toBe(`entry ${CUT_UNARCHIVED}`);
    expect(await stranger(scene.url, victim)).toEqual(VERIFIED);
    const seen = await stranger(scene.url, victim, remembered(victim));
    expect(seen).toEqual(contradicts(CUT_UNARCHIVED, "head_mismatch"));
  });
});

describe("A5 a tail that is cut in every store", () => {
  test("not yet: is seen by nobody here without a remembered head, and the log goes on", async () => {
    expect(await stranger(scene.url, cuts.everything)).toEqual(VERIFIED);
    expect(await server(scene.url, cuts.everything)).toEqual(VERIFIED);
    expect(await nextAppend(scene.url, cuts.everything)).toBe(`entry ${CUT}`);
  });

  test("contradicts a remembered head", async () => {
    const victim = cuts.everything;
    expect(await stranger(scene.url, victim, remembered(victim))).toEqual(contradicts(CUT + 1, "tail_cut"));
  });
});

describe("A6 a log that is rewritten from entry 0 on", () => {
  test("not yet: in D1 and the object, is seen by nobody who only reads entries; the archive still holds the truth", async () => {
    expect(await stranger(scene.url, rewrites.chain)).toEqual(VERIFIED);
    expect(await server(scene.url, rewrites.chain)).toEqual(VERIFIED);
  });

  test.each([
    ["chain", "the last leaf of the tree is not entry 11"],
    ["tree", "the last signed checkpoint has another root for 12 entries than the tree"],
    ["signed", "the checkpoint in the archive has another root for 12 entries than the tree"],
  ] as const)("stops the domain at the next append, whatever else was rewritten along: %s", async (depth, reason) => {
    expect(await nextAppend(scene.url, rewrites[depth])).toBe(`domain.stopped: ${reason}`);
  });

  test("not yet: in every store, is seen by nobody here without a remembered head, and the log goes on", async () => {
    expect(await stranger(scene.url, rewrites.everything)).toEqual(VERIFIED);
    expect(await server(scene.url, rewrites.everything)).toEqual(VERIFIED);
    expect(await nextAppend(scene.url, rewrites.everything)).toBe(`entry ${SIZE}`);
  });

  test.each(["chain", "everything"] as const)("contradicts a remembered head (%s)", async (depth) => {
    const seen = await stranger(scene.url, rewrites[depth], remembered(rewrites[depth]));
    expect(seen).toEqual(contradicts(SIZE - 1, "head_mismatch"));
  });
});
