/** docs/verifying.md: its ways to verify without our software work, and its policy is one. */
import { spawnSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { sha256 } from "../../src/crypto/sha256.ts";
import { parsePolicy } from "../../src/verifier/policy.ts";
import { EXIT_OF_VERDICT, VERDICT_WORDS, VERDICTS } from "../../src/verifier/report.ts";
import { tempDir } from "../cli/support/run-cli.ts";
import { EVIDENCE, GOLDEN, golden, policyFile } from "../verifier/golden-evidence.ts";

const text = readFileSync(join(import.meta.dirname, "../../docs/verifying.md"), "utf8");
const block = (language: string) => new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(text)?.[1] ?? "";
const [{ key = "" } = {}] = policyFile().logs;

test("the policy that it shows is one, and it is the golden one", () => {
  const shown = JSON.parse(block("json"));
  expect(parsePolicy(sha256, shown)).toBeTypeOf("object");
  expect(shown).toEqual({ ...policyFile(), remembered: [] });
});

test("the exit codes that it names are those of the verdicts", () => {
  for (const verdict of VERDICTS) {
    expect(text).toContain(`| ${EXIT_OF_VERDICT[verdict]} | ${VERDICT_WORDS[verdict].toLowerCase()} |`);
  }
});

describe("the signature of a checkpoint with openssl alone", () => {
  const run = async (checkpoint: string) => {
    const folder = await tempDir();
    writeFileSync(join(folder, "checkpoint.txt"), checkpoint);
    return spawnSync("sh", ["-e"], { cwd: folder, input: block("sh"), encoding: "utf8" });
  };

  test("is verified", async () => {
    const { status, stdout, stderr } = await run(golden("checkpoint.txt").toString());
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/Signature Verified Successfully/);
  });

  test("is not with another size", async () => {
    expect((await run(golden("checkpoint.txt").toString().replace("\n300\n", "\n301\n"))).status).not.toBe(0);
  });
});

describe("an evidence file with Python and openssl alone", () => {
  const hasPython = spawnSync("python3", ["--version"]).status === 0;
  const NO_PYTHON = "no python3 here, which the script of the page needs";
  const check = async (file: string, content = golden(file).toString(), trusted = key) => {
    const folder = await tempDir();
    writeFileSync(join(folder, "check.py"), block("python"));
    copyFileSync(join(GOLDEN, file), join(folder, file));
    writeFileSync(join(folder, file), content);
    return spawnSync("python3", ["check.py", file, trusted], { cwd: folder, encoding: "utf8" });
  };

  test.for(EVIDENCE)("%s is verified", async (file, context) => {
    if (!hasPython) return context.skip(NO_PYTHON);
    const { status, stdout, stderr } = await check(file);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^verified: entry \d+ of log\.example/);
  });

  test("a key with + in its base64 is read as it is, and did not sign this", async (context) => {
    if (!hasPython) return context.skip(NO_PYTHON);
    const other = "log.localhost/eu+29e1c0fb+AT3tx9ZMvS8YpM3YyHtOIoGOkp8JFZV2DV420m+xgNSl";
    const { status, stderr } = await check("entry-0.tlog-proof", undefined, other);
    expect(status).toBe(1);
    expect(stderr).toContain("the log did not sign this");
  });

  test.for<[string, RegExp, string]>([
    ["another index", /index 255/, "index 254"],
    ["another size", /\n300\n/, "\n301\n"],
    ["another root", /\n77mc/, "\n77md"],
    ["another hash", /\n(\S)(\S{42}=)\n\n/, "\nz$2\n\n"],
    ["no signature of the log", /\u2014 log[^\n]+\n/, ""],
  ])("with %s it is not", async ([, pattern, other], context) => {
    if (!hasPython) return context.skip(NO_PYTHON);
    const before = golden("entry-255.tlog-proof").toString();
    const after = before.replace(pattern, other);
    expect(after).not.toBe(before);
    expect((await check("entry-255.tlog-proof", after)).status).toBe(1);
  });
});
