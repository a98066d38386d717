/** A table of an export, handed on alone with its note, as whoever gets both checks them: no archive, no server. */
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { utf8 } from "../../../src/core/bytes.ts";
import { readZip, sourceOf } from "../../../src/core/zip.ts";
import { madeExport } from "../../support/made-exports.ts";
import { ProvedLog, policyJson, rowsFromGenesis } from "../../verifier/proved-log.ts";
import { fakeIo, runCli, tempDir } from "../support/run-cli.ts";

const CSV = `entries-${"0".repeat(20)}.csv`;
const NOTE = `${CSV}.note`;
const files = new Map<string, Uint8Array>();
let home: string;

beforeAll(async () => {
  const zip = await madeExport({ log: new ProvedLog(rowsFromGenesis(9)), wish: { formats: ["ndjson", "csv"] } });
  const read = readZip(sourceOf(zip), 100);
  if (!read.ok) throw new Error(read.fault);
  for (const { name, start, bytes } of read.files) files.set(name, zip.slice(start, start + bytes));
});

beforeEach(async () => {
  home = await tempDir();
  await mkdir(home, { recursive: true });
  await put(CSV);
  await put(NOTE);
  await put("policy.json", utf8(JSON.stringify(policyJson())));
});

const put = (name: string, bytes = files.get(name) as Uint8Array) => writeFile(join(home, name), bytes);
const changed = (name: string, from: string, to: string) => {
  const text = new TextDecoder().decode(files.get(name));
  expect(text).toContain(from);
  return utf8(text.replace(from, to));
};
const verify = (...more: string[]) => runCli(["verify", join(home, NOTE), ...more], fakeIo(home));
const trusting = () => verify("--policy", join(home, "policy.json"));

describe("S3-31: CSV carries a detached signature: moonseal verify of its note", () => {
  test("verifies the signature and the table that lies beside it", async () => {
    const { code, stdout, stderr } = await trusting();
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/ok +signature/);
    expect(stdout).toMatch(/ok +content +entries-0{20}\.csv beside it has this SHA-256/);
  });

  test("refutes a table of which one cell was changed, or one byte added, and says so as JSON too", async () => {
    for (const bytes of [changed(CSV, "document.read", "document.burn"), changed(CSV, "\r\n", "\r\n\r\n")]) {
      await put(CSV, bytes);
      const { code, stdout } = await trusting();
      expect([code, stdout]).toEqual([1, expect.stringMatching(/FAILED +content +entries-0{20}\.csv .*another file/)]);
    }
    const { code, stdout } = await verify("--policy", join(home, "policy.json"), "--json");
    expect([code, JSON.parse(stdout).verdict]).toEqual([1, "refuted"]);
  });

  test("refutes a note whose hash was changed, also to that of a changed table", async () => {
    const before = /^[0-9a-f]{64}$/m.exec(new TextDecoder().decode(files.get(NOTE)))?.[0] ?? "";
    await put(NOTE, changed(NOTE, before, "0".repeat(64)));
    const { code, stdout } = await trusting();
    expect([code, stdout]).toEqual([1, expect.stringMatching(/FAILED +signature/)]);
  });

  test("refutes a changed table even when no key is trusted, and else could not check", async () => {
    expect((await verify()).code).toBe(3);
    await put(CSV, utf8("x"));
    expect((await verify()).code).toBe(1);
  });

  test("without the table says which SHA-256 it has to have", async () => {
    await rm(join(home, CSV));
    const { code, stdout } = await trusting();
    expect([code, stdout]).toEqual([0, expect.stringMatching(/Not checked:\n.*its SHA-256 has to be [0-9a-f]{64}/)]);
  });
});
