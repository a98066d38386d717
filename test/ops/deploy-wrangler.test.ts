/** What provisioning and the gate rest on, with the real wrangler: over an account double where it needs one, else offline. */
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { deploy } from "../../src/ops/deploy.ts";
import { accountEnvironment, accountWrangler, type Ran, type RunAccount } from "../../src/ops/deploy-account.ts";
import { NO_PROVISIONING } from "../../src/ops/deploy-gate.ts";
import { committedConfig } from "../../src/ops/paths.ts";
import { provision } from "../../src/ops/provision.ts";
import { Account } from "./support/account.ts";
import { type ApiDouble, startApi } from "./support/api-double.ts";
import { Deployment, listen } from "./support/deployment.ts";
import { escrowFile, expectProvisioned, fastKey, PASSPHRASE, READ_BACK_AT } from "./support/provisioning.ts";
import { WranglerDouble } from "./support/wrangler-double.ts";

const SOURCES = ["src", "durable-objects", "docs", "public", "test/vectors", "package.json", "tsconfig.json"];

let deployment: Deployment;
let account: Account;
let api: ApiDouble;
let run: RunAccount;

beforeEach(async () => {
  deployment = new Deployment(...SOURCES);
  account = new Account();
  api = await startApi(account);
  run = accountWrangler(deployment.root, api.env);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await api.close();
  deployment.remove();
});

const config = () => committedConfig(deployment.root, "eu");

test("S0-24 the real wrangler provisions a cell through the real commands, and says no secret aloud", async () => {
  const said = listen();
  const heard: Ran[] = [];
  const listening: RunAccount = async (args, input) => {
    const ran = await run(args, input);
    heard.push(ran);
    return ran;
  };
  const code = await provision(
    ["--jurisdiction", "eu", "--root", deployment.root, "--escrow", escrowFile(deployment)],
    {
      run: listening,
      ask: async () => PASSPHRASE,
      random: (byteLength) => randomBytes(byteLength),
      now: () => new Date(READ_BACK_AT),
      deriveKey: fastKey,
    },
  );
  expect(said.text()).toContain("is provisioned");
  expect(code).toBe(0);
  expectProvisioned(deployment, account);
  for (const secret of account.secretsOf("moonseal-cell-eu").values()) {
    expect(heard.filter(({ stdout, stderr }) => (stdout + stderr).includes(secret))).toEqual([]);
  }
}, 240_000);

test("the double answers what the real wrangler prints, command by command", async () => {
  const double = new WranglerDouble(new Account());
  const id = () => double.account.databases[0]?.uuid ?? "";
  const c = ["-c", config()];
  const sql = (text: string) => ["d1", "execute", "CONTROL", ...c, "--remote", "--json", "--command", text];
  const create = ["--jurisdiction", "eu", "--no-update-config", ...c];
  const bucket = ["r2", "bucket", "info", "moonseal-log-eu"];
  const commands: [args: () => string[], input?: string][] = [
    [() => ["d1", "list", "--json", ...c]],
    [() => ["d1", "info", "00000000-0000-4000-8000-000000000000", "--json", ...c]],
    [() => ["d1", "create", "moonseal-control-eu", ...create]],
    [() => ["d1", "create", "moonseal-control-eu", ...create]],
    [() => ["d1", "list", "--json", ...c]],
    [() => ["d1", "info", id(), "--json", ...c]],
    [() => sql("SELECT name FROM d1_migrations ORDER BY id")],
    [() => ["d1", "migrations", "apply", "CONTROL", ...c, "--remote"]],
    [() => sql("SELECT name FROM d1_migrations ORDER BY id")],
    [() => ["d1", "info", "CONTROL", "--json", ...c]],
    [() => [...bucket, "--jurisdiction", "eu", "--json", ...c]],
    [() => ["r2", "bucket", "create", "moonseal-log-eu", ...create]],
    [() => ["r2", "bucket", "create", "moonseal-log-eu", ...create]],
    [() => [...bucket, "--jurisdiction", "eu", "--json", ...c]],
    [() => [...bucket, "--json", ...c]],
    [() => ["secret", "list", "--format", "json", ...c]],
    [() => ["secret", "put", "API_KEY_PEPPER", ...c], "a value"],
    [() => ["secret", "put", "LOG_SIGNING_KEY", ...c], "another"],
    [() => ["secret", "list", "--format", "json", ...c]],
  ];
  for (const [args, input] of commands) {
    const doubled = await double.run(args(), input);
    // Both accounts give the same ids, so that what is printed can be compared.
    const real = await run(args(), input);
    for (const [at, database] of double.account.databases.entries()) {
      const same = account.databases[at];
      if (same) same.uuid = database.uuid;
    }
    expect({ args: args(), ...essence(real) }).toEqual({ args: args(), ...essence(doubled) });
  }
  expect(account.secretsOf("moonseal-cell-eu")).toEqual(double.account.secretsOf("moonseal-cell-eu"));
}, 240_000);

/** Exit code, JSON in full, and of the words those that decide something. */
function essence({ code, stdout, stderr }: Ran) {
  const json = /^\s*[[{]/.test(stdout) && code === 0 ? JSON.parse(stdout) : null;
  const words = `${stdout}\n${stderr}`;
  const telling =
    /already exists|Couldn't find a D1 DB|\[code: \d+\]|Worker "[^"]*" not found|no such table: \w+|✨ Success! .*|✅ Created bucket .*|Migrations to be applied|Creating new Worker/g;
  return { code, json, telling: words.match(telling) ?? [] };
}

describe("S0-24 automatic provisioning", () => {
  const deployed = (flags: readonly string[]) => run(["deploy", "-c", config(), ...flags]);

  test("would create databases that are not pinned, and the gate's flags stop it", async () => {
    const { code, stderr } = await deployed(NO_PROVISIONING);
    expect({ code, databases: account.databases }).toEqual({ code: 1, databases: [] });
    expect(stderr).toContain('CONTROL bindings must have a "database_id" field');
    expect(api.seen.filter((call) => call.startsWith("POST"))).toEqual([]);
    // The control of this test: without them, wrangler does what it is feared to do.
    await deployed([]);
    expect(account.databases.map(({ name, jurisdiction }) => [name, jurisdiction])).toEqual([
      ["moonseal-control-eu", null],
      ["moonseal-ledger-00-eu", null],
    ]);
  }, 120_000);
});

describe("without an account", () => {
  const bare = () => accountWrangler(deployment.root, { PATH: process.env.PATH, HOME: deployment.folder });
  const ports = () => ({
    run: bare(),
    now: () => new Date("2026-11-21T12:00:00Z"),
    env: {},
    sleep: async () => {},
    fetchJson: async () => null,
  });

  test("deploy --dry-run bundles all three with the real wrangler, and the committed configurations pass but for what is filled in later", async () => {
    const said = listen();
    expect(await deploy(["--dry-run", "--root", deployment.root], ports())).toBe(1);
    const refused = [...said.text().matchAll(/^([A-Z_]+) .* To do: /gm)].map((match) => match[1]);
    expect(refused.sort()).toEqual([
      ...Array(4).fill("DATABASE_UNKNOWN"),
      ...Array(2).fill("LOG_HOST_EXAMPLE"),
      ...Array(4).fill("MAIL_CONFIG"),
      ...Array(2).fill("TOKEN_CONFIG"),
    ]);
    expect(said.text()).toContain("There is no account here");
    for (const worker of ["eu", "us", "gateway"]) {
      expect(existsSync(path.join(deployment.root, ".wrangler/dry-run", worker))).toBe(true);
    }
  }, 120_000);

  test("deploy --dry-run passes once they are filled in, and a bundle that does not build is refused", async () => {
    const said = listen();
    deployment.nameLogHost();
    for (const worker of ["eu", "us"] as const) {
      deployment.edit(worker, (toml) =>
        toml.replaceAll(/^database_name = "(.*)"$/gm, (line, name) => `${line}\ndatabase_id = "${uuidOf(name)}"`),
      );
    }
    deployment.commit();
    expect(await deploy(["--dry-run", "--root", deployment.root], ports())).toBe(0);
    expect(said.text()).toContain("NOT CHECKED us: guards of moonseal-ledger-00-us");
    writeFileSync(path.join(deployment.root, "src/cell.ts"), 'import "./nowhere.ts";\n');
    deployment.commit();
    expect(await deploy(["--dry-run", "--root", deployment.root], ports())).toBe(1);
    expect(said.text()).toMatch(/^BUNDLE_REFUSED eu: /m);
  }, 120_000);
});

function uuidOf(name: string): string {
  const hex = createHash("sha256").update(name).digest("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join("-");
}

describe("S2-7 wrangler's process", () => {
  test("gets a secret through its input, and neither the passphrase nor a log of its requests", async () => {
    const program = path.join(deployment.folder, "program.mjs");
    writeFileSync(
      program,
      'let input = ""; for await (const chunk of process.stdin) input += chunk; console.log(JSON.stringify({ argv: process.argv.slice(2), input, env: process.env }));\n',
    );
    chmodSync(program, 0o600);
    const base = {
      PATH: process.env.PATH,
      CLOUDFLARE_API_TOKEN: "token",
      MOONSEAL_ESCROW_PASSPHRASE: "passphrase",
      WRANGLER_LOG: "debug",
      WRANGLER_LOG_SANITIZE: "false",
      CLOUDFLARE_ENV: "staging",
    };
    const ran = await accountWrangler(deployment.root, base, program)(["secret", "put", "X"], "the secret");
    const { argv, input, env } = JSON.parse(ran.stdout);
    expect({ argv, input }).toEqual({ argv: ["secret", "put", "X"], input: "the secret" });
    expect(env).toMatchObject({
      CLOUDFLARE_API_TOKEN: "token",
      WRANGLER_WRITE_LOGS: "false",
      WRANGLER_LOG_SANITIZE: "true",
    });
    for (const name of ["MOONSEAL_ESCROW_PASSPHRASE", "WRANGLER_LOG", "CLOUDFLARE_ENV"])
      expect(env).not.toHaveProperty(name);
  });

  test("is given no environment of the caller's that would change what is deployed", () => {
    expect(accountEnvironment({ CLOUDFLARE_ENV: "x", PATH: "p" })).toMatchObject({ PATH: "p", CI: "1" });
    expect(readFileSync(config(), "utf8")).not.toContain("[env");
  });
});
