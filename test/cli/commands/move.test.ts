/** `moonseal move`: what is sent of a log that moves, what is never sent, and what two exports prove. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Io } from "../../../src/cli/io.ts";
import type { Fetch } from "../../../src/client/index.ts";
import { noteSigner } from "../../../src/crypto/signer.ts";
import { movePolicyJson, NEW_ORIGIN, newExport, oldExport, truth } from "../../verifier/moved-log.ts";
import { logSigner, ORIGIN } from "../../verifier/proved-log.ts";
import { domainIdOf, LogDouble } from "../support/log-double.ts";
import { fakeIo, runCli, tempDir } from "../support/run-cli.ts";
import { KEY_EU, ServerDouble, TENANT } from "../support/server-double.ts";

const KEY_OF_OLD = logSigner().verifierKey;
const NEW_DOMAIN = NEW_ORIGIN.slice(NEW_ORIGIN.indexOf("/") + 1);
const AGAIN = /; run the same command again: it goes on where it stopped\n$/;
let home: string;
let server: ServerDouble;
let log: LogDouble;
let url: string;
let archive: Uint8Array;
let moved: Uint8Array;
let policy: string;
let old: string;

beforeAll(async () => {
  archive = await oldExport();
  moved = await newExport(truth(archive));
});
beforeEach(async () => {
  home = await tempDir();
  log = new LogDouble(domainIdOf("eu"));
  server = new ServerDouble(log);
  url = await server.start();
  old = await put("old.zip", archive);
  policy = await put("policy.json", JSON.stringify(movePolicyJson()));
});
afterEach(() => server.stop());

async function put(name: string, content: string | Uint8Array): Promise<string> {
  await writeFile(join(home, name), content);
  return join(home, name);
}
const move = (argv: string[], more: Partial<Io> = {}, key: string | null = KEY_EU) => {
  const env = { MOONSEAL_URL: url, MOONSEAL_DOMAIN: log.domainId, ...(key === null ? {} : { MOONSEAL_KEY: key }) };
  return runCli(["move", ...argv], fakeIo(home, env, more));
};
const posts = () => server.seen.filter(({ method }) => method === "POST");
const altered = () => {
  const bytes = archive.slice();
  bytes[200] = (bytes[200] as number) ^ 1;
  return put("altered.zip", bytes);
};

describe("S0-25 move announce", () => {
  test("S0-25 writes one entry with the new domain as its only target, and prints its seq", async () => {
    const { code, stdout } = await move(["announce", "--to", NEW_DOMAIN]);
    expect([code, stdout]).toEqual([0, `${log.rows.length - 1}\n`]);
    const { action, targets } = JSON.parse(log.rows.at(-1)?.payload ?? "{}");
    expect([action, targets]).toEqual(["move.announced", [{ type: "domain", id: NEW_DOMAIN }]]);
    expect(posts()).toHaveLength(1);
  });

  test("S0-25 writes it once, whatever becomes of the answer", async () => {
    const before = log.rows.length;
    server.faults.push({ kind: "lose-answer" }, { kind: "refuse", status: 503 });
    expect((await move(["announce", "--to", NEW_DOMAIN])).code).toBe(0);
    expect([posts().length, log.rows.length]).toEqual([3, before + 1]);
  });

  test.each([
    ["the log itself", () => log.domainId, /does not move into itself/],
    ["a tenant", () => TENANT, /--to must be a domain id/],
    ["nothing that is known", () => "somewhere", /--to must be a domain id/],
  ])("sends nothing when --to is %s", async (_, to, said) => {
    const { code, stderr } = await move(["announce", "--to", to()]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(said)]);
    expect(server.seen).toEqual([]);
  });
});

describe("S0-25 move import", () => {
  test("S0-25 sends the very bytes, with the key that proves them, and waits until every entry is there", async () => {
    server.imports.looks = [
      { status: "queued" },
      { status: "running", progress: { imported: 3, total: 6 } },
      { status: "done", progress: { imported: 6, total: 6 }, private_values: { carried: 0, left_behind: 0 } },
    ];
    const { code, stdout, stderr } = await move(["import", old, "--policy", policy]);
    expect([code, stdout, stderr]).toEqual([0, "6 entries moved\n", ""]);
    expect(server.imports.taken).toMatchObject({ key: KEY_OF_OLD });
    expect(server.imports.taken?.archive.equals(archive)).toBe(true);
    expect(server.seen.filter(({ method }) => method === "GET")).toHaveLength(3);
  });

  test("S0-25 takes the API key and the old log's key as two --key, and sends the API key to the server alone", async () => {
    const { code } = await move(["import", old, "--key", KEY_EU, "--key", KEY_OF_OLD], {}, null);
    expect([code, server.imports.taken?.key]).toEqual([0, KEY_OF_OLD]);
    expect(posts()[0]?.path).not.toContain(KEY_EU);
  });

  test("S0-25 of several keys of the old log that are trusted it names the one that signed the archive", async () => {
    const other = noteSigner(ORIGIN, new Uint8Array(32).fill(9)).verifierKey;
    const { code } = await move(["import", old, "--key", other, "--key", KEY_OF_OLD]);
    expect([code, server.imports.taken?.key]).toEqual([0, KEY_OF_OLD]);
  });

  test("S0-25 run again after the answer was lost is the same import", async () => {
    server.faults.push({ kind: "lose-answer" });
    const lost = await move(["import", old, "--policy", policy]);
    expect([lost.code, lost.stdout, server.imports.taken !== null]).toEqual([3, "", true]);
    expect(lost.stderr).toMatch(AGAIN);
    const again = await move(["import", old, "--policy", policy]);
    expect([again.code, again.stdout]).toEqual([0, "6 entries moved\n"]);
  });

  test.each([
    ["while it is sent", "POST"],
    ["while it waits", "GET"],
  ])("S0-25 an outage of the server %s ends with 3 and says to run the same command again", async (_, method) => {
    const refused: Fetch = async (address, init) =>
      (init?.method ?? "GET") === method && String(address).includes("/imports")
        ? Response.json({ status: 503, code: "storage.unavailable", title: "A store did not answer" }, { status: 503 })
        : fetch(address, init);
    const away = await move(["import", old, "--policy", policy], { fetch: refused, random: () => 0 });
    expect([away.code, away.stdout]).toEqual([3, ""]);
    expect(away.stderr).toMatch(AGAIN);
    const again = await move(["import", old, "--policy", policy]);
    expect([again.code, again.stdout]).toEqual([0, "6 entries moved\n"]);
  });

  test("S0-25 a credential that is refused is not tried again", async () => {
    server.faults.push({ kind: "refuse", status: 403 });
    const refused = await move(["import", old, "--policy", policy]);
    expect([refused.code, refused.stdout]).toEqual([3, ""]);
    expect(refused.stderr).not.toMatch(/run the same command again/);
  });

  test.each<[string, () => Promise<string> | string, string[], number, RegExp]>([
    ["is altered", altered, [], 1, /is no export that the policy proves: nothing was sent/],
    ["is no archive", () => put("x.zip", "no zip"), [], 1, /is no export that the policy proves: nothing was sent/],
    ["is not there", () => join(home, "none.zip"), [], 2, /cannot read .*none\.zip: ENOENT/],
  ])("sends nothing when the archive %s", async (_, path, flags, wanted, said) => {
    const { code, stderr } = await move(["import", await path(), "--policy", policy, ...flags]);
    expect([code, stderr]).toEqual([wanted, expect.stringMatching(said)]);
    expect(server.seen).toEqual([]);
  });

  test("sends nothing when no key of the old log is trusted, and says what to name", async () => {
    const other = noteSigner("other.test/log", new Uint8Array(32).fill(9)).verifierKey;
    for (const flags of [[], ["--key", other]]) {
      const { code, stdout, stderr } = await move(["import", old, ...flags]);
      expect([code, stdout]).toEqual([1, expect.stringMatching(/^COULD NOT CHECK/)]);
      expect(stderr).toMatch(/old\.zip is no export that the policy proves: nothing was sent/);
    }
    expect(server.seen).toEqual([]);
  });

  test("ends with 1 when the cell refuses it, with the code and why, also as JSON", async () => {
    const refusal = { code: "not_for_this_domain" as const, detail: "its log does not say that it moves\u001b[2J" };
    server.imports.looks = [{ status: "refused", refusal }];
    const { code, stdout, stderr } = await move(["import", old, "--policy", policy]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^moonseal: refused \(not_for_this_domain\): its log does not say that it moves/);
    expect(stderr).not.toContain("\u001b");
    const json = await move(["import", old, "--policy", policy, "--json"]);
    expect([json.code, JSON.parse(json.stdout)]).toEqual([1, expect.objectContaining({ status: "refused", refusal })]);
  });

  test("says how many private values stayed behind", async () => {
    const values = { carried: 2, left_behind: 4 };
    server.imports.looks = [{ status: "done", progress: { imported: 6, total: 6 }, private_values: values }];
    const { code, stderr } = await move(["import", old, "--policy", policy]);
    expect([code, stderr]).toEqual([0, "moonseal: 4 private values stayed behind, 2 came along\n"]);
  });

  test("another archive into a domain that has one is refused by the server: 1", async () => {
    await move(["import", old, "--policy", policy]);
    const { code, stderr } = await move(["import", await put("new.zip", moved), "--policy", policy]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/import\.exists/)]);
  });
});

describe("S0-25 move verify", () => {
  const noServer = (async () => {
    throw new Error("nobody may be asked");
  }) as unknown as Fetch;
  const verify = (...argv: string[]) => move(["verify", ...argv], { fetch: noServer });

  test("S0-25 verifies offline from the two exports: 0, also as JSON", async () => {
    const after = await put("new.zip", moved);
    const { code, stdout } = await verify(old, after, "--policy", policy);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^VERIFIED: the move of log\.test\/dom_eu/)]);
    const json = await verify(old, after, "--policy", policy, "--json");
    expect([json.code, JSON.parse(json.stdout).verdict]).toEqual([0, "verified"]);
    expect(await readFile(old)).toEqual(Buffer.from(archive));
  });

  test("S0-25 refutes a new log that lacks an entry: 1, and the step that says so", async () => {
    const short = await newExport(truth(archive).filter((_, i) => i !== 4));
    const { code, stdout } = await verify(old, await put("new.zip", short), "--policy", policy);
    expect([code, stdout]).toEqual([
      1,
      expect.stringMatching(/^REFUTED[^]*FAILED +entries +entry 4 is not the translation of entry 2/),
    ]);
  });

  test("S0-25 refutes an export that was altered, and the two in the wrong order: 1", async () => {
    const after = await put("new.zip", moved);
    expect((await verify(await altered(), after, "--policy", policy)).code).toBe(1);
    expect((await verify(after, old, "--policy", policy)).code).toBe(1);
  });

  test("S0-25 could not check without a key that is trusted: 3", async () => {
    const { code, stdout } = await verify(old, await put("new.zip", moved));
    expect([code, stdout]).toEqual([3, expect.stringMatching(/^COULD NOT CHECK/)]);
  });

  test("a file that is not there is wrong usage: 2", async () => {
    const { code, stderr } = await verify(old, join(home, "none.zip"), "--policy", policy);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/cannot read .*none\.zip: ENOENT/)]);
  });
});
