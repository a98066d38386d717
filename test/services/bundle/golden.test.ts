/**
 * Golden bundles: made once, with the script that was in them then, and verified for ever. Do not "repair" one: a new format gets a
 * new version and new bundles (SPEC.md §11).
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { BUNDLE, decode, readBundle } from "../../../src/core/bundle.ts";
import { toHex } from "../../../src/core/bytes.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { verifyBundle } from "../../../src/verifier/bundle.ts";
import { parsePolicy, type TrustPolicy } from "../../../src/verifier/policy.ts";
import golden from "../../vectors/bundles/v1.json" with { type: "json" };
import { PLATFORM } from "../../verifier/proved-log.ts";

const FOLDER = join(import.meta.dirname, "../../vectors/bundles");
const archives = readdirSync(FOLDER).filter((name) => name.endsWith(".tar"));
const policy = parsePolicy(sha256, golden.policy) as TrustPolicy;
const KEY = golden.policy.logs[0]?.key as string;

/** An empty folder with nothing but what `tar x` made. */
function unpacked(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), "moonseal-bundle-"));
  const run = spawnSync("tar", ["-xf", join(FOLDER, name)], { cwd: folder, encoding: "utf8" });
  expect([run.status, run.stderr]).toEqual([0, ""]);
  return folder;
}

/** The script, with no environment, and with every way out to the network closed before it begins. */
function run(folder: string, ...argv: string[]) {
  const offline = `const no = () => { throw new Error("network"); };
  require("node:net").Socket.prototype.connect = no;
  require("node:dgram").Socket.prototype.send = no;
  require("node:dns").lookup = no;
  globalThis.fetch = no;`;
  const guard = join(mkdtempSync(join(tmpdir(), "moonseal-offline-")), "offline.cjs");
  writeFileSync(guard, offline);
  const argument = ["--require", guard, BUNDLE.script, ...argv];
  return spawnSync(process.execPath, argument, { cwd: folder, env: {}, encoding: "utf8" });
}

test("the golden bundles of version 1 are all there, to the byte", () => {
  expect(archives.sort()).toEqual(Object.keys(golden.sha256).sort());
  for (const [name, hash] of Object.entries(golden.sha256)) {
    expect(toHex(sha256(readFileSync(join(FOLDER, name)))), `${name} is handed out: never change it`).toBe(hash);
  }
});

test("SPEC.md shows the proof of the golden selection as it is", () => {
  const opened = readBundle(readFileSync(join(FOLDER, "v1-selection.tar")));
  const spec = readFileSync(join(import.meta.dirname, "../../../src/core/SPEC.md"), "utf8");
  expect(spec).toContain(`\`\`\`\n${opened.ok && decode(opened.files.get(BUNDLE.proof))}\`\`\`\n`);
});

describe.each(archives)("%s", (name) => {
  test("S0-34 is verified by the verifier of today", () => {
    const report = verifyBundle(readFileSync(join(FOLDER, name)), policy, PLATFORM);
    expect(report.steps.filter(({ status }) => status !== "ok")).toEqual([]);
    expect(report.verdict).toBe("verified");
  });

  test("S0-33 is verified by the script inside it, in an empty folder without a network", () => {
    const folder = unpacked(name);
    const withPolicy = run(folder, "--policy", BUNDLE.policy);
    expect(withPolicy.stderr).toBe("");
    expect(withPolicy.stdout).toMatch(/^VERIFIED: export bundle of /);
    expect(withPolicy.stdout).toContain("Not checked:");
    expect(withPolicy.status).toBe(0);
    expect(run(folder, "--key", KEY).status).toBe(0);
    expect(JSON.parse(run(folder, "--key", KEY, "--json").stdout)).toMatchObject({
      kind: "bundle",
      verdict: "verified",
    });
  });

  test("S0-34 is verified by that script as the archive that it was, too", () => {
    const folder = unpacked(name);
    expect(run(folder, join(FOLDER, name), "--policy", BUNDLE.policy).status).toBe(0);
  });

  test("is not verified by that script without a key that its reader trusts", () => {
    const { status, stdout } = run(unpacked(name));
    expect(stdout).toMatch(/^COULD NOT CHECK/);
    expect(status).toBe(3);
  });

  test("says the same by its exit code when nobody reads what it writes", () => {
    const script = `node="$1"; shift; { "$node" "$@"; echo "exit $?" >&2; } | true`;
    const argv = ["-c", script, "sh", process.execPath, BUNDLE.script, "--key", KEY];
    const { stderr } = spawnSync("sh", argv, { cwd: unpacked(name), encoding: "utf8" });
    expect(stderr).toBe("exit 0\n");
  });

  test("is refuted by that script with any one file changed, and the step that fails is named", () => {
    const opened = readBundle(readFileSync(join(FOLDER, name)));
    if (!opened.ok) throw new Error(opened.fault);
    for (const file of opened.files.keys()) {
      if (file === BUNDLE.script) continue;
      const folder = unpacked(name);
      const bytes = readFileSync(join(folder, file));
      const at = bytes.length >> 1;
      bytes[at] = (bytes[at] as number) ^ 1;
      writeFileSync(join(folder, file), bytes);
      const { status, stdout } = run(folder, "--key", KEY);
      expect(status, file).toBe(1);
      expect(stdout, file).toMatch(/^REFUTED[\s\S]*FAILED/);
    }
  });

  test.each([["--policy"], ["--policy", "none.json"], ["--key", "x"], ["--what"], ["a", "b"], ["none.tar"]])(
    "%s %s is wrong usage",
    (...argv) => {
      const { status, stdout, stderr } = run(unpacked(name), ...argv);
      expect([status, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(/^verify\.mjs: .*\nusage: node verify\.mjs/);
    },
  );
});
