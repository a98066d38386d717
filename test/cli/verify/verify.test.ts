import { writeFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { canonicalJson } from "../../../src/core/canonical.ts";
import { domainIdOf, LogDouble, type Row, rehash } from "../support/log-double.ts";
import { fakeIo, runCli, spawnCli, TextOutput, tempDir } from "../support/run-cli.ts";
import { KEY_EU, ServerDouble } from "../support/server-double.ts";

const SIZE = 31;
let folder: string;
let log: LogDouble;
let server: ServerDouble;
let env: { [name: string]: string };
let headFile: string;

beforeEach(async () => {
  folder = await tempDir();
  log = new LogDouble(domainIdOf("eu")).fill(SIZE - 1);
  server = new ServerDouble(log);
  env = {
    MOONSEAL_URL: await server.start(),
    MOONSEAL_KEY: KEY_EU,
    MOONSEAL_DOMAIN: log.domainId,
    XDG_STATE_HOME: folder,
  };
  headFile = join(folder, "moonseal", "heads", `${log.domainId}.json`);
});
afterEach(() => server.stop());

const verify = async (...argv: string[]) => {
  const result = await runCli(["verify", "--json", ...argv], fakeIo(folder, env));
  return { ...result, report: result.stdout ? JSON.parse(result.stdout) : null };
};
const rowAt = (seq: number) => log.rows.find((row) => row.seq === seq) as Row;
const remembered = async () => JSON.parse(await readFile(headFile, "utf8"));
const asHead = (size: number, entry_hash: string) =>
  JSON.stringify({ version: 1, domain: log.domainId, size, entry_hash, verified_at: "2026-11-20T00:00:00.000Z" });

/** Replaces the payload the way somebody does who can also recompute that one hash. */
function forge(row: Row, change: (payload: { [field: string]: unknown }) => void): void {
  const payload = JSON.parse(row.payload);
  change(payload);
  row.payload = canonicalJson(payload);
  row.entry_hash = rehash(row.prev_hash, row.payload);
}

describe("an honest log", () => {
  test("is verified from entry 0 to the head, over several pages, and its head is remembered", async () => {
    const { code, report } = await verify();
    expect(report).toMatchObject({
      verdict: "verified",
      from: 0,
      to: SIZE - 1,
      entries: SIZE,
      finding: null,
      remembered_now: true,
    });
    expect(await remembered()).toMatchObject({ size: SIZE, entry_hash: log.head.entry_hash });
    expect(code).toBe(0);
    expect(server.seen.filter(({ path }) => path.includes("consistency=latest"))).toHaveLength(1);
  });

  test("goes on from the remembered head, which is compared and moved on", async () => {
    await verify();
    log.fill(5);
    const { code, report } = await verify("--since-head");
    expect(report).toMatchObject({ from: SIZE - 1, entries: 6, remembered_head: { size: SIZE, compared: true } });
    expect((await remembered()).size).toBe(SIZE + 5);
    expect(code).toBe(0);
  });

  test("is read from 0 with --full, and the remembered head is compared on the way", async () => {
    await verify();
    expect((await verify()).report).toMatchObject({
      from: 0,
      entries: SIZE,
      remembered_head: { compared: true },
    });
  });

  test("what grows meanwhile is no fault: the run ends at the head it saw first", async () => {
    const head = log.headAnswer();
    log.fill(3);
    log.headAnswer = () => head;
    expect((await verify()).report).toMatchObject({ verdict: "verified", entries: SIZE });
  });

  test("a part is verified as a part: what was not checked is said, and its head is not remembered", async () => {
    const { code, report } = await verify("--from", "5", "--to", "9");
    expect(report).toMatchObject({ verdict: "verified", from: 5, to: 9, entries: 5, remembered_now: false });
    expect(report.not_checked.join("\n")).toMatch(/Entries 0 to 4.*\n.*Entries 10 to 30/);
    expect(code).toBe(0);
    await expect(remembered()).rejects.toThrow();
  });

  test("--no-remember leaves the file as it is", async () => {
    await verify("--no-remember");
    await expect(remembered()).rejects.toThrow();
  });

  test("the plain report says what was checked, what was not, and that nobody witnessed it", async () => {
    const { stdout } = await runCli(["verify"], fakeIo(folder, env));
    expect(stdout).toMatch(/^VERIFIED/);
    expect(stdout).toMatch(/Checked:\n {2}- 31 entries \(0 to 30\)/);
    expect(stdout).toMatch(/Not checked:[^]*no earlier head was remembered[^]*no independent witness/);
  });
});

describe("tampering is refuted, with the first bad entry", () => {
  const HASH = "ab".repeat(32);
  const at = 9;
  const cases: [string, () => void, string, number?][] = [
    [
      "one byte of a payload",
      () => (rowAt(at).payload = rowAt(at).payload.replace("success", "succesS")),
      "entry_hash_mismatch",
    ],
    ["the entry hash", () => (rowAt(at).entry_hash = HASH), "entry_hash_mismatch"],
    ["the previous hash", () => (rowAt(at).prev_hash = HASH), "prev_hash_mismatch"],
    ["the id", () => (rowAt(at).id = "another"), "column_mismatch"],
    ["the seq", () => (rowAt(at).seq = 500), "seq_gap"],
    ["the spelling of a hash", () => (rowAt(at).entry_hash = rowAt(at).entry_hash.toUpperCase()), "hash_malformed"],
    ["a column that is missing", () => (rowAt(at).id = null as unknown as string), "column_mismatch"],
    [
      "a payload with its entry hash",
      () => forge(rowAt(at), (p) => (p.action = "invoice.paid")),
      "prev_hash_mismatch",
      at + 1,
    ],
    ["an unknown version", () => forge(rowAt(at), (p) => (p.v = 2)), "version_unknown"],
    ["a payload of another domain", () => forge(rowAt(at), (p) => (p.domain = domainIdOf("eu", 2))), "foreign_domain"],
    [
      "a payload that is not canonical",
      () => {
        const row = rowAt(at);
        row.payload = ` ${row.payload}`;
        row.entry_hash = rehash(row.prev_hash, row.payload);
      },
      "payload_not_canonical",
    ],
    ["a removed row", () => log.rows.splice(at, 1), "seq_gap"],
    ["an inserted row", () => log.rows.splice(at, 0, { ...rowAt(at - 1), id: "x" }), "seq_out_of_order"],
    ["two rows that changed places", () => log.rows.splice(at, 2, rowAt(at + 1), rowAt(at)), "seq_gap"],
    [
      "a row of another log",
      () => (log.rows[at] = new LogDouble(domainIdOf("eu", 2)).fill(20).rows[at] as Row),
      "prev_hash_mismatch",
    ],
    ["rows cut off that the head still counts", () => log.rows.splice(20), "tail_cut", 20],
    ["a forged genesis", () => forge(rowAt(0), (p) => (p.metadata = { genesis: HASH })), "genesis_mismatch", 0],
    [
      "another last row than the head names",
      () => forge(rowAt(SIZE - 1), (p) => (p.action = "invoice.paid")),
      "head_mismatch",
      SIZE - 1,
    ],
  ];
  test.each(cases)("%s", async (_what, tamper, fault, seq = at) => {
    tamper();
    const { code, report } = await verify();
    expect(report).toMatchObject({ verdict: "refuted", finding: { seq, fault }, remembered_now: false });
    expect(code).toBe(1);
    await expect(remembered()).rejects.toThrow();
  });

  test("a log that follows another genesis value than the head names", async () => {
    const other = new LogDouble(log.domainId, "another secret").fill(SIZE - 1);
    log.rows = other.rows;
    log.head = other.head;
    expect(await verify()).toMatchObject({ code: 1, report: { finding: { seq: 0, fault: "prev_hash_mismatch" } } });
  });

  test("a log without even entry 0", async () => {
    log.rows = [];
    log.head = { size: 0, entry_hash: log.genesis };
    expect(await verify()).toMatchObject({ code: 1, report: { finding: { seq: 0, fault: "tail_cut" } } });
  });
});

describe("the remembered head", () => {
  beforeEach(async () => {
    await verify();
  });

  test("contradicts a log whose tail was cut together with its head", async () => {
    log.rows.splice(20);
    log.head = { size: 20, entry_hash: rowAt(19).entry_hash };
    const { code, report } = await verify();
    expect(report).toMatchObject({ verdict: "contradicts_remembered_head", finding: { fault: "tail_cut" } });
    expect(code).toBe(5);
  });

  test("contradicts a cut of the rows alone, too", async () => {
    log.rows.splice(20);
    expect(await verify()).toMatchObject({ code: 5, report: { finding: { seq: 20, fault: "tail_cut" } } });
  });

  test("contradicts a log that was rewritten consistently, whether it is read in part or in full", async () => {
    log.rewriteFrom(10);
    log.fill(4);
    for (const argv of [[], ["--since-head"]]) {
      expect(await verify(...argv)).toMatchObject({
        code: 5,
        report: { finding: { seq: SIZE - 1, fault: "head_mismatch" } },
      });
    }
  });

  test("contradicts a rewritten log of the same size at once", async () => {
    log.rewriteFrom(10);
    expect((await verify()).code).toBe(5);
  });

  test("does not spare the entries before it, unless that is asked for and said", async () => {
    rowAt(7).payload = rowAt(7).payload.replace("success", "failure");
    expect(await verify()).toMatchObject({ code: 1, report: { finding: { seq: 7, fault: "entry_hash_mismatch" } } });
    const { code, report } = await verify("--since-head");
    expect(code).toBe(0);
    expect(report.not_checked.join()).toMatch(/were not read again/);
  });

  test("is never replaced by a contradicting or smaller one", async () => {
    const before = await remembered();
    log.rewriteFrom(10);
    log.fill(4);
    await verify();
    expect(await remembered()).toEqual(before);
  });

  test("that another run moved on meanwhile stays", async () => {
    const ahead = asHead(SIZE + 50, "cd".repeat(32));
    const path = join(folder, "shared.json");
    log.headAnswer = () => {
      writeFileSync(path, ahead);
      return LogDouble.prototype.headAnswer.call(log);
    };
    expect((await verify("--head", path)).report).toMatchObject({ verdict: "verified", remembered_now: false });
    expect(await readFile(path, "utf8")).toBe(ahead);
  });

  test("that cannot be read is never treated as absent", async () => {
    await writeFile(headFile, "{}");
    expect(await verify()).toMatchObject({ code: 3, stderr: expect.stringMatching(/cannot be read/) });
    expect(await readFile(headFile, "utf8")).toBe("{}");
  });

  test("of another log is a usage error", async () => {
    await writeFile(headFile, asHead(3, "ab".repeat(32)).replace(log.domainId, domainIdOf("eu", 2)));
    expect((await verify()).code).toBe(2);
  });

  test("outside the asked range is named as not compared", async () => {
    const { code, report } = await verify("--from", "2", "--to", "4");
    expect([code, report.remembered_head.compared]).toEqual([0, false]);
    expect(report.not_checked.join()).toMatch(/outside the range/);
  });
});

describe("what could not be checked", () => {
  test("no network is 3", async () => {
    await server.stop();
    expect((await verify()).code).toBe(3);
  });

  test.each([401, 403, 404, 500])("an answer of %i is 3, never verified and never refuted", async (status) => {
    server.faults.push({ kind: "refuse", status });
    expect(await verify()).toMatchObject({
      code: 3,
      stdout: "",
      stderr: expect.stringMatching(/^moonseal: could not check: .*req-1/),
    });
  });

  test("a fault in the middle of the pages is 3 when it stays, and nothing when it passes", async () => {
    const ok = { kind: "refuse" as const, status: 503 };
    server.faults.push(ok, ok);
    expect((await verify()).code).toBe(0);
  });

  test("a key of the other jurisdiction is 2, and is sent nowhere", async () => {
    env.MOONSEAL_DOMAIN = domainIdOf("us");
    expect((await verify()).code).toBe(2);
    expect(server.seen).toEqual([]);
  });

  test.each([[["--from", "x"]], [["--from", "9", "--to", "3"]], [["--since-head", "--from", "2"]], [["--nonsense"]]])(
    "%j is 2",
    async (argv) => {
      expect((await verify(...argv)).code).toBe(2);
    },
  );

  test("an end past the log is 3", async () => {
    expect((await verify("--to", "999")).code).toBe(3);
  });
});

describe("--server", () => {
  const answer = {
    domain_id: "",
    from: 0,
    to: 30,
    fault: null,
    detail: null,
    first_bad_seq: null,
    not_checked: [],
    progress: 0.5,
  };

  test("follows the cursors to the verdict and says that nothing was recomputed here", async () => {
    server.verification = (query) =>
      query.has("cursor")
        ? { ...answer, verdict: "verified", verified_through: 30, entries: 31, next_cursor: null }
        : { ...answer, verdict: "incomplete", verified_through: 9, entries: 10, next_cursor: "c" };
    const { code, report } = await verify("--server");
    expect(report.not_checked[0]).toMatch(/not recomputed here/);
    expect([code, report.verdict]).toEqual([0, "verified"]);
  });

  test("refuted is 1", async () => {
    server.verification = () => ({
      ...answer,
      verdict: "refuted",
      first_bad_seq: 4,
      verified_through: 3,
      entries: 4,
      next_cursor: null,
    });
    expect((await verify("--server")).code).toBe(1);
  });

  test("a server that goes round in circles is 3", async () => {
    server.verification = () => ({
      ...answer,
      verdict: "incomplete",
      verified_through: 9,
      entries: 10,
      next_cursor: "c",
    });
    expect((await verify("--server")).code).toBe(3);
  });
});

test("on a terminal a bar shows rate and remaining time; it is gone when the report comes", async () => {
  let ms = 0;
  const stderr = new TextOutput();
  stderr.isTTY = true;
  const io = fakeIo(folder, env, { stderr, now: () => (ms += 60) });
  await runCli(["verify"], io);
  expect(stderr.text).toMatch(/verify █+░* \d+% \d+ entries, \d+\/s, \d+ s left/);
  expect(stderr.text.endsWith("\r\u001b[2K")).toBe(true);
});

describe("as a child process", () => {
  test("an honest log ends with 0, a changed byte with 1, a cut tail with 5, no server with 3", async () => {
    const all = { ...env, HOME: folder };
    const codes: number[] = [(await spawnCli(["verify"], all)).code];
    const { payload } = rowAt(7);
    rowAt(7).payload = payload.replace("success", "failure");
    const refuted = await spawnCli(["verify"], all);
    codes.push(refuted.code);
    rowAt(7).payload = payload;
    log.rows.splice(20);
    log.head = { size: 20, entry_hash: rowAt(19).entry_hash };
    codes.push((await spawnCli(["verify"], all)).code);
    await server.stop();
    codes.push((await spawnCli(["verify"], all)).code);
    expect(codes).toEqual([0, 1, 5, 3]);
    expect(refuted.stdout).toMatch(/^REFUTED[^]*first bad entry: 7 \(entry_hash_mismatch\)/);
    expect(refuted.stderr).toBe("");
  }, 30_000);
});
