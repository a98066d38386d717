import { describe, expect, test } from "vitest";
import { fromHex } from "../../src/core/bytes.ts";
import { canonicalJson } from "../../src/core/canonical.ts";
import { formatCheckpoint } from "../../src/core/checkpoint.ts";
import {
  ERASURE_CERTIFICATE_LABEL,
  type ErasureCertificate,
  erasureCertificateText,
  parseErasureCertificate,
} from "../../src/core/erasure-certificate.ts";
import { Frontier, leafHash, nodeHash } from "../../src/core/merkle/tree.ts";
import { formatTlogProof } from "../../src/core/tlog-proof.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { noteSigner } from "../../src/crypto/signer.ts";
import { certificateOf } from "../../src/services/erasure/certificate.ts";
import type { Erasure } from "../../src/services/erasure/erasure.ts";
import { verifyErasureCertificate } from "../../src/verifier/erasure-certificate.ts";
import vector from "../vectors/erasure-certificate.json" with { type: "json" };
import keys from "../vectors/keys.json" with { type: "json" };
import noteVector from "../vectors/note.json" with { type: "json" };

const seed = fromHex(noteVector.seed) as Uint8Array;
const signer = noteSigner(noteVector.name, seed);
const golden = vector.certificate as unknown as ErasureCertificate;
const signed = (change: (certificate: ErasureCertificate) => ErasureCertificate) =>
  signer.sign(erasureCertificateText(change(structuredClone(golden))));
const faultOf = (note: string, key = vector.verifier_key) => {
  const verdict = verifyErasureCertificate(note, key, sha256);
  return verdict.ok ? null : verdict.fault;
};

test("the certificate's bytes are pinned: changing them breaks every certificate that somebody keeps", () => {
  const entry = vector.erasure.entry;
  const made = certificateOf(
    vector.erasure as Erasure,
    { domainId: keys.domain, tenantId: vector.tenant, jurisdiction: "eu" },
    {
      payload: vector.payload,
      head: { size: 3, entryHash: entry.entryHash },
      finalAt: "2026-11-21T09:15:00.300Z",
      inclusionProof: null,
    },
  );
  expect(signer.sign(erasureCertificateText(made))).toBe(vector.note);
  expect(parseErasureCertificate(erasureCertificateText(made))).toEqual(golden);
});

test("the golden certificate verifies, and says what that does not prove", () => {
  const verdict = verifyErasureCertificate(vector.note, vector.verifier_key, sha256);
  expect(verdict).toMatchObject({ ok: true, certificate: golden });
  expect(verdict.ok && verdict.notChecked.length).toBe(3);
});

test("every byte that is changed refutes it", () => {
  for (let at = 0; at < vector.note.length; at += 7) {
    const other = vector.note[at] === "a" ? "b" : "a";
    expect(faultOf(vector.note.slice(0, at) + other + vector.note.slice(at + 1)), `character ${at}`).not.toBeNull();
  }
});

/** A proof that the golden entry, the third of its log, is in the tree of three entries; the other two are made up. */
function proofText(change: { origin?: string; index?: number; hash?: Uint8Array } = {}): string {
  const { origin = `log.example.com/${golden.domain}`, index = 2, hash } = change;
  const [a, b] = [leafHash(sha256, sha256("a")), leafHash(sha256, sha256("b"))];
  const frontier = new Frontier(sha256);
  const left = nodeHash(sha256, a, b);
  for (const leaf of [a, b, leafHash(sha256, fromHex(golden.entry.entry_hash) as Uint8Array)]) frontier.append(leaf);
  const checkpoint = signer.named(origin).sign(formatCheckpoint({ origin, size: 3, root: frontier.root() }));
  return formatTlogProof({ extra: null, index, hashes: [hash ?? left], checkpoint });
}

describe("the inclusion proof in a certificate", () => {
  test("that leads from the entry to the signed root of its log verifies", () => {
    expect(faultOf(signed((c) => ({ ...c, inclusion_proof: proofText() })))).toBeNull();
  });

  test.each([
    ["of another log", { origin: "log.example.com/dom_eu_01jegc8qvyfgx9tmvc3w70yjrx" }],
    ["of another entry", { index: 1 }],
    ["with another hash", { hash: sha256("c") }],
  ])("%s refutes it", (_, change) => {
    expect(faultOf(signed((c) => ({ ...c, inclusion_proof: proofText(change) })))).toBe("inclusion_proof_wrong");
  });

  test("that is none refutes it", () => {
    expect(faultOf(signed((c) => ({ ...c, inclusion_proof: "?" })))).toBe("inclusion_proof_wrong");
  });
});

describe("a certificate that is signed but wrong in itself is refuted", () => {
  test.each<[string, (certificate: ErasureCertificate) => ErasureCertificate, string]>([
    ["another pseudonym than the entry's", (c) => ({ ...c, pseudonym: "0".repeat(64) }), "entry_mismatch"],
    ["another erasure", (c) => ({ ...c, erasure: c.correlation }), "entry_mismatch"],
    [
      "an entry whose payload its hash does not cover",
      (c) => ({ ...c, entry: { ...c.entry, payload: `${c.entry.payload} ` } }),
      "entry_hash_mismatch",
    ],
    ["another place of the entry", (c) => ({ ...c, entry: { ...c.entry, seq: 1 } }), "entry_mismatch"],
    ["a head before the entry", (c) => ({ ...c, head: { ...c.head, size: 2 } }), "head_mismatch"],
    [
      "a head that ends with another entry",
      (c) => ({ ...c, head: { ...c.head, entry_hash: "1".repeat(64) } }),
      "head_mismatch",
    ],
    ["another jurisdiction than its ids", (c) => ({ ...c, jurisdiction: "us" }), "jurisdiction_mismatch"],
    [
      "an end before the execution",
      (c) => ({ ...c, request: { ...c.request, final_at: "2026-11-21T09:00:00.000Z" } }),
      "times_disordered",
    ],
    [
      "a store that can be restored for longer than it says",
      (c) => ({ ...c, recoverable_until: { ...c.recoverable_until, ciphertext: c.request.final_at } }),
      "times_disordered",
    ],
  ])("%s", (_, change, fault) => {
    expect(faultOf(signed(change))).toBe(fault);
  });
});

describe("what is no certificate", () => {
  test.each<[string, string]>([
    ["another document under the same key", signer.sign(`moonseal/residency/v1\n${canonicalJson(golden)}\n`)],
    [
      "one without a field",
      signer.sign(`${ERASURE_CERTIFICATE_LABEL}\n${canonicalJson({ ...golden, law: undefined })}\n`),
    ],
    [
      "one with a field that this version does not know",
      signer.sign(`${ERASURE_CERTIFICATE_LABEL}\n${canonicalJson({ ...golden, x: 1 })}\n`),
    ],
    ["one of another version", signer.sign(`${ERASURE_CERTIFICATE_LABEL}\n${canonicalJson({ ...golden, v: 2 })}\n`)],
    [
      "one that claims to be readable",
      signer.sign(
        `${ERASURE_CERTIFICATE_LABEL}\n${canonicalJson({ ...golden, recoverable_until: { ...golden.recoverable_until, readable: true } })}\n`,
      ),
    ],
    [
      "another spelling of the same JSON",
      signer.sign(`${ERASURE_CERTIFICATE_LABEL}\n${JSON.stringify(golden, null, 0).replace("{", "{ ")}\n`),
    ],
  ])("%s is refuted", (_, note) => {
    expect(faultOf(note)).toBe("certificate_malformed");
  });

  test("one signed by another key, and a key that is none", () => {
    const other = noteSigner(noteVector.name, new Uint8Array(32).fill(9));
    expect(faultOf(vector.note, other.verifierKey)).toBe("key_not_found");
    expect(faultOf(vector.note, "log.example.com")).toBe("key_malformed");
  });
});
