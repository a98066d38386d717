import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseEnv } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseOperatorSecret } from "../../src/core/api-key.ts";
import { devVarsFile } from "../../src/ops/paths.ts";
import {
  CELL_SECRETS,
  ensureSecrets,
  hasSecrets,
  isCellSecret,
  missingSecrets,
  RAW_SECRETS,
} from "../../src/ops/secrets.ts";
import { tokenKey } from "../../src/services/access/token-keys.ts";
import { cellConfig } from "../../src/services/cell-config.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "moonseal-secrets-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("each secret has 32 random bytes, the key of tokens is RSA-2048, and the operator's names its cell", () => {
  const secrets = ensureSecrets(root, "us");
  expect(parseOperatorSecret(secrets.OPERATOR_SECRET)).toEqual({ jurisdiction: "us" });
  for (const name of RAW_SECRETS) {
    if (name === "TOKEN_SIGNING_KEY") expect(tokenKey(secrets[name]).algorithm).toBe("RS256");
    else expect(Buffer.from(secrets[name], "base64")).toHaveLength(32);
  }
  expect(Object.keys(secrets).sort()).toEqual([...CELL_SECRETS].sort());
  expect(new Set(Object.values(secrets)).size).toBe(8 + 12);
});

test("S2-6 a cell serves with what it is given", () => {
  const local = { DO_JURISDICTION: "", UNPINNED_LOCAL: "true", LOG_HOST: "log.localhost" };
  const settings = { JURISDICTION: "eu", ...local, TOKEN_AUDIENCE: "http://localhost" };
  expect(cellConfig({ ...settings, ...ensureSecrets(root, "eu") })).toMatchObject({ jurisdiction: "eu" });
});

test("an installation of before the slots gets their keys, and keeps what it has", () => {
  const { OPERATOR_SECRET, API_KEY_PEPPER, PSEUDONYM_PEPPER, LOG_SIGNING_KEY } = ensureSecrets(root, "eu");
  const old = { OPERATOR_SECRET, API_KEY_PEPPER, PSEUDONYM_PEPPER, LOG_SIGNING_KEY };
  const lines = Object.entries(old).map(([name, value]) => `${name}="${value}"\n`);
  writeFileSync(devVarsFile(root, "eu"), lines.join(""));
  const secrets = ensureSecrets(root, "eu");
  expect(secrets).toMatchObject(old);
  expect(new Set(Object.values(secrets)).size).toBe(8 + 12);
  expect(ensureSecrets(root, "eu")).toEqual(secrets);
});

test("a cell lacks what is not there; of a slot any version will do", () => {
  expect(missingSecrets([])).toEqual(CELL_SECRETS);
  expect(missingSecrets(CELL_SECRETS)).toEqual([]);
  const rotated = CELL_SECRETS.map((name) => (name === "SLOT_CONTACT_V1" ? "SLOT_CONTACT_V2" : name));
  expect(missingSecrets(rotated)).toEqual([]);
  expect(missingSecrets(rotated.filter((name) => name !== "SLOT_CONTACT_V2"))).toEqual(["SLOT_CONTACT_V1"]);
  expect(missingSecrets([...rotated.filter((name) => name !== "SLOT_CONTACT_V2"), "SLOT_CONTACT_V0"])).toEqual([
    "SLOT_CONTACT_V1",
  ]);
});

test("a secret of a cell is known by its name, whatever version of a slot it is", () => {
  for (const name of [...CELL_SECRETS, "SLOT_TAX_IDS_V65535"]) expect(isCellSecret(name)).toBe(true);
  for (const name of ["SLOT_TAX_IDS", "SLOT_X_V1", "SLOT_TAX_IDS_V0", "LOG_HOST", "", 1]) {
    expect(isCellSecret(name)).toBe(false);
  }
});

test("secrets survive a restart: a new pepper would break every log of the cell", () => {
  expect(hasSecrets(root)).toBe(false);
  const first = ensureSecrets(root, "eu");
  ensureSecrets(root, "us");
  expect(hasSecrets(root)).toBe(true);
  expect(ensureSecrets(root, "eu")).toEqual(first);
});

test("a secret that a newer version asks for is added, and a line of the user's own is kept", () => {
  const first = ensureSecrets(root, "eu");
  const file = devVarsFile(root, "eu");
  const without = readFileSync(file, "utf8").replace(/^LOG_SIGNING_KEY=.*\n/m, 'BACKLOG_BYTES="1000"\n');
  writeFileSync(file, without);
  const second = ensureSecrets(root, "eu");
  expect(second).toEqual({ ...first, LOG_SIGNING_KEY: second.LOG_SIGNING_KEY });
  expect(parseEnv(readFileSync(file, "utf8"))).toEqual({ ...second, BACKLOG_BYTES: "1000" });
});

test.each([
  ["a short pepper", "PSEUDONYM_PEPPER", "c2hvcnQ="],
  ["an empty signing key", "LOG_SIGNING_KEY", ""],
  ["a mistyped operator secret", "OPERATOR_SECRET", "mso_eu_nonsense"],
])("%s is refused by name and never replaced", (_, name, value) => {
  ensureSecrets(root, "eu");
  const file = devVarsFile(root, "eu");
  const broken = readFileSync(file, "utf8").replace(new RegExp(`^${name}=.*$`, "m"), `${name}="${value}"`);
  writeFileSync(file, broken);
  expect(() => ensureSecrets(root, "eu")).toThrow(name);
  expect(readFileSync(file, "utf8")).toBe(broken);
});
