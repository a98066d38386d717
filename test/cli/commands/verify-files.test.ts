/** `verify FILE…`, `policy` and `evidence` as a stranger uses them: a file, a key, an empty folder, no server. */
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { Io } from "../../../src/cli/io.ts";
import type { Fetch } from "../../../src/client/index.ts";
import { toBase64 } from "../../../src/core/bytes.ts";
import { formatNote, parseNote } from "../../../src/core/note.ts";
import { GOLDEN, golden, policyFile, withoutWitness } from "../../verifier/golden-evidence.ts";
import { domainIdOf } from "../support/log-double.ts";
import { fakeIo, runCli, spawnCli, tempDir } from "../support/run-cli.ts";
import { KEY_EU } from "../support/server-double.ts";

const EVIDENCE = join(GOLDEN, "entry-255.tlog-proof");
const CHECKPOINT = join(GOLDEN, "checkpoint.txt");
const POLICY = join(GOLDEN, "policy.json");
const ORIGIN = "log.example/dom_eu_01jegc8qvyfgx9tmvc3w70yjrh";
const [{ key: CELL_KEY = "" } = {}] = policyFile().logs;
const [{ key: WITNESS_KEY = "" } = {}] = policyFile().witnesses;

let home: string;
beforeEach(async () => {
  home = await tempDir();
});
const noServer = (async () => {
  throw new Error("nobody may be asked");
}) as unknown as Fetch;
const moonseal = (argv: string[], more: Partial<Io> = {}, env: { [name: string]: string } = {}) =>
  runCli(argv, fakeIo(home, env, { fetch: noServer, ...more }));
const put = async (name: string, content: string | Uint8Array) => {
  await writeFile(join(home, name), content);
  return join(home, name);
};

describe("verify FILE", () => {
  test("with a policy: verified, 0, each step with what it proves, and what was not checked", async () => {
    const { code, stdout, stderr } = await moonseal(["verify", EVIDENCE, "--policy", POLICY]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^VERIFIED: entry 255 of log\.example/);
    expect(stdout).toMatch(/ok +inclusion +the entry is in the tree of 300 entries/);
    expect(stdout).toContain("Not checked:\n  - whether other entries were left out");
    expect(stdout).not.toContain("\u001b");
  });

  test("with the cell's verifier key alone: verified, and not independently witnessed is said", async () => {
    const { code, stdout } = await moonseal(["verify", EVIDENCE, "--key", CELL_KEY]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/not checked +witnesses +not independently witnessed/);
  });

  test("with several keys: each is trusted", async () => {
    const other = "other.example/eu+c2ff4a3c+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";
    const wrong = await moonseal(["verify", EVIDENCE, "--key", other, "--key", CELL_KEY]);
    expect(wrong.code, "a key whose hash does not fit its name is wrong usage").toBe(2);
    expect((await moonseal(["verify", EVIDENCE, "--key", CELL_KEY, "--key", CELL_KEY])).code).toBe(0);
  });

  test("without a key: could not check, 3, and how to get and pin one", async () => {
    const { code, stdout } = await moonseal(["verify", EVIDENCE]);
    expect(code).toBe(3);
    expect(stdout).toMatch(/^COULD NOT CHECK/);
    expect(stdout).toMatch(/What to do:\n {2}- get the verifier key/);
    expect(stdout).not.toContain("The entry:");
  });

  test("an API key is no verifier key: 2", async () => {
    const { code, stderr } = await moonseal(["verify", EVIDENCE, "--key", KEY_EU]);
    expect(code).toBe(2);
    expect(stderr).toContain("verifier key");
    expect(stderr).not.toContain(KEY_EU);
  });

  test("tampered with: refuted, 1", async () => {
    const file = await put("e", golden("entry-255.tlog-proof").toString().replace("index 255", "index 254"));
    const { code, stdout } = await moonseal(["verify", file, "--policy", POLICY]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/FAILED +inclusion/);
  });

  test("without the witness that the policy asks for: not witnessed, 4", async () => {
    const file = await put("e", withoutWitness(golden("entry-255.tlog-proof").toString()));
    const { code, stdout } = await moonseal(["verify", file, "--policy", POLICY]);
    expect([code, stdout.split(":")[0]]).toEqual([4, "NOT WITNESSED"]);
  });

  test("another root than the remembered one: 5", async () => {
    const remembered = [{ origin: ORIGIN, size: 300, root: toBase64(new Uint8Array(32)) }];
    const policy = await put("p.json", JSON.stringify({ ...policyFile(), remembered }));
    expect((await moonseal(["verify", CHECKPOINT, "--policy", policy])).code).toBe(5);
  });

  test("as JSON: one line a file, with the policy that was used", async () => {
    const { code, stdout } = await moonseal(["verify", EVIDENCE, CHECKPOINT, "--policy", POLICY, "--json"]);
    expect(code).toBe(0);
    const [evidence, checkpoint] = stdout
      .trim()
      .split("\n")
      .map((text) => JSON.parse(text));
    expect(evidence).toMatchObject({ file: EVIDENCE, kind: "evidence", verdict: "verified", policy: POLICY });
    expect(evidence.entry).toMatchObject({ seq: 255, origin: ORIGIN });
    expect(evidence.not_checked).toHaveLength(2);
    expect(checkpoint).toMatchObject({ kind: "checkpoint", heads: [{ origin: ORIGIN, size: 300 }] });
  });

  test("several files: the exit code of the worst", async () => {
    const bad = await put("e", golden("entry-255.tlog-proof").toString().replace("index 255", "index 254"));
    expect((await moonseal(["verify", EVIDENCE, bad, "--policy", POLICY])).code).toBe(1);
  });

  test("from standard input", async () => {
    const stdin = (async function* () {
      yield golden("entry-255.tlog-proof");
    })();
    expect((await moonseal(["verify", "-", "--policy", POLICY], { stdin })).code).toBe(0);
  });

  test.each<[string, string[]]>([
    ["a file that is not there", ["nowhere"]],
    ["a policy that is not there", [EVIDENCE, "--policy", "nowhere"]],
    ["a policy that is not JSON", [EVIDENCE, "--policy", EVIDENCE]],
    ["a policy and a key", [EVIDENCE, "--policy", POLICY, "--key", CELL_KEY]],
    ["a range of the log", [EVIDENCE, "--from", "1"]],
    ["--no-remember", [EVIDENCE, "--no-remember"]],
    ["--server", [EVIDENCE, "--server"]],
    ["--policy without a file", ["--policy", POLICY]],
  ])("%s is wrong usage: 2, and nothing is said to be verified", async (_, argv) => {
    const { code, stdout } = await moonseal(["verify", ...argv]);
    expect([code, stdout]).toEqual([2, ""]);
  });

  test("a folder is read as a bundle that was unpacked: any other is refuted, 1", async () => {
    await put("e.tlog-proof", golden("entry-255.tlog-proof"));
    const { code, stdout } = await moonseal(["verify", home, "--policy", POLICY]);
    expect([code, stdout.split(":")[0]]).toEqual([1, "REFUTED"]);
  });

  test("what a file says cannot move the cursor or colour the terminal", async () => {
    const hostile = golden("checkpoint.txt").toString().replaceAll("log.example", "log.exam\u202eple");
    const { code, stdout } = await moonseal(["verify", await put("c", hostile), "--policy", POLICY]);
    expect(code).toBe(3);
    expect(stdout).toContain("\\u{202e}");
    expect(stdout).not.toContain("\u202e");
  });

  test("colour stands beside the words, and only on a terminal", async () => {
    const io = fakeIo(home, {}, { fetch: noServer });
    io.stdout.isTTY = true;
    await runCli(["verify", EVIDENCE, "--policy", POLICY], io);
    expect(io.stdout.text).toContain("\u001b[32mVERIFIED\u001b[0m");
  });
});

describe("verify https://…", () => {
  const server = (status: number, body: string | Uint8Array) => {
    const asked: { url: string; headers: object; redirect: string }[] = [];
    const fetch = (async (url: string, init: { headers: object; redirect: string }) => {
      asked.push({ url, headers: init.headers, redirect: init.redirect });
      return new Response(body as BodyInit, { status });
    }) as unknown as Fetch;
    return { asked, fetch };
  };
  const URL_ = "https://files.example/e.tlog-proof";

  test("is downloaded without any credential, follows nothing, and verified like a file", async () => {
    const { asked, fetch } = server(200, golden("entry-255.tlog-proof"));
    const { code } = await moonseal(["verify", URL_, "--policy", POLICY], { fetch }, { MOONSEAL_KEY: KEY_EU });
    expect(code).toBe(0);
    expect(asked).toEqual([{ url: URL_, headers: { accept: "*/*" }, redirect: "manual" }]);
  });

  test.each([
    [404, "answered 404"],
    [302, "leads elsewhere"],
  ])("that answers %d could not be checked: 3", async (status, words) => {
    const { code, stderr } = await moonseal(["verify", URL_], { fetch: server(status, "").fetch });
    expect(code).toBe(3);
    expect(stderr).toContain(words);
  });

  test("that gives no answer, or never ends, could not be checked: 3", async () => {
    expect((await moonseal(["verify", URL_])).code).toBe(3);
    const endless = new ReadableStream({ pull: (to) => to.enqueue(new Uint8Array(8 * 1024 * 1024)) });
    const fetch = (async () => new Response(endless)) as unknown as Fetch;
    const { code, stderr } = await moonseal(["verify", URL_], { fetch });
    expect(code).toBe(3);
    expect(stderr).toContain("more than");
  });
});

describe("policy", () => {
  const pinned = () => join(home, ".config/moonseal/policy.json");

  test("init with a cell's key pins it, show shows it, and verify needs nothing else from then on", async () => {
    expect((await moonseal(["policy", "init", "--key", CELL_KEY])).code).toBe(0);
    expect(JSON.parse(await readFile(pinned(), "utf8"))).toMatchObject({
      logs: [{ origin_prefix: "log.example/", key: CELL_KEY }],
      required: 0,
    });
    const shown = await moonseal(["policy", "show"]);
    expect(shown.stdout).toMatch(/every log log\.example\/\*/);
    expect((await moonseal(["verify", EVIDENCE])).code).toBe(0);
  });

  test("init with witnesses: --independent is about the witness before it", async () => {
    const out = join(home, "p.json");
    const argv = ["policy", "init", "--origin", ORIGIN, "--key", CELL_KEY, "--out", out];
    const done = await moonseal([...argv, "--witness", WITNESS_KEY, "--independent", "--required", "1"]);
    expect([done.code, done.stderr]).toEqual([0, ""]);
    const written = JSON.parse(await readFile(out, "utf8"));
    expect(written.witnesses).toEqual([{ key: WITNESS_KEY, independent: true }]);
    expect(written.logs[0].origin).toBe(ORIGIN);
    expect((await moonseal(["verify", EVIDENCE, "--policy", out])).code).toBe(0);
    expect((await moonseal([...argv, "--independent", "--witness", WITNESS_KEY, "--force"])).code).toBe(2);
  });

  test("init never replaces a policy unless it is told to", async () => {
    await moonseal(["policy", "init", "--key", CELL_KEY]);
    const before = await readFile(pinned(), "utf8");
    const again = await moonseal(["policy", "init", "--key", CELL_KEY, "--witness", WITNESS_KEY]);
    expect(again.code).toBe(2);
    expect(again.stderr).toContain("--force");
    expect(await readFile(pinned(), "utf8")).toBe(before);
  });

  test.each<[string, string[]]>([
    ["no key", []],
    ["an API key", ["--key", KEY_EU]],
    ["a witness that is none", ["--key", CELL_KEY, "--witness", CELL_KEY]],
    ["more witnesses than there are", ["--key", CELL_KEY, "--required", "1"]],
  ])("init with %s is wrong usage and writes nothing", async (_, argv) => {
    expect((await moonseal(["policy", "init", ...argv])).code).toBe(2);
    expect(await readdir(home)).toEqual([]);
  });

  test("remember takes the head of a verified checkpoint, and a log that goes back contradicts it", async () => {
    const policy = await put("p.json", JSON.stringify(policyFile()));
    const done = await moonseal(["policy", "remember", CHECKPOINT, "--policy", policy]);
    expect([done.code, done.stderr]).toEqual([0, ""]);
    const { remembered, ...others } = JSON.parse(await readFile(policy, "utf8"));
    expect(others).toEqual(policyFile());
    expect(remembered).toMatchObject([{ origin: ORIGIN, size: 300 }]);
    expect((await moonseal(["verify", CHECKPOINT, "--policy", policy])).code).toBe(0);
  });

  test("remember refuses a checkpoint that nobody trusted signed, and keeps what it had", async () => {
    const policy = await put("p.json", JSON.stringify(policyFile()));
    const before = await readFile(policy, "utf8");
    const forged = await put("c", golden("checkpoint.txt").toString().replace("\n300\n", "\n400\n"));
    expect((await moonseal(["policy", "remember", forged, "--policy", policy])).code).toBe(1);
    const note = parseNote(golden("checkpoint.txt").toString());
    const alone = await put("a", note ? formatNote({ ...note, signatures: note.signatures.slice(0, 1) }) : "");
    expect((await moonseal(["policy", "remember", alone, "--policy", policy])).code).toBe(4);
    expect(await readFile(policy, "utf8")).toBe(before);
  });
});

describe("evidence", () => {
  const domain = domainIdOf("eu");
  const env = { MOONSEAL_URL: "http://log.test", MOONSEAL_KEY: KEY_EU, MOONSEAL_DOMAIN: domain };
  const answering = (text: string) => {
    const asked: string[] = [];
    const fetch = (async (url: string) => {
      asked.push(url);
      return { status: 200, headers: { get: () => null }, text: async () => text };
    }) as unknown as Fetch;
    return { asked, fetch };
  };

  test("downloads the proof of one entry, byte for byte, which then verifies without the server", async () => {
    const { asked, fetch } = answering(golden("entry-255.tlog-proof").toString());
    const out = join(home, "e.tlog-proof");
    const { code } = await moonseal(["evidence", "255", "--out", out], { fetch }, env);
    expect(code).toBe(0);
    expect(asked).toEqual([`http://log.test/v1/domains/${domain}/audit/entries/255/evidence`]);
    expect(await readFile(out)).toEqual(golden("entry-255.tlog-proof"));
    expect((await moonseal(["verify", out, "--policy", POLICY])).code).toBe(0);
    expect((await moonseal(["evidence", "255", "--out", out], { fetch }, env)).code, "never replaces a file").toBe(2);
  });

  test("writes to standard output when no file is named", async () => {
    const { fetch } = answering("c2sp.org/tlog-proof@v1\n");
    expect((await moonseal(["evidence", "an-id"], { fetch }, env)).stdout).toBe("c2sp.org/tlog-proof@v1\n");
  });
});

test("in an empty folder, without a server, settings or a network, the command verifies a file", async () => {
  const folder = join(home, "empty");
  await mkdir(folder);
  await copyFile(EVIDENCE, join(folder, "e.tlog-proof"));
  const argv = ["verify", join(folder, "e.tlog-proof"), "--key", CELL_KEY];
  const { code, stdout, stderr } = await spawnCli(argv, { HOME: folder, MOONSEAL_URL: "http://127.0.0.1:9" });
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^VERIFIED/);
  expect(await readdir(folder)).toEqual(["e.tlog-proof"]);
  const alone = await spawnCli(["verify"], { HOME: folder });
  expect(alone.code).toBe(2);
  expect(alone.stderr).toMatch(/name a file to verify it offline, or a server/);
});
