import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { eventSchema } from "../../src/http/schemas/event.ts";
import { appendCommand, startBox } from "../../src/ops/box.ts";
import type { Demos } from "../../src/ops/demo.ts";
import { freePort, LOOPBACK } from "../../src/ops/free-port.ts";
import { parseOptions } from "../../src/ops/options.ts";
import { localPaths, REPOSITORY } from "../../src/ops/paths.ts";
import { commandOf, endGroup } from "../../src/ops/processes.ts";
import { claimRun, releaseRun, updateRun } from "../../src/ops/run-file.ts";
import { wranglerEnvironment } from "../../src/ops/wrangler.ts";

const url = "http://127.0.0.1:8787";
const demo = (jurisdiction: string) => ({
  tenantId: `tnt_${jurisdiction}_01jcy3x8e7f4s9m2k5n8q1r4tv`,
  tenantName: "Demo",
  domainId: `dom_${jurisdiction}_01jcy3x8e7f4s9m2k5n8q1r4tw`,
  domainName: "demo",
  key: `msk_${jurisdiction}_key`,
});
const demos: Demos = { eu: demo("eu"), us: demo("us") };

describe("the box", () => {
  test("its curl, pasted into a shell, sends one valid event to the demo domain with the demo key", () => {
    const box = startBox(url, demos);
    const from = box.indexOf("curl ");
    const pasted = box.slice(from, box.indexOf("\n\n", from));
    const shell = `curl() { for word in "$@"; do printf '%s\\0' "$word"; done; }\n${pasted}\n`;
    const words = execFileSync("sh", ["-c", shell], { encoding: "utf8" }).split("\0");
    expect(words).toContain(`${url}/v1/domains/${demos.eu.domainId}/audit/entries`);
    expect(words).toContain(`Authorization: Bearer ${demos.eu.key}`);
    expect(words).toContain("Content-Type: application/json");
    const event = JSON.parse(words[words.indexOf("-d") + 1] ?? "");
    expect(eventSchema.safeParse(event)).toMatchObject({ success: true });
  });

  test("shows address, tenant, domain and key of each jurisdiction, the verify line, how to stop and to reset", () => {
    const box = startBox(url, demos);
    for (const { tenantId, domainId, key } of [demos.eu, demos.us]) {
      for (const part of [tenantId, domainId, key]) expect(box).toContain(part);
    }
    expect(box).toContain(appendCommand(url, demos.eu));
    expect(box.replaceAll(" \\\n ", "")).toContain(
      `npx moonseal verify --url ${url} --domain ${demos.eu.domainId} --key ${demos.eu.key}`,
    );
    expect(box).toContain("Ctrl-C");
    expect(box).toContain("npm start -- --fresh");
  });
});

describe("ports", () => {
  test("a taken port is passed over, and so is one that is promised to something else", async () => {
    const taken = createServer().listen(0, LOOPBACK);
    await once(taken, "listening");
    const { port } = taken.address() as { port: number };
    const next = await freePort(port);
    expect(next).toBeGreaterThan(port);
    expect(await freePort(port, [next])).not.toBe(next);
    taken.close();
  });
});

describe("options", () => {
  test("defaults", () => {
    expect(parseOptions([])).toEqual({ port: 8787, once: false, fresh: false, verbose: false, help: false });
  });
  test.each([[["--port", "0"]], [["--port", "65536"]], [["--port", "x"]], [["--unknown"]], [["word"]]])(
    "refuses %j with one line",
    (argv) => {
      expect(() => parseOptions(argv)).toThrow(/^[^\n]+$/);
    },
  );
});

test("S2-31 wrangler never sees the caller's account, its keys or another registry of Workers", () => {
  const environment = wranglerEnvironment("/repo", {
    PATH: "/bin",
    CLOUDFLARE_API_KEY: "global",
    CLOUDFLARE_API_TOKEN: "token",
    CLOUDFLARE_ENV: "production",
    WRANGLER_LOG: "debug",
    CF_API_TOKEN: "old",
  });
  expect(environment).toMatchObject({ PATH: "/bin", CLOUDFLARE_CF_FETCH_ENABLED: "false", CI: "1" });
  expect(environment.WRANGLER_REGISTRY_PATH).toContain("/repo");
  expect(Object.keys(environment).filter((name) => /API|CLOUDFLARE_ENV$|^CF_|WRANGLER_LOG$/.test(name))).toEqual([]);
});

test("an older Node gets one plain line instead of a stack", () => {
  const old = `Object.defineProperty(process.versions, "node", { value: "20.20.2" });`;
  const preload = `data:text/javascript,${encodeURIComponent(old)}`;
  const start = path.join(REPOSITORY, "src/ops/start.mjs");
  const { status, stderr, stdout } = spawnSync(process.execPath, ["--import", preload, start], { encoding: "utf8" });
  expect(status).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^Moonseal needs Node 22\.18 or newer, and this is 20\.20\.2\.[^\n]*\n$/);
});

describe("one run per folder", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), "moonseal-run-"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  test("a killed run's claim is taken over, also when its process id belongs to a stranger by now", async () => {
    expect(await claimRun(root)).toBeNull();
    const stranger = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
    updateRun(root, { pid: stranger.pid ?? 0, url });
    expect(await claimRun(root)).toBeNull();
    expect(JSON.parse(readFileSync(localPaths(root).run, "utf8"))).toEqual({ pid: process.pid });
    releaseRun(root);
    stranger.kill("SIGKILL");
  });

  test("a live run is named and keeps its claim", async () => {
    const program = path.join(root, "src/ops/start-elsewhere.mjs");
    const live = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)", program]);
    await claimRun(root);
    updateRun(root, { pid: live.pid ?? 0, url });
    expect(await claimRun(root)).toEqual({ pid: live.pid, url });
    releaseRun(root);
    expect(await claimRun(root)).toEqual({ pid: live.pid, url });
    live.kill("SIGKILL");
  });
});

describe("nothing is left running", () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), "moonseal-supervisor-"));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  /** A program that, like wrangler, starts a helper of its own and tells both process ids. */
  const program = `
    import { spawn } from "node:child_process";
    const helper = spawn(process.execPath, ["-e", "process.on('SIGTERM', () => {}); setInterval(() => {}, 1000)", "moonseal-helper"]);
    console.log(JSON.stringify({ helper: helper.pid }));
    setInterval(() => {}, 1000);`;

  async function supervised() {
    const file = path.join(root, "program.mjs");
    const log = path.join(root, "dev.log");
    writeFileSync(file, program);
    const supervisor = spawn(process.execPath, [path.join(REPOSITORY, "src/ops/supervisor.ts"), log, "quiet", file]);
    const [line] = await once(supervisor.stdout, "data");
    await expect.poll(() => readFileSync(log, "utf8"), { timeout: 10_000 }).toContain("helper");
    return { supervisor, pid: Number(String(line)), helper: JSON.parse(readFileSync(log, "utf8")).helper as number };
  }

  test("the program and its helpers end when the parent is gone, whatever the terminal sends", async () => {
    const { supervisor, pid, helper } = await supervised();
    supervisor.kill("SIGINT");
    expect(commandOf(pid)).not.toBeNull();
    supervisor.stdin.end();
    await once(supervisor, "exit");
    await expect.poll(() => [commandOf(pid), commandOf(helper)], { timeout: 5000 }).toEqual([null, null]);
  });

  test("a program whose shell was ended, as npm ends it, notices within seconds and can end itself", async () => {
    const file = path.join(root, "orphan.mjs");
    const processes = path.join(REPOSITORY, "src/ops/processes.ts");
    const said = path.join(root, "said");
    writeFileSync(
      file,
      `import { writeFileSync } from "node:fs";
       import { onceOrphaned } from ${JSON.stringify(processes)};
       onceOrphaned(() => { writeFileSync(${JSON.stringify(said)}, "orphaned"); process.exit(0); });
       console.log(process.pid);
       setInterval(() => {}, 1000);`,
    );
    const command = `import { spawn } from "node:child_process"; spawn(process.execPath, [${JSON.stringify(file)}], { stdio: "inherit" });`;
    const shell = spawn(process.execPath, ["--input-type=module", "-e", command]);
    const [line] = await once(shell.stdout, "data");
    const pid = Number(String(line));
    await new Promise((resolve) => setTimeout(resolve, 1200));
    expect(commandOf(pid)).not.toBeNull();
    shell.kill("SIGTERM");
    await expect.poll(() => commandOf(pid), { timeout: 5000 }).toBeNull();
    expect(readFileSync(said, "utf8")).toBe("orphaned");
  });

  test("helpers end when the program crashes", async () => {
    const { supervisor, pid, helper } = await supervised();
    process.kill(pid, "SIGKILL");
    await once(supervisor, "exit");
    await expect.poll(() => commandOf(helper), { timeout: 5000 }).toBeNull();
  });

  test("what outlives a killed supervisor is ended by its group, and a stranger's group is not", async () => {
    const { supervisor, pid, helper } = await supervised();
    supervisor.kill("SIGKILL");
    await endGroup(pid, "somebody else's program");
    expect(commandOf(helper)).not.toBeNull();
    await endGroup(pid, "moonseal-helper");
    expect([commandOf(pid), commandOf(helper)]).toEqual([null, null]);
  });
});
