import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { formatOperatorSecret } from "../../src/core/api-key.ts";
import { canonicalJson } from "../../src/core/canonical.ts";
import type { Jurisdiction } from "../../src/core/ids.ts";
import { cosigner } from "../../src/crypto/cosigner.ts";
import { noteSigner } from "../../src/crypto/signer.ts";
import { deploy } from "../../src/ops/deploy.ts";
import { REMEDIES } from "../../src/ops/gate.ts";
import { newestCompatibilityDate } from "../../src/ops/gate-repository.ts";
import { committedConfig, REPOSITORY } from "../../src/ops/paths.ts";
import { RESIDENCY_LABEL } from "../../src/services/residency.ts";
import { Account } from "./support/account.ts";
import { Deployment, listen } from "./support/deployment.ts";
import { escrowFile, provisionIn } from "./support/provisioning.ts";
import { WranglerDouble } from "./support/wrangler-double.ts";

const LOCAL_WITNESS = JSON.stringify([
  {
    url: "http://127.0.0.1:8787/witness/us",
    key: cosigner("log.localhost/witness-us", new Uint8Array(32).fill(1)).verifierKey,
    independent: false,
  },
]);

const NOW = new Date("2026-11-21T12:00:00.000Z");

let deployment: Deployment;
let account: Account;
let wrangler: WranglerDouble;
let said: ReturnType<typeof listen>;

beforeEach(() => {
  deployment = new Deployment();
  account = new Account();
  wrangler = new WranglerDouble(account);
  said = listen();
});
afterEach(() => {
  vi.restoreAllMocks();
  deployment.remove();
});

interface Typed {
  env?: NodeJS.ProcessEnv;
  now?: Date;
  residency?: () => unknown;
}

function deployIn(argv: string[] = [], { env = {}, now = NOW, residency = () => ({}) }: Typed = {}): Promise<number> {
  return deploy(["--root", deployment.root, ...argv], {
    run: wrangler.run,
    now: () => now,
    env,
    sleep: async () => {},
    fetchJson: async () => residency(),
  });
}

/** Codes of the refusals that were printed. */
const codes = () =>
  said
    .text()
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "")
    .filter((word) => Object.hasOwn(REMEDIES, word));

/** A deployment for which the gate finds nothing. */
async function provisioned(): Promise<void> {
  deployment.nameLogHost();
  for (const jurisdiction of ["eu", "us"] as const) {
    const argv = ["--escrow", escrowFile(deployment, `${jurisdiction}.json`)];
    expect(await provisionIn(deployment, wrangler, { jurisdiction, argv })).toBe(0);
  }
  deployment.commit();
  wrangler.calls.length = 0;
  wrangler.changes.length = 0;
  said.clear();
}

const NO_ACCOUNT = {
  code: 1,
  stderr:
    "✘ [ERROR] In a non-interactive environment, it's necessary to set a CLOUDFLARE_API_TOKEN environment variable",
};
const withoutAccount = () => wrangler.overrides.push([/^(?:d1|r2|secret) /, NO_ACCOUNT]);

describe("S0-24 a deployment", () => {
  test("goes cells first, then the gateway, never with automatic provisioning, and names its commit", async () => {
    await provisioned();
    expect(await deployIn()).toBe(0);
    expect(account.deployed).toEqual(["moonseal-cell-eu", "moonseal-cell-us", "moonseal-gateway"]);
    const commit = deployment.git("rev-parse", "--short=12", "HEAD").trim();
    expect(wrangler.calls.slice(-3)).toEqual(
      (["eu", "us", "gateway"] as const).map((worker) => [
        ...["deploy", "-c", committedConfig(deployment.root, worker)],
        ...["--no-x-provision", "--no-x-auto-create", "--tag", commit],
      ]),
    );
    expect(
      wrangler.calls.filter(([word]) => word === "deploy").every((args) => args.includes("--no-x-provision")),
    ).toBe(true);
  });

  test("of one cell leaves the other and the gateway alone", async () => {
    await provisioned();
    expect(await deployIn(["--jurisdiction", "us"])).toBe(0);
    expect(account.deployed).toEqual(["moonseal-cell-us"]);
  });

  test("takes a domain for the gateway only", async () => {
    await provisioned();
    expect(await deployIn(["--domain", "api.customer.eu"])).toBe(0);
    const withDomain = wrangler.calls.filter((args) => args.includes("--domains"));
    expect(withDomain.map((args) => [args[2], args.at(-1)])).toEqual([
      [committedConfig(deployment.root, "gateway"), "api.customer.eu"],
    ]);
  });

  test("that fails half-way says what is deployed, stops there, and can be run again", async () => {
    await provisioned();
    wrangler.fault = { at: 2, form: "fails", done: false };
    expect(await deployIn()).toBe(1);
    expect(said.text()).toMatch(/^DEPLOY_FAILED us; eu deployed before it\. Run it again\.$/m);
    expect(account.deployed).toEqual(["moonseal-cell-eu"]);
    wrangler.fault = null;
    expect(await deployIn()).toBe(0);
  });

  test("in which wrangler made a resource after all is called that, loudly", async () => {
    await provisioned();
    wrangler.overrides.push([/^deploy -c \S+wrangler\.eu/, { stdout: "Provisioning CONTROL (D1 Database)...\n" }]);
    expect(await deployIn()).toBe(1);
    expect(said.text()).toMatch(/^AUTO_PROVISIONING eu: /m);
    expect(account.deployed).toEqual([]);
  });

  test("--dry-run says the commands and runs none of them", async () => {
    await provisioned();
    expect(await deployIn(["--dry-run", "--url", "https://api.customer.eu"])).toBe(0);
    expect(said.text()).toMatch(
      /^ {2}wrangler deploy -c \S+wrangler\.eu\.toml --no-x-provision --no-x-auto-create --tag/m,
    );
    expect(said.text()).toContain("then read https://api.customer.eu/v1/residency");
    expect(wrangler.changes).toEqual([]);
  });

  test.each([
    [["--jurisdiction", "ap"]],
    [["--url", "nowhere"]],
    [["--force"]],
    [["--jurisdiction", "eu", "--domain", "x"]],
  ])("ends with 2 and the help for %j", async (argv) => {
    expect(await deployIn(argv)).toBe(2);
    expect(said.text()).toContain("npm run ops -- deploy [options]");
  });
});

describe("without an account", () => {
  test("--dry-run passes the committed configurations but for what provisioning and the operator fill in", async () => {
    withoutAccount();
    expect(await deployIn(["--dry-run"])).toBe(1);
    expect(codes().sort()).toEqual([
      ...Array(4).fill("DATABASE_UNKNOWN"),
      ...Array(2).fill("LOG_HOST_EXAMPLE"),
      ...Array(4).fill("MAIL_CONFIG"),
      ...Array(2).fill("TOKEN_CONFIG"),
    ]);
  });

  test("--dry-run says plainly what could not be checked", async () => {
    await provisioned();
    withoutAccount();
    expect(await deployIn(["--dry-run"])).toBe(0);
    expect(codes()).toEqual([]);
    expect(said.text()).toContain("There is no account here: what needs one was not checked");
    for (const what of ["where moonseal-ledger-00-eu is", "where moonseal-keys-us is", "which secrets the cell has"])
      expect(said.text()).toContain(what);
    for (const what of ["guards of moonseal-ledger-00-us", "migrations of moonseal-control-eu", "it has no secrets"])
      expect(said.text()).toContain(what);
  });

  test("a deployment is refused", async () => {
    await provisioned();
    withoutAccount();
    expect(await deployIn()).toBe(1);
    expect(codes()).toEqual(["ACCOUNT_UNKNOWN"]);
    expect(account.deployed).toEqual([]);
  });
});

type Edit = (toml: string) => string;
const eu = (edit: Edit) => () => deployment.edit("eu", edit);
const us = (edit: Edit) => () => deployment.edit("us", edit);
const gateway = (edit: Edit) => () => deployment.edit("gateway", edit);
const both = (edit: Edit) => () => {
  deployment.edit("eu", edit);
  deployment.edit("us", edit);
};
const sqlIn = (name: string, sql: string) => () => account.query(name, sql);

/** [what, code, how it comes about, other codes that follow from it] */
type Broken = [what: string, code: keyof typeof REMEDIES, breakIt: () => unknown, also?: string[]];

describe("S0-24 S3-40 S4-34 the gate refuses", () => {
  beforeEach(provisioned);

  test.each<Broken>([
    ["a missing database_id", "DATABASE_UNKNOWN", eu((t) => t.replace(/^database_id = .*\n/m, "")), ["RECORD_MISSING"]],
    ["an empty database_id", "DATABASE_UNKNOWN", us((t) => t.replace(/^database_id = .*$/m, 'database_id = ""'))],
    [
      "a database_id that is none",
      "DATABASE_UNKNOWN",
      us((t) => t.replace(/^database_id = .*$/m, 'database_id = "x"')),
    ],
    ["a database without a name", "AUTO_PROVISIONING", both((t) => t.replace(/^database_name = .*\n/m, ""))],
    ["a bucket without a name", "AUTO_PROVISIONING", both((t) => t.replace(/^bucket_name = .*\n/m, ""))],
    [
      "a jurisdiction that only automatic provisioning reads",
      "AUTO_PROVISIONING",
      () => {
        deployment.edit("eu", (t) => t.replace(/^database_name = .*$/m, '$&\njurisdiction = "eu"'));
        deployment.edit("us", (t) => t.replace(/^database_name = .*$/m, '$&\njurisdiction = "us"'));
      },
    ],
    [
      "an empty DO_JURISDICTION",
      "OBJECTS_UNPINNED",
      eu((t) => t.replace(/^DO_JURISDICTION = .*$/m, 'DO_JURISDICTION = ""')),
    ],
    ["a missing DO_JURISDICTION", "OBJECTS_UNPINNED", us((t) => t.replace(/^DO_JURISDICTION = .*\n/m, ""))],
    [
      "another DO_JURISDICTION",
      "OBJECTS_UNPINNED",
      eu((t) => t.replace(/^DO_JURISDICTION = .*$/m, 'DO_JURISDICTION = "us"')),
    ],
    ["another JURISDICTION", "JURISDICTION_WRONG", eu((t) => t.replace(/^JURISDICTION = .*$/m, 'JURISDICTION = "us"'))],
    ["the local marker", "UNPINNED_LOCAL", eu((t) => t.replace("[vars]", '[vars]\nUNPINNED_LOCAL = "true"'))],
    [
      "the local marker set to false",
      "UNPINNED_LOCAL",
      us((t) => t.replace("[vars]", '[vars]\nUNPINNED_LOCAL = "false"')),
    ],
    [
      "the local marker at the gateway",
      "UNPINNED_LOCAL",
      gateway((t) => `${t}\n[vars]\nUNPINNED_LOCAL = "true"\n`),
      ["GATEWAY_EXTRA"],
    ],
    ["the local marker as a define", "UNPINNED_LOCAL", both((t) => `${t}\n[define]\nUNPINNED_LOCAL = "true"\n`)],
    ["a bucket without a jurisdiction", "BUCKET_UNPINNED", eu((t) => t.replace(/^jurisdiction = .*\n/m, ""))],
    [
      "a bucket of the other jurisdiction",
      "BUCKET_UNPINNED",
      us((t) => t.replace(/^jurisdiction = .*$/m, 'jurisdiction = "eu"')),
    ],
    [
      "a bucket of both cells",
      "CELLS_CROSS",
      us((t) => t.replace("moonseal-log-us", "moonseal-log-eu")),
      ["JURISDICTION_MISMATCH"],
    ],
    [
      "a database of both cells",
      "CELLS_CROSS",
      () => {
        const id = /^database_id = .*$/m.exec(deployment.config("eu"))?.[0] ?? "";
        deployment.edit("us", (t) => t.replace(/^database_id = .*$/m, id));
      },
      ["JURISDICTION_MISMATCH", "RECORD_MISSING"],
    ],
    [
      "a service from cell to cell",
      "CELLS_CROSS",
      eu((t) => `${t}\n[[services]]\nbinding = "US"\nservice = "moonseal-cell-us"\n`),
    ],
    ["an environment", "CELLS_CROSS", eu((t) => `${t}\n[env.staging]\nname = "x"\n`)],
    [
      "a third service of the gateway",
      "GATEWAY_EXTRA",
      gateway((t) => `${t}\n[[services]]\nbinding = "X"\nservice = "x"\n`),
    ],
    ["a variable of the gateway", "GATEWAY_EXTRA", gateway((t) => `${t}\n[vars]\nDEBUG = "1"\n`)],
    ["a cell at workers.dev", "CELL_PUBLIC", both((t) => t.replace("workers_dev = false", "workers_dev = true"))],
    [
      "a cell with a route",
      "CELL_PUBLIC",
      eu((t) => t.replace("workers_dev", 'routes = ["eu.customer.eu/*"]\nworkers_dev')),
    ],
    [
      "a secret in a file",
      "SECRET_IN_CONFIG",
      eu((t) => t.replace("[vars]", '[vars]\nPSEUDONYM_PEPPER = "x"')),
      ["SECRET_SHADOWS"],
    ],
    [
      "the log host of the example",
      "LOG_HOST_EXAMPLE",
      both((t) => t.replace(/^LOG_HOST = .*$/m, 'LOG_HOST = "log.moonseal.example"')),
    ],
    [
      "the log host of local runs",
      "LOG_HOST_EXAMPLE",
      both((t) => t.replace(/^LOG_HOST = .*$/m, 'LOG_HOST = "log.localhost"')),
    ],
    ["no log host", "LOG_HOST_EXAMPLE", both((t) => t.replace(/^LOG_HOST = .*\n/m, ""))],
    ["S1-23 no audience of its own", "TOKEN_CONFIG", both((t) => t.replace(/^TOKEN_AUDIENCE = .*\n/m, ""))],
    [
      "S1-23 the audience of a local run",
      "TOKEN_CONFIG",
      both((t) => t.replace(/^TOKEN_AUDIENCE = .*$/m, 'TOKEN_AUDIENCE = "http://localhost/moonseal"')),
    ],
    ["links that lead nowhere", "MAIL_CONFIG", both((t) => t.replace(/^PUBLIC_ORIGIN = .*\n/m, ""))],
    [
      "the sender of the example",
      "MAIL_CONFIG",
      both((t) => t.replace(/^MAIL_FROM = .*$/m, 'MAIL_FROM = "no-reply@moonseal.example"')),
    ],
    ["a mail service without a sender", "MAIL_CONFIG", both((t) => t.replace(/^MAIL_FROM = .*\n/m, ""))],
    ["a sender without a mail service", "MAIL_CONFIG", both((t) => t.replace('[[send_email]]\nname = "MAIL"\n', ""))],
    ["a life of tokens in numbers", "TOKEN_CONFIG", both((t) => t.replace("[vars]", "[vars]\nTOKEN_LIFETIME_S = 600"))],
    ["a life of a year", "TOKEN_CONFIG", both((t) => t.replace("[vars]", '[vars]\nTOKEN_LIFETIME_S = "31536000"'))],
    [
      "a log host that is a URL",
      "LOG_HOST_EXAMPLE",
      both((t) => t.replace(/^LOG_HOST = .*$/m, 'LOG_HOST = "https://x.eu"')),
    ],
    [
      "witnesses that are no JSON",
      "WITNESS_CONFIG",
      eu((t) => t.replace("[vars]", '[vars]\nWITNESSES = "https://w.example"')),
    ],
    [
      "a setting that a Worker cannot have",
      "WITNESS_CONFIG",
      both((t) => t.replace("[vars]", `[vars]\nWITNESSES = '[${" ".repeat(5 * 1024)}]'`)),
    ],
    ["witnesses in TOML", "WITNESS_CONFIG", both((t) => t.replace("[vars]", "[vars]\nWITNESSED_LOGS = []"))],
    [
      "a witness of a local run",
      "WITNESS_CONFIG",
      eu((t) => t.replace("[vars]", `[vars]\nWITNESSES = '${LOCAL_WITNESS}'`)),
    ],
    [
      "a date newer than the runtime",
      "COMPATIBILITY_DATE",
      both((t) => t.replace(/^compatibility_date = .*$/m, 'compatibility_date = "2026-11-20"')),
    ],
    ["no date", "COMPATIBILITY_DATE", gateway((t) => t.replace(/^compatibility_date = .*\n/m, ""))],
    ["a file that is no TOML", "CONFIG_UNREADABLE", us((t) => `${t}\n[`)],
  ])("%s", async (_, code, breakIt, also = []) => {
    breakIt();
    deployment.commit();
    expect(await deployIn()).toBe(1);
    expect(codes()).toContain(code);
    // A shape that only one cell has is named too; nothing else is.
    expect(codes().filter((other) => ![code, "CELLS_CROSS", "RESOURCE_DIFFERS", ...also].includes(other))).toEqual([]);
    expect(said.text()).toMatch(new RegExp(`^${code} .*\\. To do: `, "m"));
    expect(wrangler.changes).toEqual([]);
  });

  test("a compatibility date of tomorrow", async () => {
    expect(await deployIn([], { now: new Date("2026-10-19T12:00:00Z") })).toBe(1);
    expect(codes()).toEqual(Array(3).fill("COMPATIBILITY_DATE"));
  });

  test("…but not an address of a cell that was asked for", async () => {
    deployment.edit("eu", (t) => t.replace("workers_dev", 'routes = ["eu.customer.eu/*"]\nworkers_dev'));
    deployment.commit();
    expect(await deployIn(["--public-cells"])).toBe(0);
  });

  test.each<Broken>([
    ["changes that are no commit", "REPOSITORY_DIRTY", eu((t) => `${t}# tried something\n`)],
    ["a new file that is no commit", "REPOSITORY_DIRTY", () => writeFileSync(path.join(deployment.root, "new.ts"), "")],
    ["a .dev.vars beside the configurations", "SECRET_IN_REPOSITORY", () => ignored(".dev.vars", "DEBUG=1\n")],
    ["an .env beside the configurations", "SECRET_IN_REPOSITORY", () => ignored(".env", "DEBUG=1\n")],
    ["a committed .dev.vars", "SECRET_IN_REPOSITORY", () => committed(".dev.vars", "DEBUG=1\n")],
    [
      "a committed secret",
      "SECRET_IN_REPOSITORY",
      () => committed("notes.md", `the key is ${formatOperatorSecret("eu", new Uint8Array(32).fill(7))}\n`),
    ],
  ])("%s", async (_, code, breakIt) => {
    breakIt();
    expect(await deployIn()).toBe(1);
    expect([...new Set(codes())]).toEqual([code]);
    expect(wrangler.changes).toEqual([]);
  });
  const committed = (name: string, text: string) => {
    writeFileSync(path.join(deployment.root, name), text);
    deployment.commit();
  };
  const ignored = (name: string, text: string) => {
    committed(".gitignore", `.wrangler/\n${name}\n`);
    writeFileSync(path.join(deployment.root, name), text);
  };

  test("S2-31 the account's global key", async () => {
    expect(await deployIn([], { env: { [["CLOUDFLARE", "API", "KEY"].join("_")]: "x" } })).toBe(1);
    expect(codes()).toEqual(["GLOBAL_KEY"]);
  });

  test.each<Broken>([
    ["a database that is gone", "RESOURCE_MISSING", () => account.databases.splice(1, 1), ["ACCOUNT_FAILED"]],
    ["a database that is not pinned", "JURISDICTION_MISMATCH", () => pin("moonseal-ledger-00-eu", null)],
    ["a database of the other jurisdiction", "JURISDICTION_MISMATCH", () => pin("moonseal-control-us", "eu")],
    [
      "a database with another name",
      "RESOURCE_DIFFERS",
      () => Object.assign(account.database("moonseal-control-eu"), { name: "x" }),
    ],
    [
      "a database with replicas",
      "REPLICATION_ON",
      () => Object.assign(account.database("moonseal-ledger-00-us"), { replication: "auto" }),
    ],
    ["a bucket that is gone", "RESOURCE_MISSING", () => account.buckets.splice(0, 1)],
    [
      "a bucket that is not pinned",
      "JURISDICTION_MISMATCH",
      () => Object.assign(account.buckets[2] ?? {}, { jurisdiction: null }),
    ],
    ["a missing secret", "SECRET_MISSING", () => account.secretsOf("moonseal-cell-us").delete("PSEUDONYM_PEPPER")],
    [
      "a slot without a key",
      "SECRET_MISSING",
      () => account.secretsOf("moonseal-cell-us").delete("SLOT_PAYOUT_DETAILS_V1"),
    ],
    ["a cell without any secret", "SECRET_MISSING", () => account.secrets.delete("moonseal-cell-eu")],
    [
      "a secret that hides a setting",
      "SECRET_SHADOWS",
      () => account.putSecret("moonseal-cell-eu", "DO_JURISDICTION", ""),
    ],
    [
      "the local marker as a secret",
      "SECRET_SHADOWS",
      () => account.putSecret("moonseal-cell-us", "UNPINNED_LOCAL", "true"),
    ],
    ["a secret of the gateway", "GATEWAY_EXTRA", () => account.putSecret("moonseal-gateway", "PEPPER", "x")],
    ["a dropped guard", "GUARD_MISSING", () => sqlIn("moonseal-ledger-00-eu", "DROP TRIGGER audit_log_no_update")()],
    ["a dropped guard of control", "GUARD_MISSING", () => sqlIn("moonseal-control-us", "DROP TRIGGER tenant_pinned")()],
    [
      "a guard with another body",
      "GUARD_ALTERED",
      () => {
        sqlIn("moonseal-ledger-00-us", "DROP TRIGGER audit_log_no_delete")();
        sqlIn(
          "moonseal-ledger-00-us",
          "CREATE TRIGGER audit_log_no_delete BEFORE DELETE ON audit_log WHEN 0 BEGIN SELECT RAISE(ABORT, 'no'); END",
        )();
      },
    ],
    [
      "a pending migration",
      "MIGRATIONS_PENDING",
      () => committed("migrations/ledger/0099_more.sql", "CREATE TABLE more (a);\n"),
    ],
    [
      "a database without migrations",
      "MIGRATIONS_PENDING",
      () => sqlIn("moonseal-control-eu", "DROP TABLE d1_migrations")(),
    ],
    [
      "a resource without a record",
      "RECORD_MISSING",
      () => sqlIn("moonseal-control-eu", "DELETE FROM provisioned_resource WHERE resource = 'KEYS'")(),
    ],
    [
      "a record of another jurisdiction",
      "RECORD_MISSING",
      () => sqlIn("moonseal-control-eu", "UPDATE provisioned_resource SET jurisdiction = 'us'")(),
    ],
    [
      "an account that fails",
      "ACCOUNT_FAILED",
      () => wrangler.overrides.push([/^r2 /, { code: 1, stderr: "fetch failed" }]),
    ],
    [
      "a bundle that does not build",
      "BUNDLE_REFUSED",
      () => wrangler.overrides.push([/^deploy --dry-run/, { code: 1, stderr: "✘ [ERROR] Could not resolve" }]),
    ],
    [
      "a key that wrangler does not know",
      "BUNDLE_REFUSED",
      () =>
        wrangler.overrides.push([/^deploy --dry-run/, { stderr: '- Unexpected fields found in top-level field: "x"' }]),
    ],
  ])("%s", async (_, code, breakIt, also = []) => {
    breakIt();
    expect(await deployIn()).toBe(1);
    expect(codes()).toContain(code);
    expect(codes().filter((other) => other !== code && !also.includes(other))).toEqual([]);
    expect(wrangler.changes).toEqual([]);
    expect(account.deployed).toEqual([]);
  });
  const pin = (name: string, jurisdiction: string | null) => Object.assign(account.database(name), { jurisdiction });
});

test("the newest compatibility date is the installed runtime's, a week on", () => {
  expect(newestCompatibilityDate(path.join(REPOSITORY, "node_modules/workerd"))).toBe("2026-10-30");
});

describe("the signed residency report after a deployment", () => {
  const seed = (jurisdiction: Jurisdiction) => new Uint8Array(32).fill(jurisdiction === "eu" ? 1 : 2);
  const signer = (jurisdiction: Jurisdiction) => noteSigner(`log.customer.eu/${jurisdiction}`, seed(jurisdiction));
  const observed = (place: string) => ({ observed: place, how: "read back", observed_at: null });
  /** As a cell signs it. */
  const report = (jurisdiction: Jurisdiction, change: object = {}, by = signer(jurisdiction)) => {
    const body = {
      jurisdiction,
      durable_objects: observed(jurisdiction),
      databases: { CONTROL: observed(jurisdiction), LEDGER_00: observed(jurisdiction) },
      buckets: { LOG: observed(jurisdiction), KEYS: observed(jurisdiction) },
      at: NOW.toISOString(),
      ...change,
    };
    const note = by.sign(`${RESIDENCY_LABEL}\n${canonicalJson(body)}\n`);
    return { ...body, signer: by.verifierKey, note };
  };
  const url = ["--url", "https://api.customer.eu"];
  beforeEach(provisioned);

  test("must say what it should, and is asked again until it does", async () => {
    let asked = 0;
    const residency = () => (++asked < 3 ? { cells: [] } : { cells: [report("eu"), report("us")] });
    expect(await deployIn(url, { residency })).toBe(0);
    expect(asked).toBe(3);
  });

  test("is held against the log keys that the operator gives", async () => {
    const keys = ["eu", "us"].flatMap((j) => ["--log-key", signer(j as Jurisdiction).verifierKey]);
    const residency = () => ({ cells: [report("eu"), report("us")] });
    expect(await deployIn([...url, ...keys], { residency })).toBe(0);
    const other = noteSigner("log.customer.eu/eu", new Uint8Array(32).fill(9));
    const forged = () => ({ cells: [report("eu", {}, other), report("us")] });
    expect(await deployIn([...url, ...keys], { residency: forged })).toBe(1);
    expect(said.text()).toMatch(/^RESIDENCY_WRONG eu: its note does not verify \(key_not_found\)$/m);
    expect(await deployIn([...url, ...keys.slice(0, 2)], { residency })).toBe(1);
  });

  test.each<[string, () => unknown, RegExp]>([
    ["nothing", () => null, /no residency report/],
    ["only one cell", () => ({ cells: [report("eu")] }), /us: 0 reports/],
    ["a cell twice", () => ({ cells: [report("eu"), report("eu"), report("us")] }), /eu: 2 reports/],
    [
      "an unpinned object",
      () => ({ cells: [report("eu", { durable_objects: observed("unpinned local") }), report("us")] }),
      /eu: durable objects: unpinned local/,
    ],
    [
      "a database elsewhere",
      () => ({
        cells: [report("eu"), report("us", { databases: { CONTROL: observed("us"), LEDGER_00: observed("eu") } })],
      }),
      /us: LEDGER_00: eu/,
    ],
    [
      "a bucket that was not recorded",
      () => ({
        cells: [report("eu", { buckets: { LOG: observed("eu"), KEYS: observed("not recorded") } }), report("us")],
      }),
      /eu: KEYS: not recorded/,
    ],
    [
      "a resource less",
      () => ({ cells: [report("eu", { buckets: { LOG: observed("eu") } }), report("us")] }),
      /buckets are not KEYS, LOG/,
    ],
    [
      "an old report",
      () => ({ cells: [report("eu", { at: "2026-11-20T12:00:00.000Z" }), report("us")] }),
      /not of this moment/,
    ],
    [
      "another log host",
      () => ({ cells: [report("eu", {}, noteSigner("log.other.eu/eu", seed("eu"))), report("us")] }),
      /not by the cell's log/,
    ],
    [
      "clear text that differs from the note",
      () => ({
        cells: [
          { ...report("eu", { durable_objects: observed("us") }), durable_objects: observed("eu") },
          report("us"),
        ],
      }),
      /eu: durable objects: us/,
    ],
    [
      "a note of the other cell",
      () => ({ cells: [{ ...report("eu"), note: report("us").note }, report("us")] }),
      /eu: its note does not verify/,
    ],
    [
      "another document under the key",
      () => ({ cells: [{ ...report("eu"), note: signer("eu").sign("moonseal/other/v1\n{}\n") }, report("us")] }),
      /no residency report/,
    ],
    [
      "an error",
      () => {
        throw new Error("503");
      },
      /no answer: 503/,
    ],
  ])("is wrong with %s", async (_, residency, line) => {
    expect(await deployIn(url, { residency })).toBe(1);
    expect(said.text()).toMatch(/^RESIDENCY_WRONG /m);
    expect(said.text()).toMatch(line);
  });
});
