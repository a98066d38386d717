/** `ops rotate-key` against the recorded wrangler and a stand-in for the cell that is stricter than the cell. */

import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseEnv } from "node:util";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { slotSecretName } from "../../src/crypto/slot-keys.ts";
import type { LocalApi } from "../../src/ops/local-api.ts";
import { devVarsFile, localPaths } from "../../src/ops/paths.ts";
import { rotateKey } from "../../src/ops/rotate-key.ts";
import { ensureSecrets } from "../../src/ops/secrets.ts";
import { Account } from "./support/account.ts";
import { Deployment, listen } from "./support/deployment.ts";
import { escrowFile, fastKey, openedEscrow, PASSPHRASE, provisionIn } from "./support/provisioning.ts";
import { Crash, WranglerDouble } from "./support/wrangler-double.ts";

const WORKER = "moonseal-cell-eu";
const SLOT = "contact";
const V1 = slotSecretName(SLOT, 1);
const V2 = slotSecretName(SLOT, 2);

let deployment: Deployment;
let account: Account;
let wrangler: WranglerDouble;
let said: ReturnType<typeof listen>;
let cell: CellStandIn;

/** Rows under versions; the secrets are whatever the account has. A step takes two rows. */
class CellStandIn {
  rows = [1, 1, 1, 1, 1];
  unreadable = 0;
  looked = false;
  /** Asks until a changed secret is seen. */
  lag = 0;
  readonly calls: string[] = [];
  fails: string | null = null;
  readonly #secrets: () => ReadonlyMap<string, string>;

  constructor(secrets: () => ReadonlyMap<string, string>) {
    this.#secrets = secrets;
  }

  readonly api: LocalApi = {
    get: async (at, token) => this.#answer(at, token, {}),
    post: async (at, token, body) => this.#answer(at, token, body as { slot: string; look_again?: boolean }),
  };

  get versions(): number[] {
    const names = [...this.#secrets().keys()].filter((name) => name.startsWith("SLOT_CONTACT_V"));
    return names.map((name) => Number(name.slice("SLOT_CONTACT_V".length))).sort();
  }

  #answer(at: string, token: string, body: { slot?: string; look_again?: boolean }) {
    this.calls.push(at);
    if (token !== this.#secrets().get("OPERATOR_SECRET")) return { status: 401, body: { code: "auth.required" } };
    if (this.fails === at) return { status: 503, body: { code: "storage.unavailable" } };
    if (at === "/v1/keys") {
      const seen = this.lag > 0 && this.versions.length > 1 ? this.versions.slice(0, -1) : this.versions;
      if (this.versions.length > 1) this.lag--;
      return { status: 200, body: { slots: [{ slot: SLOT, versions: seen.map((version) => ({ version })) }] } };
    }
    if (body.slot !== SLOT) throw new Error(`another slot: ${body.slot}`);
    const newest = this.versions.at(-1) ?? 0;
    if (at === "/v1/slot-retirements" && body.look_again) this.looked = true;
    const stale = this.rows.flatMap((version, i) => (version < newest ? [i] : []));
    for (const i of stale.slice(0, 2)) this.rows[i] = newest;
    const done = stale.length === 0 && this.unreadable === 0;
    const view = {
      values: 1,
      walks: 1,
      domains: 1,
      unreadable: this.unreadable,
      stuck: stale.length === 0 && !done,
      done,
    };
    if (at === "/v1/slot-rotations") return { status: 200, body: view };
    return { status: 200, body: { ...view, retired: done && this.looked ? this.versions.slice(0, -1) : null } };
  }
}

beforeEach(async () => {
  deployment = new Deployment();
  account = new Account();
  wrangler = new WranglerDouble(account);
  said = listen();
  await provisionIn(deployment, wrangler);
  wrangler.changes.length = 0;
  cell = new CellStandIn(() => account.secretsOf(WORKER));
});
afterEach(() => {
  vi.restoreAllMocks();
  deployment.remove();
});

const run = (argv: string[] = [], changes: object = {}) =>
  rotateKey(
    [SLOT, "--jurisdiction", "eu", "--remote", "--url", "https://cell.example", "--root", deployment.root, ...argv],
    {
      run: wrangler.run,
      api: () => cell.api,
      operatorSecret: account.secretsOf(WORKER).get("OPERATOR_SECRET"),
      ask: async () => PASSPHRASE,
      random: (byteLength) => randomBytes(byteLength),
      now: () => new Date("2026-11-21T12:00:00.000Z"),
      deriveKey: fastKey,
      wait: async () => {},
      ...changes,
    },
  );
const newFile = () => ["--escrow", escrowFile(deployment, "contact-v2.json")];
const slotSecrets = () => [...account.secretsOf(WORKER).keys()].filter((name) => name.startsWith("SLOT_CONTACT"));

describe("S2-4 rotate-key", () => {
  test("escrows, puts the new secret beside the old, has everything sealed anew, looks again, deletes the old", async () => {
    cell.lag = 3;
    expect(await run(newFile())).toBe(0);
    expect(wrangler.changes).toEqual([`putSecret ${V2}`, `deleteSecret ${V1}`]);
    expect(cell.rows).toEqual([2, 2, 2, 2, 2]);
    expect(slotSecrets()).toEqual([V2]);
    const opened = openedEscrow(escrowFile(deployment, "contact-v2.json"));
    expect(opened.secrets).toEqual({ [V2]: account.secretsOf(WORKER).get(V2) });
    expect(opened.header.reason).toBe("rotate");
    expect(said.text()).toMatch(/resealing .* done/);
  });

  test("S2-7 tells no secret but through wrangler's input", async () => {
    await run(newFile());
    const value = account.secretsOf(WORKER).get(V2) ?? "";
    expect(wrangler.inputs.at(-1)).toBe(value);
    expect(said.text()).not.toContain(value);
    expect(wrangler.calls.flat().join(" ")).not.toContain(value);
  });

  test("a third version comes after the second, and the first is not missed", async () => {
    await run(newFile());
    expect(await run(["--escrow", escrowFile(deployment, "contact-v3.json")])).toBe(0);
    expect(slotSecrets()).toEqual([slotSecretName(SLOT, 3)]);
    expect(cell.rows).toEqual([3, 3, 3, 3, 3]);
  });

  test("--keep-old stops before the old secret goes; the next run makes no third one and ends it", async () => {
    expect(await run([...newFile(), "--keep-old"])).toBe(0);
    expect(slotSecrets()).toEqual([V1, V2]);
    expect(await run()).toBe(0);
    expect(slotSecrets()).toEqual([V2]);
  });
});

describe("rotate-key that is broken off goes on the next time, the same way", () => {
  const faults = [1, 2].flatMap((at) =>
    (["crash", "fails"] as const).flatMap((form) => [false, true].map((done) => [at, form, done] as const)),
  );
  test.each(faults)("at changing command %i (%s, done: %s)", async (at, form, done) => {
    wrangler.fault = { at, form, done };
    const first = await run(newFile()).catch((error: unknown) => {
      if (!(error instanceof Crash)) throw error;
      return "crash";
    });
    if (form === "crash") expect(first).toBe("crash");
    else expect(first).toBe(done ? 0 : 1);
    wrangler.fault = null;
    // After a failure that had come through there is nothing left to do, and another run would be another rotation.
    if (first !== 0 && slotSecrets().join() !== V2) expect(await run(newFile())).toBe(0);
    expect(slotSecrets()).toEqual([V2]);
    expect(cell.rows).toEqual([2, 2, 2, 2, 2]);
    expect(openedEscrow(escrowFile(deployment, "contact-v2.json")).secrets[V2]).toBe(account.secretsOf(WORKER).get(V2));
  });

  test.each(["/v1/slot-rotations", "/v1/slot-retirements"])(
    "when the cell fails at %s the old secret stays",
    async (at) => {
      cell.fails = at;
      await expect(run(newFile())).rejects.toThrow(/503/);
      expect(slotSecrets()).toEqual([V1, V2]);
      cell.fails = null;
      expect(await run()).toBe(0);
      expect(slotSecrets()).toEqual([V2]);
    },
  );
});

describe("rotate-key refuses, and changes nothing", () => {
  test.each<[string, () => Promise<unknown>, RegExp]>([
    [
      "a cell that does not let the operator in",
      () => run(newFile(), { operatorSecret: "mso_eu_wrong" }),
      /^CELL_NOT_READY /m,
    ],
    ["no escrow file", () => run(), /^ESCROW_NEEDED /m],
    ["a weak passphrase", () => run(newFile(), { ask: async () => "aaaaaaaaaaaaaaaaaaaa" }), /^PASSPHRASE_WEAK /m],
    ["an operator without a secret", () => run(newFile(), { operatorSecret: undefined }), /^OPERATOR_NEEDED /m],
  ])("%s", async (_, tried, line) => {
    expect(await tried()).toBe(1);
    expect(said.text()).toMatch(line);
    expect(wrangler.changes).toEqual([]);
    expect(slotSecrets()).toEqual([V1]);
  });

  test("to delete a secret that values which nobody can open still name", async () => {
    cell.unreadable = 2;
    expect(await run(newFile())).toBe(1);
    expect(said.text()).toMatch(/^VALUES_UNREADABLE 2 /m);
    expect(slotSecrets()).toEqual([V1, V2]);
  });

  test("to wait for ever for a cell that does not get the new secret", async () => {
    cell.lag = 1000;
    expect(await run(newFile())).toBe(1);
    expect(said.text()).toMatch(/^SECRET_NOT_SEEN /m);
  });

  test.each([
    [[]],
    [["contact"]],
    [["nothing", "--jurisdiction", "eu", "--local"]],
    [["contact", "--jurisdiction", "eu"]],
  ])("to guess: %j ends with 2 and the help", async (argv) => {
    expect(await rotateKey(argv)).toBe(2);
    expect(said.text()).toContain("npm run ops -- rotate-key SLOT");
  });
});

describe("rotate-key --local", () => {
  test("does the same with the file of the local cell, and a later start makes no first version again", async () => {
    const secrets = ensureSecrets(deployment.root, "eu");
    const vars = () => parseEnv(readFileSync(devVarsFile(deployment.root, "eu"), "utf8")) as Record<string, string>;
    mkdirSync(localPaths(deployment.root).local, { recursive: true });
    writeFileSync(localPaths(deployment.root).run, JSON.stringify({ pid: 1, url: "http://127.0.0.1:1" }));
    expect(existsSync(devVarsFile(deployment.root, "eu"))).toBe(true);
    cell = new CellStandIn(() => new Map(Object.entries(vars())));
    const argv = [SLOT, "--jurisdiction", "eu", "--local", "--root", deployment.root];
    const ports = {
      run: wrangler.run,
      api: () => cell.api,
      operatorSecret: secrets.OPERATOR_SECRET,
      ask: async () => PASSPHRASE,
      random: (byteLength: number) => randomBytes(byteLength),
      now: () => new Date(),
      wait: async () => {},
    };
    expect(await rotateKey(argv, ports)).toBe(0);
    expect(Object.keys(vars()).filter((name) => name.startsWith("SLOT_CONTACT"))).toEqual([V2]);
    ensureSecrets(deployment.root, "eu");
    expect(Object.keys(vars()).filter((name) => name.startsWith("SLOT_CONTACT"))).toEqual([V2]);
    expect(wrangler.changes).toEqual([]);
  });
});
