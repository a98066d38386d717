/** `moonseal monitor`: holds a log to what it showed before, reads what is new, and shouts when the log shows something else. */
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Io } from "../../../src/cli/io.ts";
import { parseForkEvidence } from "../../../src/core/fork-evidence.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { verifyFork } from "../../../src/verifier/fork.ts";
import { parsePolicy, type TrustPolicy } from "../../../src/verifier/policy.ts";
import { logSigner, PLATFORM, policyJson } from "../../verifier/proved-log.ts";
import { fakeIo, tempDir } from "../support/run-cli.ts";
import { KEY_EU, KEY_US } from "../support/server-double.ts";
import { DOMAIN, ORIGIN, WatchedLog } from "./watched-log.ts";

let home: string;
let log: WatchedLog;
beforeEach(async () => {
  home = await tempDir();
  log = await new WatchedLog(20).start();
  await writeFile(join(home, "policy.json"), JSON.stringify(policyJson({}, ORIGIN)));
});
afterEach(() => log.server.stop());

const ENV = { MOONSEAL_URL: "http://cell.test", MOONSEAL_KEY: KEY_EU, MOONSEAL_DOMAIN: DOMAIN };
const io = (more: Partial<Io> = {}, env: { [name: string]: string } = ENV) =>
  fakeIo(home, env, { fetch: log.fetch, ...more });
const state = () => join(home, "state.json");
const once = (...argv: string[]) =>
  log.run(io(), "--once", "--policy", join(home, "policy.json"), "--state", state(), ...argv);
const json = async (...argv: string[]) => {
  const { code, stdout, stderr } = await once("--json", ...argv);
  return { code, stderr, round: JSON.parse(stdout) };
};
const remembered = async () => JSON.parse(await readFile(state(), "utf8"));
const evidenceFiles = async () => (await readdir(home)).filter((name) => /\.(fork|shrink)-/.test(name));

describe("a log that only grows", () => {
  test("is verified: first seen, then grown, then unchanged; each round one line; exit code 0", async () => {
    const first = await once();
    expect([first.code, first.stderr]).toEqual([0, ""]);
    expect(first.stdout).toMatch(
      /^2026-11-21T\S+Z {2}FIRST SEEN +log\.test\/dom_eu_\S+ {2}20 entries {2}root \S+ {2}nothing remembered before {2}read 20 more \(leaves\) {2}witnessed by witness\.example\/w1\n$/,
    );
    log.grow(600);
    const second = await once();
    expect(second.code).toBe(0);
    expect(second.stdout).toMatch(/GREW .* 620 entries \(\+600\) .* consistent {2}read 600 more/);
    const third = await once();
    expect(third.code).toBe(0);
    expect(third.stdout).toMatch(/UNCHANGED .* consistent {2}all 620 read/);
  });

  test("is read from where the last run stopped: no leaf, and no tile of level 0 of the past, is fetched again", async () => {
    log.grow(1000);
    await once();
    log.grow(300);
    log.asked.length = 0;
    expect((await json()).round).toMatchObject({ event: "grew", read: 1320, read_now: 300 });
    expect(log.asked.filter((path) => /^tile\/(entries|0)\//.test(path))).toEqual(
      expect.arrayContaining(["tile/entries/003", "tile/entries/004", "tile/entries/005.p/40"]),
    );
    expect(log.asked.filter((path) => /^tile\/(entries|0)\/00[0-2]/.test(path))).toEqual([]);
    log.asked.length = 0;
    await once();
    expect(log.asked).toEqual(["checkpoint"]);
  });

  test("may be any random steps ahead: the tree is recomputed each time", async () => {
    for (const step of [1, 235, 1, 255, 256, 257, 2]) {
      log.grow(step);
      const { code, round } = await json();
      expect(code).toBe(0);
      expect(round.read).toBe(log.signed);
    }
  });

  test("is remembered in a file that only its owner can read, replaced as a whole", async () => {
    await once();
    expect((await stat(state())).mode & 0o777).toBe(0o600);
    expect(await readdir(home)).toEqual(["policy.json", "state.json"]);
    expect((await remembered()).head.note).toBe(log.checkpoint());
  });

  test("with --entries is recomputed from the payloads on, and the report says from which entry", async () => {
    expect((await json("--entries")).round).toMatchObject({ verdict: "verified", entries_from: 0 });
    log.grow(30);
    expect((await json("--entries")).round).toMatchObject({ read: 50, entries_from: 0 });
    log.grow(5);
    expect((await json()).round).toMatchObject({ read: 55, entries_from: null });
    log.grow(5);
    expect((await json("--entries")).round).toMatchObject({ read: 60, entries_from: 55 });
  });

  test("is followed from a folder of tiles alone, without server, key and domain", async () => {
    const folder = join(home, "mirror");
    await log.grow(500).mirror(folder);
    const offline = () =>
      log.run(
        fakeIo(home, {}, { fetch: noServer }),
        "--once",
        "--tiles",
        folder,
        "--policy",
        join(home, "policy.json"),
        "--state",
        state(),
      );
    expect((await offline()).code).toBe(0);
    await log.grow(300).mirror(folder);
    expect((await offline()).stdout).toMatch(/GREW .* 820 entries \(\+300\)/);
  });

  test("is followed from tiles at an address, which gets no credential", async () => {
    const seen: { url: string; headers: object }[] = [];
    const fetchFile: typeof log.fetch = async (url, { headers }) => {
      seen.push({ url, headers });
      const bytes = log.files().get(url.replace("https://mirror.test/tlog/", ""));
      return bytes ? new Response(bytes as BodyInit) : new Response("", { status: 404 });
    };
    const { code } = await log.run(
      io({ fetch: fetchFile }),
      "--once",
      "--tiles",
      "https://mirror.test/tlog/",
      "--policy",
      join(home, "policy.json"),
      "--state",
      state(),
    );
    expect(code).toBe(0);
    expect(seen.every(({ headers }) => !("authorization" in headers))).toBe(true);
  });

  test("with a verifier key and an API key, both by --key: each is taken for what it is", async () => {
    const { code, stdout } = await log.run(
      io({}, {}),
      "--once",
      "--state",
      state(),
      "--url",
      "http://cell.test",
      "--domain",
      DOMAIN,
      "--key",
      KEY_EU,
      "--key",
      logSigner(ORIGIN).verifierKey,
    );
    expect(code).toBe(0);
    expect(stdout).toContain("not independently witnessed");
  });
});

const noServer = (async () => {
  throw new Error("nobody may be asked");
}) as unknown as Io["fetch"];

describe("a log that shows another history", () => {
  const judged = async (file: string) => {
    const text = await readFile(join(home, file), "utf8");
    return verifyFork(text, parsePolicy(sha256, policyJson({}, ORIGIN)) as TrustPolicy, PLATFORM);
  };

  test.each([
    ["of the same size", (its: WatchedLog) => its.rewrite(7)],
    ["that is longer", (its: WatchedLog) => its.grow(30).rewrite(7)],
    ["whose first entry is another", (its: WatchedLog) => its.grow(300).rewrite(0)],
    ["whose last entry is another", (its: WatchedLog) => its.grow(1).rewrite(19)],
    ["that is shorter", (its: WatchedLog) => its.cut(18).rewrite(3)],
  ])("%s: exit code 5, an alarm, and evidence that convinces a stranger", async (_, change) => {
    await once();
    const before = await remembered();
    change(log);
    const { code, stderr, round } = await json();
    expect(code).toBe(5);
    expect(round).toMatchObject({ event: "fork", verdict: "contradicts_remembered_head" });
    expect(stderr).toMatch(
      /^moonseal: ALARM: the log has shown two histories.*evidence: \S+\.fork-[0-9a-f]{12}\.txt\n$/,
    );
    const [file = ""] = await evidenceFiles();
    expect(round.evidence).toBe(join(home, file));
    expect((await stat(join(home, file))).mode & 0o777).toBe(0o600);
    expect(await judged(file)).toMatchObject({ misbehaved: true, verdict: "refuted" });
    const after = await remembered();
    expect([after.head, after.read], "the older head stays").toEqual([before.head, before.read]);
  });

  test("keeps being shouted at with one file, whatever it shows next; also when it shows the old history again", async () => {
    await once();
    const size = log.signed;
    const rows = [...log.log.rows];
    for (const from of [3, 4, 5]) {
      log.rewrite(from);
      expect((await json()).round.event).toBe("fork");
    }
    expect(await evidenceFiles()).toHaveLength(1);
    log.log.rows = rows;
    log.signed = size;
    const { code, round } = await json();
    expect(code).toBe(5);
    expect(round).toMatchObject({ event: "unchanged", verdict: "contradicts_remembered_head" });
    expect(round.detail).toMatch(/were proved on/);
  });

  test("of fewer entries, that are the beginning of the old one: a shrink; 5, and its checkpoint is kept", async () => {
    await once();
    const before = await readFile(state(), "utf8");
    const { rows } = log.log;
    log.cut(12);
    const { code, stderr, round } = await json();
    expect(code).toBe(5);
    expect(round).toMatchObject({ event: "shrink", verdict: "contradicts_remembered_head", size: 12 });
    expect(stderr).toMatch(/the log became shorter: 12 entries now, 20 entries remembered/);
    expect(await readFile(state(), "utf8")).toBe(before);
    expect(await readFile(round.evidence, "utf8")).toBe(log.checkpoint());
    expect(await evidenceFiles()).toHaveLength(1);
    log.log.rows = rows;
    log.signed = rows.length;
    expect((await json()).code, "the longer one is there again").toBe(0);
    log.cut(12).grow(30);
    expect((await json()).round.event, "other entries in place of those that were cut").toBe("fork");
  });

  test("is found before a leaf is read, and though its leaves are not served", async () => {
    await once();
    log.grow(2000).rewrite(10);
    for (const path of log.files().keys()) if (path.startsWith("tile/entries/")) log.instead.set(path, null);
    expect((await json()).round.event).toBe("fork");
  });

  test("than the policy remembers: 5 too, though this machine has seen neither", async () => {
    const head = { origin: ORIGIN, size: 10, root: Buffer.alloc(32, 3).toString("base64") };
    await writeFile(join(home, "policy.json"), JSON.stringify(policyJson({ remembered: [head] }, ORIGIN)));
    expect((await json()).round).toMatchObject({ event: "fork", verdict: "contradicts_remembered_head" });
    await writeFile(
      join(home, "policy.json"),
      JSON.stringify(policyJson({ remembered: [{ ...head, size: 21 }] }, ORIGIN)),
    );
    expect((await json()).round).toMatchObject({ event: "shrink", verdict: "contradicts_remembered_head" });
  });
});

describe("a log that does not fit what it signed", () => {
  const refutedWith = async (detail: RegExp, ...argv: string[]) => {
    const { code, stderr, round } = await json(...argv);
    expect(round).toMatchObject({ event: "broken", verdict: "refuted" });
    expect(code).toBe(1);
    expect(round.detail).toMatch(detail);
    expect(stderr).toContain("ALARM");
  };

  test("by a leaf in a bundle: refuted, and the leaf is named; what is good before it is not read again", async () => {
    log.grow(2000);
    const bundle = log.files().get("tile/entries/006") as Uint8Array;
    log.instead.set("tile/entries/006", bundle.with(34 * 3 + 9, 0));
    await refutedWith(/leaf 1539 in tile\/entries\/006/);
    expect((await remembered()).read.size).toBeGreaterThan(0);
    log.instead.clear();
    expect((await json()).round).toMatchObject({ verdict: "verified", read: 2020 });
  });

  test("by its right edge: refuted, and the head is not remembered", async () => {
    await once();
    log.grow(5);
    const path = "tile/0/000.p/25";
    log.instead.set(path, (log.files().get(path) as Uint8Array).with(3, 1));
    await refutedWith(/right edge/);
    expect((await remembered()).head.note).toContain("\n20\n");
  });

  test("by an entry whose payload was changed: refuted with --entries, at that entry", async () => {
    const row = log.log.rows[7];
    if (row) row.payload = row.payload.replace("invoice.exported", "invoice.deleted!");
    await refutedWith(/entry 7 \(entry_hash_mismatch\)/, "--entries");
    expect((await remembered()).read.size, "nothing is passed over").toBe(0);
  });

  test("by entries of another chain than the tree's leaves, consistent in themselves: refuted with --entries", async () => {
    const files = log.files();
    log.rewrite(11);
    for (const [path, bytes] of files) log.instead.set(path, bytes);
    await refutedWith(/entry 11 is not the leaf/, "--entries");
  });

  test("by the signature of its checkpoint: refuted", async () => {
    const note = log.checkpoint();
    log.instead.set("checkpoint", note.replace(/(dom_eu_\S+ )(\S{20})\S/, "$1$2A"));
    await refutedWith(/signature is wrong|no key that is trusted/);
    log.instead.set("checkpoint", note.split("\n\n")[0] + "\n\n\u2014 log.test/x AAAAAAA=\n");
    await refutedWith(/no key that is trusted/);
  });

  test("by a checkpoint of another log of the same cell: refuted", async () => {
    const prefix = policyJson({ logs: [{ origin_prefix: "log.test/", key: logSigner("log.test/eu").verifierKey }] });
    await writeFile(join(home, "policy.json"), JSON.stringify(prefix));
    const other = log.checkpoint().split("\n").slice(1, 3).join("\n");
    log.instead.set("checkpoint", logSigner("log.test/dom_eu_other").sign(`log.test/dom_eu_other\n${other}\n`));
    await refutedWith(/of another log/);
  });
});

describe("what could not be checked", () => {
  test("no answer: 3 with --once, after a few tries", async () => {
    log.isAway = true;
    const { code, round } = await json();
    expect(code).toBe(3);
    expect(round).toMatchObject({ event: "no_answer", verdict: "could_not_check" });
    await expect(stat(state())).rejects.toThrow();
  });

  test("an outage of a few answers is waited out within the round", async () => {
    log.outage = { status: 503, times: 3 };
    expect((await json()).code).toBe(0);
    log.grow(1);
    log.outage = { status: 503, times: 4 };
    expect((await json()).code).toBe(3);
  });

  test("a log that says why it does not answer is repeated", async () => {
    const problem = { title: "A guard of the ledger is missing", code: "ledger.guard_missing", detail: "missing: x" };
    const refusing: typeof log.fetch = async () => new Response(JSON.stringify(problem), { status: 503 });
    const { code, stdout } = await log.run(
      io({ fetch: refusing }),
      "--once",
      "--policy",
      join(home, "policy.json"),
      "--state",
      state(),
    );
    expect(code).toBe(3);
    expect(stdout).toMatch(/A guard of the ledger is missing: missing: x \(ledger\.guard_missing\)/);
  });

  test("a log that says that it was stopped: said beside what it signed", async () => {
    log.log.stoppedReason = "the object was set back";
    const { code, stdout } = await once();
    expect([code, stdout]).toEqual([0, expect.stringContaining("says that it was stopped: the object was set back")]);
  });

  test.each([
    ["a web page", "<!doctype html><html></html>"],
    ["nothing", ""],
    ["a checkpoint that is cut", "log.test/x\n20\n"],
  ])("%s in place of the checkpoint: 3", async (_, text) => {
    log.instead.set("checkpoint", new TextEncoder().encode(text));
    expect((await json()).code).toBe(3);
  });

  test("a tile that is not served: 3, and the next run goes on", async () => {
    await once();
    log.grow(1000);
    log.instead.set("tile/entries/002", null);
    const { code, round } = await json();
    expect(code).toBe(3);
    expect(round.detail).toContain("tile/entries/002 is not served");
    expect((await remembered()).head.note, "the head that was found consistent is held to").toContain("\n1020\n");
    log.instead.clear();
    expect((await json()).round).toMatchObject({ event: "unchanged", verdict: "verified", read: 1020 });
  });

  test("a log whose key is not trusted: 3; nobody trusted at all: 2", async () => {
    await writeFile(
      join(home, "policy.json"),
      JSON.stringify(policyJson({}, "log.test/dom_eu_01jegc8qvyfgx9tmvc3w70yjrj")),
    );
    const { code, round } = await json();
    expect(code).toBe(3);
    expect(round.detail).toMatch(/no key of this log is trusted/);
    const nobody = await log.run(io(), "--once", "--state", state());
    expect(nobody.code).toBe(2);
    expect(nobody.stderr).toMatch(/nobody is trusted yet/);
  });

  test("fewer independent witnesses than the policy asks for: 4, and the log is followed all the same", async () => {
    log.witnessed = false;
    const { code, round } = await json();
    expect(code).toBe(4);
    expect(round).toMatchObject({ verdict: "not_witnessed", read: 20, witnesses: [] });
    log.witnessed = true;
    expect((await json()).code).toBe(0);
  });

  test("a key that may not read the log: 3; one of another jurisdiction is sent nowhere: 2", async () => {
    log.key = "another";
    expect((await once()).code).toBe(3);
    const asked = log.asked.length;
    const { code } = await log.run(
      io({}, { ...ENV, MOONSEAL_KEY: KEY_US }),
      "--once",
      "--policy",
      join(home, "policy.json"),
      "--state",
      state(),
    );
    expect([code, log.asked.length]).toEqual([2, asked]);
  });

  test.each([
    ["cut", (text: string) => text.slice(0, -40)],
    ["of another version", (text: string) => text.replace('"version": 1', '"version": 2')],
    [
      "with another frontier",
      (text: string) => text.replace(/("frontier": \[\s+")(.)/, (_, a, c) => a + (c === "A" ? "B" : "A")),
    ],
    ["with a further field", (text: string) => text.replace('"version": 1', '"version": 1, "x": 1')],
    ["empty", () => ""],
  ])("a state that is %s: 3, never forgotten in silence and never replaced", async (_, change) => {
    await once();
    const broken = change(await readFile(state(), "utf8"));
    await writeFile(state(), broken);
    const { code, stderr } = await once();
    expect(code).toBe(3);
    expect(stderr).toContain("cannot be read");
    expect(await readFile(state(), "utf8")).toBe(broken);
  });

  test("leaves in the state that are not those of its head: the file is blamed, not the log", async () => {
    log.grow(600);
    log.instead.set("tile/entries/002.p/108", null);
    log.instead.set("tile/entries/002", null);
    await once();
    const there = await remembered();
    there.read = { size: 1, frontier: [Buffer.alloc(32, 5).toString("base64")], last_leaf: "00".repeat(32) };
    await writeFile(state(), JSON.stringify(there));
    log.instead.clear();
    const { code, stderr } = await once();
    expect(code).toBe(3);
    expect(stderr).toMatch(/begin with a new file/);
  });

  test("a state of another log: refuted before anything is remembered", async () => {
    await once();
    await writeFile(state(), (await readFile(state(), "utf8")).replaceAll(ORIGIN, `${ORIGIN.slice(0, -1)}x`));
    expect((await once()).code).toBe(1);
  });

  test.each([
    [["--interval", "0"]],
    [["--interval", "x"]],
    [["--tiles", "/no/such/folder"]],
    [["--tiles", "https://user@mirror.test/"]],
    [["--key", "log.test/x+00000000+AAAA"]],
  ])("wrong usage %j: 2", async (argv) => {
    expect((await once(...argv)).code).toBe(2);
  });
});

describe("late checkpoints", () => {
  test("are said once the log has had more entries for longer than --late-after, and not before", async () => {
    log.log.fill(3);
    const clock = io();
    const round = () => {
      clock.stdout.text = "";
      return log.run(
        clock,
        "--once",
        "--policy",
        join(home, "policy.json"),
        "--state",
        state(),
        "--late-after",
        "10",
        "--json",
      );
    };
    // The head says when its newest entry was recorded: 09:00:00.023, an hour before the clock of these tests.
    const first = JSON.parse((await round()).stdout);
    expect(first).toMatchObject({ verdict: "verified", size: 20 });
    expect(first.late_ms).toBeGreaterThan(3_590_000);
    const { stdout, code } = await once();
    expect([code, stdout]).toEqual([0, expect.stringMatching(/LATE 1 h 00 min|LATE 59 min/)]);
    log.grow(1);
    expect((await json()).round.late_ms).toBeNull();
    expect((await remembered()).behind).toBeNull();
  });

  test("of a busy log, whose newest entry is always new, are counted from when they were seen to be late", async () => {
    const clock = io();
    const head = log.log.headAnswer.bind(log.log);
    log.log.headAnswer = () => ({ ...head(), size: 23, recorded_at: new Date(clock.now()).toISOString() });
    const round = async () => {
      clock.stdout.text = "";
      await log.run(clock, "--once", "--policy", join(home, "policy.json"), "--state", state(), "--json");
      return JSON.parse(clock.stdout.text).late_ms;
    };
    expect(await round()).toBe(0);
    await clock.sleep(900_000);
    expect(await round()).toBe(900_000);
  });
});

describe("without --once", () => {
  /** Ends after so many waits, as Ctrl-C does. */
  const following = async (waits: number, onWait: (n: number) => void, ...argv: string[]) => {
    const fake = io();
    const { sleep } = fake;
    let n = 0;
    fake.sleep = async (ms: number) => {
      await sleep(ms);
      onWait(++n);
      if (n >= waits) throw new DOMException("interrupted", "AbortError");
    };
    const result = await log.run(fake, "--policy", join(home, "policy.json"), "--state", state(), "--json", ...argv);
    const rounds = result.stdout
      .trim()
      .split("\n")
      .map((text) => JSON.parse(text));
    return { ...result, rounds, slept: fake.slept };
  };

  test("goes round after round at the interval until Ctrl-C", async () => {
    const { code, rounds, slept } = await following(3, () => log.grow(5), "--interval", "30");
    expect(code).toBe(130);
    expect(rounds.map(({ event, size }) => [event, size])).toEqual([
      ["first", 20],
      ["grew", 25],
      ["grew", 30],
    ]);
    expect(slept).toEqual([30_000, 30_000, 30_000]);
  });

  test("asks a log that is away less and less often, and goes on when it is back", async () => {
    log.isAway = true;
    const { rounds, slept } = await following(60, (n) => {
      log.isAway = n < 50;
    });
    const events = rounds.map(({ event }) => event);
    expect(events[0]).toBe("no_answer");
    expect(events.at(-1)).toBe("unchanged");
    expect(events.filter((event) => event === "first")).toHaveLength(1);
    expect(Math.max(...slept)).toBe(300_000);
  });

  test("keeps shouting at a fork, and keeps the older head", async () => {
    const { rounds, stderr } = await following(4, (n) => {
      if (n === 1) log.grow(5).rewrite(4);
    });
    expect(rounds.map(({ event }) => event)).toEqual(["first", "fork", "fork", "fork"]);
    expect(stderr.match(/ALARM/g)).toHaveLength(3);
    expect((await remembered()).head.note).toContain("\n20\n");
    expect(parseForkEvidence(await readFile(rounds[1].evidence, "utf8"))).not.toBeNull();
  });
});
