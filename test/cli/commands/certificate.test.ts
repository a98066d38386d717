/** `verify-certificate`, as somebody runs it who has a file and the cell's verifier key, and nothing else. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import {
  type DeletionCertificate,
  deletionText,
  type FinalHead,
  finalHeadsDigest,
} from "../../../src/core/deletion-certificate.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { noteSigner } from "../../../src/crypto/signer.ts";
import vector from "../../vectors/erasure-certificate.json" with { type: "json" };
import { fakeIo, runCli, tempDir } from "../support/run-cli.ts";

const TENANT = "tnt_eu_01jcy3x8e7f4s9m2k5n8q1r4tv";
const AT = "2026-11-21T09:14:05.000Z";
const LATER = "2026-12-21T09:14:05.000Z";
const signer = noteSigner("log.test/eu", new Uint8Array(32).fill(7));
const heads: FinalHead[] = [0, 1].map((n) => ({
  domain_id: `dom_eu_01jcy3x8e7f4s9m2k5n8q1r4t${n}`,
  size: n,
  entry_hash: n ? "b".repeat(64) : null,
  genesis: n ? "a".repeat(64) : null,
  recorded_at: n ? AT : null,
}));
const certificate: DeletionCertificate = {
  v: 1,
  tenant_id: TENANT,
  jurisdiction: "eu",
  request_reference: "CONTRACT-END-9",
  requested_at: AT,
  stopped_at: AT,
  keys_destroyed_at: AT,
  verified_empty_at: AT,
  domains: heads.length,
  domains_sha256: finalHeadsDigest(heads, sha256),
  deleted: [{ store: "R2 KEYS", what: "tenant_roots", count: 1, method: "deleted" }],
  kept: [{ what: "final heads", where: "this certificate", why: "GDPR Art. 5(2)" }],
  recoverable_until: {
    "R2 KEYS": AT,
    "R2 LOG": AT,
    "D1 ledger": LATER,
    "D1 control": LATER,
    "Durable Objects": LATER,
  },
};
const note = signer.sign(deletionText(certificate));
/** What `GET /v1/tenant-deletions/{id}` answers. */
const answer = { tenant_id: TENANT, status: "deleted", phase: null, certificate: { note, heads } };

let home: string;
beforeEach(async () => {
  home = await tempDir();
});

async function verify(contents: string | Uint8Array, ...argv: string[]) {
  const file = join(home, "certificate");
  await writeFile(file, contents);
  return runCli(["verify-certificate", file, ...argv], fakeIo(home));
}
const withKey = (contents: string | Uint8Array, ...argv: string[]) =>
  verify(contents, "--key", signer.verifierKey, ...argv);

describe("verify-certificate", () => {
  test("DESIGN §5 exit codes: 1 refuted, 2 usage, 3 could not check", async () => {
    const key = ["--key", vector.verifier_key];
    expect(await verify(vector.note, ...key)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^VERIFIED\n/) });
    expect(await verify(vector.note.replace('"known":true', '"known":false'), ...key)).toMatchObject({
      code: 1,
      stdout: "REFUTED: signature_wrong\n",
    });
    expect((await verify(vector.note)).code).toBe(2);
    expect((await verify(vector.note, "--key", "no key")).code).toBe(2);
    expect((await runCli(["verify-certificate", join(home, "none.txt"), ...key], fakeIo(home))).code).toBe(2);
    expect((await runCli(["verify-certificate", home, ...key], fakeIo(home))).code).toBe(2);
  });

  test.each([
    ["the whole answer of the API", JSON.stringify(answer, null, 2)],
    ["its certificate alone", JSON.stringify(answer.certificate)],
  ])("S3-44 of a tenant's deletion, from %s: says what is gone, what stays, and the final heads", async (_, file) => {
    const { code, stdout, stderr } = await withKey(file);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^VERIFIED\n/);
    for (const said of [TENANT, "CONTRACT-END-9", "R2 KEYS: 1 tenant_roots", "GDPR Art. 5(2)", "b".repeat(64)]) {
      expect(stdout).toContain(said);
    }
    expect(stdout).toContain(`D1 ledger could be set back until ${LATER}`);
    expect(stdout).not.toContain("R2 LOG could be set back");
  });

  test("S3-44 of a note without its heads: verified, and says that the heads are missing", async () => {
    const { code, stdout } = await withKey(note);
    expect(code).toBe(0);
    expect(stdout).toContain("the file holds the note alone");
  });

  test("S3-44 with any character of the note or of a head changed it does not verify", async () => {
    const file = JSON.stringify(answer.certificate);
    // Every 7th character: each run reads a file.
    for (let i = 0; i < file.length; i += 7) {
      const other = file[i] === "x" ? "y" : "x";
      expect((await withKey(file.slice(0, i) + other + file.slice(i + 1))).code, `${i}: ${file[i]}`).not.toBe(0);
    }
  });

  test.each<[string, FinalHead[], string]>([
    ["one left out", heads.slice(1), "heads_mismatch"],
    ["another size", heads.map((head) => ({ ...head, size: 5 })), "heads_mismatch"],
    ["none", [], "heads_mismatch"],
    ["something else", [{ domain_id: "dom" } as FinalHead], "heads_malformed"],
  ])("S3-44 heads with %s refute it", async (_, changed, fault) => {
    const { code, stdout } = await withKey(JSON.stringify({ note, heads: changed }));
    expect([code, stdout]).toEqual([1, `REFUTED: ${fault}\n`]);
  });

  test("of another key it is refuted", async () => {
    const stranger = noteSigner("log.test/eu", new Uint8Array(32).fill(8));
    const { code, stdout } = await verify(JSON.stringify(answer), "--key", stranger.verifierKey);
    expect([code, stdout]).toEqual([1, "REFUTED: key_not_found\n"]);
  });

  test.each([
    ["a deletion that is not finished", JSON.stringify({ tenant_id: TENANT, status: "deleting", certificate: null })],
    ["another document", "[]"],
  ])("%s could not be checked: 3", async (_, file) => {
    expect((await withKey(file)).code).toBe(3);
  });

  test.each([
    ["text", "hello"],
    ["nothing", ""],
    ["CR LF", vector.note.replaceAll("\n", "\r\n")],
    ["bytes that are no text", Uint8Array.of(0xff, 0xfe, 0x00)],
  ])("%s is no note of anybody: refuted", async (_, file) => {
    expect(await withKey(file)).toMatchObject({ code: 1, stdout: "REFUTED: note_malformed\n" });
  });

  test("as JSON: which kind it is, what it says, and what was not checked", async () => {
    const { code, stdout } = await withKey(JSON.stringify(answer), "--json");
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, kind: "deletion", certificate, heads });
    expect(JSON.parse(stdout).notChecked).toHaveLength(2);
  });
});
