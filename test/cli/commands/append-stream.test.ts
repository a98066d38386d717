/** `append --ndjson`: what a stream's answer is told as, and how it ends. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import type { Fetch } from "../../../src/client/index.ts";
import { fakeIo, runCli, tempDir } from "../support/run-cli.ts";
import { KEY_EU } from "../support/server-double.ts";

let home: string;
let file: string;
beforeEach(async () => {
  home = await tempDir();
  file = join(home, "events.ndjson");
  await writeFile(file, '{"a":1}\n{broken\n');
});

async function append(argv: string[], answer: object[] | { status: number; body: object }) {
  let sent = "";
  let path = "";
  let headers: { [name: string]: string } = {};
  const fetch: Fetch = async (url, init) => {
    ({ headers } = init);
    path = new URL(url).pathname + new URL(url).search;
    sent = await new Response(init.body as BodyInit).text();
    const refused = "status" in answer;
    const text = refused ? JSON.stringify(answer.body) : answer.map((line) => `${JSON.stringify(line)}\n`).join("");
    async function* chunks() {
      yield new TextEncoder().encode(text);
    }
    const status = refused ? answer.status : 200;
    return { status, headers: { get: () => null }, body: chunks(), text: async () => text };
  };
  const env = {
    MOONSEAL_URL: "http://127.0.0.1:1",
    MOONSEAL_KEY: KEY_EU,
    MOONSEAL_DOMAIN: "dom_eu_01jcy3x8e7f4s9m2k5n8q1r4tv",
  };
  const result = await runCli(["append", ...argv], fakeIo(home, env, { fetch }));
  return { ...result, sent, path, headers };
}

const summary = (more: object = {}) => ({
  summary: { events: 2, stored: 2, replayed: 0, refused: 0, complete: true, ...more },
});
const REFUSED = {
  ...{ index: 1, line: 2, status: "refused" },
  problem: { code: "request.malformed", errors: [{ pointer: "", detail: "not JSON" }] },
};

test("lines go out as they are, and what is refused is named by its line: 1", async () => {
  const { code, stdout, stderr, sent, path } = await append(
    ["--ndjson", file],
    [REFUSED, summary({ stored: 1, refused: 1 })],
  );
  expect(sent).toBe('{"a":1}\n{broken\n');
  expect(path).toMatch(/\/audit\/entries\?mode=partial&results=refused$/);
  expect(stderr).toMatch(/line 2: \(event\): not JSON \(request\.malformed\)\nmoonseal: 1 event stored, 1 refused/);
  expect([code, stdout]).toEqual([1, ""]);
});

test("--json is a result a line, of every event", async () => {
  const stored = { index: 0, line: 1, status: "stored" };
  const { code, stdout, path } = await append(["--ndjson", file, "--json", "--format", "ocsf"], [stored, summary()]);
  expect(path).toMatch(/mode=partial&format=ocsf&results=all$/);
  expect([code, JSON.parse(stdout)]).toEqual([0, stored]);
});

test("a stream that was stopped says where, and with which key to send it again: 3", async () => {
  const stopped = { index: 1, line: 2, problem: { code: "backlog.full", errors: [] }, retry_after_s: 7 };
  const { code, stderr, headers } = await append(["--ndjson", file], [summary({ complete: false, stopped })]);
  expect(stderr).toMatch(/stopped at line 2: backlog\.full; run it again in 7 s with --idempotency-key/);
  expect(stderr).toContain(headers["idempotency-key"]);
  expect(code).toBe(3);
});

test("an answer that breaks off names the key too: 3", async () => {
  const { code, stderr, headers } = await append(["--ndjson", file, "--idempotency-key", "k7"], []);
  expect(headers["idempotency-key"]).toBe("k7");
  expect([code, stderr]).toEqual([3, expect.stringContaining("--idempotency-key k7")]);
});

test("--mode atomic is one request of all lines", async () => {
  const body = { receipts: [], replicated: false };
  const { code, sent, path, headers } = await append(["--ndjson", file, "--mode", "atomic"], { status: 201, body });
  expect(path).toMatch(/\/audit\/entries$/);
  expect(headers["content-type"]).toBe("application/x-ndjson");
  expect([code, sent]).toEqual([0, '{"a":1}\n{broken\n']);
});

test("a file that cannot be read and flags that mean nothing are wrong usage", async () => {
  for (const argv of [
    ["--ndjson", join(home, "none")],
    [file, "--gzip"],
    ["--ndjson", file, "--wait"],
  ]) {
    expect((await append(argv, [summary()])).code).toBe(2);
  }
});
