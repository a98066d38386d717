/** `bundle`: what it writes is a whole bundle, or nothing is written. */

import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { bundleCommand } from "../../../src/cli/commands/bundle.ts";
import { describeError } from "../../../src/cli/errors.ts";
import { bundleOf, log } from "../../services/bundle/bundle-of.ts";
import { DOMAIN } from "../../verifier/proved-log.ts";
import { fakeIo, tempDir } from "../support/run-cli.ts";
import { KEY_EU } from "../support/server-double.ts";

const archive = await bundleOf(log.rangeSet(3, 14));
let folder: string;
let out: string;
let stop: () => void = () => {};
beforeEach(async () => {
  folder = await tempDir();
  out = join(folder, "export.tar");
});
afterEach(() => stop());

async function bundle(answer: RequestListener, ...argv: string[]) {
  const seen: { url: string; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    seen.push({ url: request.url ?? "", authorization: request.headers.authorization });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  stop = () => void server.closeAllConnections();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const io = fakeIo(folder, { MOONSEAL_URL: url, MOONSEAL_KEY: KEY_EU, MOONSEAL_DOMAIN: DOMAIN });
  const session = { io, exitCode: 0, keys: [] };
  const program = new Command().exitOverride().addCommand(bundleCommand(session as never));
  const failure = await program.parseAsync(["bundle", "--out", out, ...argv], { from: "user" }).then(
    () => null,
    (error: unknown) => describeError(error),
  );
  server.close();
  return { seen, code: failure?.exitCode ?? session.exitCode, message: failure?.message ?? io.stderr.text };
}
const whole: RequestListener = (_, response) => response.writeHead(200).end(archive);

describe("bundle", () => {
  test("writes the archive as it came, readable by its owner only, and says how to verify it", async () => {
    const { seen, code, message } = await bundle(whole, "--from", "3", "--to", "14");
    expect([code, message]).toEqual([
      0,
      `moonseal: wrote 12 entries to ${out}; verify it with: moonseal verify ${out}\n`,
    ]);
    expect(seen).toEqual([
      { url: `/v1/domains/${DOMAIN}/audit/bundle?from=3&to=14`, authorization: `Bearer ${KEY_EU}` },
    ]);
    expect(new Uint8Array(await readFile(out))).toEqual(archive);
    expect((await stat(out)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(["export.tar"]);
  });

  test.each<[string, RequestListener, number, RegExp]>([
    ["is cut off", (_, response) => response.writeHead(200).end(archive.subarray(0, 5000)), 3, /no whole bundle/],
    ["is another thing", (_, response) => response.writeHead(200).end("hello"), 3, /no whole bundle/],
    [
      "breaks off",
      (_, response) => {
        response.writeHead(200, { "content-length": archive.length });
        response.write(archive.subarray(0, 5000), () => response.destroy());
      },
      3,
      /broke off/,
    ],
    ["never comes", (request) => request.socket.destroy(), 3, /broke off/],
    ["leads elsewhere", (_, response) => response.writeHead(302, { location: "http://evil.test" }).end(), 1, /302/],
    [
      "is a problem",
      (_, response) => response.writeHead(422).end(JSON.stringify({ title: "A limit", code: "limit.reached" })),
      1,
      /limit\.reached/,
    ],
    ["needs another key", (_, response) => response.writeHead(401).end("{}"), 3, /401/],
  ])("leaves nothing behind when the answer %s", async (_, answer, exitCode, words) => {
    const { code, message } = await bundle(answer);
    expect(message).toMatch(words);
    expect(code).toBe(exitCode);
    expect(await readdir(folder)).toEqual([]);
  });

  test("replaces no file unless told, and asks nothing before it knows", async () => {
    await writeFile(out, "mine");
    const { seen, code, message } = await bundle(whole);
    expect([code, seen]).toEqual([2, []]);
    expect(message).toContain("--force");
    expect(await readFile(out, "utf8")).toBe("mine");
    stop();
    expect((await bundle(whole, "--force")).code).toBe(0);
    expect(new Uint8Array(await readFile(out))).toEqual(archive);
  });

  test("refuses a range the wrong way round, and a folder that is not there", async () => {
    expect(await bundle(whole, "--from", "9", "--to", "3")).toMatchObject({ code: 2, seen: [] });
    stop();
    out = join(folder, "nowhere", "x.tar");
    expect(await bundle(whole)).toMatchObject({ code: 2, seen: [], message: expect.stringContaining("ENOENT") });
  });
});
