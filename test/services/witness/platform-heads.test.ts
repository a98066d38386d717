/** The heads of all domains in the platform's log: bounded, only what grew, once, whatever fails. */
import { beforeEach, describe, expect, test } from "vitest";
import type { AuditEvent } from "../../../src/core/event.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { type DomainHead, type PlatformHeadsDeps, recordHeads } from "../../../src/services/witness/platform-heads.ts";

const PLATFORM = "dom_eu_platform";
let heads: Map<string, { size: number; root: string } | null>;
let book: Map<string, DomainHead>;
/** By idempotency key, as the log has them. */
let entries: Map<string, AuditEvent>;
let deps: PlatformHeadsDeps;

const root = (fill: number) => fill.toString(16).padStart(64, "0");
const recorded = () =>
  [...entries.values()]
    .filter(({ action }) => action === "log.heads_recorded")
    .map(({ metadata }) => metadata?.heads as unknown as { domain_id: string; size: number; root: string }[]);

beforeEach(() => {
  heads = new Map([
    ["dom_a", { size: 3, root: root(3) }],
    ["dom_b", { size: 5, root: root(5) }],
    ["dom_new", null],
  ]);
  book = new Map();
  entries = new Map();
  deps = {
    book: {
      recorded: (id) => book.get(id) ?? null,
      put: (its) => its.forEach((head) => book.set(head.domainId, head)),
    },
    platformDomainId: PLATFORM,
    checkpoint: async (id) => {
      const head = heads.get(id);
      if (head === undefined) throw new Error("no answer");
      return head;
    },
    record: async (event, key) => {
      if (!entries.has(key)) entries.set(key, event);
    },
    sha256,
  };
});
const run = (...ids: string[]) => recordHeads(ids, deps);

describe("the entry", () => {
  test("names domain, size and root of what has grown, and nothing else", async () => {
    expect(await run("dom_a", "dom_b", "dom_new", "dom_gone", PLATFORM)).toEqual({
      recorded: 2,
      contradicting: [],
      silent: ["dom_gone"],
    });
    expect([...entries.values()]).toEqual([
      {
        action: "log.heads_recorded",
        actor: { type: "system", id: "system:moonseal" },
        outcome: "success",
        metadata: {
          heads: [
            { domain_id: "dom_a", size: 3, root: root(3) },
            { domain_id: "dom_b", size: 5, root: root(5) },
          ],
        },
        clear_metadata: ["heads"],
      },
    ]);
  });

  test("is not made when nothing has grown, and names only what has", async () => {
    await run("dom_a", "dom_b");
    await run("dom_a", "dom_b");
    heads.set("dom_b", { size: 6, root: root(6) });
    await run("dom_a", "dom_b");
    expect(recorded().map((each) => each.map(({ domain_id, size }) => `${domain_id} ${size}`))).toEqual([
      ["dom_a 3", "dom_b 5"],
      ["dom_b 6"],
    ]);
  });

  test("is never about the platform's own log: it would grow by being recorded", async () => {
    heads.set(PLATFORM, { size: 9, root: root(9) });
    expect(await run(PLATFORM)).toMatchObject({ recorded: 0 });
    expect(entries.size).toBe(0);
  });

  test("is bounded: more heads than fit make more entries, each within the limit of metadata", async () => {
    const ids = Array.from(
      { length: 2 * LIMITS.platformHeadsPerEntry + 1 },
      (_, i) => `dom_eu_01jegc8qvyfgx9tmvc3w7${String(i).padStart(5, "0")}`,
    );
    for (const id of ids) heads.set(id, { size: Number.MAX_SAFE_INTEGER, root: "f".repeat(64) });
    await run(...ids);
    expect(recorded().map((each) => each.length)).toEqual([
      LIMITS.platformHeadsPerEntry,
      LIMITS.platformHeadsPerEntry,
      1,
    ]);
    for (const { metadata } of entries.values()) {
      expect(JSON.stringify(metadata).length).toBeLessThanOrEqual(LIMITS.metadataBytes);
    }
  });
});

describe("a head that contradicts what is on record", () => {
  test.each([
    ["a smaller tree", { size: 2, root: root(2) }],
    ["another root for the same size", { size: 3, root: root(7) }],
  ])("%s is a violation, once, and the book keeps what it has", async (_, head) => {
    await run("dom_a");
    heads.set("dom_a", head);
    expect((await run("dom_a")).contradicting).toEqual([{ domainId: "dom_a", ...head }]);
    await run("dom_a");
    const violations = [...entries.values()].filter(({ action }) => action === "integrity.violation");
    expect(violations).toMatchObject([
      { targets: [{ type: "domain", id: "dom_a" }], metadata: { recorded: { size: 3, root: root(3) }, shown: head } },
    ]);
    expect(book.get("dom_a")?.size).toBe(3);
  });
});

describe("a platform log that fails", () => {
  test.each([
    ["failed and not persisted", false],
    ["failed but persisted", true],
  ])("%s: nothing counts as recorded, and the next run makes one entry of it", async (_, persisted) => {
    const { record } = deps;
    deps.record = async (event, key) => {
      if (persisted) await record(event, key);
      throw new Error("a test broke it");
    };
    await expect(run("dom_a", "dom_b")).rejects.toThrow();
    expect(book.size).toBe(0);
    deps.record = record;
    await run("dom_a", "dom_b");
    expect(recorded()).toHaveLength(1);
    expect(book.size).toBe(2);
  });
});
