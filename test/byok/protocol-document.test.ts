/** docs/key-service-protocol.md is what happens: its server is started and used, its examples are what the client sends. */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { setKeyServiceSchema } from "../../src/http/schemas/key-service.ts";
import { REPOSITORY } from "../../src/ops/paths.ts";
import { KEY_SERVICE_ACTIONS } from "../../src/services/keys/key-service-jobs.ts";
import { connectKeyService } from "../../src/storage/key-services/connect.ts";
import { failureOf, KEY, keepsTheContract, OTHER_TENANT, TENANT } from "./support/contract.ts";

const document = readFileSync(path.join(REPOSITORY, "docs/key-service-protocol.md"), "utf8");
const blocks = (language: string) =>
  [...document.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
    ([, text]) => text as string,
  );
const TOKEN = "a-secret-of-16-characters-or-more";

describe("S3-41 the server of the document", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "moonseal-key-service-"));
  const revoked = path.join(folder, "revoked");
  let server: ChildProcess;
  let url: string;

  beforeAll(async () => {
    writeFileSync(path.join(folder, "key-service.mjs"), blocks("js")[0] ?? "");
    const WRAPPING_KEY = Buffer.alloc(32, 5).toString("base64");
    const env = { PATH: process.env.PATH ?? "", TOKEN, WRAPPING_KEY, TENANTS: TENANT, PORT: "0" };
    server = spawn(process.execPath, ["key-service.mjs"], { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
    const port = await new Promise<string>((resolve, reject) => {
      server.stdout?.once("data", (line) => resolve(/listening on (\d+)/.exec(String(line))?.[1] ?? ""));
      server.once("exit", (code) => reject(new Error(`the server ended with ${code}`)));
    });
    url = `http://127.0.0.1:${port}/moonseal`;
  });
  afterAll(() => {
    server.kill();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => rmSync(revoked, { force: true }));

  const client = (token = TOKEN) =>
    connectKeyService({ kind: "https", url }, { kind: "https", token }, { local: true });

  keepsTheContract(() => ({
    service: client(),
    revoke: () => writeFileSync(revoked, ""),
    restore: () => rmSync(revoked),
  }));

  test("refuses a wrong token, a tenant that is not its own, and what it cannot read", async () => {
    expect((await failureOf(client("another-token-of-nobody").wrap(TENANT, KEY, 1))).words).toContain("401");
    expect((await failureOf(client().wrap(OTHER_TENANT, KEY, 1))).words).toContain("404");
    const headers = { Authorization: `Bearer ${TOKEN}` };
    for (const body of ["", "{", "null", "[]"]) {
      expect((await fetch(`${url}/v1/wrap`, { method: "POST", headers, body })).status, body).toBe(400);
    }
    const long = await fetch(`${url}/v1/wrap`, { method: "POST", headers, body: " ".repeat(65_537) }).catch(() => null);
    expect(long?.status ?? 413).toBe(413);
  });

  test("has the 40 lines that the document promises", () => {
    const lines = (blocks("js")[0] ?? "").split("\n").filter((line) => line.trim() !== "");
    expect(lines).toHaveLength(40);
  });
});

describe("S3-41 the examples of the document", () => {
  const [wrap = "", , unwrap = ""] = blocks("http");
  const answers = blocks("http").filter((block) => block.startsWith("HTTP/1.1 200"));
  const bodyOf = (message = "") => message.split("\n\n")[1]?.trim() ?? "";
  const key = Uint8Array.from({ length: 32 }, (_, i) => i);

  /** The request that a client makes when the service answers as documented, in the words of the document. */
  async function sent(ask: (client: ReturnType<typeof connectKeyService>) => Promise<unknown>, answer: string) {
    let seen = "";
    const fetched = async (address: string, init: RequestInit) => {
      const { host, pathname } = new URL(address);
      const headers = Object.entries(init.headers as Record<string, string>).map(
        ([name, value]) => `${name}: ${value}\n`,
      );
      seen = `${init.method} ${pathname} HTTP/1.1\nHost: ${host}\n${headers.join("")}\n${init.body}\n`;
      return new Response(answer);
    };
    const settings = { kind: "https", url: "https://keys.acme.example/moonseal" } as const;
    const wire = { fetch: fetched, timeoutMs: 1000 };
    const result = await ask(connectKeyService(settings, { kind: "https", token: TOKEN }, { local: false, wire }));
    return { seen, result };
  }

  test("are what the client sends, byte by byte, and answers that it takes", async () => {
    const wrapped = JSON.parse(bodyOf(answers[0])).wrapped as string;
    const first = await sent((client) => client.wrap(TENANT, key, 3), bodyOf(answers[0]));
    expect(first.seen).toBe(wrap);
    expect(first.result).toBe(wrapped);
    const second = await sent((client) => client.unwrap(TENANT, wrapped, 3), bodyOf(answers[1]));
    expect(second.seen).toBe(unwrap);
    expect(second.result).toEqual(key);
  });

  test("of settings are settings that the API takes", () => {
    const settings = blocks("json")
      .map((text) => JSON.parse(text) as object)
      .filter((example) => "kind" in example);
    expect(settings).toHaveLength(2);
    for (const example of settings) expect(setKeyServiceSchema.safeParse(example).error).toBeUndefined();
  });
});

describe("S3-41 the numbers and names of the document", () => {
  test("are those of the product", () => {
    expect(LIMITS.unwrappedKeyMs).toBe(60_000);
    expect(document).toContain("readable here within 60 seconds");
    expect(LIMITS.keyServiceRetryMs).toBe(5000);
    expect(document).toContain("leaves the service alone for 5 seconds");
    expect(LIMITS.keyServiceTimeoutMs).toBe(5000);
    expect(LIMITS.keyServiceAnswerBytes).toBe(16 * 1024);
    expect(document).toContain("At most 5 seconds for a call and 16 KiB for an answer");
    expect(document).toContain(`at most ${LIMITS.wrappedKeyChars.toLocaleString("en")} characters`);
    for (const action of KEY_SERVICE_ACTIONS) expect(document).toContain(`\`${action}\``);
  });

  test("are files that exist", () => {
    const named = [...document.matchAll(/`((?:src|test|docs)\/[^`\s]+)`/g)].map((match) => match[1] ?? "");
    expect(named.length).toBeGreaterThan(2);
    expect(named.filter((file) => !existsSync(path.join(REPOSITORY, file)))).toEqual([]);
  });
});
