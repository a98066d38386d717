/** Being a witness: the rules of C2SP tlog-witness against a model that knows all leaves, and stores that fail at every step. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { equalBytes, toHex } from "../../../src/core/bytes.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import type { Submission } from "../../../src/services/witness/submission.ts";
import {
  addCheckpoint,
  judge,
  type WitnessAnswer,
  type WitnessedHead,
  type WitnessStore,
} from "../../../src/services/witness/witness.ts";
import { WitnessedLog } from "../../support/witnessed-log.ts";

const FORK_AT = 9;
const LOGS = [new WitnessedLog("log"), new WitnessedLog("log", { at: FORK_AT, name: "fork" })] as const;
const roots = LOGS.map((log) => Array.from({ length: 41 }, (_, size) => log.root(size)));
type Tree = 0 | 1;
const rootOf = (tree: Tree, size: number) => roots[tree]?.[size] as Uint8Array;

function submission(tree: Tree, oldSize: number, size: number, proof = LOGS[tree].proof(oldSize, size)): Submission {
  const { origin, text, note } = LOGS[tree];
  return { origin, size, root: rootOf(tree, size), oldSize, proof, text: text(size), signed: note(size) };
}

/** What survives is moved by `durable`; `fault` makes a step fail in one of both forms. */
class StoreDouble implements WitnessStore {
  /** What a crash leaves. */
  persisted: WitnessedHead | null = null;
  #now: WitnessedHead | null = null;
  published: { size: number; note: string } | null = null;
  fault: { step: "compareAndStore" | "durable" | "publish"; persisted: boolean } | null = null;

  compareAndStore(decide: (latest: WitnessedHead | null) => WitnessedHead | null): void {
    this.#fail("compareAndStore", () => {
      this.#now = decide(this.#now) ?? this.#now;
    });
  }

  async durable(): Promise<void> {
    this.#fail("durable", () => {
      this.persisted = this.#now;
    });
  }

  publish(size: number, note: string): void {
    this.#fail("publish", () => {
      if (size >= (this.published?.size ?? 0)) this.published = { size, note };
    });
  }

  crash(): void {
    this.#now = this.persisted;
    this.fault = null;
  }

  #fail(step: NonNullable<StoreDouble["fault"]>["step"], run: () => void): void {
    const fault = this.fault?.step === step ? this.fault : null;
    if (!fault || fault.persisted) run();
    if (fault?.persisted) this.persisted = this.#now;
    if (fault) throw new Error(`a test broke ${step}`);
  }
}

/** A witness whose every signature is noted with what would survive a crash at that moment. */
function witness(store = new StoreDouble()) {
  const signed: { text: string; timestamp: number; persisted: WitnessedHead | null }[] = [];
  let nowMs = 1_800_000_000_000;
  const deps = {
    store,
    cosign: (text: string, timestamp: number) => {
      signed.push({ text, timestamp, persisted: store.persisted });
      return `signature of ${text}`;
    },
    sha256,
    clock: () => {
      nowMs += 1000;
      return nowMs;
    },
  };
  return { store, signed, add: (each: Submission): Promise<WitnessAnswer> => addCheckpoint(each, deps) };
}

const size = fc.nat(40);
const tree = fc.constantFrom<Tree>(0, 1);
const damage = fc.constantFrom("none", "none", "none", "flip", "drop", "add");

function damaged(proof: Uint8Array[], how: string): Uint8Array[] {
  if (how === "add") return [...proof, new Uint8Array(32)];
  if (proof.length === 0 || how === "none") return proof;
  return how === "drop" ? proof.slice(1) : [(proof[0] as Uint8Array).map((b) => b ^ 1), ...proof.slice(1)];
}

/** The model: whether one tree begins with the other is read off the leaves, no proof is looked at. */
const begins = (a: { tree: Tree; size: number }, b: { tree: Tree; size: number }) =>
  a.size <= b.size && equalBytes(rootOf(a.tree, a.size), rootOf(b.tree, a.size));

const request = fc.record({ tree, wish: size, size, rightOld: fc.boolean(), damage });

describe("a witness, against the model", () => {
  test("answers every sequence of requests as the model does, and never signs two histories", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 25 }), async (requests) => {
        const { add, signed, store } = witness();
        let latest: { tree: Tree; size: number } | null = null;
        for (const { tree, wish, size, rightOld, damage } of requests) {
          const oldSize: number = Math.min(rightOld ? (latest?.size ?? 0) : wish, size);
          const right = LOGS[tree].proof(oldSize, size);
          const proof = damaged(right, damage);
          const answer = await add(submission(tree, oldSize, size, proof));
          const same =
            proof.length === right.length && proof.every((hash, i) => equalBytes(hash, right[i] as Uint8Array));
          if (oldSize !== (latest?.size ?? 0)) expect(answer).toEqual({ conflict: latest?.size ?? 0 });
          else if (same && (oldSize === 0 || begins(latest ?? { tree, size: 0 }, { tree, size }))) {
            expect(answer).toHaveProperty("cosigned");
            latest = { tree, size };
          } else expect(answer).toHaveProperty("inconsistent");
        }
        // Every head that was signed is the beginning of the latest one.
        for (const { text } of signed) {
          const [, at, root] = text.split("\n");
          const of = latest as { tree: Tree; size: number } | null;
          expect(root).toBe(Buffer.from(rootOf(of?.tree ?? 0, Number(at))).toString("base64"));
        }
        expect(store.persisted?.size ?? 0).toBe(latest?.size ?? 0);
      }),
      { numRuns: 400 },
    );
  });

  test("requests that race are answered as if they had come one after the other", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 2, maxLength: 8 }), async (requests) => {
        const { add, signed } = witness();
        await add(submission(0, 0, 3));
        await Promise.all(requests.map(({ tree, size }) => add(submission(tree, 3, Math.max(size, 3)))));
        const heads = signed.map(({ text }) => text.split("\n"));
        const sizes = heads.map(([, at]) => Number(at));
        const last = heads.at(-1);
        expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
        expect(new Set(heads.map(([, at, root]) => `${at} ${root}`)).size).toBe(new Set(sizes).size);
        expect(sizes.filter((at) => at > 3 && at !== Number(last?.[1]))).toEqual([]);
      }),
      { numRuns: 200 },
    );
  });

  test("every flipped bit of a proof is refused", () => {
    const [oldSize, size] = [5, 23];
    const proof = LOGS[0].proof(oldSize, size);
    const latest = { size: oldSize, root: rootOf(0, oldSize) };
    expect(judge(submission(0, oldSize, size, proof), latest, sha256)).toBeNull();
    proof.forEach((_, i) => {
      for (let bit = 0; bit < 256; bit++) {
        const flipped = proof.map((hash, j) =>
          i === j ? hash.map((b, k) => (k === bit >> 3 ? b ^ (1 << (bit & 7)) : b)) : hash,
        );
        expect(judge(submission(0, oldSize, size, flipped), latest, sha256)).toHaveProperty("inconsistent");
      }
    });
  });
});

const FORMS = [
  ["failed and not persisted", false],
  ["failed but persisted", true],
] as const;

describe.each(FORMS)("a store that %s", (_, persisted) => {
  test.each(["compareAndStore", "durable", "publish"] as const)(
    "in %s: whatever was signed survives every crash",
    async (step) => {
      const { add, store, signed } = witness();
      await add(submission(0, 0, 5));
      store.fault = { step, persisted };
      await expect(add(submission(0, 5, 12))).rejects.toThrow(step);
      store.crash();
      // The fork is offered first: it must not be cosigned over anything that was signed.
      const size = store.persisted?.size ?? 0;
      await add(submission(1, size, 12));
      await add(submission(0, size, 12));
      for (const { text, persisted: head } of signed) {
        const [, at, root] = text.split("\n");
        expect(head?.size).toBe(Number(at));
        expect(Buffer.from(head?.root ?? []).toString("base64")).toBe(root);
      }
      const bySize = new Map<string, Set<string>>();
      for (const { text } of signed) {
        const [, at = "", root = ""] = text.split("\n");
        bySize.set(at, (bySize.get(at) ?? new Set()).add(root));
      }
      expect([...bySize.values()].every((each) => each.size === 1)).toBe(true);
    },
  );

  test("any step, any request: nothing is signed that a crash could take back", async () => {
    const step = fc.constantFrom("compareAndStore" as const, "durable" as const, "publish" as const);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ tree, size, step, fails: fc.boolean(), crash: fc.boolean() }), { maxLength: 15 }),
        async (steps) => {
          const { add, store, signed } = witness();
          for (const { tree, size, step, fails, crash } of steps) {
            if (crash) store.crash();
            store.fault = fails ? { step, persisted } : null;
            const known = store.persisted?.size ?? 0;
            await add(submission(tree, Math.min(known, size), size)).catch(() => {});
          }
          for (const { text, persisted: head } of signed) {
            const [, at, root] = text.split("\n");
            expect(head && `${head.size} ${toHex(head.root)}`).toBe(
              `${at} ${Buffer.from(root ?? "", "base64").toString("hex")}`,
            );
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

test("the time of a cosignature is that of the decision: a slow commit does not make it younger", async () => {
  const store = new StoreDouble();
  const { add, signed } = witness(store);
  let release = () => {};
  const durable = store.durable.bind(store);
  store.durable = () => new Promise((resolve) => (release = () => durable().then(resolve)));
  const slow = add(submission(0, 0, 5));
  store.durable = durable;
  await add(submission(0, 5, 6));
  release();
  await slow;
  const [later, earlier] = signed;
  expect(later?.text).toContain("\n6\n");
  expect(earlier?.text).toContain("\n5\n");
  expect(earlier?.timestamp).toBeLessThan(later?.timestamp ?? 0);
});
