/** The certificate of a tenant's deletion, as somebody checks it who has nothing but the file and the cell's verifier key. */
import { describe, expect, test } from "vitest";
import {
  type DeletionCertificate,
  deletionText,
  type FinalHead,
  finalHeadsDigest,
} from "../../src/core/deletion-certificate.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { noteSigner } from "../../src/crypto/signer.ts";
import { verifyDeletion } from "../../src/verifier/deletion-certificate.ts";

const signer = noteSigner("log.test/eu", new Uint8Array(32).fill(7));
const head = (n: number): FinalHead => ({
  domain_id: `dom_eu_01jcy3x8e7f4s9m2k5n8q1r4t${n}`,
  size: n + 1,
  entry_hash: `${n}`.repeat(64),
  genesis: "a".repeat(64),
  recorded_at: "2026-11-21T09:14:03.221Z",
});
const heads = [head(0), head(1), head(2)];
const certificate: DeletionCertificate = {
  v: 1,
  tenant_id: "tnt_eu_01jcy3x8e7f4s9m2k5n8q1r4tv",
  jurisdiction: "eu",
  request_reference: null,
  requested_at: "2026-11-21T09:14:03.221Z",
  stopped_at: "2026-11-21T09:14:04.000Z",
  keys_destroyed_at: "2026-11-21T09:14:05.000Z",
  verified_empty_at: "2026-11-21T09:14:06.000Z",
  domains: heads.length,
  domains_sha256: finalHeadsDigest(heads, sha256),
  deleted: [{ store: "R2 KEYS", what: "tenant_roots", count: 1, method: "deleted" }],
  kept: [],
  recoverable_until: {
    "R2 KEYS": "2026-11-21T09:14:05.000Z",
    "R2 LOG": "2026-11-21T09:14:05.000Z",
    "D1 ledger": "2026-12-21T09:14:05.000Z",
    "D1 control": "2026-12-21T09:14:05.000Z",
    "Durable Objects": "2026-12-21T09:14:05.000Z",
  },
};
const note = signer.sign(deletionText(certificate));
const verify = (changes: { note?: string; heads?: FinalHead[]; key?: string }) =>
  verifyDeletion(
    { note: changes.note ?? note, heads: changes.heads ?? heads },
    changes.key ?? signer.verifierKey,
    sha256,
  );

describe("S3-44 the certificate of a deletion", () => {
  test("verifies offline, with the heads in any order", () => {
    expect(verify({})).toEqual({ ok: true, certificate });
    expect(verify({ heads: heads.toReversed() })).toEqual({ ok: true, certificate });
  });

  test("does not verify with any character of the note changed", () => {
    for (let i = 0; i < note.length; i++) {
      const other = note[i] === "x" ? "y" : "x";
      expect(verify({ note: note.slice(0, i) + other + note.slice(i + 1) }).ok, `${i}: ${note[i]}`).toBe(false);
    }
  });

  test.each<[string, FinalHead[]]>([
    ["one left out", heads.slice(1)],
    ["one twice", [...heads, head(0)]],
    ["another size", [{ ...head(0), size: 9 }, head(1), head(2)]],
    ["another hash", [{ ...head(0), entry_hash: "b".repeat(64) }, head(1), head(2)]],
    ["another domain", [{ ...head(0), domain_id: head(9).domain_id }, head(1), head(2)]],
  ])("does not verify with heads that have %s", (_, changed) => {
    expect(verify({ heads: changed })).toEqual({ ok: false, fault: "heads_mismatch" });
  });

  test("of another key, or another document of the same key, does not verify", () => {
    const stranger = noteSigner("log.test/eu", new Uint8Array(32).fill(8));
    expect(verify({ key: stranger.verifierKey })).toEqual({ ok: false, fault: "key_not_found" });
    for (const text of [
      "moonseal/residency/v1\n{}\n",
      `${deletionText(certificate)}more\n`,
      "moonseal/deletion-certificate/v1\n{}\n",
    ]) {
      expect(verify({ note: signer.sign(text) })).toEqual({ ok: false, fault: "certificate_malformed" });
    }
  });

  test.each<[string, (text: string) => string]>([
    ["lacks a field", (text) => text.replace('"kept":[],', "")],
    ["has one more", (text) => text.replace('"kept":[],', '"kept":[],"more":1,')],
    ["names a time that is none", (text) => text.replace(certificate.stopped_at, "2026-11-21")],
    ["is of another tenant's id", (text) => text.replace(certificate.tenant_id, "tnt_eu_1")],
    ["counts below nothing", (text) => text.replace('"count":1', '"count":-1')],
  ])("whose text %s does not verify, whoever signed it", (_, change) => {
    const text = change(deletionText(certificate));
    expect(text).not.toBe(deletionText(certificate));
    expect(verify({ note: signer.sign(text) })).toEqual({ ok: false, fault: "certificate_malformed" });
  });

  test("pin: the digest of the final heads. Who changes this breaks every certificate that was given out", () => {
    expect(certificate.domains_sha256).toBe("988ce7bb550fa7ac0fdb85905e4e1331e59781ad2a3b719e13c8fc769c0f1d89");
  });
});
