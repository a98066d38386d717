/** Evidence of a fork: a proof against the log for everybody, and never one against a log that showed one history. */
import { describe, expect, test } from "vitest";
import { WEB } from "../../src/console/verify-page/platform.ts";
import { fromHex, toBase64 } from "../../src/core/bytes.ts";
import { formatCheckpoint } from "../../src/core/checkpoint.ts";
import { type ForkEvidence, type ForkSide, formatForkEvidence, orderedEvidence } from "../../src/core/fork-evidence.ts";
import { proveConsistency } from "../../src/core/merkle/consistency.ts";
import { proveNode } from "../../src/core/merkle/node-proof.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { noteSigner } from "../../src/crypto/signer.ts";
import { verifyFork } from "../../src/verifier/fork.ts";
import { verifyFile } from "../../src/verifier/kinds.ts";
import { NO_TRUST, policyOfKeys, type TrustPolicy } from "../../src/verifier/policy.ts";
import golden from "../vectors/forks.json" with { type: "json" };
import { logSigner, ORIGIN, PLATFORM, ProvedLog, policyJson, rowsFromGenesis, trust } from "./proved-log.ts";

const SIZE = 20;
/** Two histories of one log that are the same up to entry 0, which names the word. */
const real = new ProvedLog(rowsFromGenesis(SIZE));
const forged = new ProvedLog(rowsFromGenesis(SIZE, "forged"));

const text = (evidence: ForkEvidence) => formatForkEvidence(orderedEvidence(evidence) ?? evidence);
const sameSize = (a: string, b: string) => text({ contradiction: { kind: "same_size" }, checkpoints: [a, b] });
const leafSide = (log: ProvedLog, index: number, size: number): ForkSide => ({
  value: fromHex(log.rows[index]?.entryHash ?? "") as Uint8Array,
  hashes: proveNode(sha256, { level: 0, index }, size, log.read),
});
const leafFork = (index: number, [a, sizeA]: [ProvedLog, number], [b, sizeB]: [ProvedLog, number]) =>
  text({
    contradiction: { kind: "leaf", index, sides: [leafSide(a, index, sizeA), leafSide(b, index, sizeB)] },
    checkpoints: [a.checkpoint(sizeA, null), b.checkpoint(sizeB, null)],
  });
const nodeSide = (log: ProvedLog, level: number, index: number, size: number): ForkSide => ({
  value: log.read([{ level, index }])[0] as Uint8Array,
  hashes: proveNode(sha256, { level, index }, size, log.read),
});
const subtreeFork = (level: number, index: number, [a, sizeA]: [ProvedLog, number], [b, sizeB]: [ProvedLog, number]) =>
  text({
    contradiction: {
      kind: "subtree",
      level,
      index,
      sides: [nodeSide(a, level, index, sizeA), nodeSide(b, level, index, sizeB)],
    },
    checkpoints: [a.checkpoint(sizeA, null), b.checkpoint(sizeB, null)],
  });

/** The second tree's own proof that it does not begin with the first. */
const prefixFork = ([a, sizeA]: [ProvedLog, number], [b, sizeB]: [ProvedLog, number]) =>
  text({
    contradiction: { kind: "prefix", root: b.root(sizeA), hashes: proveConsistency(sha256, sizeA, sizeB, b.read) },
    checkpoints: [a.checkpoint(sizeA, null), b.checkpoint(sizeB, null)],
  });

/** Without cosignatures: a line of a key that nobody knows may be anything. */
const FORKS: [string, string][] = [
  ["two roots for one size", sameSize(real.checkpoint(SIZE, null), forged.checkpoint(SIZE, null))],
  ["two leaves at one index, of trees of 12 and 20", leafFork(7, [real, 12], [forged, SIZE])],
  ["two leaves at one index of trees of one size", leafFork(3, [real, SIZE], [forged, SIZE])],
  ["two hashes of one subtree, of trees of 20 and 17", subtreeFork(4, 0, [real, SIZE], [forged, 17])],
  ["two hashes of one leaf", subtreeFork(0, 5, [real, 6], [forged, SIZE])],
  ["another beginning, of trees of 12 and 20", prefixFork([real, 12], [forged, SIZE])],
  ["another beginning, of trees of 16 and 17", prefixFork([real, 16], [forged, 17])],
];
const failed = ({ steps }: ReturnType<typeof verifyFork>) =>
  steps.filter(({ status }) => status === "failed").map(({ step }) => step);

describe("the golden files of SPEC.md §15", () => {
  const wanted = { same_size: FORKS[0]?.[1], leaf: FORKS[1]?.[1], subtree: FORKS[3]?.[1], prefix: FORKS[5]?.[1] };

  test("are still accepted; whoever changes the format breaks every accusation that somebody keeps", () => {
    const policy = policyOfKeys(sha256, [golden.key]) as TrustPolicy;
    for (const kind of ["same_size", "leaf", "subtree", "prefix"] as const) {
      const report = verifyFile(new TextEncoder().encode(golden[kind]), policy, PLATFORM);
      expect(report, kind).toMatchObject({ kind: "fork", verdict: "refuted" });
    }
  });

  test("are still written byte for byte", () => {
    const { about, key, ...files } = golden;
    expect(files).toEqual(wanted);
    expect(key).toBe(logSigner().verifierKey);
  });
});

describe("a proof of misbehaviour", () => {
  test.each(FORKS)("%s: the log is refuted, step by step, in Node and in a browser alike", (_, file) => {
    const report = verifyFork(file, trust(), PLATFORM);
    expect(report).toMatchObject({ kind: "fork", verdict: "refuted", misbehaved: true });
    expect(report.subject).toMatch(/^PROOF OF MISBEHAVIOUR: log\.test\/dom_eu_/);
    expect(failed(report)).toEqual(["history"]);
    expect(report.steps.slice(0, 3).map(({ status }) => status)).toEqual(["ok", "ok", "ok"]);
    expect(verifyFork(file, trust(), WEB)).toEqual(report);
  });

  test("says which side was cosigned by whom, and which one is remembered", () => {
    const policy = trust({ remembered: [{ origin: ORIGIN, size: SIZE, root: toBase64(forged.root()) }] });
    const { steps } = verifyFork(sameSize(real.checkpoint(), forged.checkpoint(SIZE, null)), policy, PLATFORM);
    expect(steps.filter(({ detail }) => detail.includes("cosigned by witness.example/w1"))).toHaveLength(1);
    expect(steps.find(({ step }) => step === "remembered")?.status).toBe("ok");
  });

  test("needs no witness, however many the policy asks for", () => {
    const file = sameSize(real.checkpoint(SIZE, null), forged.checkpoint(SIZE, null));
    expect(verifyFork(file, trust(), PLATFORM).misbehaved).toBe(true);
  });
});

describe("a log that only grew", () => {
  test("cannot be accused of another beginning, at any two sizes", () => {
    for (let size = 1; size < SIZE; size++) {
      const report = verifyFork(prefixFork([real, size], [real, SIZE]), trust(), PLATFORM);
      expect(report).toMatchObject({ verdict: "could_not_check", misbehaved: false });
    }
  });
});

describe("what is no proof accuses nobody", () => {
  const refusedFor = (file: string, policy = trust()) => {
    const report = verifyFork(file, policy, PLATFORM);
    expect(report).toMatchObject({ verdict: "could_not_check", misbehaved: false });
    expect(report.subject).toMatch(/shows no misbehaviour/);
    return report;
  };

  test.each(FORKS)("%s with any byte flipped", (_, file) => {
    const bytes = new TextEncoder().encode(file);
    for (let at = 0; at < bytes.length; at++) {
      const changed = bytes.with(at, (bytes[at] as number) ^ 1);
      const report = verifyFork(new TextDecoder().decode(changed), trust(), PLATFORM);
      expect(report.misbehaved, `byte ${at}`).toBe(false);
      expect(report.verdict).toBe("could_not_check");
    }
  });

  test.each(FORKS)("%s with the sides or the notes of the two swapped", (_, file) => {
    const parts = file.split("\n\n");
    const [head = "", a1, a2, b1, b2] = parts;
    const turned = [head, b1, b2?.replace(/\n$/, ""), a1, `${a2}\n`].join("\n\n");
    refusedFor(turned);
    if (!head.includes("side ")) return;
    const [place, one, other] = head.split(/\n(?=side )/);
    refusedFor([[place, other, one].join("\n"), ...parts.slice(1)].join("\n\n"));
  });

  test("one note twice, and one head signed twice", () => {
    refusedFor(sameSize(real.checkpoint(), real.checkpoint()));
    const report = refusedFor(sameSize(real.checkpoint(SIZE, null), real.checkpoint()));
    expect(report.steps.at(-1)).toMatchObject({ step: "history", status: "not_checked" });
  });

  test("two sizes of one history, with whatever proofs", () => {
    refusedFor(sameSize(real.checkpoint(12), real.checkpoint()));
    refusedFor(leafFork(7, [real, 12], [real, SIZE]));
    refusedFor(subtreeFork(3, 0, [real, 12], [real, SIZE]));
  });

  test("two sizes of two histories, without a proof", () => {
    refusedFor(sameSize(real.checkpoint(12), forged.checkpoint()));
  });

  test("checkpoints of two logs, each signed by a key that is trusted for it", () => {
    const domain = "dom_eu_01jegc8qvyfgx9tmvc3w70yjrj";
    const origin = `log.test/${domain}`;
    const other = new ProvedLog(rowsFromGenesis(SIZE, "real", domain), origin);
    const policy = trust({ logs: [...policyJson().logs, ...policyJson({}, origin).logs] });
    const report = refusedFor(sameSize(real.checkpoint(), other.checkpoint()), policy);
    expect(report.steps.at(-1)?.detail).toMatch(/two logs/);
  });

  test("an unsigned checkpoint, and one that somebody else signed", () => {
    const forgedText = formatCheckpoint({ origin: ORIGIN, size: SIZE, root: forged.root() });
    const stranger = noteSigner(ORIGIN, new Uint8Array(32).fill(9)).sign(forgedText);
    const otherName = noteSigner("log.test/else", new Uint8Array(32).fill(1)).sign(forgedText);
    for (const note of [stranger, otherName, `${forgedText}\n`, forgedText]) {
      const report = refusedFor(sameSize(real.checkpoint(), note));
      expect(report.steps.some(({ step, status }) => step === "history" || status === "ok")).toBe(
        report.steps.length > 1,
      );
    }
  });

  test("a wrong signature in the name of a trusted key, beside a good one", () => {
    const good = forged.checkpoint(SIZE, null);
    const line = good.slice(good.indexOf("\n\n") + 2);
    const broken = `${good}${line.slice(0, 80)}${line[80] === "A" ? "B" : "A"}${line.slice(81)}`;
    refusedFor(sameSize(real.checkpoint(), broken));
  });

  test("with nobody trusted: could not check, and how to get the key", () => {
    const report = refusedFor(sameSize(real.checkpoint(), forged.checkpoint()), NO_TRUST);
    expect(report.advice.join(" ")).toMatch(/get the verifier key/);
  });

  test("a proof for another place, or of a tree of another size", () => {
    const file = leafFork(7, [real, 12], [forged, SIZE]);
    for (const other of ["leaf 6", "leaf 12", "leaf 9007199254740991", "subtree 0 7", "subtree 52 7"]) {
      refusedFor(file.replace("leaf 7", other));
    }
  });

  test("texts that only begin like one", () => {
    for (const junk of ["", "moonseal/fork/v1", "moonseal/fork/v2\nsame_size\n\n", `\ufeff${FORKS[0]?.[1]}`])
      refusedFor(junk);
  });
});
