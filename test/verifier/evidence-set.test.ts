/** Evidence for many entries: a range is complete or refuted, a selection claims nothing beside itself, whatever is changed. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex } from "../../src/core/bytes.ts";
import { type EvidenceSet, formatEvidenceSet, parseEvidenceSet } from "../../src/core/evidence-set.ts";
import { verifyEvidenceSet } from "../../src/verifier/evidence-set.ts";
import { NO_TRUST, type TrustPolicy } from "../../src/verifier/policy.ts";
import { DOMAIN, logSigner, ORIGIN, PLATFORM, ProvedLog, rowsFromGenesis, testKey, trust } from "./proved-log.ts";

const log = new ProvedLog();
const check = (set: EvidenceSet | string, policy: TrustPolicy = trust()) =>
  verifyEvidenceSet(typeof set === "string" ? set : formatEvidenceSet(set), policy, PLATFORM);
const statuses = (report: ReturnType<typeof check>) => report.steps.map(({ step, status }) => `${step} ${status}`);
const failed = (report: ReturnType<typeof check>) =>
  report.steps.filter(({ status }) => status === "failed").map(({ step }) => step);
const ALL_OK = ["format ok", "entries ok", "inclusion ok", "checkpoint ok", "witnesses ok"];

type RangeProof = Extract<EvidenceSet["proof"], { kind: "range" }>;
type SelectionProof = Extract<EvidenceSet["proof"], { kind: "selection" }>;
const rangeWith = (set: EvidenceSet, change: Partial<RangeProof>): EvidenceSet => ({
  ...set,
  proof: { ...(set.proof as RangeProof), ...change },
});
const selectionWith = (set: EvidenceSet, change: Partial<SelectionProof>): EvidenceSet => ({
  ...set,
  proof: { ...(set.proof as SelectionProof), ...change },
});

describe("a range", () => {
  test("is verified offline for every range of every size to 20, and says that it is complete", () => {
    for (let size = 1; size <= 20; size++) {
      for (let from = 0; from < size; from++) {
        for (let to = from; to < size; to++) {
          const report = check(log.rangeSet(from, to, size));
          if (report.verdict !== "verified")
            expect.fail(`${from} to ${to} of ${size}: ${JSON.stringify(report.steps)}`);
          expect(report.set).toMatchObject({ origin: ORIGIN, proof: { kind: "range", from, to } });
        }
      }
    }
    const report = check(log.rangeSet(5, 9));
    expect(statuses(report)).toEqual(ALL_OK);
    expect(report.steps[2]?.detail).toMatch(/exactly the entries 5 to 9 .* none is left out, none is put in/);
    expect(report.subject).toBe(`all entries from 5 to 9 of ${ORIGIN}`);
    expect(report.notChecked).toEqual([
      "the entries before 5",
      "the entries after 9",
      "whether what the entries say is true",
    ]);
  });

  test("to the end of the tree says that it does not know what came after the checkpoint", () => {
    expect(check(log.rangeSet(0, 19)).notChecked).toEqual([
      "whether entries came after 19: the checkpoint was signed before them",
      "whether what the entries say is true",
    ]);
  });

  test("with any one byte changed is never verified", () => {
    const text = formatEvidenceSet(log.rangeSet(2, 4, 7));
    for (let at = 0; at < text.length; at++) {
      for (const other of [text[at] === "A" ? "B" : "A", text[at] === "\n" ? " " : "\n"]) {
        const changed = text.slice(0, at) + other + text.slice(at + 1);
        expect(check(changed).verdict, `character ${at}`).not.toBe("verified");
      }
      expect(check(text.slice(0, at) + text.slice(at + 1)).verdict, `without ${at}`).not.toBe("verified");
      expect(check(text.slice(0, at)).verdict, `cut at ${at}`).not.toBe("verified");
    }
  });

  test("with an entry left out, doubled, exchanged, put in or of another history is refuted", () => {
    const set = log.rangeSet(5, 9);
    const fake = rowsFromGenesis(20, "fake")[7]?.payload as string;
    const [a, b, c, d, e] = set.payloads as [string, string, string, string, string];
    for (const payloads of [
      [a, c, b, d, e],
      [a, b, b, d, e],
      [a, b, fake, d, e],
      [b, c, d, e, a],
    ]) {
      const report = check({ ...set, payloads });
      expect(report.verdict).toBe("refuted");
      expect(failed(report)).toContain("inclusion");
      expect(report.set).toBeNull();
    }
    for (const payloads of [[a, b, d, e], [a, b, c, c, d, e], []]) {
      expect(failed(check({ ...set, payloads }))).toEqual(["format"]);
    }
  });

  test("that lies about its ends is refuted: fewer entries under the old numbers, or the same under others", () => {
    const set = log.rangeSet(5, 9);
    const shorter = { ...rangeWith(set, { to: 8 }), payloads: set.payloads.slice(0, 4) };
    expect(failed(check(shorter))).toEqual(["inclusion"]);
    for (const by of [-1, 1]) {
      const moved = rangeWith(set, { from: 5 + by, to: 9 + by });
      expect(failed(check(moved))).toEqual(["entries", "inclusion"]);
    }
    const beyond = {
      ...rangeWith(set, { to: 25 }),
      payloads: Array.from({ length: 21 }, () => set.payloads[0] as string),
    };
    expect(check(beyond).verdict).toBe("refuted");
  });

  test("that begins after another hash than it did is refuted", () => {
    const prevHash = new Uint8Array(32).fill(7);
    expect(failed(check(rangeWith(log.rangeSet(5, 9), { prevHash })))).toEqual(["inclusion"]);
    expect(failed(check(rangeWith(log.rangeSet(0, 3), { prevHash })))).toContain("entries");
  });

  test("of another log is refuted, though that log's own key signed it", () => {
    const other = `log.test/${DOMAIN.replace("jrh", "jr7")}`;
    const stolen = new ProvedLog(log.rows, other);
    const report = check(stolen.rangeSet(3, 6), trust({}, other));
    expect(failed(report)).toEqual(["entries"]);
    expect(report.steps[1]?.detail).toMatch(/entry 3: it says that it belongs to another log/);
  });
});

describe("a selection", () => {
  test("is verified offline for any entries of any size, and claims nothing about others", () => {
    const some = fc
      .integer({ min: 1, max: 20 })
      .chain((size) => fc.tuple(fc.constant(size), fc.subarray([...Array(size).keys()], { minLength: 1 })));
    fc.assert(
      fc.property(some, ([size, seqs]) => {
        const report = check(log.selectionSet(seqs, size));
        expect(statuses(report)).toEqual(ALL_OK);
        expect(report.verdict).toBe("verified");
        expect(report.notChecked[0]).toMatch(/^anything about other entries.*never complete/);
      }),
    );
  });

  test("of all entries in a row still claims no completeness", () => {
    const report = check(log.selectionSet([...Array(20).keys()]));
    expect(report.verdict).toBe("verified");
    expect(report.subject).toBe(`a selection of 20 entries of ${ORIGIN}`);
    expect(JSON.stringify(report.steps)).not.toMatch(/left out|complete/);
  });

  test("with any one byte changed is never verified", () => {
    const text = formatEvidenceSet(log.selectionSet([1, 2, 6], 9));
    for (let at = 0; at < text.length; at++) {
      const changed = text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
      expect(check(changed).verdict, `character ${at}`).not.toBe("verified");
      expect(check(text.slice(0, at) + text.slice(at + 1)).verdict, `without ${at}`).not.toBe("verified");
    }
  });

  test("with entries exchanged, left out, doubled or renumbered is refuted", () => {
    const set = log.selectionSet([3, 8, 9, 15]);
    const { entries } = set.proof as SelectionProof;
    const [a, b, c, d] = set.payloads as [string, string, string, string];
    for (const payloads of [
      [b, a, c, d],
      [a, a, c, d],
      [a, b, c, log.rows[16]?.payload as string],
    ]) {
      expect(failed(check({ ...set, payloads }))).toEqual(["entries", "inclusion"]);
    }
    expect(failed(check({ ...selectionWith(set, { entries: entries.slice(1) }), payloads: [b, c, d] }))).toEqual([
      "inclusion",
    ]);
    expect(failed(check(selectionWith(set, { entries: entries.toReversed() })))).toEqual(["format"]);
    expect(failed(check(selectionWith(set, { entries: entries.with(1, { ...entries[0]! }) })))).toEqual(["format"]);
    expect(failed(check(selectionWith(set, { entries: entries.with(1, { ...entries[1]!, seq: 7 }) })))).toEqual([
      "entries",
      "inclusion",
    ]);
  });

  /** Each is the tree's leaf, but the chain is broken between them: chain and tree would tell two stories. */
  test("whose neighbours do not follow each other in the chain is refuted", () => {
    const rows = rowsFromGenesis(20).map((row) => ({ ...row }));
    const broken = rowsFromGenesis(20, "fake").slice(10);
    const set = new ProvedLog([...rows.slice(0, 10), ...broken]).selectionSet([9, 10]);
    const report = check(set);
    expect(failed(report)).toEqual(["entries"]);
    expect(report.steps[1]?.detail).toMatch(/entry 10: it does not follow the one before/);
  });
});

describe("either kind", () => {
  const sets = [log.rangeSet(5, 9), log.selectionSet([5, 9])];
  const key9 = { logs: [{ origin: ORIGIN, key: logSigner().verifierKey }], witnesses: [], required: 0 };

  test("without a key of the log is checked as far as that goes and never verified", () => {
    for (const set of sets) {
      const report = check(set, NO_TRUST);
      expect(report.verdict).toBe("could_not_check");
      expect(statuses(report).slice(0, 3)).toEqual(["format ok", "entries ok", "inclusion ok"]);
      expect(report.advice.length).toBeGreaterThan(0);
      expect(report.set).toBeNull();
    }
  });

  test("without the witnesses that the policy asks for is not witnessed", () => {
    for (const make of [
      () => log.rangeSet(5, 9, 20, log.checkpoint(20, null)),
      () => log.selectionSet([5], 20, log.checkpoint(20, null)),
    ]) {
      expect(check(make()).verdict).toBe("not_witnessed");
      expect(check(make(), trust(key9)).verdict).toBe("verified");
    }
  });

  test("with the forged cosignature of a known witness is refuted", () => {
    const forged = log.checkpoint(20, { publicKey: testKey(2).publicKey, sign: testKey(9).sign });
    for (const set of sets) expect(check({ ...set, checkpoint: forged }).verdict).toBe("refuted");
  });

  test("under the checkpoint of another size or history is refuted", () => {
    const history = new ProvedLog(rowsFromGenesis(20, "fake")).checkpoint();
    for (const set of sets) {
      for (const checkpoint of [log.checkpoint(19), history]) {
        expect(failed(check({ ...set, checkpoint }))).toEqual(["inclusion"]);
      }
    }
  });

  test("with any hash of its proof flipped, left out or doubled is refuted", () => {
    for (const set of sets) {
      set.proof.hashes.forEach((hash, i) => {
        const other = hash.with(i, (hash[i] as number) ^ 1);
        for (const hashes of [
          set.proof.hashes.with(i, other),
          set.proof.hashes.toSpliced(i, 1),
          set.proof.hashes.toSpliced(i, 0, hash),
        ]) {
          const changed = { ...set, proof: { ...set.proof, hashes } };
          expect(failed(check(changed)), toHex(hash)).toEqual(["inclusion"]);
        }
      });
    }
  });

  test("that contradicts the remembered head says so", () => {
    const remembered = [{ origin: ORIGIN, size: 20, root: Buffer.alloc(32, 1).toString("base64") }];
    for (const set of sets) expect(check(set, trust({ remembered })).verdict).toBe("contradicts_remembered_head");
  });
});

describe("the parser", () => {
  const range = formatEvidenceSet(log.rangeSet(5, 6));
  const selection = formatEvidenceSet(log.selectionSet([5, 9]));

  test.each<[string, string]>([
    ["nothing", ""],
    ["no header", range.slice(range.indexOf("\n") + 1)],
    ["another version", range.replace("/v1", "/v2")],
    ["a number with a zero before it", range.replace("range 5", "range 05")],
    ["a sign", range.replace("range 5", "range +5")],
    ["a number past 2^53", range.replace("range 5", "range 9223372036854775808")],
    ["ends in the wrong order", range.replace("range 5 6", "range 6 5")],
    ["three numbers", range.replace("range 5 6", "range 5 6 7")],
    ["CR before LF", range.replaceAll("\n", "\r\n")],
    ["a space at the end of a line", range.replace("range 5 6", "range 5 6 ")],
    ["base64 of another spelling", range.replace(/^prev (.*)=$/m, "prev $1")],
    ["a third empty line", range.replace("\n\n", "\n\n\n")],
    ["a word after the kind", range.replace("range 5 6", "range 5 6\nfilter all logins")],
    ["a count that is not theirs", selection.replace("selection 2", "selection 3")],
    ["no entries", selection.replace("selection 2", "selection 0")],
    ["a count past the limit", selection.replace("selection 2", "selection 1001")],
    ["another kind", selection.replace("selection 2", "everything 2")],
    ["a byte order mark", `\ufeff${range}`],
    ["no line feed at the end", range.slice(0, -1)],
  ])("refuses %s", (_, text) => {
    const report = check(text);
    expect(report.verdict).toBe("refuted");
  });

  test("gives back what was formatted, and accepts no other text for it", () => {
    fc.assert(
      fc.property(fc.nat(19), fc.nat(19), fc.boolean(), (a, b, isRange) => {
        const [from, to] = [Math.min(a, b), Math.max(a, b)];
        const set = isRange ? log.rangeSet(from, to) : log.selectionSet([...new Set([from, to])]);
        expect(parseEvidenceSet(formatEvidenceSet(set))).toEqual(set);
      }),
    );
  });

  test("never throws and never verifies on text from nowhere, cut, spliced or repeated", () => {
    const pieces = fc.array(
      fc.oneof(
        fc
          .tuple(fc.constantFrom(range, selection), fc.nat(range.length), fc.nat(range.length))
          .map(([text, a, b]) => text.slice(Math.min(a, b), Math.max(a, b))),
        fc.string({ unit: "binary" }),
        fc.constantFrom("\n", "\n\n", "moonseal/evidence-set/v1\n", "range 0 0\n", "selection 1\n", "{}\n"),
      ),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(pieces, (parts) => {
        const text = parts.join("");
        fc.pre(text !== range && text !== selection);
        expect(check(text).verdict).toBe("refuted");
      }),
      { numRuns: 2000 },
    );
  });
});
