import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parse, type TomlTable } from "smol-toml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { toHex } from "../../src/core/bytes.ts";
import { JURISDICTIONS, type Jurisdiction } from "../../src/core/ids.ts";
import { noteSigner } from "../../src/crypto/signer.ts";
import { type Configurations, isolationFaults } from "../../src/ops/isolation.ts";
import { writeLocalConfigs } from "../../src/ops/local-config.ts";
import { localWitnesses } from "../../src/ops/local-witnesses.ts";
import { committedConfig, devVarsFile, generatedConfig, localPaths, REPOSITORY, WORKERS } from "../../src/ops/paths.ts";
import { CELL_SECRETS, ensureSecrets } from "../../src/ops/secrets.ts";
import { type CellSettings, cellConfig } from "../../src/services/cell-config.ts";

const read = (file: string): TomlTable => parse(readFileSync(file, "utf8"));
const committed = (): Configurations => ({
  gateway: read(committedConfig(REPOSITORY, "gateway")),
  eu: read(committedConfig(REPOSITORY, "eu")),
  us: read(committedConfig(REPOSITORY, "us")),
});
type Mutable = Record<keyof Configurations, any>;

describe("the committed configurations", () => {
  test("S0-23 S0-24 S3-40 keep the jurisdictions apart: no binding, name or id crosses", () => {
    expect(isolationFaults(committed())).toEqual([]);
  });

  test("S0-23 give the gateway exactly its two service bindings", () => {
    const { gateway, eu, us } = committed();
    expect(gateway.services).toEqual([
      { binding: "CELL_EU", service: eu.name },
      { binding: "CELL_US", service: us.name },
    ]);
    expect(gateway.assets).toEqual({ directory: "./public" });
    const keys = ["assets", "compatibility_date", "main", "name", "observability", "services"];
    expect(Object.keys(gateway).sort()).toEqual(keys);
  });

  test.each(JURISDICTIONS)(
    "S0-24 S2-32 S4-10 pin the cell %s, give it no public address and databases by binding only",
    (jurisdiction) => {
      const cell: Mutable["eu"] = committed()[jurisdiction];
      expect(cell.vars).toMatchObject({ JURISDICTION: jurisdiction, DO_JURISDICTION: jurisdiction });
      expect(cell.r2_buckets.map((bucket: TomlTable) => bucket.jurisdiction)).toEqual([jurisdiction, jurisdiction]);
      expect(cell.d1_databases.map((database: TomlTable) => database.binding)).toEqual(["CONTROL", "LEDGER_00"]);
      expect(cell).toMatchObject({ workers_dev: false, preview_urls: false });
      expect(cell.routes ?? cell.route).toBeUndefined();
    },
  );
});

test("what a cell says of its witnesses may differ from the other cell, be the same, or not be there", () => {
  for (const values of [
    ["[1]", "[2]"],
    ["[1]", "[1]"],
    ["[1]", undefined],
  ]) {
    const configs = structuredClone(committed()) as Mutable;
    for (const name of ["WITNESSED_LOGS", "WITNESSES"]) {
      configs.eu.vars[name] = values[0];
      if (values[1] !== undefined) configs.us.vars[name] = values[1];
    }
    expect(isolationFaults(configs)).toEqual([]);
  }
});

describe("S0-23 the isolation check finds", () => {
  test.each<[string, (configs: Mutable) => unknown, RegExp]>([
    [
      "a database at the gateway",
      ({ gateway, eu }) => (gateway.d1_databases = eu.d1_databases),
      /gateway: d1_databases/,
    ],
    ["a variable at the gateway", ({ gateway }) => (gateway.vars = { DEBUG: "1" }), /gateway: vars/],
    [
      "a third binding at the gateway",
      ({ gateway }) => gateway.services.push({ binding: "X", service: "x" }),
      /gateway: services/,
    ],
    [
      "a gateway that calls one cell twice",
      ({ gateway, eu }) => (gateway.services[1].service = eu.name),
      /gateway: services/,
    ],
    [
      "a shared database name",
      ({ eu, us }) => (us.d1_databases[0].database_name = eu.d1_databases[0].database_name),
      /both cells name/,
    ],
    [
      "a shared database id",
      ({ eu, us }) => {
        eu.d1_databases[1].database_id = us.d1_databases[0].database_id = "one";
      },
      /both cells name one/,
    ],
    [
      "a shared local database",
      ({ eu, us }) => (us.d1_databases[1].preview_database_id = eu.d1_databases[1].preview_database_id),
      /both cells name/,
    ],
    ["a database without a local id", ({ eu }) => delete eu.d1_databases[0].preview_database_id, /no local id/],
    [
      "a shared bucket",
      ({ eu, us }) => (us.r2_buckets[0].bucket_name = eu.r2_buckets[0].bucket_name),
      /both cells name/,
    ],
    [
      "the other cell's bucket under another binding",
      ({ eu, us }) => (us.r2_buckets[1].bucket_name = eu.r2_buckets[0].bucket_name),
      /both cells name/,
    ],
    ["a bucket of another jurisdiction", ({ eu }) => (eu.r2_buckets[0].jurisdiction = "us"), /not pinned to eu/],
    ["a bucket without jurisdiction", ({ us }) => delete us.r2_buckets[1].jurisdiction, /not pinned to us/],
    ["objects that are not pinned", ({ us }) => (us.vars.DO_JURISDICTION = ""), /does not pin/],
    ["a local marker", ({ eu }) => (eu.vars.UNPINNED_LOCAL = "true"), /UNPINNED_LOCAL/],
    ["a secret in the file", ({ eu }) => (eu.vars.PSEUDONYM_PEPPER = "x"), /is a secret/],
    ["a key of a slot in the file", ({ eu }) => (eu.vars.SLOT_CONTACT_V7 = "x"), /is a secret/],
    [
      "an object of another Worker",
      ({ eu }) => (eu.durable_objects.bindings[0].script_name = "moonseal-cell-us"),
      /leads out of the cell/,
    ],
    ["a binding to a remote resource", ({ eu }) => (eu.d1_databases[0].remote = true), /leads out of the cell/],
    [
      "a service binding between cells",
      ({ eu }) => (eu.services = [{ binding: "US", service: "moonseal-cell-us" }]),
      /services/,
    ],
    ["a public address", ({ us }) => (us.workers_dev = true), /public address/],
    ["a route", ({ us }) => (us.routes = ["us.example/*"]), /routes/],
    ["an environment that changes everything", ({ eu }) => (eu.env = { staging: { vars: {} } }), /env/],
    [
      "a queue that both would use",
      ({ eu, us }) => {
        eu.queues = us.queues = { producers: [{ binding: "Q", queue: "jobs" }] };
      },
      /both cells name jobs/,
    ],
    ["a class that one cell lacks", ({ us }) => us.durable_objects.bindings.pop(), /only one of the cells/],
    ["a setting that differs", ({ us }) => (us.observability.enabled = false), /only one of the cells/],
  ])("%s", (_, mutate, fault) => {
    const configs = structuredClone(committed()) as Mutable;
    mutate(configs);
    expect(isolationFaults(configs).join("\n")).toMatch(fault);
  });
});

describe("the generated local configurations", () => {
  let root: string;
  beforeAll(() => {
    root = mkdtempSync(path.join(tmpdir(), "moonseal-local-"));
    for (const worker of WORKERS) copyFileSync(committedConfig(REPOSITORY, worker), committedConfig(root, worker));
    writeLocalConfigs(root);
    for (const jurisdiction of JURISDICTIONS) ensureSecrets(root, jurisdiction);
  });
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  const everyFile = () =>
    readdirSync(localPaths(root).local, { recursive: true, encoding: "utf8" })
      .map((name) => path.join(localPaths(root).local, name))
      .filter((file) => statSync(file).isFile());

  test.each(JURISDICTIONS)(
    "S0-24 S4-34 say openly that the cell %s is not pinned, and change nothing else",
    (jurisdiction) => {
      const { main, d1_databases, vars, ...rest } = read(generatedConfig(root, jurisdiction)) as Mutable["eu"];
      const { main: from, d1_databases: databases, vars: pinned, ...same } = committed()[jurisdiction] as Mutable["eu"];
      const folder = path.dirname(generatedConfig(root, jurisdiction));
      expect(vars).toEqual({
        ...pinned,
        DO_JURISDICTION: "",
        UNPINNED_LOCAL: "true",
        LOG_HOST: "log.localhost",
        // A token of this machine is nobody's in a deployment (S1-23).
        TOKEN_AUDIENCE: "http://localhost/moonseal",
      });
      expect(path.resolve(folder, main)).toBe(path.join(root, from));
      databases.forEach((database: TomlTable, i: number) => {
        const { migrations_dir, ...database_ } = d1_databases[i];
        expect(path.resolve(folder, migrations_dir)).toBe(path.join(root, String(database.migrations_dir)));
        expect({ ...database_, migrations_dir: database.migrations_dir }).toEqual(database);
      });
      expect(rest).toEqual(same);
    },
  );

  test("make the cells each other's witness, not independent, and a later run without an address keeps that", () => {
    const vars = () => JURISDICTIONS.map((jurisdiction) => read(generatedConfig(root, jurisdiction)).vars as TomlTable);
    const before = vars();
    writeLocalConfigs(root, localWitnesses(root, "http://127.0.0.1:8787"));
    writeLocalConfigs(root);
    JURISDICTIONS.forEach((jurisdiction, i) => {
      const { WITNESSES, WITNESSED_LOGS, PUBLIC_ORIGIN, ...rest } = vars()[i] ?? {};
      const { PUBLIC_ORIGIN: _, ...same } = before[i] ?? {};
      expect(rest).toEqual(same);
      expect(PUBLIC_ORIGIN).toBe("http://localhost:8787");
      const settings = { ...rest, PUBLIC_ORIGIN, ...ensureSecrets(root, jurisdiction), WITNESSES, WITNESSED_LOGS };
      const config = cellConfig(settings as unknown as CellSettings);
      const other = jurisdiction === "eu" ? "us" : "eu";
      expect(config.witnesses).toMatchObject([
        {
          url: `http://127.0.0.1:8787/witness/${other}`,
          name: `log.localhost/witness-${other}`,
          independent: false,
          origins: null,
        },
      ]);
      const { LOG_SIGNING_KEY } = ensureSecrets(root, other);
      const own = noteSigner("log.localhost/dom_x", Buffer.from(LOG_SIGNING_KEY, "base64"));
      const [trusted] = config.witnessedKeysOf("log.localhost/dom_x");
      expect(trusted && toHex(trusted.keyHash)).toBe(own.keyId);
    });
  });

  test("S0-23 leave the gateway without variables and secrets", () => {
    const { main: _, assets, ...local } = read(generatedConfig(root, "gateway"));
    const { main: __, assets: ___, ...from } = committed().gateway;
    expect(local).toEqual(from);
    const { directory } = assets as { directory: string };
    expect(path.resolve(path.dirname(generatedConfig(root, "gateway")), directory)).toBe(path.join(root, "public"));
    expect(existsSync(devVarsFile(root, "gateway"))).toBe(false);
  });

  test("S0-23 S2-7 a cell's secret stands in that cell's file, which only its owner reads, and in no other", () => {
    const secrets = JURISDICTIONS.flatMap((jurisdiction: Jurisdiction) =>
      Object.values(ensureSecrets(root, jurisdiction)).map((value) => ({
        value,
        file: devVarsFile(root, jurisdiction),
      })),
    );
    expect(new Set(secrets.map(({ value }) => value)).size).toBe(2 * CELL_SECRETS.length);
    for (const { value, file } of secrets) {
      expect(everyFile().filter((other) => readFileSync(other, "utf8").includes(value))).toEqual([file]);
      expect(statSync(file).mode & 0o777).toBe(0o600);
    }
  });
});
