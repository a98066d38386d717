import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { readConfigurations } from "../../src/ops/deploy-config.ts";
import { isolationFaults } from "../../src/ops/isolation.ts";
import { provision } from "../../src/ops/provision.ts";
import { withDatabaseId } from "../../src/ops/provision-config.ts";
import { RAW_SECRETS } from "../../src/ops/secrets.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { Account } from "./support/account.ts";
import { Deployment, listen } from "./support/deployment.ts";
import { escrowFile, expectProvisioned, openedEscrow, provisionIn } from "./support/provisioning.ts";
import { Crash, WranglerDouble } from "./support/wrangler-double.ts";

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

const SLOTS = RAW_SECRETS.filter((name) => name.startsWith("SLOT_"));
/** The changing commands of a first run, in their order. */
const CHANGES = [
  "createDatabase moonseal-control-eu",
  "createDatabase moonseal-ledger-00-eu",
  "createBucket moonseal-log-eu",
  "createBucket moonseal-keys-eu",
  "putSecret OPERATOR_SECRET",
  "putSecret API_KEY_PEPPER",
  "putSecret PSEUDONYM_PEPPER",
  "putSecret LOG_SIGNING_KEY",
  "putSecret WITNESS_SIGNING_KEY",
  "putSecret WITNESS_ML_DSA_KEY",
  "putSecret DOCUMENT_SIGNING_KEY",
  "putSecret TOKEN_SIGNING_KEY",
  ...SLOTS.map((name) => `putSecret ${name}`),
  "migrate CONTROL",
  "migrate LEDGER_00",
  "execute CONTROL",
];
/** What a run does again when everything is there. */
const AGAIN = CHANGES.slice(-3);

describe("S0-24 S2-6 a first provisioning", () => {
  test("makes everything pinned, in this order, and the escrow opens to exactly what was put", async () => {
    expect(await provisionIn(deployment, wrangler)).toBe(0);
    expect(wrangler.changes).toEqual(CHANGES);
    expectProvisioned(deployment, account);
  });

  test("changes nothing in the configuration but two lines, and the cells still keep to themselves", async () => {
    const before = deployment.config("eu").split("\n");
    await provisionIn(deployment, wrangler);
    const after = deployment.config("eu").split("\n");
    expect(after.filter((line) => !/^database_id = "[0-9a-f-]{36}"$/.test(line))).toEqual(before);
    expect(after.length).toBe(before.length + 2);
    expect(isolationFaults(readConfigurations(deployment.root))).toEqual([]);
  });

  test("S4-29 gives a cell secrets that it serves with, all different", async () => {
    await provisionIn(deployment, wrangler);
    const { secrets } = openedEscrow(escrowFile(deployment));
    const vars = {
      JURISDICTION: "eu",
      DO_JURISDICTION: "eu",
      LOG_HOST: "log.customer.eu",
      TOKEN_AUDIENCE: "https://api.customer.eu",
    };
    expect(cellConfig({ ...vars, ...secrets } as never)).toMatchObject({ jurisdiction: "eu", pinnedTo: "eu" });
    expect(new Set(Object.values(secrets)).size).toBe(8 + 12);
  });

  test("S2-7 tells no secret but through wrangler's input: none in a command, in the output, or in a file in clear", async () => {
    await provisionIn(deployment, wrangler);
    const secrets = [...account.secretsOf("moonseal-cell-eu").values()];
    expect(wrangler.inputs).toEqual(secrets);
    const files = readdirSync(deployment.folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(path.join(entry.parentPath, entry.name), "latin1"));
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(40);
      expect(wrangler.calls.flat().filter((word) => word.includes(secret))).toEqual([]);
      expect(said.text()).not.toContain(secret);
      expect(files.filter((text) => text.includes(secret))).toEqual([]);
    }
  });

  test("says the log's public key, which auditors pin", async () => {
    deployment.nameLogHost();
    await provisionIn(deployment, wrangler);
    expect(said.text()).toMatch(/^log key {4}log\.customer\.eu\/eu\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44} \(public\)$/m);
  });

  test("does the other cell apart: other names, other ids, other secrets", async () => {
    await provisionIn(deployment, wrangler);
    const argv = ["--escrow", escrowFile(deployment, "us.escrow.json")];
    expect(await provisionIn(deployment, wrangler, { jurisdiction: "us", argv })).toBe(0);
    const of = (worker: string) => [...account.secretsOf(worker).values()];
    expect(new Set([...of("moonseal-cell-eu"), ...of("moonseal-cell-us")]).size).toBe(2 * (8 + 12));
    expect(account.databases.map(({ jurisdiction }) => jurisdiction)).toEqual(["eu", "eu", "us", "us"]);
    expect(isolationFaults(readConfigurations(deployment.root))).toEqual([]);
  });
});

describe("a second run", () => {
  test("finds everything, replaces nothing, asks for no passphrase", async () => {
    await provisionIn(deployment, wrangler);
    const before = deployment.config("eu");
    wrangler.changes.length = 0;
    expect(await provisionIn(deployment, wrangler, { argv: [], passphrase: "never asked" })).toBe(0);
    expect(wrangler.changes).toEqual(AGAIN);
    expect(deployment.config("eu")).toBe(before);
    expectProvisioned(deployment, account);
  });

  test("finds databases by their names when the configuration lost their ids", async () => {
    await provisionIn(deployment, wrangler);
    deployment.edit("eu", (toml) => toml.replaceAll(/^database_id = .*\n/gm, ""));
    wrangler.changes.length = 0;
    expect(await provisionIn(deployment, wrangler)).toBe(0);
    expect(wrangler.changes).toEqual(AGAIN);
    expectProvisioned(deployment, account);
  });

  describe.each([
    { form: "crash", done: false },
    { form: "crash", done: true },
    { form: "fails", done: false },
    { form: "fails", done: true },
  ] as const)("after a $form, done: $done", ({ form, done }) => {
    test.each(CHANGES.map((change, index) => [index + 1, change] as const))("at step %i, %s, goes on", async (at) => {
      wrangler.fault = { at, form, done };
      const first = await provisionIn(deployment, wrangler).catch((error) => {
        expect(error).toBeInstanceOf(Crash);
        return "crashed";
      });
      expect(first).toBe(form === "crash" ? "crashed" : firstCode(at, done));
      // Nothing was put that is not in the safe.
      const put = account.secrets.get("moonseal-cell-eu") ?? new Map<string, string>();
      if (put.size > 0) expect(openedEscrow(escrowFile(deployment)).secrets).toMatchObject(Object.fromEntries(put));

      wrangler.fault = null;
      expect(await provisionIn(deployment, wrangler)).toBe(0);
      expectProvisioned(deployment, account);
    });
  });

  /** What was done although wrangler failed is read back at once; a migration and the record are not guessed about. */
  const firstCode = (at: number, done: boolean) => (done && at <= 12 + SLOTS.length ? 0 : 1);

  test("two faults in a row, at different steps", async () => {
    wrangler.fault = { at: 4, form: "crash", done: true };
    await expect(provisionIn(deployment, wrangler)).rejects.toThrow(Crash);
    wrangler.fault = { at: 7, form: "crash", done: true };
    await expect(provisionIn(deployment, wrangler)).rejects.toThrow(Crash);
    wrangler.fault = null;
    expect(await provisionIn(deployment, wrangler)).toBe(0);
    expectProvisioned(deployment, account);
  });
});

describe("S0-24 S4-34 provisioning refuses, and changes nothing", () => {
  test.each<[string, (account: Account) => unknown, RegExp]>([
    [
      "a database that is not pinned",
      (a) => a.createDatabase("moonseal-ledger-00-eu", null),
      /LEDGER_00.* is not pinned/,
    ],
    ["a database of the other jurisdiction", (a) => a.createDatabase("moonseal-control-eu", "us"), /is pinned to us/],
    ["a bucket that is not pinned", (a) => a.createBucket("moonseal-keys-eu", null), /KEYS.* is not pinned/],
    ["a bucket of the other jurisdiction", (a) => a.createBucket("moonseal-log-eu", "us"), /LOG.* is pinned to us/],
    [
      "a bucket in two places",
      (a) => {
        a.createBucket("moonseal-log-eu", "eu");
        a.createBucket("moonseal-log-eu", null);
      },
      /LOG.* is not pinned/,
    ],
  ])("%s", async (_, prepare, line) => {
    prepare(account);
    const before = deployment.config("eu");
    expect(await provisionIn(deployment, wrangler)).toBe(1);
    expect(said.text()).toMatch(/^JURISDICTION_MISMATCH /m);
    expect(said.text()).toMatch(line);
    expect(wrangler.changes).toEqual([]);
    expect(deployment.config("eu")).toBe(before);
    expect(existsSync(escrowFile(deployment))).toBe(false);
  });

  test("a database that becomes visible unpinned only after it was created", async () => {
    wrangler.overrides.push([
      /^d1 info/,
      { stdout: '{"uuid": "x", "name": "moonseal-control-eu", "jurisdiction": null}' },
    ]);
    account.createDatabase("moonseal-control-eu", "eu");
    expect(await provisionIn(deployment, wrangler)).toBe(1);
    expect(wrangler.changes).toEqual([]);
  });

  test.each([
    ["ACCOUNT_FAILED", /^d1 list/, { code: 1, stderr: "fetch failed" }],
    ["ACCOUNT_FAILED", /^d1 list/, { stdout: "not JSON" }],
    ["ACCOUNT_FAILED", /^d1 list/, { stdout: '[{"name": "moonseal-control-eu"}]' }],
    ["ACCOUNT_FAILED", /^r2 bucket info/, { code: 1, stderr: "Authentication error [code: 10000]" }],
    ["ACCOUNT_FAILED", /^r2 bucket info/, { stdout: '{"name": "another"}' }],
    ["ACCOUNT_FAILED", /^secret list/, { code: 1, stderr: "Authentication error [code: 10000]" }],
    [
      "ACCOUNT_UNKNOWN",
      /^d1 list/,
      { code: 1, stderr: "it's necessary to set a CLOUDFLARE_API_TOKEN environment variable for wrangler to work" },
    ],
  ])("with %s when the account answers %s otherwise", async (code, command, ran) => {
    wrangler.overrides.push([command, ran]);
    expect(await provisionIn(deployment, wrangler)).toBe(1);
    expect(said.text()).toMatch(new RegExp(`^${code} `, "m"));
    expect(wrangler.changes).toEqual([]);
  });

  test("an id in the configuration that belongs to another database", async () => {
    const { uuid } = account.createDatabase("another", "eu");
    deployment.edit("eu", (toml) => withDatabaseId(toml, "CONTROL", uuid));
    expect(await provisionIn(deployment, wrangler)).toBe(1);
    expect(said.text()).toMatch(/^RESOURCE_DIFFERS CONTROL: .* another, not moonseal-control-eu/m);
    expect(wrangler.changes).toEqual([]);
  });

  test("configurations in which the cells cross", async () => {
    deployment.edit("us", (toml) => toml.replace("moonseal-keys-us", "moonseal-keys-eu"));
    expect(await provisionIn(deployment, wrangler)).toBe(1);
    expect(said.text()).toMatch(/^CELLS_CROSS /m);
    expect(wrangler.calls).toEqual([]);
  });

  test("--dry-run: looks, says, does nothing", async () => {
    account.createBucket("moonseal-log-eu", "eu");
    expect(await provisionIn(deployment, wrangler, { argv: ["--dry-run"] })).toBe(0);
    expect(said.text()).toContain("CONTROL: would be created");
    expect(said.text()).toContain("LOG: moonseal-log-eu is there, eu");
    expect(said.text()).toContain("secrets: OPERATOR_SECRET, API_KEY_PEPPER, PSEUDONYM_PEPPER, LOG_SIGNING_KEY");
    expect(wrangler.changes).toEqual([]);
  });

  test.each([
    ["no jurisdiction", []],
    ["an unknown jurisdiction", ["--jurisdiction", "ap"]],
    ["an unknown option", ["--jurisdiction", "eu", "--force"]],
    ["an unknown secret", ["--jurisdiction", "eu", "--rotate", "OTHER"]],
  ])("%s, with 2 and the help", async (_, argv) => {
    expect(await provision(argv)).toBe(2);
    expect(said.text()).toContain("npm run ops -- provision --jurisdiction");
  });
});

describe("secrets that exist", () => {
  test("S2-6 a slot that has a later version needs no first one", async () => {
    await provisionIn(deployment, wrangler);
    account.secretsOf("moonseal-cell-eu").delete("SLOT_CONTACT_V1");
    account.putSecret("moonseal-cell-eu", "SLOT_CONTACT_V2", "by a rotation");
    wrangler.changes.length = 0;
    expect(await provisionIn(deployment, wrangler, { argv: [], passphrase: "never asked" })).toBe(0);
    expect(wrangler.changes).toEqual(AGAIN);
  });

  test("are kept, and only the missing ones are made and escrowed", async () => {
    account.putSecret("moonseal-cell-eu", "API_KEY_PEPPER", "by hand");
    expect(await provisionIn(deployment, wrangler)).toBe(0);
    expect(account.secretsOf("moonseal-cell-eu").get("API_KEY_PEPPER")).toBe("by hand");
    expect(Object.keys(openedEscrow(escrowFile(deployment)).secrets).sort()).toEqual([
      "DOCUMENT_SIGNING_KEY",
      "LOG_SIGNING_KEY",
      "OPERATOR_SECRET",
      "PSEUDONYM_PEPPER",
      ...[...SLOTS].sort(),
      "TOKEN_SIGNING_KEY",
      "WITNESS_ML_DSA_KEY",
      "WITNESS_SIGNING_KEY",
    ]);
  });

  describe("--rotate", () => {
    const rotation = (name: string, file = "rotation.json") => ({
      argv: ["--rotate", name, "--escrow", escrowFile(deployment, file)],
    });
    beforeEach(async () => {
      await provisionIn(deployment, wrangler);
      wrangler.changes.length = 0;
    });
    const secrets = () => Object.fromEntries(account.secretsOf("moonseal-cell-eu"));

    test("replaces the one that is named, with an escrow file of its own, and says what that breaks", async () => {
      const before = secrets();
      expect(await provisionIn(deployment, wrangler, rotation("API_KEY_PEPPER"))).toBe(0);
      const { API_KEY_PEPPER, ...others } = secrets();
      expect(API_KEY_PEPPER).not.toBe(before.API_KEY_PEPPER);
      expect({ ...others, API_KEY_PEPPER: before.API_KEY_PEPPER }).toEqual(before);
      expect(openedEscrow(escrowFile(deployment, "rotation.json")).secrets).toEqual({ API_KEY_PEPPER });
      expect(said.text()).toContain("every API key of the cell stops working");
    });

    test.each([true, false])("goes on after a crash with the value of its escrow file (done: %s)", async (done) => {
      wrangler.fault = { at: 1, form: "crash", done };
      await expect(provisionIn(deployment, wrangler, rotation("OPERATOR_SECRET"))).rejects.toThrow(Crash);
      const made = openedEscrow(escrowFile(deployment, "rotation.json")).secrets;
      wrangler.fault = null;
      expect(await provisionIn(deployment, wrangler, rotation("OPERATOR_SECRET"))).toBe(0);
      expect(secrets()).toMatchObject(made);
    });

    test("counts a failure as one: whether the new value is there cannot be seen", async () => {
      wrangler.fault = { at: 1, form: "fails", done: true };
      expect(await provisionIn(deployment, wrangler, rotation("OPERATOR_SECRET"))).toBe(1);
      expect(said.text()).toMatch(/^SECRET_FAILED OPERATOR_SECRET /m);
    });

    test("never takes the old escrow file for the new one", async () => {
      const before = secrets();
      expect(await provisionIn(deployment, wrangler, rotation("OPERATOR_SECRET", "eu.escrow.json"))).toBe(1);
      expect(said.text()).toMatch(/^ESCROW_OTHER .* never overwritten/m);
      expect(secrets()).toEqual(before);
    });

    test.each(["PSEUDONYM_PEPPER", "LOG_SIGNING_KEY", "WITNESS_SIGNING_KEY", "SLOT_CONTACT_V1", "SLOT_TAX_IDS_V2"])(
      "refuses %s, whose loss or change nobody repairs",
      async (name) => {
        expect(await provisionIn(deployment, wrangler, rotation(name))).toBe(1);
        expect(said.text()).toMatch(new RegExp(`^SECRET_NOT_ROTATED ${name} `, "m"));
        expect(wrangler.changes).toEqual([]);
      },
    );
  });
});

describe("the escrow file refuses, before anything is created,", () => {
  test.each<[string, string, () => { argv?: string[]; passphrase?: string }]>([
    ["to be left out", "ESCROW_NEEDED", () => ({ argv: [] })],
    ["a place in the repository", "ESCROW_PLACE", () => ({ argv: ["--escrow", path.join(deployment.root, "e.json")] })],
    [
      "a folder that is not there",
      "ESCROW_PLACE",
      () => ({ argv: ["--escrow", path.join(deployment.safe, "no/e.json")] }),
    ],
    ["a weak passphrase", "PASSPHRASE_WEAK", () => ({ passphrase: "moonseal12345678" })],
  ])("%s", async (_, code, run) => {
    expect(await provisionIn(deployment, wrangler, run())).toBe(1);
    expect(said.text()).toMatch(new RegExp(`^${code} `, "m"));
    expect(wrangler.changes).toEqual([]);
    expect(readdirSync(deployment.safe)).toEqual([]);
  });

  test("a file that is something else, which stays as it is", async () => {
    writeFileSync(escrowFile(deployment), "a diary");
    expect(await provisionIn(deployment, wrangler)).toBe(1);
    expect(said.text()).toMatch(/^ESCROW_MALFORMED /m);
    expect(readFileSync(escrowFile(deployment), "utf8")).toBe("a diary");
    expect(wrangler.changes).toEqual([]);
  });

  test("a wrong passphrase for the file of an earlier run", async () => {
    wrangler.fault = { at: 6, form: "crash", done: false };
    await expect(provisionIn(deployment, wrangler)).rejects.toThrow(Crash);
    const changes = wrangler.changes.length;
    expect(await provisionIn(deployment, wrangler, { passphrase: "another passphrase entirely" })).toBe(1);
    expect(said.text()).toMatch(/^ESCROW_CLOSED /m);
    expect(wrangler.changes.length).toBe(changes);
  });

  test("the file of the other cell", async () => {
    await provisionIn(deployment, wrangler);
    expect(await provisionIn(deployment, wrangler, { jurisdiction: "us" })).toBe(1);
    expect(said.text()).toMatch(/^ESCROW_OTHER /m);
    expect(account.secrets.has("moonseal-cell-us")).toBe(false);
  });
});

describe("database_id in a configuration", () => {
  const toml = `# top
[[d1_databases]] # first
binding = "A"   # keep me
database_name = "a"
migrations_dir = "m"

[[d1_databases]]
binding = "B"
database_name = "b"
database_id = "" # empty
# the end
[vars]
X = "1"
`;
  test("goes below the name, or into the line that is there; nothing else moves", () => {
    expect(withDatabaseId(toml, "A", "id-a")).toBe(
      toml.replace('database_name = "a"\n', 'database_name = "a"\ndatabase_id = "id-a"\n'),
    );
    expect(withDatabaseId(toml, "B", "id-b")).toBe(toml.replace('database_id = "" # empty', 'database_id = "id-b"'));
  });

  test("is refused in a form that cannot be edited line by line", () => {
    expect(() => withDatabaseId('d1_databases = [{ binding = "A" }]\n', "A", "id")).toThrow(/no \[\[d1_databases\]\]/);
    expect(() => withDatabaseId(toml, "C", "id")).toThrow(/binding = "C"/);
    const tricky = '[[d1_databases]]\nbinding = "A"\ndatabase_name = """\nb"""\n';
    expect(() => withDatabaseId(tricky, "A", "id")).toThrow(/by hand/);
  });
});
