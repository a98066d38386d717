/**
 * wrangler 4.155.0 without its process: answers on an `Account` what the real one prints (test/ops/deploy-wrangler.test.ts
 * compares them), and throws on every command that provisioning and deploying have no business to run.
 */
import { readFileSync } from "node:fs";
import path, { basename } from "node:path";
import { parse, type TomlTable } from "smol-toml";
import type { Ran } from "../../../src/ops/deploy-account.ts";
import { tables } from "../../../src/ops/deploy-config.ts";
import { migrationFiles } from "../../../src/ops/migration-target.ts";
import { type Account, ApiRefusal, databaseDetails } from "./account.ts";

/** What happens at one changing command; `crash` is this process ended there, `fails` an exit code. */
export type Fault = { at: number; form: "crash" | "fails"; done: boolean };

export class Crash extends Error {}

interface Call {
  config: TomlTable;
  file: string;
  worker: string;
  /** Values of the `:names` of the pattern. */
  of: Record<string, string>;
  input: string | undefined;
}

/** Patterns word by word; `:name` stands for one value. */
const LOOKS: [pattern: string, name: string][] = [
  ["d1 list --json -c :config", "listDatabases"],
  ["d1 info :database --json -c :config", "databaseInfo"],
  ["d1 execute :binding -c :config --remote --json --command :sql", "execute"],
  ["d1 time-travel info :binding --json -c :config", "timeTravel"],
  ["r2 bucket info :bucket --jurisdiction :jurisdiction --json -c :config", "bucketInfo"],
  ["r2 bucket info :bucket --json -c :config", "bucketInfo"],
  ["secret list --format json -c :config", "listSecrets"],
  ["deploy --dry-run -c :config --outdir :folder --no-x-provision --no-x-auto-create", "bundle"],
];
const CHANGES: [pattern: string, name: string][] = [
  ["d1 create :database --jurisdiction :jurisdiction --no-update-config -c :config", "createDatabase"],
  ["r2 bucket create :bucket --jurisdiction :jurisdiction --no-update-config -c :config", "createBucket"],
  ["secret put :secret -c :config", "putSecret"],
  ["secret delete :secret -c :config", "deleteSecret"],
  ["d1 migrations apply :binding -c :config --remote", "migrate"],
  ["deploy -c :config --no-x-provision --no-x-auto-create --tag :tag", "deploy"],
  ["deploy -c :config --no-x-provision --no-x-auto-create --tag :tag --domains :domain", "deploy"],
];

export class WranglerDouble {
  /** Every command with its values. */
  readonly calls: string[][] = [];
  /** Names of the changing commands, in order. */
  readonly changes: string[] = [];
  /** Everything that came in through the input. */
  readonly inputs: string[] = [];
  readonly account: Account;
  fault: Fault | null = null;
  /** Replaces the answer of whatever matches. */
  readonly overrides: [pattern: RegExp, ran: Partial<Ran>][] = [];

  constructor(account: Account) {
    this.account = account;
  }

  readonly run = async (args: readonly string[], input?: string): Promise<Ran> => {
    this.calls.push([...args]);
    const override = this.overrides.find(([pattern]) => pattern.test(args.join(" ")));
    if (override) return { code: 0, stdout: "", stderr: "", ...override[1] };
    const recording = this.#recording(args);
    const look = recording ? null : match(LOOKS, args);
    if (look) {
      if (input) throw new Error(`input for ${args.join(" ")}`);
      return this.#answer(look.name, this.#call(look.of, undefined));
    }
    const change = recording ?? match(CHANGES, args);
    if (!change) throw new Error(`unexpected: wrangler ${args.join(" ")}`);
    const call = this.#call(change.of, input);
    this.changes.push(
      [change.name, change.of.database ?? change.of.bucket ?? change.of.secret ?? change.of.binding].join(" "),
    );
    const faulty = this.fault?.at === this.changes.length ? this.fault : null;
    if (!faulty) return this.#answer(change.name, call);
    if (faulty.done) this.#answer(change.name, call);
    if (faulty.form === "crash") throw new Crash(change.name);
    return failed("A request to the Cloudflare API (/accounts/…) failed.\n\n  fetch failed");
  };

  /** The one statement that changes something. */
  #recording(args: readonly string[]) {
    const look = match(LOOKS, args);
    return look?.name === "execute" && /^INSERT INTO (?:provisioned_resource|backup_bookmark) /.test(look.of.sql ?? "")
      ? look
      : null;
  }

  #call(of: Record<string, string>, input: string | undefined): Call {
    const file = of.config ?? "";
    const config = parse(readFileSync(file, "utf8"));
    return { config, file, worker: String(config.name), of, input };
  }

  #answer(name: string, call: Call): Ran {
    try {
      return { code: 0, stdout: this.#handlers[name]?.(call) as string, stderr: "" };
    } catch (error) {
      if (!(error instanceof ApiRefusal)) throw error;
      return this.#refused(name, call, error);
    }
  }

  readonly #handlers: Record<string, (call: Call) => string> = {
    listDatabases: () =>
      json(
        this.account.databases.map((database) => {
          const { uuid, name, created_at, version, jurisdiction } = databaseDetails(database);
          return { uuid, name, created_at, version, jurisdiction };
        }),
      ),
    databaseInfo: ({ of, config }) => {
      const { version: _, file_size, ...rest } = databaseDetails(this.#database(config, of.database ?? ""));
      const size = file_size === 0 ? { file_size } : {};
      const renamed = file_size === 0 ? {} : { database_size: file_size };
      const { uuid, name, created_at, num_tables, running_in_region, ...after } = rest;
      const queries = { read_queries_24h: 0, write_queries_24h: 0, rows_read_24h: 0, rows_written_24h: 0 };
      return json({ uuid, name, created_at, num_tables, running_in_region, ...size, ...after, ...renamed, ...queries });
    },
    timeTravel: ({ of, config }) =>
      json({
        bookmark: `00000001-00000002-00004f1d-${this.#database(config, of.binding ?? "").uuid.replaceAll("-", "")}`,
      }),
    createDatabase: ({ of }) => {
      const { uuid, name } = this.account.createDatabase(of.database ?? "", of.jurisdiction ?? null);
      return `✅ Successfully created DB '${name}' in region WEUR\nCreated your new D1 database.\n\nTo access your new D1 Database in your Worker, add the following snippet to your configuration file:\n[[d1_databases]]\nbinding = "${name.replaceAll("-", "_")}"\ndatabase_name = "${name}"\ndatabase_id = "${uuid}"\n\n`;
    },
    execute: ({ of, config }) => json(this.account.query(this.#database(config, of.binding ?? "").uuid, of.sql ?? "")),
    migrate: ({ of, config, file }) => this.#migrate(config, file, of.binding ?? ""),
    createBucket: ({ of }) => {
      const { bucket = "", jurisdiction = "" } = of;
      this.account.createBucket(bucket, jurisdiction);
      return `Creating bucket '${bucket} (${jurisdiction})'...\n✅ Created bucket '${bucket} (${jurisdiction})' with default storage class of Standard.\nTo access your new R2 Bucket in your Worker, add the following snippet to your configuration file:\n[[r2_buckets]]\nbucket_name = "${bucket}"\nbinding = "${bucket.replaceAll("-", "_")}"\n\n`;
    },
    bucketInfo: ({ of }) => {
      const { bucket: name = "", jurisdiction = null } = of;
      if (!this.account.hasBucket(name, jurisdiction))
        throw new ApiRefusal(404, 10006, "The specified bucket does not exist.");
      const created = "2026-11-20T10:00:00.000Z";
      const rest = { location: "WEUR", default_storage_class: "Standard", object_count: "0", bucket_size: "0 B" };
      return `${JSON.stringify({ name, created, ...rest }, null, 4)}\n`;
    },
    listSecrets: ({ worker }) =>
      json([...this.account.secretsOf(worker).keys()].map((name) => ({ name, type: "secret_text" }))),
    putSecret: ({ worker, of, input }) => {
      if (!input) throw new Error(`secret put ${of.secret} waits for its input`);
      this.inputs.push(input);
      const isNew = !this.account.secrets.has(worker);
      this.account.putSecret(worker, of.secret ?? "", input);
      const asked = `? There doesn't seem to be a Worker called "${worker}". Do you want to create a new Worker with that name and add secrets to it?\n🤖 Using fallback value in non-interactive context: yes\n🌀 Creating new Worker "${worker}"...\n`;
      return `🌀 Creating the secret for the Worker "${worker}"\n${isNew ? asked : ""}✨ Success! Uploaded secret ${of.secret}\n`;
    },
    deleteSecret: ({ worker, of }) => {
      this.account.deleteSecret(worker, of.secret ?? "");
      return `? Are you sure you want to permanently delete the secret ${of.secret} on the Worker ${worker}?\n🤖 Using fallback value in non-interactive context: yes\n🌀 Deleting the secret ${of.secret} on the Worker ${worker}\n✨ Success! Deleted secret ${of.secret}\n`;
    },
    bundle: () => "Total Upload: 1.00 KiB / gzip: 1.00 KiB\n--dry-run: exiting now.\n",
    deploy: ({ worker }) => {
      this.account.deployed.push(worker);
      return `Total Upload: 1.00 KiB / gzip: 1.00 KiB\nUploaded ${worker} (1.00 sec)\n`;
    },
  };

  #migrate(config: TomlTable, file: string, binding: string): string {
    const { uuid } = this.#database(config, binding);
    const { migrations_dir } = tables(config.d1_databases).find((database) => database.binding === binding) ?? {};
    this.account.query(
      uuid,
      "CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE)",
    );
    const applied = this.account.query(uuid, "SELECT name FROM d1_migrations")[0]?.results.map(({ name }) => name);
    const pending = migrationFiles(path.resolve(path.dirname(file), String(migrations_dir))).filter(
      (migration) => !applied?.includes(basename(migration)),
    );
    for (const migration of pending) {
      this.account.query(uuid, readFileSync(migration, "utf8"));
      this.account.query(uuid, `INSERT INTO d1_migrations (name) VALUES ('${basename(migration)}')`);
    }
    return pending.length === 0 ? "✅ No migrations to apply!\n" : "Migrations to be applied:\n";
  }

  /** As wrangler resolves a name, a binding or an id. */
  #database(config: TomlTable, of: string) {
    const bound = tables(config.d1_databases).find(({ binding, database_name }) =>
      [binding, database_name].includes(of),
    );
    return this.account.database(String(bound?.database_id ?? bound?.database_name ?? of));
  }

  #refused(name: string, { of, worker, config }: Call, { code, message }: ApiRefusal): Ran {
    const api = `A request to the Cloudflare API (/accounts/…) failed.\n\n  ${message} [code: ${code}]`;
    if (name === "execute") {
      const error = {
        text: "A request to the Cloudflare API (/accounts/…) failed.",
        notes: [{ text: `${message} [code: ${code}]` }],
      };
      return { code: 1, stdout: `\n${json({ error })}`, stderr: "" };
    }
    if (name === "createDatabase") return failed(message);
    if (name === "listSecrets") return failed(`Worker "${worker}" not found.`);
    const isBoundById = tables(config.d1_databases).some((it) => it.binding === of.database && it.database_id);
    if (name === "databaseInfo" && !isBoundById) {
      return failed(
        `Couldn't find a D1 DB with name or binding '${of.database}' in your config or the API. Run 'wrangler d1 create ${of.database}' to create it.`,
      );
    }
    return failed(api);
  }
}

function failed(message: string): Ran {
  return { code: 1, stdout: "\n", stderr: `✘ [ERROR] ${message}\n\n\n` };
}

function match(patterns: [string, string][], args: readonly string[]) {
  for (const [pattern, name] of patterns) {
    const words = pattern.split(" ");
    const fits = words.length === args.length && words.every((word, at) => word.startsWith(":") || word === args[at]);
    if (!fits) continue;
    const of = Object.fromEntries(
      words.flatMap((word, at) => (word.startsWith(":") ? [[word.slice(1), args[at] ?? ""]] : [])),
    );
    return { name, of };
  }
  return null;
}

const json = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;
