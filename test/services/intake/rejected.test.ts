/** Refusals are counted without content, and written at most once a second however many there are. */
import { expect, test } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { type Rejected, rejectedEvents } from "../../../src/services/intake/rejected.ts";
import type { RejectedCount } from "../../../src/services/ports.ts";

function setUp(add?: (counts: readonly RejectedCount[]) => Promise<void>) {
  let nowMs = Date.UTC(2026, 10, 21);
  const written: RejectedCount[][] = [];
  const waits: { ms: number; go: () => void }[] = [];
  const work: Promise<unknown>[] = [];
  const events = rejectedEvents({
    store: { add: add ?? (async (counts) => void written.push([...counts])) },
    clock: () => nowMs,
    wait: (ms) => new Promise((go) => waits.push({ ms, go })),
  });
  const note = (changes: Partial<Rejected> = {}, times = 1) =>
    events.note(
      Array.from({ length: times }, () => ({
        domainId: "dom",
        code: "schema.mismatch" as const,
        action: "a.b",
        pointer: "/metadata/amount",
        credentialId: "key",
        ...changes,
      })),
      (promise) => void work.push(promise),
    );
  const pass = (ms: number) => void (nowMs += ms);
  return { note, written, waits, work, pass };
}

test("the first is written at once, those of the next second together", async () => {
  const { note, written, waits, work, pass } = setUp();
  note();
  await Promise.all(work);
  expect(written).toMatchObject([[{ count: 1 }]]);
  pass(100);
  for (let i = 0; i < 5000; i++) note();
  expect(work).toHaveLength(2);
  expect(waits.map(({ ms }) => ms)).toEqual([LIMITS.rejectedWriteMs - 100]);
  waits[0]?.go();
  await Promise.all(work);
  expect(written).toHaveLength(2);
  expect(written[1]).toMatchObject([{ count: 5000 }]);
});

test("a flood of different kinds takes a bounded room", async () => {
  const { note, written, waits, work } = setUp();
  note();
  for (let i = 0; i < LIMITS.rejectedKindsWaiting * 2; i++) note({ action: `a.b${i}` });
  waits[0]?.go();
  await Promise.all(work);
  expect(written.map(({ length }) => length)).toEqual([1, LIMITS.rejectedKindsWaiting]);
});

test("a request that was cut off before it wrote does not keep the others from writing", async () => {
  const { note, written, waits, pass } = setUp();
  note();
  await Promise.resolve();
  note();
  expect(waits).toHaveLength(1);
  pass(2 * LIMITS.rejectedWriteMs);
  note();
  await Promise.resolve();
  expect(written).toMatchObject([[{ count: 1 }], [{ count: 2 }]]);
});

test("a store that is away is nobody's fault: nothing throws, and what follows is counted", async () => {
  let isAway = true;
  const seen: number[] = [];
  const { note, work, pass } = setUp(async (counts) => {
    if (isAway) throw new Error("away");
    seen.push(...counts.map(({ count }) => count));
  });
  note();
  await Promise.all(work);
  isAway = false;
  pass(LIMITS.rejectedWriteMs);
  note({}, 3);
  await Promise.all(work);
  expect(seen).toEqual([3]);
});

test.each([
  ["/metadata/amount", "/metadata/amount"],
  ["/targets/17/id", "/targets/*/id"],
  ["/metadata/ana@example.com", "/metadata/*"],
  ["/metadata/4111111111111111", "/metadata/*"],
  ["/metadata/Ana Müller", "/metadata/*"],
  [`/metadata/${"x".repeat(60)}`, "/metadata/*"],
  ["/a/b/c/d/e/f/g", "/a/b/c/d/e/f"],
  ["", ""],
])("of the pointer %s is kept %s", async (pointer, kept) => {
  const { note, written, work } = setUp();
  note({ pointer });
  await Promise.all(work);
  expect(written[0]?.[0]?.pointer).toBe(kept);
});

test.each(["Ana Müller", "a", "x".repeat(200), `${"a.".repeat(70)}b`])(
  "%s is no action, and is not kept",
  async (action) => {
    const { note, written, work } = setUp();
    note({ action });
    await Promise.all(work);
    expect(written[0]?.[0]?.action).toBe("");
  },
);
