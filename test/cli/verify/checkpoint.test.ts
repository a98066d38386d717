/** `verify` of a whole log beside the checkpoint that the log signed: what each step says, and which verdict follows. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { toBase64 } from "../../../src/core/bytes.ts";
import { formatNote, parseNote } from "../../../src/core/note.ts";
import { noteSigner } from "../../../src/crypto/signer.ts";
import { ProvedLog, policyJson } from "../../verifier/proved-log.ts";
import { domainIdOf, LogDouble } from "../support/log-double.ts";
import { fakeIo, runCli, tempDir } from "../support/run-cli.ts";
import { KEY_EU, ServerDouble } from "../support/server-double.ts";

const SIZE = 31;
let folder: string;
let log: LogDouble;
let server: ServerDouble;
let env: { [name: string]: string };
let origin: string;

beforeEach(async () => {
  folder = await tempDir();
  log = new LogDouble(domainIdOf("eu")).fill(SIZE - 1);
  origin = `log.test/${log.domainId}`;
  server = new ServerDouble(log);
  env = {
    MOONSEAL_URL: await server.start(),
    MOONSEAL_KEY: KEY_EU,
    MOONSEAL_DOMAIN: log.domainId,
    XDG_STATE_HOME: folder,
  };
  server.checkpoint = proved().checkpoint();
});
afterEach(() => server.stop());

/** The tree of the rows that the server shows now. */
const proved = (of = log, name = `log.test/${of.domainId}`) =>
  new ProvedLog(
    of.rows.map(({ seq, id, prev_hash, entry_hash, payload }) => ({
      ...{ seq, id, prevHash: prev_hash, entryHash: entry_hash, payload },
    })),
    name,
    noteSigner(name, new Uint8Array(32).fill(1)),
  );
/** Another history of the same log: other actors, the same sizes. */
const otherHistory = () => {
  const other = new LogDouble(log.domainId, "another secret");
  return proved(other.fill(SIZE - 1));
};
const policy = async (change: object = {}) => {
  const file = join(folder, "policy.json");
  await writeFile(file, JSON.stringify(policyJson(change, origin)));
  return file;
};
const verify = async (...argv: string[]) => {
  const result = await runCli(["verify", "--json", ...argv], fakeIo(folder, env));
  const report = result.stdout ? JSON.parse(result.stdout) : null;
  const steps = Object.fromEntries(
    (report?.checkpoint.steps ?? []).map(({ step, status }: { step: string; status: string }) => [step, status]),
  );
  return { ...result, report, steps };
};
const isRemembered = () =>
  readFile(join(folder, "moonseal", "heads", `${log.domainId}.json`)).then(
    () => true,
    () => false,
  );

describe("a log that shows what it signed", () => {
  test("is verified up to its checkpoint's root, key and witnesses, and that others saw it is not open any more", async () => {
    const { code, report, steps, stderr } = await verify("--policy", await policy());
    expect([code, stderr]).toEqual([0, ""]);
    expect(steps).toEqual({ checkpoint: "ok", witnesses: "ok", root: "ok" });
    expect(report).toMatchObject({ verdict: "verified", checkpoint: { verdict: "verified", size: SIZE } });
    expect(report.not_checked.join()).not.toMatch(/witness/);
    expect(await isRemembered()).toBe(true);
  });

  test("in words: each step with what it proves, and whom it trusts", async () => {
    const { stdout } = await runCli(["verify", "--policy", await policy()], fakeIo(folder, env));
    expect(stdout).toMatch(/signed checkpoint \(trusting .*policy\.json\):\n {2}ok +checkpoint +a key that you trust/);
    expect(stdout).toMatch(/ok +root +the entries 0 to 30, recomputed here, have exactly this root/);
  });

  test("without anybody to trust is verified as before, its root too, and what nobody vouches for is said", async () => {
    const { code, report, steps } = await verify();
    expect(code).toBe(0);
    expect(steps).toEqual({ checkpoint: "not_checked", witnesses: "not_checked", root: "ok" });
    expect(report.checkpoint).toMatchObject({ verdict: "could_not_check", policy: null });
    expect(report.not_checked.join()).toMatch(/no signature that you trust/);
  });

  test("with an API key and a verifier key, each given as --key, trusts that key", async () => {
    const [{ key = "" } = {}] = policyJson({}, origin).logs;
    const { MOONSEAL_KEY: _, ...others } = env;
    env = others;
    const { code, steps } = await verify("--key", KEY_EU, "--key", key);
    expect([code, steps]).toEqual([0, { checkpoint: "ok", witnesses: "not_checked", root: "ok" }]);
  });

  test("that has grown past its checkpoint says which entries no checkpoint covers yet", async () => {
    log.fill(4);
    const { code, report, steps } = await verify("--policy", await policy());
    expect([code, steps.root]).toEqual([0, "ok"]);
    expect(report.not_checked.join()).toContain(`entries ${SIZE} to ${SIZE + 3}: no signed checkpoint covers them yet`);
  });

  test("of which only a part is read says that the root was not recomputed", async () => {
    for (const part of [["--from", "5"], ["--to", "9"], ["--since-head"]]) {
      await verify();
      const { code, report, steps } = await verify(...part, "--policy", await policy());
      expect([code, steps.root], part.join(" ")).toEqual([0, "not_checked"]);
      // The signature and the witnesses hold, but not for what was read.
      expect(report.not_checked.join()).toContain("no independent witness is involved");
    }
  });

  test("and an earlier head that the policy remembers: extended, or contradicted", async () => {
    const remembered = (root: Uint8Array) => policy({ remembered: [{ origin, size: 20, root: toBase64(root) }] });
    const good = await verify("--policy", await remembered(proved().root(20)));
    expect([good.code, good.steps.remembered]).toEqual([0, "ok"]);
    const bad = await verify("--no-remember", "--policy", await remembered(otherHistory().root(20)));
    expect([bad.code, bad.steps.remembered]).toEqual([5, "failed"]);
    expect(bad.report.verdict).toBe("contradicts_remembered_head");
  });
});

describe("a log that does not show what it signed", () => {
  test.each<[string, () => string, RegExp]>([
    ["another root for as many entries", () => otherHistory().checkpoint(), /have another root/],
    ["another root for fewer entries", () => otherHistory().checkpoint(12), /have another root/],
    ["more entries than it shows", () => proved(new LogDouble(log.domainId).fill(SIZE + 5)).checkpoint(), /cut off/],
    ["the checkpoint of another log", () => proved(log, `log.test/${domainIdOf("eu", 9)}`).checkpoint(), /another log/],
    ["no checkpoint at all but some words", () => "hello\n", /not a checkpoint/],
  ])("%s: refuted with exit code 1, and its head is not remembered", async (_, note, words) => {
    server.checkpoint = note();
    const { code, report } = await verify();
    expect([code, report.verdict]).toEqual([1, "refuted"]);
    expect(JSON.stringify(report.checkpoint.steps)).toMatch(words);
    expect(await isRemembered()).toBe(false);
  });

  test("with a wrong signature of the log's key is refuted", async () => {
    const note = parseNote(proved().checkpoint());
    if (!note) throw new Error("no note");
    const [first, ...others] = note.signatures;
    const signature = first!.signature.map((byte, i) => (i === 9 ? byte ^ 1 : byte));
    server.checkpoint = formatNote({ ...note, signatures: [{ ...first!, signature }, ...others] });
    const { code, steps } = await verify("--policy", await policy());
    expect([code, steps.checkpoint]).toEqual([1, "failed"]);
  });
});

describe("a log without what the policy asks for", () => {
  test("with no checkpoint: could not check when a policy was named, verified otherwise, and said in both", async () => {
    server.checkpoint = null;
    const named = await verify("--policy", await policy());
    expect([named.code, named.report.verdict]).toEqual([3, "could_not_check"]);
    const plain = await verify();
    expect(plain.code).toBe(0);
    for (const { report } of [named, plain]) expect(report.not_checked.join()).toMatch(/no checkpoint stands behind/);
  });

  test("with a key that the policy does not know: could not check", async () => {
    const other = `other.test/${log.domainId}`;
    server.checkpoint = proved(log, other).checkpoint();
    const { code, steps } = await verify("--policy", await policy());
    expect([code, steps.checkpoint, steps.root]).toEqual([3, "not_checked", "ok"]);
  });

  test("without enough independent witnesses: not witnessed, 4", async () => {
    server.checkpoint = proved().checkpoint(SIZE, null);
    const { code, report, steps } = await verify("--policy", await policy());
    expect([code, report.verdict, steps.root]).toEqual([4, "not_witnessed", "ok"]);
    expect(report.not_checked.join()).toContain("no independent witness is involved");
  });

  test.each([401, 403, 503])(
    "where the checkpoint is answered by %i: verified as far as the entries go, and said",
    async (status) => {
      server.checkpoint = status;
      const { code, report } = await verify();
      expect([code, report.verdict]).toEqual([0, "verified"]);
      expect(report.not_checked.join()).toMatch(/no checkpoint stands behind/);
      expect((await verify("--policy", await policy())).code).toBe(3);
    },
  );

  test("--policy beside --server is wrong usage: the server's word has no checkpoint", async () => {
    expect((await verify("--policy", await policy(), "--server")).code).toBe(2);
  });
});
