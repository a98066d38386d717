/** ML-DSA-44 cosignatures under a checkpoint, by a golden file that another implementation made (test/vectors/cosignature). */
import { readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { fromBase64, toBase64 } from "../../src/core/bytes.ts";
import { parseCheckpointNote } from "../../src/core/checkpoint.ts";
import { formatCosignature, formatCosignerKey, parseCosignature, SUBTREE_V1 } from "../../src/core/cosignature.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { formatNote, parseNote } from "../../src/core/note.ts";
import { mlDsaCosigner } from "../../src/crypto/ml-dsa-cosigner.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { noteSigner } from "../../src/crypto/signer.ts";
import { verifyCheckpoint } from "../../src/verifier/checkpoint.ts";
import { verifyCheckpointFile } from "../../src/verifier/checkpoint-file.ts";
import { parsePolicy, type TrustPolicy } from "../../src/verifier/policy.ts";
import { NODE } from "./golden-evidence.ts";

const FOLDER = path.join(import.meta.dirname, "../vectors/cosignature");
const golden = readFileSync(path.join(FOLDER, "checkpoint.txt"), "utf8");
const json = JSON.parse(readFileSync(path.join(FOLDER, "policy.json"), "utf8"));
const [{ keys }] = json.witnesses as [{ keys: [string, string] }];
const [ED25519, ML_DSA] = keys;
const policyOf = (change: object): TrustPolicy => {
  const policy = parsePolicy(sha256, { ...json, ...change });
  if (typeof policy === "string") throw new Error(policy);
  return policy;
};
const policy = policyOf({});
/** Without lines, counted from the log's own. */
const without = (text: string, ...lines: number[]) => {
  const { text: head, signatures } = parseNote(text) ?? { text: "", signatures: [] };
  return formatNote({ text: head, signatures: signatures.filter((_, i) => !lines.includes(i)) });
};
const witnessStep = (text: string, by = policy) =>
  verifyCheckpointFile(text, by, NODE).steps.find(({ step }) => step === "witnesses");

describe("a witness with two keys", () => {
  test("counts once, with both algorithms named, and the tree is witnessed against quantum computers too", () => {
    expect(verifyCheckpoint(golden, policy, NODE)).toMatchObject({ ok: true, independent: 1, postQuantum: 1 });
    expect(witnessStep(golden)).toEqual({
      step: "witnesses",
      status: "ok",
      detail:
        "1 independent witness saw this tree: witness.example/w1 (Ed25519 and ML-DSA-44) at 2026-11-21T11:14:10Z; post-quantum: yes",
    });
  });

  test("is not two for k of n, in one entry or in two of the same name", () => {
    const entries = keys.map((key) => ({ key, independent: true }));
    expect(policyOf({ witnesses: entries }).witnesses).toHaveLength(1);
    expect(parsePolicy(sha256, { ...json, required: 2 })).toContain("required: only 1 independent");
    expect(parsePolicy(sha256, { ...json, witnesses: entries, required: 2 })).toContain("required: only 1 independent");
  });

  test("counts with Ed25519 alone, and post-quantum is no", () => {
    expect(verifyCheckpoint(without(golden, 2), policy, NODE)).toMatchObject({ independent: 1, postQuantum: 0 });
    expect(witnessStep(without(golden, 2))?.detail).toMatch(/\(Ed25519\) at .*; post-quantum: no$/);
  });

  test("counts with ML-DSA-44 alone", () => {
    expect(witnessStep(without(golden, 1))?.detail).toMatch(/\(ML-DSA-44\) at .*; post-quantum: yes$/);
  });

  test("of which the policy names the ML-DSA key alone does not count by the other one", () => {
    const strict = policyOf({ witnesses: [{ key: ML_DSA, independent: true }] });
    expect(verifyCheckpointFile(golden, strict, NODE).verdict).toBe("verified");
    expect(verifyCheckpointFile(without(golden, 2), strict, NODE).verdict).toBe("not_witnessed");
  });

  test("of the log's operator says nothing about other histories, whatever it signed with", () => {
    const own = policyOf({ witnesses: [{ keys, independent: false }], required: 0 });
    expect(witnessStep(golden, own)).toMatchObject({ status: "not_checked" });
    expect(witnessStep(golden, own)?.detail).toMatch(/^not independently witnessed.*; post-quantum: no$/);
  });
});

describe("policies", () => {
  test.each<[string, unknown, string]>([
    ["key and keys", [{ key: ED25519, keys, independent: true }], "must have either key or keys"],
    ["neither", [{ independent: true }], "must have either key or keys"],
    ["no key in the list", [{ keys: [], independent: true }], "at least one key"],
    ["a key of type 6 with a bit changed", [{ key: ML_DSA.replace(/.$/, "A"), independent: true }], "type 4 or 6"],
    [
      "one witness that is independent and is not",
      [
        { key: ED25519, independent: true },
        { key: ML_DSA, independent: false },
      ],
      "is called independent and not independent",
    ],
  ])("%s: refused", (_, witnesses, words) => {
    const value = parsePolicy(sha256, { ...json, required: 0, witnesses });
    // The last letter of a key may be the one that it was replaced by.
    expect(value).toEqual(expect.stringContaining(words));
  });

  test("three entries that hang together by names and keys are one witness", () => {
    const renamed = formatCosignerKey(sha256, "witness.example/again", keyOf(ED25519));
    const third = formatCosignerKey(sha256, "witness.example/again", new Uint8Array(32).fill(77));
    const witnesses = [third, ED25519, renamed].map((key) => ({ key, independent: true }));
    expect(policyOf({ witnesses }).witnesses.map((each) => each.keys.length)).toEqual([3]);
  });
});

const keyOf = (vkey: string) => (fromBase64(vkey.split("+").slice(2).join("+")) ?? new Uint8Array()).slice(1);

describe("bad input", () => {
  test("any byte of a signature of type 6 that is changed, its time included, refuses the checkpoint", () => {
    const { text, signatures } = parseNote(golden) ?? { text: "", signatures: [] };
    const bytes = signatures[2]?.signature ?? new Uint8Array();
    expect(bytes).toHaveLength(8 + 2420);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const signature = bytes.with(at, (bytes[at] as number) ^ change);
        const changed = formatNote({ text, signatures: signatures.map((s, i) => (i === 2 ? { ...s, signature } : s)) });
        expect(verifyCheckpoint(changed, policy, NODE)).toMatchObject({ ok: false, fault: "cosignature_wrong" });
      }),
      { numRuns: 200 },
    );
  });

  test.each([1, 63, 64, 72, 2419, 2420, 2427, 2429, 4856])(
    "a signature of %d bytes by a known key refuses it",
    (byteLength) => {
      const { text, signatures } = parseNote(golden) ?? { text: "", signatures: [] };
      const other = signatures.map((s, i) => (i === 2 ? { ...s, signature: new Uint8Array(byteLength) } : s));
      expect(verifyCheckpoint(formatNote({ text, signatures: other }), policy, NODE)).toMatchObject({
        fault: "cosignature_wrong",
      });
      expect(parseCosignature(new Uint8Array(byteLength), SUBTREE_V1)).toBeNull();
    },
  );

  test("a signature of an unknown key of type 6 is ignored", () => {
    const { text, signatures } = parseNote(golden) ?? { text: "", signatures: [] };
    const unknown = signatures.map((s, i) => (i === 2 ? { ...s, keyHash: new Uint8Array(4) } : s));
    expect(verifyCheckpoint(formatNote({ text, signatures: unknown }), policy, NODE)).toMatchObject({
      ok: true,
      postQuantum: 0,
    });
  });

  test("a signature over another root of the same size is refused: it does not depend on the text", async () => {
    const signer = noteSigner("log.example/eu", new Uint8Array(32).fill(1)).named("log.example/dom_eu_x");
    const text = (fill: number) => `log.example/dom_eu_x\n5\n${toBase64(new Uint8Array(32).fill(fill))}\n`;
    const witness = mlDsaCosigner("w.example", new Uint8Array(32).fill(5));
    const trusted = policyOf({
      logs: [{ origin: "log.example/dom_eu_x", key: signer.verifierKey }],
      witnesses: [{ key: await witness.verifierKey(), independent: true }],
    });
    const line = await witness.cosign(text(1), 1_795_259_651);
    expect(verifyCheckpoint(signer.sign(text(1)) + line, trusted, NODE)).toMatchObject({ ok: true, postQuantum: 1 });
    expect(verifyCheckpoint(signer.sign(text(2)) + line, trusted, NODE)).toMatchObject({ fault: "cosignature_wrong" });
  });
});

describe("sizes", () => {
  let line = "";
  const signer = noteSigner("log.example/eu", new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)).named(
    `${"o".repeat(226)}/dom_eu_01jegc8qvyfgx9tmvc3w7`,
  );
  const text = `${signer.name}\n9007199254740991\n${toBase64(new Uint8Array(32))}\n`;
  beforeAll(async () => {
    line = await mlDsaCosigner("w".repeat(255), new Uint8Array(32).fill(5)).cosign(text, 1_795_259_651);
  });

  test("a note with as many ML-DSA-44 lines as a cell may have keys of witnesses, of the longest names, can be read", () => {
    const note = signer.sign(text) + line.repeat(LIMITS.witnessKeys);
    expect(parseCheckpointNote(note)?.note.signatures).toHaveLength(LIMITS.witnessKeys + 2);
    expect(note.length).toBeLessThan(LIMITS.witnessAnswerBytes);
  });

  test("an origin that the format cannot say has no cosignature of type 6", async () => {
    const witness = mlDsaCosigner("w.example", new Uint8Array(32).fill(5));
    expect(await witness.cosign(`${"o".repeat(256)}\n1\n${toBase64(new Uint8Array(32))}\n`, 1)).toBe("");
  });

  test("a signature of another length makes no cosignature", () => {
    expect(() => formatCosignature(1, new Uint8Array(2419), SUBTREE_V1)).toThrow(RangeError);
  });
});
