/** `verify --bucket DIR`: a copy of the archive bucket is a log that verifies by itself, offline (S4-7, S4-11). */
import { spawnSync } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { beforeEach, describe, expect, test } from "vitest";
import type { Fetch } from "../../../src/client/index.ts";
import { encodeSegment, segmentKey } from "../../../src/core/segment.ts";
import { policyJson } from "../../verifier/proved-log.ts";
import { DOMAIN, ORIGIN, WatchedLog } from "../monitor/watched-log.ts";
import { fakeIo, runCli, tempDir } from "../support/run-cli.ts";

const ENTRIES = 300;
const OF_A_SEGMENT = 64;
let home: string;
let folder: string;
let payloads: string[];
const noServer = (async () => {
  throw new Error("nobody may be asked");
}) as unknown as Fetch;

const fileOf = (firstSeq: number) => join(folder, segmentKey(DOMAIN, firstSeq));
const bundle = (name: string) => join(folder, "tlog", DOMAIN, "tile/entries", name);

async function writeSegments(lines: readonly string[]): Promise<void> {
  await mkdir(join(folder, "audit", DOMAIN), { recursive: true });
  for (let seq = 0; seq < lines.length; seq += OF_A_SEGMENT) {
    await writeFile(fileOf(seq), zstdCompressSync(encodeSegment(lines.slice(seq, seq + OF_A_SEGMENT))));
  }
}

beforeEach(async () => {
  home = await tempDir();
  folder = join(home, "bucket");
  const log = new WatchedLog(ENTRIES);
  payloads = log.log.rows.map((row) => (typeof row.payload === "string" ? row.payload : JSON.stringify(row.payload)));
  await log.mirror(join(folder, "tlog", DOMAIN));
  await writeSegments(payloads);
});

async function verify(trusted = true, ...more: string[]) {
  const policy = join(home, "policy.json");
  await writeFile(policy, JSON.stringify(policyJson({}, ORIGIN)));
  const argv = ["verify", "--bucket", folder, "--json", ...more, ...(trusted ? ["--policy", policy] : [])];
  const { code, stdout, stderr } = await runCli(argv, fakeIo(home, {}, { fetch: noServer }));
  const report = stdout ? JSON.parse(stdout.split("\n")[0] as string) : null;
  const steps = (report?.steps ?? []).map(({ step, status }: { step: string; status: string }) => `${step} ${status}`);
  return { code, stderr, report, steps };
}

describe("an honest bucket", () => {
  test("S4-11 is verified alone: segments, root, key and witness", async () => {
    const { code, report, steps } = await verify();
    expect(steps).toEqual(["segments ok", "checkpoint ok", "witnesses ok", "root ok"]);
    expect([code, report.verdict]).toEqual([0, "verified"]);
    expect(report.not_checked).toEqual(["private values: they are sealed, and their keys are in another bucket"]);
  });

  test("with nobody trusted could not be checked, though the root was recomputed", async () => {
    const { code, steps } = await verify(false);
    expect([code, steps]).toEqual([3, ["segments ok", "checkpoint not_checked", "witnesses not_checked", "root ok"]]);
  });

  test("whose first payloads have expired is verified up to the same root, and says what is gone", async () => {
    for (const seq of [0, OF_A_SEGMENT]) await rm(fileOf(seq));
    const { code, report, steps } = await verify();
    expect([code, steps]).toEqual([0, ["segments ok", "hashes ok", "checkpoint ok", "witnesses ok", "root ok"]]);
    expect(report.not_checked).toContain("what entries 0 to 127 said: their payloads have expired");
  });

  test("whose last entries were not archived yet is verified by their hashes, and says so", async () => {
    await rm(fileOf(256));
    const { code, report } = await verify();
    expect(code).toBe(0);
    expect(report.not_checked).toContain("what entries 256 to 299 said: they were signed and not archived yet");
  });

  test.skipIf(spawnSync("zstd", ["--version"]).status !== 0)(
    "S4-7 the program zstd opens its segments to the lines that are hashed",
    async () => {
      const { stdout } = spawnSync("zstd", ["-dc", fileOf(0)], { encoding: "utf8" });
      expect(stdout).toBe(encodeSegment(payloads.slice(0, OF_A_SEGMENT)));
    },
  );
});

describe("a bucket that was changed is refuted, with the entry", () => {
  test("a segment in the middle is missing", async () => {
    await rm(fileOf(128));
    const { code, report } = await verify();
    expect(code).toBe(1);
    expect(report.steps[0].detail).toBe("entry 128 is missing: the next segment is of 192");
  });

  test("a bit of any segment is flipped", async () => {
    for (let seq = 0; seq < ENTRIES; seq += OF_A_SEGMENT) {
      const bytes = await readFile(fileOf(seq));
      const changed = Uint8Array.from(bytes);
      const at = bytes.length >> 1;
      changed[at] = (changed[at] as number) ^ 1;
      await writeFile(fileOf(seq), changed);
      expect((await verify()).code, `segment ${seq}`).toBe(1);
      await writeFile(fileOf(seq), bytes);
    }
  });

  test("a payload was rewritten, and its segment compressed again: the root is another one", async () => {
    const lines = zstdDecompressSync(await readFile(fileOf(64)))
      .toString("utf8")
      .split("\n")
      .slice(0, -1);
    const salt = /"salt":"[0-9a-f]{2}/.exec(lines[5] as string)?.[0] as string;
    lines[5] = (lines[5] as string).replace(
      salt,
      salt.endsWith("00") ? `${salt.slice(0, -2)}11` : `${salt.slice(0, -2)}00`,
    );
    await writeFile(fileOf(64), zstdCompressSync(encodeSegment(lines)));
    const { code, steps } = await verify();
    expect([code, steps]).toEqual([1, ["segments ok", "checkpoint ok", "witnesses ok", "root failed"]]);
  });

  test("two payloads have changed places", async () => {
    const lines = [...payloads];
    [lines[70], lines[71]] = [lines[71] as string, lines[70] as string];
    await writeSegments(lines);
    const { code, report } = await verify();
    expect([code, report.steps[0].detail.startsWith("entry 70: ")]).toEqual([1, true]);
  });

  test("its end was cut off, and the hashes of the end too", async () => {
    await rm(fileOf(256));
    await rm(bundle("001.p/44"));
    const { code, steps } = await verify();
    expect([code, steps.at(-1)]).toEqual([1, "root failed"]);
  });
});

describe("what is no bucket", () => {
  test("a folder without a log is wrong usage", async () => {
    folder = join(home, "empty");
    await mkdir(folder);
    expect((await verify()).code).toBe(2);
  });

  test("files and options of a served log beside it are wrong usage", async () => {
    expect((await verify(true, "--server")).code).toBe(2);
    expect((await verify(true, "some-file")).code).toBe(2);
  });

  test("--domain picks one log, and one that is not there is wrong usage", async () => {
    expect((await verify(true, "--domain", DOMAIN)).code).toBe(0);
    expect((await verify(true, "--domain", DOMAIN.replace(/.$/, "0"))).code).toBe(2);
  });

  test("without the hashes of what has expired: could not check", async () => {
    await rm(fileOf(0));
    await rm(bundle("000"));
    const { code, steps } = await verify();
    expect([code, steps.slice(0, 2)]).toEqual([3, ["segments not_checked", "hashes not_checked"]]);
  });
});
