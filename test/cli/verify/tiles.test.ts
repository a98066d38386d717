/** `verify FOLDER` of a log's tiles: offline, every leaf, up to the signed root. */
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import type { Fetch } from "../../../src/client/index.ts";
import { toBase64 } from "../../../src/core/bytes.ts";
import { policyJson } from "../../verifier/proved-log.ts";
import { ORIGIN, WatchedLog } from "../monitor/watched-log.ts";
import { fakeIo, runCli, tempDir } from "../support/run-cli.ts";

const ENTRIES = 300;
let folder: string;
let home: string;
const noServer = (async () => {
  throw new Error("nobody may be asked");
}) as unknown as Fetch;

beforeEach(async () => {
  home = await tempDir();
  folder = join(home, "tlog");
  await new WatchedLog(ENTRIES).mirror(folder);
});

async function verify(change: object | null = {}) {
  const policy = join(home, "policy.json");
  await writeFile(policy, JSON.stringify(policyJson(change ?? {}, ORIGIN)));
  const argv = ["verify", folder, "--json", ...(change === null ? [] : ["--policy", policy])];
  const result = await runCli(argv, fakeIo(home, {}, { fetch: noServer }));
  const report = result.stdout ? JSON.parse(result.stdout) : null;
  const steps = (report?.steps ?? []).map(({ step, status }: { step: string; status: string }) => `${step} ${status}`);
  return { ...result, report, steps };
}
const files = async () =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((item) => item.isFile())
    .map((item) => join(item.parentPath, item.name));

test("of an honest log: verified, with its key, its witness and its root", async () => {
  const { code, report, steps } = await verify();
  expect(steps).toEqual(["tiles ok", "checkpoint ok", "witnesses ok", "root ok"]);
  expect([code, report.kind, report.subject]).toEqual([0, "log", `tiles of ${ORIGIN} with ${ENTRIES} entries`]);
  expect(report.not_checked).toEqual(["what the entries say: tiles hold their hashes only"]);
});

test("with nobody trusted: could not check, though the root was recomputed", async () => {
  const { code, steps } = await verify(null);
  expect([code, steps]).toEqual([3, ["tiles ok", "checkpoint not_checked", "witnesses not_checked", "root ok"]]);
});

test("with a bit of any file flipped is refuted, but for full tiles, which the leaves make again", async () => {
  for (const file of await files()) {
    if (file.endsWith("tile/0/000")) continue;
    const bytes = await readFile(file);
    const changed = Uint8Array.from(bytes);
    const at = file.endsWith("checkpoint") ? bytes.indexOf("\n".charCodeAt(0)) + 1 : bytes.length >> 1;
    changed[at] = (changed[at] as number) ^ 1;
    await writeFile(file, changed);
    const { code, steps } = await verify();
    expect([code, steps.some((step: string) => step.endsWith("failed"))], file).toEqual([1, true]);
    await writeFile(file, bytes);
  }
});

test("without a bundle of leaves: could not check, and which is missing is said", async () => {
  const bundle = (await files()).find((file) => file.includes("entries")) as string;
  await rm(bundle);
  const { code, report, steps } = await verify();
  expect([code, steps[0]]).toEqual([3, "tiles not_checked"]);
  expect(report.steps[0].detail).toContain("tile/entries/");
});

test("beside an earlier head that the policy remembers: extended, or contradicted", async () => {
  const tree = new WatchedLog(ENTRIES).cut(100).tree().head();
  const remembered = (root: Uint8Array) => ({ remembered: [{ origin: ORIGIN, size: 100, root: toBase64(root) }] });
  expect(await verify(remembered(tree.root))).toMatchObject({
    code: 0,
    steps: expect.arrayContaining(["remembered ok"]),
  });
  expect(await verify(remembered(new Uint8Array(32)))).toMatchObject({ code: 5 });
});
