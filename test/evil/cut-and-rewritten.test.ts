/**
 * A5 and A6: the tail cut, or the whole log rewritten, in one store after the other. As long as one store that the owner of
 * the account forgot remembers the truth, the object stops. Once all agree on the lie, only a head that somebody else
 * remembers tells: today the one of `moonseal verify`; from the next issues on signed checkpoints and witnesses.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Row, rechained } from "../support/evil/forge.ts";
import { cutObject, rewriteObject } from "../support/evil/object.ts";
import { CrimeScene, remembered, SIZE, type Victim } from "./support/crime-scene.ts";
import { contradicts, nextAppend, refuted, server, stranger, VERIFIED } from "./support/verdicts.ts";

const NAMES = [
  "cutD1",
  "cutD1AndObject",
  "cutD1AndObjectUnarchived",
  "cutAll",
  "rewrittenD1AndObject",
  "rewrittenAll",
] as const;
/** Inside the last segment; the archive goes on after it. */
const CUT = 6;
/** After the last full segment: nothing of the rest is in the archive. */
const CUT_UNARCHIVED = 13;

const scene = new CrimeScene("cut-and-rewritten");
let victims: Record<(typeof NAMES)[number], Victim>;

function cut(victim: Victim, size: number, everywhere: "d1" | "d1+object" | "all"): void {
  const rows = scene.ledger((ledger) => ledger.rows(victim.domainId));
  scene.ledger((ledger) => ledger.cutTail(victim.domainId, size));
  if (everywhere !== "d1") cutObject(scene.state, victim.domainId, size, rows[size - 1] as Row);
  if (everywhere === "all") scene.archive(victim).cut(size);
}

function rewrite(victim: Victim, everywhere: "d1+object" | "all"): void {
  const rows = scene.ledger((ledger) => ledger.rows(victim.domainId));
  const lies = rechained(
    rows.map((row) => ({ ...row, payload: row.payload.replace("inv_", "lie_") })),
    0,
  );
  scene.ledger((ledger) => ledger.replace(victim.domainId, lies));
  rewriteObject(scene.state, victim.domainId, lies);
  if (everywhere === "all") scene.archive(victim).rewrite(lies);
}

beforeAll(async () => {
  await scene.begin();
  victims = await scene.victims(NAMES);
  // Two entries more than three segments hold.
  await scene.append(victims.cutD1AndObjectUnarchived, 2);
  await scene.down();
  cut(victims.cutD1, CUT, "d1");
  cut(victims.cutD1AndObject, CUT, "d1+object");
  cut(victims.cutD1AndObjectUnarchived, CUT_UNARCHIVED, "d1+object");
  cut(victims.cutAll, CUT, "all");
  rewrite(victims.rewrittenD1AndObject, "d1+object");
  rewrite(victims.rewrittenAll, "all");
  await scene.up();
});
afterAll(() => scene.down());

describe("A5 a tail that is cut in D1 alone", () => {
  test("is named by its first missing seq, by a stranger and by the server", async () => {
    expect(await stranger(scene.url, victims.cutD1)).toEqual(refuted(CUT, "tail_cut"));
    expect(await server(scene.url, victims.cutD1)).toEqual(refuted(CUT, "tail_cut"));
    const seen = await stranger(scene.url, victims.cutD1, remembered(victims.cutD1));
    expect(seen).toEqual(contradicts(CUT, "tail_cut"));
  });

  test("is filled again from the object and the archive at the next append, with the very entries", async () => {
    expect(await nextAppend(scene.url, victims.cutD1)).toBe(`entry ${SIZE}`);
    expect(await stranger(scene.url, victims.cutD1, remembered(victims.cutD1))).toEqual(VERIFIED);
  });
});

describe("A5 a tail that is cut in D1 and in the object, inside what was archived", () => {
  test("not yet: is seen by nobody who only reads, because verification does not ask the archive", async () => {
    expect(await stranger(scene.url, victims.cutD1AndObject)).toEqual(VERIFIED);
    expect(await server(scene.url, victims.cutD1AndObject)).toEqual(VERIFIED);
  });

  test("contradicts a remembered head at its first missing seq", async () => {
    const victim = victims.cutD1AndObject;
    expect(await stranger(scene.url, victim, remembered(victim))).toEqual(contradicts(CUT, "tail_cut"));
  });

  test("stops the domain at the next append: the archive reaches further than the object", async () => {
    const victim = victims.cutD1AndObject;
    const said = await nextAppend(scene.url, victim);
    expect(said).toBe("domain.stopped: the archive reaches entry 11, the object only 5: the object was set back");
  });
});

describe("A5 a tail that is cut in D1 and in the object before it was archived", () => {
  test("not yet: is seen by nobody here without a remembered head: the cut entries are in no store", async () => {
    const victim = victims.cutD1AndObjectUnarchived;
    expect(await stranger(scene.url, victim)).toEqual(VERIFIED);
    expect(await server(scene.url, victim)).toEqual(VERIFIED);
  });

  test("contradicts a remembered head at its first missing seq", async () => {
    const victim = victims.cutD1AndObjectUnarchived;
    expect(await stranger(scene.url, victim, remembered(victim))).toEqual(contradicts(CUT_UNARCHIVED, "tail_cut"));
  });

  test("not yet: the log goes on over the cut; the remembered head still contradicts it afterwards", async () => {
    const victim = victims.cutD1AndObjectUnarchived;
    expect(await nextAppend(scene.url, victim)).toBe(`entry ${CUT_UNARCHIVED}`);
    expect(await stranger(scene.url, victim)).toEqual(VERIFIED);
    const seen = await stranger(scene.url, victim, remembered(victim));
    expect(seen).toEqual(contradicts(CUT_UNARCHIVED, "head_mismatch"));
  });
});

describe("A5 a tail that is cut in D1, the object and the archive", () => {
  test("not yet: is seen by nobody here without a remembered head, and the log goes on", async () => {
    expect(await stranger(scene.url, victims.cutAll)).toEqual(VERIFIED);
    expect(await server(scene.url, victims.cutAll)).toEqual(VERIFIED);
    expect(await nextAppend(scene.url, victims.cutAll)).toBe(`entry ${CUT}`);
  });

  test("contradicts a remembered head", async () => {
    const victim = victims.cutAll;
    expect(await stranger(scene.url, victim, remembered(victim))).toEqual(contradicts(CUT + 1, "tail_cut"));
  });
});

describe("A6 a log that is rewritten from entry 0 on", () => {
  test("not yet: in D1 and the object, is seen by nobody who only reads; the archive still holds the truth", async () => {
    expect(await stranger(scene.url, victims.rewrittenD1AndObject)).toEqual(VERIFIED);
    expect(await server(scene.url, victims.rewrittenD1AndObject)).toEqual(VERIFIED);
    expect(await nextAppend(scene.url, victims.rewrittenD1AndObject)).toBe(`entry ${SIZE}`);
  });

  test("not yet: in every store, is seen by nobody here without a remembered head, and the log goes on", async () => {
    expect(await stranger(scene.url, victims.rewrittenAll)).toEqual(VERIFIED);
    expect(await server(scene.url, victims.rewrittenAll)).toEqual(VERIFIED);
    expect(await nextAppend(scene.url, victims.rewrittenAll)).toBe(`entry ${SIZE}`);
  });

  test.each(["rewrittenD1AndObject", "rewrittenAll"] as const)("contradicts a remembered head (%s)", async (name) => {
    const seen = await stranger(scene.url, victims[name], remembered(victims[name]));
    expect(seen).toEqual(contradicts(SIZE - 1, "head_mismatch"));
  });
});
