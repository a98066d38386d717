import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseEnv } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseOperatorSecret } from "../../src/core/api-key.ts";
import { devVarsFile } from "../../src/ops/paths.ts";
import { ensureSecrets, hasSecrets, RAW_SECRETS } from "../../src/ops/secrets.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "moonseal-secrets-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("each secret has exactly 32 random bytes and the operator's names its cell", () => {
  const secrets = ensureSecrets(root, "us");
  expect(parseOperatorSecret(secrets.OPERATOR_SECRET)).toEqual({ jurisdiction: "us" });
  for (const name of RAW_SECRETS) expect(Buffer.from(secrets[name], "base64")).toHaveLength(32);
  expect(new Set(Object.values(secrets)).size).toBe(4);
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
