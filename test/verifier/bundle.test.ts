/** Export bundles: verified as they were written, refuted with anything changed, and never trusted by what they say themselves. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  BUNDLE,
  type BundleFiles,
  entriesName,
  formatBundleNote,
  formatManifest,
  isEntries,
  type Manifest,
  openBundle,
  parseBundleNote,
  parseManifest,
  readBundle,
} from "../../src/core/bundle.ts";
import { toHex, utf8 } from "../../src/core/bytes.ts";
import { parseCheckpoint, parseCheckpointNote } from "../../src/core/checkpoint.ts";
import { formatSetProof, parseEvidenceSet } from "../../src/core/evidence-set.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { noteSigner } from "../../src/crypto/signer.ts";
import { verifyBundle } from "../../src/verifier/bundle.ts";
import { NO_TRUST, parsePolicy, type TrustPolicy } from "../../src/verifier/policy.ts";
import { archiveOf, bundleOf, log, pieces } from "../services/bundle/bundle-of.ts";
import chainVector from "../vectors/chain.json" with { type: "json" };
import disclosureVector from "../vectors/disclosure.json" with { type: "json" };
import { DOMAIN, ORIGIN, PLATFORM, ProvedLog, rowsFromGenesis, testKey, trust } from "./proved-log.ts";

const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
const check = (bundle: Uint8Array | BundleFiles, policy: TrustPolicy = trust()) =>
  verifyBundle(bundle, policy, PLATFORM);
const failed = (report: ReturnType<typeof check>) =>
  report.steps.filter(({ status }) => status === "failed").map(({ step }) => step);

function filesOf(archive: Uint8Array): Map<string, Uint8Array> {
  const read = readBundle(archive);
  if (!read.ok) throw new Error(read.fault);
  return new Map(read.files);
}

/** Files changed by somebody who also holds the log's key, or one who does not: then the note stays as it was. */
function rebuilt(files: BundleFiles, change: Record<string, string>, signer = log.signer): Uint8Array {
  const changed = new Map(files);
  for (const [name, its] of Object.entries(change)) changed.set(name, utf8(its));
  const manifest = parseManifest(text(files.get(BUNDLE.manifest))) as Manifest;
  const listed = manifest.files.map(({ name }) => {
    const bytes = changed.get(name) as Uint8Array;
    return { name, bytes: bytes.length, sha256: toHex(sha256(bytes)) };
  });
  const again = formatManifest({ ...manifest, files: listed });
  if (!(BUNDLE.manifest in change)) changed.set(BUNDLE.manifest, utf8(again));
  changed.set(BUNDLE.note, utf8(signer.sign(formatBundleNote(manifest.origin, sha256(again)))));
  return archiveOf(changed);
}

let range: Uint8Array;
let selection: Uint8Array;
beforeAll(async () => {
  range = await bundleOf(log.rangeSet(3, 14));
  selection = await bundleOf(log.selectionSet([1, 2, 3, 7, 18]));
});

describe("a bundle", () => {
  test("of a range is verified, with the full recomputation, and says what it does not know", () => {
    const report = check(range);
    expect(report.steps.map(({ step, status }) => `${step} ${status}`)).toEqual([
      "container ok",
      "manifest ok",
      "files ok",
      "entries ok",
      "inclusion ok",
      "checkpoint ok",
      "witnesses ok",
    ]);
    expect(report).toMatchObject({
      verdict: "verified",
      subject: `export bundle of all entries from 3 to 14 of ${ORIGIN}`,
      bundle: { origin: ORIGIN, manifest: { content: { kind: "range", from: 3, to: 14 } } },
    });
    expect(report.notChecked).toEqual([
      "the entries before 3",
      "the entries after 14",
      "whether what the entries say is true",
      "when the bundle was made, and by which software: the maker says so",
      "whether verify.mjs and policy.json in it are honest: their maker is the log's operator; use a verifier and keys that you got elsewhere",
    ]);
  });

  test("of a selection is verified, and claims nothing about other entries", () => {
    const report = check(selection);
    expect(report).toMatchObject({ verdict: "verified", bundle: { manifest: { content: { entries: 5 } } } });
    expect(report.notChecked[0]).toMatch(/^anything about other entries/);
  });

  test("is verified as well from the files that it was unpacked to, whatever lies beside them", () => {
    const files = filesOf(range);
    expect(check(files).verdict).toBe("verified");
    expect(check(new Map([...files, ["notes.txt", utf8("mine")]])).verdict).toBe("verified");
    expect(check(new Map([...files].toReversed())).verdict).toBe("verified");
  });

  test("is the evidence set in three files: put together with empty lines they are one", () => {
    const files = filesOf(range);
    const entries = [...files].filter(([name]) => isEntries(name)).map(([, bytes]) => text(bytes));
    const set = [text(files.get(BUNDLE.proof)), entries.join(""), text(files.get(BUNDLE.checkpoint))].join("\n");
    expect(parseEvidenceSet(set)).toEqual(log.rangeSet(3, 14));
  });

  test("never trusts the policy that it carries", () => {
    const own = JSON.parse(text(filesOf(range).get(BUNDLE.policy)));
    expect(check(range, NO_TRUST)).toMatchObject({ verdict: "could_not_check", bundle: null });
    expect(failed(check(range, NO_TRUST))).toEqual([]);
    expect(check(range, parsePolicy(sha256, own) as TrustPolicy).verdict).toBe("verified");
  });

  test("without the witnesses that the policy asks for is not witnessed", async () => {
    const bundle = await bundleOf(log.rangeSet(0, 5, 20, log.checkpoint(20, null)));
    expect(check(bundle).verdict).toBe("not_witnessed");
    expect(check(bundle, trust({ witnesses: [], required: 0 })).verdict).toBe("verified");
  });

  test("is refuted by whoever trusts another key for the log", () => {
    const logs = [{ origin: ORIGIN, key: noteSigner(ORIGIN, new Uint8Array(32).fill(9)).verifierKey }];
    expect(failed(check(range, trust({ logs })))).toEqual(["manifest", "checkpoint"]);
  });

  test("whose manifest another key signed, under the log's name or its own, is refuted", () => {
    const stranger = noteSigner(ORIGIN, new Uint8Array(32).fill(9));
    expect(failed(check(rebuilt(filesOf(range), {}, stranger)))).toEqual(["manifest"]);
    const named = noteSigner("log.test/stranger", new Uint8Array(32).fill(1));
    expect(failed(check(rebuilt(filesOf(range), {}, named)))).toEqual(["manifest"]);
    expect(check(rebuilt(filesOf(range), {})).verdict).toBe("verified");
  });
});

describe("a bundle with something changed", () => {
  test("in any one byte is never verified", { timeout: 120_000 }, async () => {
    const sets = [log.rangeSet(3, 4), log.selectionSet([3, 9])] as const;
    for (const [set, step] of [[sets[0], 1] as const, [sets[1], 5] as const]) {
      const small = await bundleOf(set, { script: "// none\n", policy: {} });
      expect(check(small).verdict).toBe("verified");
      for (let at = 0; at < small.length; at += step) {
        const { verdict } = check(small.with(at, (small[at] as number) ^ (1 << (at % 8))));
        if (verdict === "verified") expect.fail(`byte ${at}`);
      }
    }
  });

  test("in any byte of the script or the readme is not verified", () => {
    for (let at = 0; at < indexOf(range, BUNDLE.policy); at += 331) {
      expect(check(range.with(at, (range[at] as number) ^ 0x20)).verdict, `byte ${at}`).toBe("refuted");
    }
  });

  test("cut off anywhere is no bundle", () => {
    for (let end = 0; end < range.length; end += 131) expect(check(range.subarray(0, end)).verdict).toBe("refuted");
    for (const cut of [1, 512, 1024, 1536])
      expect(check(range.subarray(0, range.length - cut)).verdict).toBe("refuted");
  });

  test("by the holder of the log's key is refuted all the same: the entries do not lead to the signed root", () => {
    const files = filesOf(range);
    const name = entriesName(3);
    const lines = text(files.get(name)).trimEnd().split("\n");
    const fakes = rowsFromGenesis(20, "fake");
    for (const changed of [
      [lines[1], lines[0], ...lines.slice(2)],
      [lines[0], fakes[4]?.payload, ...lines.slice(2)],
      lines.slice(1),
      [lines[0], ...lines],
    ]) {
      const report = check(rebuilt(files, { [name]: `${changed.join("\n")}\n` }));
      expect(report.verdict).toBe("refuted");
      expect(failed(report)).toContain(changed.length === lines.length ? "inclusion" : "entries");
      expect(failed(report)).not.toContain("manifest");
    }
  });

  test("that lists other entries than its proof is about is refuted", () => {
    const proof = { ...log.rangeSet(3, 13).proof };
    const report = check(rebuilt(filesOf(range), { [BUNDLE.proof]: formatSetProof(proof) }));
    expect(failed(report)).toContain("manifest");
    expect(failed(report)).toContain("entries");
  });

  test("whose proof nobody can read is refuted", () => {
    for (const proof of ["", "x\n", formatSetProof(log.rangeSet(3, 14).proof).replace("range 3", "range 03")]) {
      expect(failed(check(rebuilt(filesOf(range), { [BUNDLE.proof]: proof })))).toEqual(["entries"]);
    }
  });

  test("under the signature of another bundle of the same log is refuted", async () => {
    const note = filesOf(selection).get(BUNDLE.note) as Uint8Array;
    expect(failed(check(archiveOf(new Map([...filesOf(range), [BUNDLE.note, note]]))))).toEqual(["manifest"]);
  });

  test("with a checkpoint of another log is refuted", () => {
    const other = new ProvedLog(rowsFromGenesis(20, "real"), `log.test/${DOMAIN.replace("jrh", "jr7")}`);
    const report = check(rebuilt(filesOf(range), { [BUNDLE.checkpoint]: other.checkpoint() }));
    expect(failed(report)).toContain("manifest");
  });

  test("with a checkpoint in place of the note that signs the manifest is refuted", () => {
    const note = utf8(log.checkpoint());
    expect(failed(check(archiveOf(new Map([...filesOf(range), [BUNDLE.note, note]]))))).toEqual(["manifest"]);
  });

  test("with one more file, one less, one twice or in another order is refuted", () => {
    const files = [...filesOf(range)];
    for (const others of [
      [...files, ["more.txt", utf8("x")] as [string, Uint8Array]],
      [
        ...files.slice(0, 4),
        ["entries-00000000000000000099.jsonl", utf8("{}\n")] as [string, Uint8Array],
        ...files.slice(4),
      ],
      files.filter(([name]) => name !== BUNDLE.policy),
      [...files, files[0] as [string, Uint8Array]],
      files.toReversed(),
      files.filter(([name]) => name !== BUNDLE.manifest),
      files.filter(([name]) => name !== BUNDLE.note),
      [],
    ]) {
      expect(failed(check(archiveOf(others)))).toEqual(["format"]);
    }
    expect(check(new Map()).verdict).toBe("refuted");
  });

  test("that misnames a file of entries is refuted", () => {
    const files = filesOf(range);
    const renamed = [...files].map(([name, bytes]) => [name.replace(entriesName(3), entriesName(2)), bytes] as const);
    const manifest = text(files.get(BUNDLE.manifest)).replace(entriesName(3), entriesName(2));
    const note = log.signer.sign(formatBundleNote(ORIGIN, sha256(manifest)));
    const again = new Map([...renamed, [BUNDLE.manifest, utf8(manifest)], [BUNDLE.note, utf8(note)]] as const);
    expect(failed(check(archiveOf(again)))).toEqual(["entries"]);
  });
});

describe("disclosures and attachments", () => {
  const { disclosure } = disclosureVector;

  test("values in clear are checked against what the entries of the bundle committed to", async () => {
    const rows = [...chainVector.entries, ...disclosure.entries].map(({ prev_hash, entry_hash, payload }) => {
      const { seq, id } = JSON.parse(payload) as { seq: number; id: string };
      return { seq, id, prevHash: prev_hash, entryHash: entry_hash, payload };
    });
    const set = new ProvedLog(rows).rangeSet(0, 2);
    const report = check(await bundleOf(set, { disclosures: JSON.stringify(disclosure) }));
    expect(report.verdict).toBe("verified");
    expect(report.steps.find(({ step }) => step === "disclosures")?.detail).toMatch(
      /^every value in clear, 1 in all, is what/,
    );
    const lie = JSON.stringify(disclosure).replace("ana@example.com", "eve@example.com");
    expect(failed(check(await bundleOf(set, { disclosures: lie })))).toEqual(["disclosures"]);
  });

  test("a disclosure of entries of another log or of none that is there is refuted", async () => {
    const bundle = await bundleOf(log.rangeSet(0, 3), { disclosures: JSON.stringify(disclosure) });
    const report = check(bundle);
    expect(failed(report)).toEqual(["disclosures"]);
    expect(report.steps.find(({ step }) => step === "disclosures")?.detail).toMatch(
      /entry \d+ of the disclosures is not in/,
    );
    const none = await bundleOf(log.rangeSet(0, 3), { disclosures: JSON.stringify({ ...disclosure, entries: [] }) });
    expect(failed(check(none))).toEqual([]);
    const broken = await bundleOf(log.rangeSet(0, 3), { disclosures: "{}" });
    expect(failed(check(broken))).toEqual(["disclosures"]);
  });

  test("an attachment is bound by the manifest, and the report says that nothing is known of it", async () => {
    const attachments = [{ name: "attachment-scope.txt", bytes: utf8("all of 2026") }];
    const bundle = await bundleOf(log.rangeSet(0, 3), { attachments });
    expect(check(bundle).verdict).toBe("verified");
    expect(check(bundle).notChecked.at(-1)).toBe("what stands in attachment-scope.txt");
    const files = filesOf(bundle).set("attachment-scope.txt", utf8("none of 2026"));
    expect(failed(check(files))).toEqual(["files"]);
  });
});

describe("the signature on a manifest", () => {
  const hash = sha256("manifest");
  const note = formatBundleNote(ORIGIN, hash);

  test("can never be read as a checkpoint, nor a checkpoint as it", () => {
    expect(parseCheckpoint(note)).toBeNull();
    expect(parseCheckpointNote(log.signer.sign(note))).toBeNull();
    expect(parseBundleNote(note)).toEqual({ origin: ORIGIN, manifestHash: toHex(hash) });
    expect(parseBundleNote(log.checkpoint().split("\n\n")[0] as string)).toBeNull();
    for (const origin of [
      "moonseal/bundle/v1",
      "12",
      "/12",
      "log.test/12",
      "log.test/",
      "",
      `log.test/${DOMAIN}\n12`,
    ]) {
      expect(() => formatBundleNote(origin, hash)).toThrow(RangeError);
    }
  });

  test.each<[string, string]>([
    ["another label", note.replace("/v1", "/v2")],
    ["a line more", `${note}x\n`],
    ["no line feed at the end", note.slice(0, -1)],
    ["upper case", note.replace(toHex(hash), toHex(hash).toUpperCase())],
    ["no domain", note.replace(DOMAIN, "dom")],
  ])("with %s is none", (_, changed) => expect(parseBundleNote(changed)).toBeNull());
});

describe("the manifest", () => {
  const manifest = () => text(filesOf(range).get(BUNDLE.manifest));
  test("is read in its one spelling", () => {
    expect(formatManifest(parseManifest(manifest()) as Manifest)).toBe(manifest());
  });

  test.each<[string, (its: string) => string]>([
    ["a space", (its) => its.replace(":", ": ")],
    ["a field more", (its) => its.replace('{"content"', '{"a":1,"content"')],
    ["version 2", (its) => its.replace('"v":1', '"v":2')],
    ["a negative size", (its) => its.replace(/"bytes":\d+/, '"bytes":-1')],
    ["a size past the limit", (its) => its.replace(/"bytes":\d+/, '"bytes":99999999999')],
    ["a path", (its) => its.replace("readme.txt", "../readme.txt")],
    ["an unknown file", (its) => its.replace("readme.txt", "other.txt")],
    ["a file twice", (its) => its.replace("policy.json", "readme.txt")],
    ["itself", (its) => its.replace("policy.json", "manifest.json")],
    ["a time that is none", (its) => its.replace("2026-11-21T12", "2026-11-21T99")],
    ["control characters", (its) => its.replace("moonseal 0.1.0", "moonseal\\u001b[2J")],
    ["an origin that is none", (its) => its.replace(`/${DOMAIN}`, "")],
    ["no line feed", (its) => its.trimEnd()],
  ])("with %s is none", (_, change) => {
    expect(change(manifest())).not.toBe(manifest());
    expect(parseManifest(change(manifest()))).toBeNull();
  });
});

test("reading a bundle bounds what it takes", () => {
  expect(readBundle(new Uint8Array(256 * 1024 * 1024 + 1))).toMatchObject({ ok: false });
  expect(openBundle(new Map())).toMatchObject({ ok: false });
});

test("bundles of 1 to 20 entries in files of any length are verified", async () => {
  for (let count = 1; count <= 20; count++) {
    const set = log.rangeSet(20 - count, 19);
    for (const each of [1, 3, 20]) {
      expect(check(await bundleOf(set, { payloads: pieces(set.payloads, each) })).verdict).toBe("verified");
    }
  }
});

test("the cosignature of an impostor refutes the bundle", async () => {
  const forged = log.checkpoint(20, { publicKey: testKey(2).publicKey, sign: testKey(9).sign });
  expect(check(await bundleOf(log.rangeSet(3, 14, 20, forged))).verdict).toBe("refuted");
});

/** Where the header of a file stands. */
function indexOf(archive: Uint8Array, name: string): number {
  for (let at = 0; at < archive.length; at += 512) {
    if (text(archive.subarray(at, at + name.length + 1)) === `${name}\0`) return at;
  }
  throw new Error(name);
}
