/** `npm run ops -- restore` and `drill`: what is asked of a cell, in which order, and what is said of its answers. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { zstdCompressSync } from "node:zlib";
import { beforeEach, describe, expect, test } from "vitest";
import { encodeSegment, segmentKey } from "../../src/core/segment.ts";
import { drill } from "../../src/ops/drill.ts";
import type { Answer } from "../../src/ops/local-api.ts";
import { type RestoreAnswer, type RestorePorts, restore } from "../../src/ops/restore.ts";
import { rowsFromGenesis } from "../verifier/proved-log.ts";

const DOMAIN = "dom_eu_01jegc8qvyfgx9tmvc3w70yjrh";
const TENANT_LOG = "dom_eu_01jegc8qvyfgx9tmvc3w70yjrj";
const OPTIONS = ["--to", "local", "--url", "http://cell.test", "--operator-file"];
let secret: string;
let said: string[];
let asked: string[];
let answers: Record<string, Partial<RestoreAnswer>[]>;

const DONE: RestoreAnswer = {
  ...{
    phase: "done",
    log: "living",
    from: 0,
    seq: 22,
    size: 22,
    entries: 22,
    archived_by: null,
    inserted: 22,
    compared: 22,
    entries_per_s: 30_000,
  },
  ...{ checkpoint_size: null, checkpoint_ours: false, lost: 0, refused: null, api_key: null },
  ...{ started_at: "2026-11-21T10:00:00.000Z", ended_at: "2026-11-21T10:00:02.000Z" },
};

const ports = (): RestorePorts => {
  const next = (method: string, address: string, body?: unknown): Answer => {
    asked.push(`${method} ${address}${body === undefined ? "" : ` ${JSON.stringify(body)}`}`);
    const log = address.split("/").at(-1) as string;
    return { status: method === "POST" ? 202 : 200, body: { ...DONE, ...answers[log]?.shift() } };
  };
  return {
    api: () => ({
      get: async (address) => next("GET", address),
      post: async (address, _, body) => next("POST", address, body),
    }),
    put: async (url) => {
      asked.push(`PUT ${new URL(url).searchParams.get("key")}`);
      return { stored: true, refused: null };
    },
    wait: async () => {},
    say: (line) => said.push(line),
    show: () => {},
  };
};

const run = (...argv: string[]) => restore([...argv, ...OPTIONS, secret], ports());

beforeEach(() => {
  [said, asked, answers] = [[], [], {}];
  secret = path.join(mkdtempSync(path.join(tmpdir(), "restore-")), "operator");
  writeFileSync(secret, "mso_eu_secret\n");
});

describe("asking a cell to restore", () => {
  test("begins, asks until it is over, and says how many rows were written and compared", async () => {
    answers[DOMAIN] = [{ phase: "rows", ended_at: null }, { phase: "compare", ended_at: null }, {}];
    expect(await run(DOMAIN, "--from", "r2")).toBe(0);
    const at = `/v1/restores/${DOMAIN}`;
    expect(asked).toEqual([`POST ${at} {"drill":false}`, `GET ${at}`, `GET ${at}`]);
    expect(said[0]).toContain("RESTORED 22 entries: 22 rows written, 30,000 a second, 22 compared byte for byte");
    expect(said.at(-1)).toContain("replay-erasures");
  });

  test("of a log that goes on behind its archive it says how many, where the rest is and when the archive takes it", async () => {
    const archived_by = "2026-11-21T11:00:00.000Z";
    const open = { size: 1024, inserted: 1024, compared: 1024, entries: 1234, archived_by };
    answers[DOMAIN] = [open];
    expect(await run(DOMAIN, "--from", "r2")).toBe(0);
    const said210 = [
      expect.stringMatching(/other 210 are in the log's object.*D1/),
      expect.stringContaining(archived_by),
    ];
    expect(said).toEqual([
      expect.stringContaining("RESTORED 1,024 archived entries of 1,234: 1024 rows written"),
      ...said210,
      expect.stringContaining("replay-erasures"),
    ]);
    [said, answers[DOMAIN]] = [[], [open]];
    expect(await drill([DOMAIN, ...OPTIONS, secret], ports())).toBe(0);
    expect(said.slice(0, 3)).toEqual([
      expect.stringContaining("DRILL PASSED 1,024 archived entries of 1,234, 1024 written"),
      ...said210,
    ]);
  });

  test("a refusal is 1, with its code and entry", async () => {
    answers[DOMAIN] = [{ phase: "refused", refused: { code: "archive_damaged", says: "is not", seq: 8 } }];
    expect(await run(DOMAIN, "--from", "r2")).toBe(1);
    expect(said).toEqual([`${DOMAIN}  REFUSED archive_damaged at entry 8: is not`]);
  });

  test("of a lost log it says what is lost, who signed, and that it is read only", async () => {
    answers[DOMAIN] = [{ log: "lost", checkpoint_size: 24, lost: 2 }];
    expect(await run(DOMAIN, "--from", "r2")).toBe(0);
    const text = said.join("\n");
    for (const part of ["size 24, NOT signed by this cell's log key", "LOST 2 entries", "read only"])
      expect(text).toContain(part);
  });

  test.each([
    ["7", { until_seq: 7 }],
    ["2026-11-21T10:00:00+01:00", { until: "2026-11-21T09:00:00.000Z" }],
  ])("--until %s is sent as what it is", async (until, wish) => {
    await run(DOMAIN, "--from", "r2", "--until", until);
    expect(asked[0]).toBe(`POST /v1/restores/${DOMAIN} ${JSON.stringify({ ...wish, drill: false })}`);
  });

  test.each([
    [["--from", "r2"]],
    [["dom_x", "--from", "r2"]],
    [[DOMAIN]],
    [[DOMAIN, "--from", "r2", "--until", "yesterday"]],
    [[DOMAIN, DOMAIN, "--from", "r2"]],
  ])("%j is wrong usage: 2, and nothing is asked", async (argv) => {
    expect([await run(...argv), asked]).toEqual([2, []]);
  });
});

describe("from a folder", () => {
  let folder: string;
  const write = (name: string, bytes: Uint8Array | string) => {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), bytes);
  };
  const entryZero = (log: string, kind: string) => {
    const [row] = rowsFromGenesis(1, "real", log);
    const payload = row?.payload.replace('"word":"real"', `"kind":"${kind}","tenant":"tnt","word":"real"`) ?? "";
    return zstdCompressSync(encodeSegment([payload]));
  };

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "bucket-"));
    write(segmentKey(DOMAIN, 0), zstdCompressSync(encodeSegment(rowsFromGenesis(4).map(({ payload }) => payload))));
    write(segmentKey(DOMAIN, 4), "the cell judges it");
    write(`tlog/${DOMAIN}/checkpoint`, "note");
    write(`tlog/${DOMAIN}/tile/0/000.p/8`, "tile");
    write(`sealed/${DOMAIN}/${"0".repeat(20)}.jsonl`, "");
  });

  test("objects go in the order in which a cell takes them: entry 0, the tree, the rest, sealed rows; then it begins", async () => {
    expect(await run(DOMAIN, "--from", folder)).toBe(0);
    expect(asked).toEqual([
      `PUT ${segmentKey(DOMAIN, 0)}`,
      `PUT tlog/${DOMAIN}/checkpoint`,
      `PUT tlog/${DOMAIN}/tile/0/000.p/8`,
      `PUT ${segmentKey(DOMAIN, 4)}`,
      `PUT sealed/${DOMAIN}/${"0".repeat(20)}.jsonl`,
      `POST /v1/restores/${DOMAIN} {"drill":false}`,
    ]);
  });

  test("a tenant that nobody knows comes back with its own log first, and its key is shown", async () => {
    write(segmentKey(DOMAIN, 0), entryZero(DOMAIN, "client"));
    write(segmentKey(TENANT_LOG, 0), entryZero(TENANT_LOG, "tenant"));
    answers[DOMAIN] = [{ phase: "refused", refused: { code: "tenant_missing", says: "", seq: null } }, {}];
    answers[TENANT_LOG] = [{ api_key: "msk_eu_shown" }];
    expect(await run(DOMAIN, "--from", folder)).toBe(0);
    const begun = asked.filter((line) => line.startsWith("POST")).map((line) => line.split(/[ /]/).at(-2));
    expect(begun).toEqual([DOMAIN, TENANT_LOG, DOMAIN]);
    expect(said.join("\n")).toContain("msk_eu_shown");
  });

  test("a folder without the log asks nothing", async () => {
    await expect(run(TENANT_LOG, "--from", folder)).rejects.toThrow("no copy of this log's bucket");
    expect(asked).toEqual([]);
  });
});

describe("a drill", () => {
  test("S4-11 says the verdict, entries a second, and what a million would take", async () => {
    expect(await drill([DOMAIN, ...OPTIONS, secret], ports())).toBe(0);
    expect(asked[0]).toBe(`POST /v1/restores/${DOMAIN} {"drill":true}`);
    expect(said[0]).toContain("DRILL PASSED 22 entries, 22 written, 22 the same, byte for byte");
    expect(said[1]).toContain("11 entries a second; a million would take 25 h 15 min");
  });

  test("S4-11 that did not restore is 1, with why", async () => {
    answers[DOMAIN] = [{ phase: "refused", refused: { code: "archive_missing", says: "", seq: 4 } }];
    expect(await drill([DOMAIN, ...OPTIONS, secret], ports())).toBe(1);
    expect(said).toEqual([`${DOMAIN}  DRILL FAILED archive_missing at entry 4`]);
  });
});
