/** `fork`: two files that contradict each other become one that `verify` takes as proof of misbehaviour. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import type { Fetch } from "../../../src/client/index.ts";
import { fromHex } from "../../../src/core/bytes.ts";
import { proveInclusion } from "../../../src/core/merkle/inclusion.ts";
import { encodeProvedEntry, formatTlogProof } from "../../../src/core/tlog-proof.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import type { EntryRow } from "../../../src/services/ports.ts";
import { ORIGIN, ProvedLog, policyJson, rowsFromGenesis } from "../../verifier/proved-log.ts";
import { fakeIo, runCli, tempDir } from "../support/run-cli.ts";

const INDEX = 7;
let home: string;
let mine: string;
let theirs: string;
let policy: string;
const noServer = (async () => {
  throw new Error("nobody may be asked");
}) as unknown as Fetch;
const moonseal = (...argv: string[]) => runCli(argv, fakeIo(home, {}, { fetch: noServer }));
const put = async (name: string, text: string) => {
  await writeFile(join(home, name), text);
  return join(home, name);
};

function evidence(log: ProvedLog, size: number): string {
  const { prevHash, payload } = log.rows[INDEX] as EntryRow;
  const extra = encodeProvedEntry({ prevHash: fromHex(prevHash) as Uint8Array, payload });
  const hashes = proveInclusion(sha256, INDEX, size, log.read);
  return formatTlogProof({ extra, index: INDEX, hashes, checkpoint: log.checkpoint(size) });
}

beforeEach(async () => {
  home = await tempDir();
  mine = await put("mine.tlog-proof", evidence(new ProvedLog(rowsFromGenesis(20)), 12));
  theirs = await put("theirs.tlog-proof", evidence(new ProvedLog(rowsFromGenesis(20, "forged")), 20));
  policy = await put("policy.json", JSON.stringify(policyJson()));
});

test("evidence of two leaves at one index becomes a file that verify takes as proof of misbehaviour", async () => {
  const out = join(home, "invoices.fork");
  const made = await moonseal("fork", mine, theirs, "--out", out, "--policy", policy);
  expect([made.code, made.stdout]).toEqual([0, ""]);
  expect(made.stderr).toContain(`PROOF OF MISBEHAVIOUR: ${ORIGIN} has shown two histories`);
  expect(await readFile(out, "utf8")).toMatch(/^moonseal\/fork\/v1\nleaf 7\nside /);
  const verified = await moonseal("verify", out, "--policy", policy);
  expect(verified.code).toBe(1);
  expect(verified.stdout).toMatch(/^REFUTED: PROOF OF MISBEHAVIOUR/);
  const again = await moonseal("fork", mine, theirs, "--out", out, "--policy", policy);
  expect([again.code, again.stderr]).toEqual([2, expect.stringMatching(/--force replaces it/)]);
});

test("without a key of the log the file is written, and that it proves nothing yet is said", async () => {
  const { code, stdout, stderr } = await moonseal("fork", mine, theirs);
  expect(code).toBe(3);
  expect(stdout).toMatch(/^moonseal\/fork\/v1\nleaf 7\n/);
  expect(stderr).toContain("no key of this log is trusted here");
});

test("files that prove nothing make no file, and why is said", async () => {
  const out = join(home, "none.fork");
  const forged = await put("forged", (await readFile(theirs, "utf8")).replace(/^(side |[A-Za-z0-9+/]{43}=)$/m, "x"));
  for (const [other, words] of [
    [mine, /entry 7 is the same in both/],
    [forged, /neither evidence of an entry nor a checkpoint/],
    [policy, /neither evidence of an entry nor a checkpoint/],
  ] as const) {
    const { code, stderr } = await moonseal("fork", mine, other, "--out", out, "--policy", policy);
    expect([code, stderr]).toEqual([3, expect.stringMatching(words)]);
    await expect(readFile(out)).rejects.toThrow();
  }
});

test("a file whose signature is somebody else's accuses nobody, and nothing is written", async () => {
  const text = await readFile(theirs, "utf8");
  const signature = text.split("\n").find((line) => line.startsWith(`\u2014 ${ORIGIN} `)) as string;
  const at = signature.length - 20;
  const flipped = signature.slice(0, at) + (signature[at] === "A" ? "B" : "A") + signature.slice(at + 1);
  const wrong = await put("wrong", text.replace(signature, flipped));
  const { code, stdout, stderr } = await moonseal("fork", mine, wrong, "--policy", policy);
  expect([code, stdout]).toEqual([3, ""]);
  expect(stderr).toMatch(/signature is wrong/);
});
