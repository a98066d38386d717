/** An account as far as provisioning and the gate look at it: real SQLite databases, buckets and secrets in memory. */
import { randomUUID } from "node:crypto";
import { DatabaseSync } from "node:sqlite";

export interface AccountDatabase {
  uuid: string;
  name: string;
  jurisdiction: string | null;
  created_at: string;
  replication: "auto" | "disabled";
  sql: DatabaseSync;
}

export interface QueryResult {
  results: Record<string, unknown>[];
  success: true;
  meta: { duration: number };
}

/** A refusal with the code and text of the account's API. */
export class ApiRefusal extends Error {
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export class Account {
  readonly databases: AccountDatabase[] = [];
  /** Each jurisdiction has a namespace of its own. */
  readonly buckets: { name: string; jurisdiction: string | null }[] = [];
  /** Secrets by Worker and name. */
  readonly secrets = new Map<string, Map<string, string>>();
  /** Workers in the order of their deployments. */
  readonly deployed: string[] = [];

  createDatabase(name: string, jurisdiction: string | null): AccountDatabase {
    if (this.databases.some((database) => database.name === name)) {
      throw new ApiRefusal(400, 7502, "A database with that name already exists");
    }
    const sql = new DatabaseSync(":memory:");
    const created_at = "2026-11-20T10:00:00.000Z";
    const database: AccountDatabase = {
      uuid: randomUUID(),
      name,
      jurisdiction,
      created_at,
      replication: "disabled",
      sql,
    };
    this.databases.push(database);
    return database;
  }

  database(idOrName: string): AccountDatabase {
    const found = this.databases.find(({ uuid, name }) => uuid === idOrName || name === idOrName);
    if (!found) throw new ApiRefusal(404, 7404, "The database could not be found");
    return found;
  }

  /** Statements end at the end of a line, as every migration here is written. */
  query(idOrName: string, sql: string): QueryResult[] {
    const { sql: database } = this.database(idOrName);
    const text = sql.replaceAll(/^--.*$/gm, "");
    const statements = text.split(/;[ \t]*(?:\n|$)/).filter((statement) => statement.trim() !== "");
    return statements.map((statement) => {
      try {
        const results = database.prepare(statement).all() as Record<string, unknown>[];
        return { results: results.map((row) => ({ ...row })), success: true, meta: { duration: 1 } };
      } catch (error) {
        throw new ApiRefusal(400, 7500, `${(error as Error).message}: SQLITE_ERROR`);
      }
    });
  }

  createBucket(name: string, jurisdiction: string | null): void {
    if (this.hasBucket(name, jurisdiction)) {
      throw new ApiRefusal(409, 10004, "The bucket you tried to create already exists, and you own it.");
    }
    this.buckets.push({ name, jurisdiction });
  }

  hasBucket(name: string, jurisdiction: string | null): boolean {
    return this.buckets.some((bucket) => bucket.name === name && bucket.jurisdiction === jurisdiction);
  }

  secretsOf(worker: string): Map<string, string> {
    const secrets = this.secrets.get(worker);
    if (!secrets) throw new ApiRefusal(404, 10007, "This Worker does not exist on your account.");
    return secrets;
  }

  putSecret(worker: string, name: string, value: string): void {
    const secrets = this.secrets.get(worker) ?? new Map<string, string>();
    this.secrets.set(worker, secrets.set(name, value));
  }

  deleteSecret(worker: string, name: string): void {
    if (!this.secretsOf(worker).delete(name)) throw new ApiRefusal(404, 10056, "Binding not found");
  }
}

/** A database as its own address shows it; `file_size` becomes `database_size` in wrangler. */
export function databaseDetails({ uuid, name, jurisdiction, created_at, replication, sql }: AccountDatabase) {
  const [row] = sql.prepare("SELECT count(*) AS n FROM sqlite_master WHERE type = 'table'").all() as { n: number }[];
  const [page] = sql.prepare("PRAGMA page_count").all() as { page_count: number }[];
  return {
    uuid,
    name,
    created_at,
    version: "production",
    num_tables: row?.n ?? 0,
    running_in_region: "WEUR",
    file_size: (page?.page_count ?? 0) * 4096,
    read_replication: { mode: replication },
    jurisdiction,
  };
}
