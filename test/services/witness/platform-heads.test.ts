/** The heads of all domains in the platform's log: bounded, only what grew, once, whatever fails. */
import { beforeEach, describe, expect, test } from "vitest";
import { toHex, utf8 } from "../../../src/core/bytes.ts";
import type { AuditEvent } from "../../../src/core/event.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import { proveConsistency } from "../../../src/core/merkle/consistency.ts";
import { Frontier, hashOfRange, leafHash, type ReadNodes } from "../../../src/core/merkle/tree.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { type DomainHead, type PlatformHeadsDeps, recordHeads } from "../../../src/services/witness/platform-heads.ts";

const PLATFORM = "dom_eu_platform";
let heads: Map<string, { size: number; root: string } | null>;
let book: Map<string, DomainHead>;
/** By idempotency key, as the log has them. */
let entries: Map<string, AuditEvent>;
/** Why each was stopped, in order. */
let stopped: [string, string][];
let deps: PlatformHeadsDeps;

/** Two histories with the same first two leaves. */
const leafOf = (history: number, i: number) => leafHash(sha256, utf8(`${i < 2 ? 0 : history} ${i}`));
const treeOf = (size: number, history = 0): ReadNodes => {
  const leaves = Array.from({ length: size }, (_, i) => leafOf(history, i));
  return (nodes) =>
    nodes.map(({ level, index }) => {
      const frontier = new Frontier(sha256);
      for (const leaf of leaves.slice(index * 2 ** level, (index + 1) * 2 ** level)) frontier.append(leaf);
      return frontier.root();
    });
};
const root = (size: number, history = 0) => toHex(hashOfRange(sha256, { from: 0, to: size }, treeOf(size, history)));
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
  stopped = [];
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
    growth: async (id, from) => {
      const head = heads.get(id);
      if (!head) throw new Error("no answer");
      const history = head.root === root(head.size) ? 0 : 1;
      return head.size < from
        ? null
        : { head, hashes: proveConsistency(sha256, from, head.size, treeOf(head.size, history)) };
    },
    stop: async (id, reason) => {
      stopped.push([id, reason]);
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
    ["another root for the same size", { size: 3, root: root(3, 1) }],
    ["a larger tree that does not continue it", { size: 6, root: root(6, 1) }],
  ])("%s stops the domain and is a violation, once, and the book keeps what it has", async (_, head) => {
    await run("dom_a");
    heads.set("dom_a", head);
    expect((await run("dom_a")).contradicting).toEqual([{ domainId: "dom_a", ...head }]);
    await run("dom_a");
    const violations = [...entries.values()].filter(({ action }) => action === "integrity.violation");
    expect(violations).toMatchObject([
      { targets: [{ type: "domain", id: "dom_a" }], metadata: { recorded: { size: 3, root: root(3) }, shown: head } },
    ]);
    expect(book.get("dom_a")?.size).toBe(3);
    expect(stopped.map(([id]) => id)).toEqual(["dom_a", "dom_a"]);
    expect(violations[0]?.metadata?.reason).toBe(stopped[0]?.[1]);
  });

  test.each([
    ["the domain cannot be stopped", "stop"],
    ["the platform's log does not take the violation", "record"],
  ] as const)("where %s, the other is done all the same and the next run does the rest", async (_, part) => {
    await run("dom_a");
    heads.set("dom_a", { size: 2, root: root(2) });
    const before = { ...deps };
    deps[part] = async () => {
      throw new Error("a test broke it");
    };
    await run("dom_a").catch(() => {});
    Object.assign(deps, before);
    const violated = () => [...entries.values()].some(({ action }) => action === "integrity.violation");
    expect([stopped.length === 1, violated()]).toEqual([part === "record", part === "stop"]);
    await run("dom_a");
    expect([stopped.length > 0, violated()]).toEqual([true, true]);
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
