import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canonicalJson } from "../../src/core/canonical.ts";
import {
  type EscrowHeader,
  openEscrow,
  scryptKey,
  sealEscrow,
  writeNewPrivateFile,
} from "../../src/ops/escrow-file.ts";
import { passphraseFrom, weaknessOf } from "../../src/ops/escrow-passphrase.ts";
import { REPOSITORY } from "../../src/ops/paths.ts";
import { makeSecret } from "../../src/ops/provision-secrets.ts";
import { fastKey, PASSPHRASE } from "./support/provisioning.ts";

const header: EscrowHeader = {
  jurisdiction: "eu",
  worker: "moonseal-cell-eu",
  reason: "provision",
  createdAt: "2026-11-21T12:00:00.000Z",
};
/** Bytes that count, so that every run makes the same file. */
const counting = (byteLength: number) => Uint8Array.from({ length: byteLength }, (_, at) => at);
const secrets = {
  OPERATOR_SECRET: makeSecret("OPERATOR_SECRET", "eu", (n) => counting(n).reverse()),
  LOG_SIGNING_KEY: makeSecret("LOG_SIGNING_KEY", "eu", (n) => counting(n).map((byte) => byte + 100)),
};
const golden = path.join(import.meta.dirname, "support/escrow-v1.golden");
const goldenPassphrase = "pin test of the escrow format, version one";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), "moonseal-escrow-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("an escrow file", () => {
  test("opens with its passphrase and gives back what was sealed", () => {
    const text = sealEscrow(header, secrets, PASSPHRASE, counting, fastKey);
    expect(openEscrow(text, PASSPHRASE, fastKey)).toEqual({ ok: true, header, secrets });
    for (const secret of Object.values(secrets)) expect(text).not.toContain(secret);
  });

  test("of version 1 stays as it is: whoever changes it cannot open the files that operators keep", () => {
    const text = readFileSync(golden, "utf8");
    const pinned = { OPERATOR_SECRET: "not a secret", API_KEY_PEPPER: "nor this" };
    expect(openEscrow(text, goldenPassphrase)).toEqual({ ok: true, header, secrets: pinned });
    expect(sealEscrow(header, pinned, goldenPassphrase, counting)).toBe(text);
  });

  test("derives its key with scrypt, N = 2^17, r = 8, p = 1, from the passphrase in one Unicode form", () => {
    const { kdf, cipher } = JSON.parse(readFileSync(golden, "utf8"));
    expect({ ...kdf, salt: "" }).toEqual({ name: "scrypt", N: 131_072, r: 8, p: 1, salt: "" });
    expect(cipher.name).toBe("aes-256-gcm");
    expect(scryptKey("Schlüssel", counting(32))).toEqual(scryptKey("Schlu\u0308ssel", counting(32)));
  });

  test("may be laid out anew: a file that comes back from paper still opens", () => {
    const parsed = JSON.parse(sealEscrow(header, secrets, PASSPHRASE, counting, fastKey));
    for (const text of [canonicalJson(parsed), `\r\n${JSON.stringify(parsed, null, 4).replaceAll("\n", "\r\n")}\r\n`])
      expect(openEscrow(text, PASSPHRASE, fastKey).ok).toBe(true);
  });

  test("stays closed for another passphrase and after any change, and never says which it was", () => {
    const text = sealEscrow(header, secrets, PASSPHRASE, counting, fastKey);
    const parsed = JSON.parse(text);
    const closed = { ok: false, code: "ESCROW_CLOSED", detail: "the passphrase is wrong, or the file was changed" };
    expect(openEscrow(text, `${PASSPHRASE} `, fastKey)).toEqual(closed);
    const flipped = (base64: string) => (base64.startsWith("A") ? `B${base64.slice(1)}` : `A${base64.slice(1)}`);
    for (const changed of [
      { ...parsed, jurisdiction: "us" },
      { ...parsed, worker: "moonseal-cell-us" },
      { ...parsed, reason: "rotate" },
      { ...parsed, created_at: "2026-11-22T12:00:00.000Z" },
      { ...parsed, secrets: ["OPERATOR_SECRET"] },
      { ...parsed, note: "added" },
      { ...parsed, kdf: { ...parsed.kdf, salt: flipped(parsed.kdf.salt) } },
      { ...parsed, kdf: { ...parsed.kdf, hint: "added" } },
      { ...parsed, cipher: { ...parsed.cipher, nonce: flipped(parsed.cipher.nonce) } },
      { ...parsed, ciphertext: flipped(parsed.ciphertext) },
    ]) {
      expect(openEscrow(JSON.stringify(changed), PASSPHRASE, fastKey)).toEqual(closed);
    }
  });

  test.each<[string, (parsed: any) => unknown]>([
    ["of another version", (it) => ({ ...it, format: "moonseal/escrow/v2" })],
    ["with a weaker derivation", (it) => ({ ...it, kdf: { ...it.kdf, N: 1024 } })],
    ["with an endless derivation", (it) => ({ ...it, kdf: { ...it.kdf, N: 2 ** 30 } })],
    ["with another cipher", (it) => ({ ...it, cipher: { ...it.cipher, name: "aes-256-ctr" } })],
    ["with a short salt", (it) => ({ ...it, kdf: { ...it.kdf, salt: "AAAA" } })],
    ["without a ciphertext", ({ ciphertext: _, ...rest }) => rest],
    ["of no jurisdiction", (it) => ({ ...it, jurisdiction: "ap" })],
    ["that is a list", () => []],
    ["that is null", () => null],
  ])("%s is none, and nothing is derived for it", (_, change) => {
    const parsed = JSON.parse(sealEscrow(header, secrets, PASSPHRASE, counting, fastKey));
    const never = () => {
      throw new Error("a key was derived");
    };
    expect(openEscrow(JSON.stringify(change(parsed)), PASSPHRASE, never)).toMatchObject({ code: "ESCROW_MALFORMED" });
  });

  test("is its owner's alone, whole, and never written over another one", () => {
    const file = path.join(folder, "once.json");
    writeNewPrivateFile(file, "first");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(() => writeNewPrivateFile(file, "second")).toThrow(/EEXIST/);
    expect(readFileSync(file, "utf8")).toBe("first");
    expect(readdirSync(folder).filter((name) => name.includes("once"))).toEqual(["once.json"]);
  });
});

describe("a passphrase is refused when it", () => {
  test.each([
    ["", /fewer than 16 characters/],
    ["short and sweet", /fewer than 16 characters/],
    ["aaaaaaaaaaaaaaaaaaaaaaaa", /different characters/],
    ["passwordpassword", /different characters/],
    ["0123abcd0123abcd", /repeats itself/],
    ["1234567890qwertyuiop", /tried first/],
    ["abcdefghijklmnopqrstuvwxyz", /tried first/],
    ["Moonseal-Password-2026", /tried first/],
    ["zyxwvutsrqponmlkji", /tried first/],
  ])("is %s", (passphrase, weakness) => {
    expect(weaknessOf(passphrase)).toMatch(weakness);
  });

  test.each([PASSPHRASE, "correct horse battery staple", "kX9#mQ2$vL7!pR4&", "Öffne dich, Sesam, bitte sehr"])(
    "…but not %s",
    (passphrase) => expect(weaknessOf(passphrase)).toBeNull(),
  );

  test("comes from a file's first line, else from the environment, else from a terminal, if there is one", async () => {
    const file = path.join(folder, "passphrase");
    writeFileSync(file, "from the file\r\nnot this\n");
    expect(await passphraseFrom(file, {})("seal")).toBe("from the file");
    expect(await passphraseFrom(undefined, { MOONSEAL_ESCROW_PASSPHRASE: "from outside" })("open")).toBe(
      "from outside",
    );
    await expect(passphraseFrom(undefined, {})("open")).rejects.toThrow(/^PASSPHRASE_MISSING /);
  });
});

describe("npm run ops -- escrow", () => {
  /** As an operator types it, in an empty folder far from the repository. */
  const ops = (argv: string[], env: Record<string, string> = {}) => {
    const program = path.join(REPOSITORY, "src/ops/ops.ts");
    const options = { cwd: folder, encoding: "utf8", env: { PATH: process.env.PATH, ...env }, input: "" } as const;
    const { status, stdout, stderr } = spawnSync(process.execPath, [program, "escrow", ...argv], options);
    return { status, stdout, stderr };
  };
  const MOONSEAL_ESCROW_PASSPHRASE = PASSPHRASE;

  test("verify says what a file holds and prints no secret; show prints one and nothing else", () => {
    writeFileSync(path.join(folder, "eu.json"), sealEscrow(header, secrets, PASSPHRASE, counting));
    writeFileSync(path.join(folder, "word"), `${PASSPHRASE}\n`);
    const verified = ops(["verify", "eu.json", "--passphrase-file", "word"]);
    expect(verified).toMatchObject({ status: 0, stderr: "" });
    expect(verified.stdout).toContain("moonseal-cell-eu");
    expect(verified.stdout).toContain("  LOG_SIGNING_KEY\n  OPERATOR_SECRET\n");
    for (const secret of Object.values(secrets)) expect(verified.stdout).not.toContain(secret);
    const shown = ops(["show", "eu.json", "--name", "LOG_SIGNING_KEY"], { MOONSEAL_ESCROW_PASSPHRASE });
    expect(shown).toEqual({ status: 0, stdout: `${secrets.LOG_SIGNING_KEY}\n`, stderr: "" });
  }, 60_000);

  test.each<[string, string[], RegExp]>([
    ["another passphrase", ["verify", "eu.json"], /^ESCROW_CLOSED /],
    ["a name that it does not hold", ["show", "eu.json", "--name", "API_KEY_PEPPER"], /^ESCROW_WITHOUT /],
    ["no file", ["verify", "nothing.json"], /ENOENT/],
  ])(
    "ends with 1 for %s",
    (what, argv, line) => {
      writeFileSync(path.join(folder, "eu.json"), sealEscrow(header, secrets, PASSPHRASE, counting));
      const passphrase = what === "another passphrase" ? "not this passphrase" : PASSPHRASE;
      const { status, stdout, stderr } = ops(argv, { MOONSEAL_ESCROW_PASSPHRASE: passphrase });
      expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
      expect(stderr).toMatch(line);
    },
    60_000,
  );

  test.each([[[]], [["open", "eu.json"]], [["show", "eu.json"]], [["verify"]], [["verify", "a", "b"]]])(
    "ends with 2 and the help for %j",
    (argv) => {
      expect(ops(argv)).toMatchObject({
        status: 2,
        stderr: expect.stringContaining("npm run ops -- escrow verify FILE"),
      });
    },
  );

  test("asks nobody where nobody can answer", () => {
    writeFileSync(path.join(folder, "eu.json"), sealEscrow(header, secrets, PASSPHRASE, counting));
    expect(ops(["verify", "eu.json"])).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(/^PASSPHRASE_MISSING /),
    });
  }, 60_000);
});
