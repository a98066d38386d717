import { execFileSync, spawn } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import { formatApiKey, formatOperatorSecret } from "../../src/core/api-key.ts";
import { REPOSITORY } from "../../src/ops/paths.ts";
import { findSecrets, SECRET_FILE } from "../../src/ops/secret-scan.ts";

/** The published vectors of SPEC.md, made of counted bytes: they open nothing. Whatever else looks real is a finding. */
const published = new Set(findSecrets(readFileSync(path.join(REPOSITORY, "test/vectors/api-key.json"), "utf8")));
const unpublished = (text: string) => findSecrets(text).filter((secret) => !published.has(secret));

const start = (secret: string) => `${secret.slice(0, 12)}…`;
const git = (...args: string[]) => execFileSync("git", args, { cwd: REPOSITORY, encoding: "utf8", maxBuffer: 1 << 26 });
const trackedFiles = () =>
  git("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    .split("\0")
    .filter((file) => file !== "" && existsSync(path.join(REPOSITORY, file)));
const isClone = existsSync(path.join(REPOSITORY, ".git"));

describe.skipIf(!isClone)("S2-7 no key", () => {
  test("stands in a file of the repository", () => {
    const files = trackedFiles();
    expect(files.length).toBeGreaterThan(20);
    const found = files.flatMap((file) =>
      unpublished(readFileSync(path.join(REPOSITORY, file), "latin1")).map((secret) => `${file}: ${start(secret)}`),
    );
    expect(found).toEqual([]);
    expect(files.filter((file) => SECRET_FILE.test(file))).toEqual([]);
  });

  test("was ever added in its history", async () => {
    const format = ["-p", "--no-color", "--no-ext-diff", "--unified=0", "--format=commit %h"];
    const log = spawn("git", ["log", "--all", ...format], { cwd: REPOSITORY, stdio: ["ignore", "pipe", "inherit"] });
    const found: string[] = [];
    let commit = "";
    let added = "";
    for await (const line of createInterface({ input: log.stdout })) {
      if (line.startsWith("commit ")) commit = line;
      if (line.startsWith("+")) {
        added += `${line.slice(1)}\n`;
      } else {
        found.push(...unpublished(added).map((secret) => `${commit}: ${start(secret)}`));
        added = "";
      }
    }
    expect(commit).not.toBe("");
    expect([...found, ...unpublished(added).map(start)]).toEqual([]);
  }, 60_000);

  test("of the whole account is asked for anywhere: S2-31 no global key", () => {
    const global = /CLOUDFLARE_(?:API_KEY|EMAIL)\b|X-Auth-Key/i;
    const asking = trackedFiles().filter((file) => global.test(readFileSync(path.join(REPOSITORY, file), "latin1")));
    expect(asking.filter((file) => !file.startsWith("test/ops/"))).toEqual([]);
  });
});

describe("S2-7 the scan", () => {
  const suffix = "01jcy3x8e7f4s9m2k5n8q1r4tv";
  const { privateKey } = generateKeyPairSync("ed25519");
  const base64 = randomBytes(32).toString("base64");
  test.each([
    ["an API key", formatApiKey("eu", suffix, randomBytes(32))],
    ["an operator secret", formatOperatorSecret("us", randomBytes(32))],
    ["a private key", privateKey.export({ format: "pem", type: "pkcs8" }) as string],
    ["a private JWK", JSON.stringify(privateKey.export({ format: "jwk" }))],
    ["a pepper in a .dev.vars", `PSEUDONYM_PEPPER="${base64}"`],
    ["a signing key in source", `LOG_SIGNING_KEY: '${base64}'`],
    ["the key of a slot", `SLOT_CONTACT_V1=${base64}`],
    ["a later key of a slot", `"SLOT_TAX_IDS_V12": "${base64}"`],
  ])("finds %s", (_, secret) => {
    expect(findSecrets(`before ${secret} after`)).toHaveLength(1);
  });

  test("takes nothing for a key that fails its checksum, as the keys in documents do", () => {
    const key = formatApiKey("eu", suffix, randomBytes(32));
    const other = key.at(-1) === "0" ? "1" : "0";
    expect(findSecrets(key.slice(0, -1) + other)).toEqual([]);
    expect(findSecrets("Authorization: Bearer msk_eu_… PSEUDONYM_PEPPER: 32 random bytes")).toEqual([]);
  });

  test.each([
    ".dev.vars",
    "a/.dev.vars.eu",
    ".env",
    ".env.local",
    "tls/server.pem",
    "x.key",
    ".wrangler/local/demo.json",
  ])("knows %s as a secret file", (file) => expect(SECRET_FILE.test(file)).toBe(true));
  test.each([".env.example", "src/env.ts", "src/core/api-key.ts"])("lets %s be", (file) => {
    expect(SECRET_FILE.test(file)).toBe(false);
  });
});
