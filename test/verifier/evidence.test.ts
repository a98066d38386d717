/** Evidence of one entry: accepted as it is, refuted with any one byte changed, whoever else signs. */
import { createPrivateKey, createPublicKey, verify as nodeVerify, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { concatBytes, fromHex, toBase64, toHex } from "../../src/core/bytes.ts";
import { formatCheckpoint } from "../../src/core/checkpoint.ts";
import { cosignatureMessage, cosignerKeyHash, formatCosignature } from "../../src/core/cosignature.ts";
import { proveInclusion } from "../../src/core/merkle/inclusion.ts";
import { Frontier, leafHash } from "../../src/core/merkle/tree.ts";
import { formatNote, noteKeyHash } from "../../src/core/note.ts";
import { encodeProvedEntry, formatTlogProof } from "../../src/core/tlog-proof.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { verifyMlDsa44 } from "../../src/crypto/verify.ts";
import { verifyEvidence } from "../../src/verifier/evidence.ts";
import { parsePolicy, type TrustPolicy } from "../../src/verifier/policy.ts";
import { rowsOfLog } from "./log-of.ts";

const DOMAIN = "dom_eu_01jegc8qvyfgx9tmvc3w70yjrh";
const ORIGIN = `log.test/${DOMAIN}`;
const TIME = 1_795_259_650;

function keyOf(fill: number) {
  const seed = Buffer.alloc(32, fill);
  const key = createPrivateKey({
    key: Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), seed]),
    format: "der",
    type: "pkcs8",
  });
  const publicKey = new Uint8Array(createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32));
  return { publicKey, sign: (text: string) => new Uint8Array(sign(null, Buffer.from(text), key)) };
}
const verify = (publicKey: Uint8Array, message: string, signature: Uint8Array) => {
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), publicKey]);
  return nodeVerify(null, Buffer.from(message), createPublicKey({ key: der, format: "der", type: "spki" }), signature);
};
const vkey = (name: string, type: number, publicKey: Uint8Array) => {
  const hash = type === 1 ? noteKeyHash(sha256, name, publicKey) : cosignerKeyHash(sha256, name, publicKey);
  return `${name}+${toHex(hash)}+${toBase64(concatBytes(Uint8Array.of(type), publicKey))}`;
};

const logKey = keyOf(1);
const witnessKey = keyOf(2);
const otherCell = keyOf(3);
const rows = rowsOfLog(DOMAIN, 20);

function proofOf(
  seq: number,
  witnesses: { name: string; key: typeof logKey }[] = [{ name: "witness.example/w1", key: witnessKey }],
) {
  const frontier = new Frontier(sha256);
  const nodes = new Map<string, Uint8Array>();
  for (const { entryHash } of rows) {
    const leaf = leafHash(sha256, fromHex(entryHash) as Uint8Array);
    frontier.append(leaf, ({ level, index }, hash) => nodes.set(`${level}/${index}`, hash));
  }
  const text = formatCheckpoint({ origin: ORIGIN, size: frontier.size, root: frontier.root() });
  const signatures = [
    { name: ORIGIN, keyHash: noteKeyHash(sha256, ORIGIN, logKey.publicKey), signature: logKey.sign(text) },
    ...witnesses.map(({ name, key }) => ({
      name,
      keyHash: cosignerKeyHash(sha256, name, key.publicKey),
      signature: formatCosignature(TIME, key.sign(cosignatureMessage(text, TIME))),
    })),
  ];
  const row = rows[seq] as (typeof rows)[number];
  return formatTlogProof({
    extra: encodeProvedEntry({ prevHash: fromHex(row.prevHash) as Uint8Array, payload: row.payload }),
    index: seq,
    hashes: proveInclusion(sha256, seq, frontier.size, (wanted) =>
      wanted.map(({ level, index }) => nodes.get(`${level}/${index}`) as Uint8Array),
    ),
    checkpoint: formatNote({ text, signatures }),
  });
}

const policyOf = (change: object = {}) =>
  parsePolicy(sha256, {
    logs: [{ origin: ORIGIN, keys: [vkey(ORIGIN, 1, logKey.publicKey)] }],
    witnesses: [
      { key: vkey("witness.example/w1", 4, witnessKey.publicKey), independent: true },
      { key: vkey("us.log.test", 4, otherCell.publicKey), independent: false },
    ],
    required: 1,
    ...change,
  }) as TrustPolicy;
const check = (text: string, policy = policyOf()) => verifyEvidence(text, policy, { sha256, verify, verifyMlDsa44 });

describe("evidence", () => {
  test.each([0, 1, 15, 16, 19])("of entry %d is verified offline, each step with what it proves", (seq) => {
    const report = check(proofOf(seq));
    expect(report).toMatchObject({
      verdict: "verified",
      entry: { origin: ORIGIN, seq, entryHash: rows[seq]?.entryHash },
    });
    expect(report.steps.map(({ step, status }) => `${step} ${status}`)).toEqual([
      "format ok",
      "entry ok",
      "place ok",
      "inclusion ok",
      "checkpoint ok",
      "witnesses ok",
    ]);
    expect(report.notChecked).toHaveLength(2);
  });

  test("is never verified with any one character changed", () => {
    const text = proofOf(5);
    for (let at = 0; at < text.length; at++) {
      const changed = text.slice(0, at) + (text[at] === "A" ? "B" : "A") + text.slice(at + 1);
      expect(check(changed).verdict, `character ${at}`).not.toBe("verified");
    }
  });

  test("of one entry does not prove another place, another log or another history", () => {
    const moved = proofOf(5).replace("index 5", "index 6");
    expect(
      check(moved)
        .steps.filter(({ status }) => status === "failed")
        .map(({ step }) => step),
    ).toEqual(["place", "inclusion"]);
    expect(
      check(proofOf(5), policyOf({ logs: [{ origin: ORIGIN, keys: [vkey(ORIGIN, 1, keyOf(9).publicKey)] }] })).verdict,
    ).toBe("refuted");
  });

  test("without an independent witness says so, and the operator's other cell does not count", () => {
    const own = proofOf(5, [{ name: "us.log.test", key: otherCell }]);
    expect(check(own)).toMatchObject({ verdict: "not_witnessed" });
    const lax = check(own, policyOf({ required: 0 }));
    expect(lax.verdict).toBe("verified");
    expect(lax.steps.find(({ step }) => step === "witnesses")).toMatchObject({ status: "not_checked" });
    expect(lax.notChecked[0]).toMatch(/no independent witness/);
  });

  test("with a wrong cosignature of a known witness is refuted, with one of an unknown witness is not", () => {
    const forged = { publicKey: witnessKey.publicKey, sign: keyOf(9).sign };
    expect(check(proofOf(5, [{ name: "witness.example/w1", key: forged }])).verdict).toBe("refuted");
    const unknown = [
      { name: "witness.example/w1", key: witnessKey },
      { name: "nobody.example", key: keyOf(9) },
    ];
    expect(check(proofOf(5, unknown)).verdict).toBe("verified");
  });

  /** An entry that is in the chain and not the leaf of the tree. */
  test("of a linear fake is refuted: chain and tree tell one story", () => {
    const fake = rowsOfLog(DOMAIN, 20, "fake")[5] as (typeof rows)[number];
    const proof = proofOf(5).replace(
      /^extra .*$/m,
      `extra ${toBase64(encodeProvedEntry({ prevHash: fromHex(fake.prevHash) as Uint8Array, payload: fake.payload }))}`,
    );
    expect(check(proof).steps.find(({ status }) => status === "failed")?.step).toBe("inclusion");
  });

  test.each(["", "x", "c2sp.org/tlog-proof@v1\n\n", "\n\n\n"])("%j is refuted without an exception", (text) => {
    expect(check(text).verdict).toBe("refuted");
  });
});

describe("a trust policy", () => {
  const log = { origin: ORIGIN, keys: [vkey(ORIGIN, 1, logKey.publicKey)] };
  test.each<[string, unknown, RegExp]>([
    ["nothing", undefined, /the policy: must be an object/],
    ["no log", { logs: [] }, /at least one log/],
    ["a log without a key", { logs: [{ origin: ORIGIN, keys: [] }] }, /at least one key/],
    [
      "a key that does not fit its name",
      { logs: [{ origin: ORIGIN, keys: [vkey("other", 1, logKey.publicKey).replace("other", "log.test")] }] },
      /not a verifier key/,
    ],
    [
      "a witness with a log's key",
      { logs: [log], witnesses: [{ key: vkey("w", 1, witnessKey.publicKey), independent: true }] },
      /type 4/,
    ],
    [
      "a witness of whom nothing is said",
      { logs: [log], witnesses: [{ key: vkey("w", 4, witnessKey.publicKey) }] },
      /independent/,
    ],
    ["more witnesses than there are", { logs: [log], required: 1 }, /only 0/],
    ["a misspelt part", { logs: [log], witness: [] }, /"witness"/],
  ])("with %s is refused and says why", (_, value, words) => {
    expect(parsePolicy(sha256, value)).toMatch(words);
  });

  test("the same witness under two names counts once", () => {
    const twice = ["a.example", "b.example"].map((name) => ({
      key: vkey(name, 4, witnessKey.publicKey),
      independent: true,
    }));
    expect(parsePolicy(sha256, { logs: [log], witnesses: twice, required: 2 })).toMatch(/only 1/);
  });
});
