/** Files as a stranger gives them to the verifier: recognised by their contents, never believed, never a crash. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { WEB } from "../../src/console/verify-page/platform.ts";
import { toBase64 } from "../../src/core/bytes.ts";
import { finalHeadsDigest } from "../../src/core/deletion-certificate.ts";
import { cosigner } from "../../src/crypto/cosigner.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { noteSigner } from "../../src/crypto/signer.ts";
import { KINDS, Opened, verifyFile } from "../../src/verifier/kinds.ts";
import { NO_TRUST, parsePolicy, policyOfKeys, type TrustPolicy } from "../../src/verifier/policy.ts";
import { worstVerdict } from "../../src/verifier/report.ts";
import disclosureVector from "../vectors/disclosure.json" with { type: "json" };
import erasureVector from "../vectors/erasure-certificate.json" with { type: "json" };
import { EVIDENCE, golden, NODE, policyOf, withoutWitness } from "./golden-evidence.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const failedSteps = ({ steps }: ReturnType<typeof verifyFile>) =>
  steps.filter(({ status }) => status === "failed").map(({ step }) => step);

describe("evidence that another implementation made (golang.org/x/mod sumdb)", () => {
  test.each(EVIDENCE)("%s is verified, by the platform of Node and by that of the browser alike", (name) => {
    const report = verifyFile(golden(name), policyOf(), NODE);
    expect(report).toMatchObject({ kind: "evidence", verdict: "verified" });
    expect(verifyFile(golden(name), policyOf(), WEB)).toEqual(report);
  });

  test("it wrote the very bytes that our own signers write", () => {
    const origin = "log.example/dom_eu_01jegc8qvyfgx9tmvc3w70yjrh";
    const note = golden("checkpoint.txt").toString();
    const text = note.slice(0, note.indexOf("\n\n") + 1);
    const signed = noteSigner(origin, new Uint8Array(32).fill(1)).sign(text);
    expect(note.startsWith(signed)).toBe(true);
    const witness = cosigner("witness.example/w1", new Uint8Array(32).fill(2));
    expect(note).toBe(signed + witness.cosign(text, 1_795_259_650));
  });

  test("the checkpoint alone is verified too", () => {
    const report = verifyFile(golden("checkpoint.txt"), policyOf(), NODE);
    expect(report).toMatchObject({ kind: "checkpoint", verdict: "verified", heads: [{ size: 300 }] });
  });
});

describe("one changed byte", () => {
  test("of a file whose every signature the policy knows: never verified, whichever byte, whichever change", () => {
    const policy = policyOf();
    const file = golden("entry-299.tlog-proof");
    for (let at = 0; at < file.length; at++) {
      for (const mask of [0x01, 0x20, 0x80]) {
        const changed = Uint8Array.from(file);
        changed[at] = (changed[at] as number) ^ mask;
        expect(verifyFile(changed, policy, NODE).verdict, `byte ${at} xor ${mask}`).not.toBe("verified");
      }
    }
  });

  test("of a signature by somebody whom the policy does not know may leave it verified, and nothing else may", () => {
    const policy = policyOf((file) => {
      file.witnesses = [];
      file.required = 0;
    });
    const file = golden("entry-299.tlog-proof");
    const unknownFrom = file.indexOf("\u2014 witness.example");
    for (let at = 0; at < file.length; at++) {
      const changed = Uint8Array.from(file);
      changed[at] = (changed[at] as number) ^ 0x01;
      const { verdict } = verifyFile(changed, policy, NODE);
      if (at < unknownFrom) expect(verdict, `byte ${at}`).not.toBe("verified");
    }
  });

  test.each<[string, RegExp, string, string[]]>([
    ["the entry", /^extra (.*)$/m, "payload", ["inclusion"]],
    ["the index", /^index 299$/m, "index 298", ["place", "inclusion"]],
    ["a hash of the proof", /\n([A-Za-z0-9+/]{43}=)\n\n/, "hash", ["inclusion"]],
    ["the root", /\n300\n([A-Za-z0-9+/]{43}=)/, "root", ["inclusion", "checkpoint"]],
    ["the log's signature", /dom_eu_\S+ (CCh\S{60})/, "signature", ["checkpoint"]],
    ["the witness's signature", /w1 (3xw\S{60})/, "signature", ["witnesses"]],
  ])("of %s fails the step that is about it", (_, pattern, what, steps) => {
    const text = golden("entry-299.tlog-proof").toString();
    const changed = text.replace(pattern, (found) => {
      if (what === "index 298") return what;
      if (what === "payload") return `extra ${toBase64(bytes(atob(found.slice(6)).replace("inv_299", "inv_298")))}`;
      // Not in the padding of the base64, and not in the key hash of a signature.
      const at = what === "signature" ? found.length - 20 : found.length - 10;
      return found.slice(0, at) + (found[at] === "A" ? "B" : "A") + found.slice(at + 1);
    });
    expect(changed).not.toBe(text);
    const report = verifyFile(bytes(changed), policyOf(), NODE);
    expect(report.verdict).toBe("refuted");
    expect(failedSteps(report)).toEqual(steps);
  });

  test("gives the same report in a browser as in Node", () => {
    const file = golden("entry-299.tlog-proof");
    for (let at = 5; at < file.length; at += 23) {
      const changed = Uint8Array.from(file);
      changed[at] = (changed[at] as number) ^ 0x01;
      expect(verifyFile(changed, policyOf(), WEB), `byte ${at}`).toEqual(verifyFile(changed, policyOf(), NODE));
    }
  });

  test("added at the end or cut off there: refuted", () => {
    const text = golden("entry-299.tlog-proof").toString();
    for (const other of [`${text}\n`, `${text} `, text.slice(0, -1), `\ufeff${text}`, text.replaceAll("\n", "\r\n")]) {
      expect(verifyFile(bytes(other), policyOf(), NODE).verdict).not.toBe("verified");
    }
  });
});

describe("a missing key is never ok", () => {
  const all: [string, Uint8Array][] = [
    ["evidence", golden("entry-0.tlog-proof")],
    ["checkpoint", golden("checkpoint.txt")],
    ["erasure_certificate", bytes(erasureVector.note)],
  ];
  test.each(all)("%s without any policy could not be checked, and says how to get the key and pin it", (kind, file) => {
    const report = verifyFile(file, NO_TRUST, NODE);
    expect(report).toMatchObject({ kind, verdict: "could_not_check", heads: [] });
    expect(report.advice.join("\n")).toMatch(/get the verifier key[\s\S]*moonseal policy init/);
    expect(report.steps.some(({ status }) => status === "not_checked")).toBe(true);
  });

  test("a fault is found without a key all the same", () => {
    const moved = golden("entry-255.tlog-proof").toString().replace("index 255", "index 254");
    expect(verifyFile(bytes(moved), NO_TRUST, NODE).verdict).toBe("refuted");
  });

  test("a log of another operator under the same kind of name is not trusted", () => {
    const other = policyOf((file) => {
      const [log] = file.logs;
      if (log) log.origin_prefix = "log.example.evil/";
    });
    expect(verifyFile(golden("entry-0.tlog-proof"), other, NODE).verdict).toBe("could_not_check");
  });
});

describe("witnesses", () => {
  test("fewer than the policy asks for: not witnessed, and the entry is shown as what it is", () => {
    const file = bytes(withoutWitness(golden("entry-255.tlog-proof").toString()));
    const report = verifyFile(file, policyOf(), NODE);
    expect(report.verdict).toBe("not_witnessed");
    expect(report.notChecked[0]).toMatch(/another history/);
    expect(report.advice).toHaveLength(1);
  });
});

describe("what is remembered of a log", () => {
  const origin = "log.example/dom_eu_01jegc8qvyfgx9tmvc3w70yjrh";
  const root = "77mc3aYXI/JGY+Be/s9BJ1jLvgHAdItMypiQBi/aAXI=";
  const otherRoot = toBase64(new Uint8Array(32).fill(9));
  const remembering = (head: object) => policyOf((file) => (file.remembered = [{ origin, ...head }]));
  const verdictOf = (file: string, head: object) => verifyFile(golden(file), remembering(head), NODE).verdict;

  test("the same head: verified, and said", () => {
    const report = verifyFile(golden("checkpoint.txt"), remembering({ size: 300, root }), NODE);
    expect(report.verdict).toBe("verified");
    expect(report.steps.find(({ step }) => step === "remembered")?.status).toBe("ok");
  });

  test("another root for the same size contradicts it, in a checkpoint and in evidence", () => {
    expect(verdictOf("checkpoint.txt", { size: 300, root: otherRoot })).toBe("contradicts_remembered_head");
    expect(verdictOf("entry-0.tlog-proof", { size: 300, root: otherRoot })).toBe("contradicts_remembered_head");
  });

  test("a checkpoint that is smaller contradicts it; evidence of earlier days does not, and says what was not checked", () => {
    expect(verdictOf("checkpoint.txt", { size: 301, root: otherRoot })).toBe("contradicts_remembered_head");
    const report = verifyFile(golden("entry-0.tlog-proof"), remembering({ size: 301, root: otherRoot }), NODE);
    expect(report.verdict).toBe("verified");
    expect(report.steps.find(({ step }) => step === "remembered")).toMatchObject({ status: "not_checked" });
  });

  test("a larger one is verified, and that it extends the remembered one is said not to be checked", () => {
    const report = verifyFile(golden("checkpoint.txt"), remembering({ size: 200, root: otherRoot }), NODE);
    expect(report.verdict).toBe("verified");
    expect(report.steps.find(({ step }) => step === "remembered")?.detail).toMatch(/consistency proof/);
  });

  test("another log's head says nothing", () => {
    const policy = policyOf((file) => (file.remembered = [{ origin: `${origin}x`, size: 1, root: otherRoot }]));
    expect(verifyFile(golden("checkpoint.txt"), policy, NODE).verdict).toBe("verified");
  });

  test("a forged checkpoint contradicts nothing: it is refuted", () => {
    const forged = golden("checkpoint.txt").toString().replace("\n300\n", "\n200\n");
    expect(verifyFile(bytes(forged), remembering({ size: 300, root }), NODE).verdict).toBe("refuted");
  });
});

describe("certificates and disclosures", () => {
  const keyed = policyOfKeys(sha256, [erasureVector.verifier_key]) as TrustPolicy;

  test("the golden certificate of an erasure is verified under its key, and refuted with a changed text", () => {
    expect(verifyFile(bytes(erasureVector.note), keyed, NODE)).toMatchObject({ verdict: "verified" });
    const changed = erasureVector.note.replace(/"known":(true|false)/, (_, was) => `"known":${was !== "true"}`);
    expect(verifyFile(bytes(changed), keyed, NODE).verdict).toBe("refuted");
    const other = policyOfKeys(sha256, [policyKey]) as TrustPolicy;
    expect(verifyFile(bytes(erasureVector.note), other, NODE).verdict).not.toBe("verified");
  });

  test("a disclosure needs no key, and one without values could not be checked", () => {
    const file = bytes(JSON.stringify(disclosureVector.disclosure));
    expect(verifyFile(file, NO_TRUST, NODE)).toMatchObject({ kind: "disclosure", verdict: "verified" });
    const empty = { ...disclosureVector.disclosure, entries: [] };
    expect(verifyFile(bytes(JSON.stringify(empty)), NO_TRUST, NODE).verdict).toBe("could_not_check");
  });

  test("heads of a deletion that are no heads are refused without an exception", () => {
    const note = "moonseal/deletion-certificate/v1\n{}\n\n\u2014 log.example/eu AAAAAAA=\n";
    for (const heads of [null, 1, [null], [{}], [{ domain_id: "x", size: -0.5 }]]) {
      expect(verifyFile(bytes(JSON.stringify({ note, heads })), keyed, NODE).verdict).toBe("refuted");
    }
    expect(finalHeadsDigest([], sha256)).toHaveLength(64);
  });
});

const policyKey = (JSON.parse(golden("policy.json").toString()) as { logs: { key: string }[] }).logs[0]?.key as string;

describe("a file of no known kind", () => {
  test.each<[string, string, RegExp]>([
    ["nothing", "", /empty/],
    ["a web page", "<!DOCTYPE html><html>", /web page/],
    ["an error of the server", '{"title":"Not found","code":"resource.not_found"}', /error message.*Not found/],
    ["anything else", "hello", /could not be told/],
    ["JSON", '{"a":1}', /could not be told/],
    ["null", "null", /could not be told/],
  ])("%s could not be checked, and says what it looks like", (_, text, words) => {
    const report = verifyFile(bytes(text), policyOf(), NODE);
    expect(report).toMatchObject({ kind: "unknown", verdict: "could_not_check" });
    expect(report.steps[0]?.detail).toMatch(words);
  });

  test("bytes that are not UTF-8 are refuted where they begin like evidence, and not recognised elsewhere", () => {
    const file = Buffer.concat([golden("entry-0.tlog-proof"), Buffer.of(0xff)]);
    expect(verifyFile(file, policyOf(), NODE)).toMatchObject({ kind: "evidence", verdict: "refuted" });
    expect(verifyFile(Uint8Array.of(0xff, 0xfe), policyOf(), NODE).verdict).toBe("could_not_check");
  });
});

describe("hostile files", () => {
  const corpus = [
    ...EVIDENCE.map((name) => golden(name).toString()),
    golden("checkpoint.txt").toString(),
    erasureVector.note,
    JSON.stringify(disclosureVector.disclosure),
    "moonseal/evidence-set/v1\nrange 0 1\n\n{}\n\nlog.example/x\n1\nAAAA\n\n\u2014 x AAAA\n",
    "c2sp.org/tlog-proof@v1\nextra \nindex 9007199254740993\n\n",
    "c2sp.org/tlog-proof@v1\nindex 007\n\nlog.example/x\n+7\n\n\u2014 x AAAAAAA=\n",
    "c2sp.org/tlog-proof@v2\n\n",
    `{"note":"moonseal/deletion-certificate/v1\\n","heads":[${"[".repeat(40)}`,
    '{"format":"moonseal/disclosure/v1","domain":"","entries":[{}]}',
    "\n\n\u2014 \n",
  ];
  /** A file of the corpus with some pieces of it replaced, doubled or cut by pieces of others. */
  const mutated = fc
    .tuple(
      fc.constantFrom(...corpus),
      fc.constantFrom(...corpus),
      fc.array(fc.tuple(fc.nat(), fc.nat(64), fc.nat(), fc.nat(64)), { maxLength: 4 }),
    )
    .map(([text, other, edits]) =>
      edits.reduce((now, [at, cut, from, take]) => {
        const place = at % (now.length + 1);
        const start = from % (other.length + 1);
        return now.slice(0, place) + other.slice(start, start + take) + now.slice(place + cut);
      }, text),
    );

  test("mutations of every format: a report, never an exception, never verified unless it is a file that was", () => {
    const good = new Set(corpus.filter((text) => verifyFile(bytes(text), policyOf(), NODE).verdict === "verified"));
    expect(good.size).toBe(5);
    fc.assert(
      fc.property(mutated, (text) => {
        const { verdict, kind, steps } = verifyFile(bytes(text), policyOf(), NODE);
        expect(steps.length).toBeGreaterThan(0);
        // A disclosure has members that are ignored (SPEC §8).
        if (verdict === "verified" && kind !== "disclosure") expect(good).toContain(text);
      }),
      { numRuns: 2000 },
    );
  });

  test("any bytes and any strings: a report from every kind that is asked, never an exception", () => {
    const some = fc.oneof(fc.string({ unit: "binary", maxLength: 400 }), fc.json(), mutated);
    fc.assert(
      fc.property(some, fc.constantFrom(...KINDS), (text, kind) => {
        expect(kind.verify(new Opened(bytes(text)), policyOf(), NODE).verdict).toBeTypeOf("string");
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (raw) => verifyFile(raw, policyOf(), NODE).steps.length > 0),
    );
  });

  test("any JSON as a policy: a policy or a sentence, never an exception", () => {
    const value = fc.oneof(
      fc.jsonValue(),
      fc.record(
        { logs: fc.jsonValue(), witnesses: fc.jsonValue(), required: fc.jsonValue(), remembered: fc.jsonValue() },
        { requiredKeys: [] },
      ),
    );
    fc.assert(
      fc.property(value, (json) => {
        const policy = parsePolicy(sha256, json);
        expect(typeof policy === "string" ? policy.length : policy.logs.length).toBeGreaterThan(0);
      }),
      { numRuns: 1000 },
    );
  });

  test.each<[string, string]>([
    ["one line of 1 MiB", "a".repeat(1_048_576)],
    ["half a million signatures", `x\n\n${"\u2014 a AAAAAAA=\n".repeat(80_000)}`],
    [
      "half a million hashes",
      `c2sp.org/tlog-proof@v1\nindex 1\n${`${toBase64(new Uint8Array(32))}\n`.repeat(25_000)}\nx`,
    ],
    ["half a million brackets", "[".repeat(1_000_000)],
    ["half a million line ends", "\n".repeat(1_000_000)],
    ["a proof of 1 MiB of padding", `c2sp.org/tlog-proof@v1\nextra ${"=".repeat(1_000_000)}\nindex 1\n\nx`],
  ])("%s: an answer within a second", (_, text) => {
    const began = performance.now();
    expect(verifyFile(bytes(text), policyOf(), NODE).verdict).not.toBe("verified");
    expect(performance.now() - began).toBeLessThan(1000);
  });
});

test("of several verdicts a contradiction counts before a refutation, and no verdict at all is not a good one", () => {
  expect(worstVerdict(["verified", "could_not_check"])).toBe("could_not_check");
  expect(worstVerdict(["refuted", "contradicts_remembered_head", "verified"])).toBe("contradicts_remembered_head");
  expect(worstVerdict([])).toBe("could_not_check");
});
