import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Fetch } from "../../../src/client/index.ts";
import vector from "../../vectors/erasure-certificate.json" with { type: "json" };
import { domainIdOf } from "../support/log-double.ts";
import { fakeIo, runCli, tempDir } from "../support/run-cli.ts";
import { KEY_EU } from "../support/server-double.ts";

const DOMAIN = domainIdOf("eu");
const ID = vector.certificate.erasure;
const counts = {
  object_rows: 0,
  object_mappings: 0,
  keys: 1,
  ledger_rows: 3,
  ledger_mappings: 1,
  archive_pages: 1,
  entries: 3,
};
const erasure = (status: string) => ({
  erasure_id: ID,
  status,
  pseudonym: "0".repeat(64),
  known: true,
  counts,
  entry: null,
  certificate_url: status === "finishing" ? null : "/somewhere",
});

/** Answers in order; what was asked is kept. */
function server(...answers: (object | string)[]) {
  const asked: { method: string; url: string; body: string | undefined }[] = [];
  const fetch = (async (url: string, init: { method: string; body?: string }) => {
    asked.push({ method: init.method, url, body: init.body });
    const answer = answers.shift();
    const text = typeof answer === "string" ? answer : JSON.stringify(answer);
    return { status: 200, headers: { get: () => null }, text: async () => text };
  }) as unknown as Fetch;
  return { asked, fetch };
}

const settings = { MOONSEAL_URL: "http://log.test", MOONSEAL_KEY: KEY_EU };
const stdin = (text: string) =>
  (async function* () {
    yield text;
  })();

describe("erase-identity", () => {
  test("the identity id comes from standard input and goes into the body alone", async () => {
    const { asked, fetch } = server(erasure("executed"));
    const io = fakeIo(await tempDir(), settings, { fetch, stdin: stdin("usr_42\nmore") });
    const { code, stdout, stderr } = await runCli(["erase-identity", DOMAIN, "--reference", "DSR-17"], io);
    expect(code, stderr).toBe(0);
    expect(asked).toEqual([
      {
        method: "POST",
        url: `http://log.test/v1/domains/${DOMAIN}/audit/erase-identity`,
        body: JSON.stringify({ identity_id: "usr_42", request_reference: "DSR-17" }),
      },
    ]);
    expect(stdout).toMatch(/^ERASED\n/);
    expect(stdout + stderr).not.toContain("usr_42");
  });

  test("with --certificate it waits until the erasure is finished and writes the note", async () => {
    const { asked, fetch } = server(erasure("finishing"), erasure("finishing"), erasure("executed"), vector.note);
    const home = await tempDir();
    const io = fakeIo(home, settings, { fetch, stdin: stdin("usr_42") });
    const file = join(home, "certificate.txt");
    expect((await runCli(["erase-identity", DOMAIN, "--certificate", file], io)).code).toBe(0);
    expect(asked.length).toBe(4);
    const check = await runCli(["verify-certificate", file, "--key", vector.verifier_key], fakeIo(home));
    expect(check).toMatchObject({ code: 0, stdout: expect.stringMatching(/^VERIFIED\n/) });
  });

  test.each([
    ["", 2],
    ["\n", 2],
    ["x".repeat(300), 2],
  ])("standard input %j is a usage error", async (text, expected) => {
    const { asked, fetch } = server();
    const io = fakeIo(await tempDir(), settings, { fetch, stdin: stdin(text) });
    expect((await runCli(["erase-identity", DOMAIN], io)).code).toBe(expected);
    expect(asked).toEqual([]);
  });
});
