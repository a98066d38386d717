/** A tenant's identity provider and the sign-ins that are on their way to it, in the object's SQLite. Its secret is sealed. */
import { asSealed, type Sealed } from "../../src/crypto/sealed.ts";
import type { IdentityProvider, SsoBook, SsoLogin } from "../../src/services/access/sso/records.ts";
import { bytesOf } from "./person-book.ts";

interface ProviderRow extends Record<string, SqlStorageValue> {
  issuer: string;
  clientId: string;
  secret: ArrayBuffer;
  joinRule: string | null;
  trusts: number;
  createdAtMs: number;
  updatedAtMs: number;
}

export class SqliteSsoBook implements SsoBook {
  readonly #sql: SqlStorage;

  constructor({ sql }: Pick<DurableObjectStorage, "sql">) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS identity_provider (
      id INTEGER PRIMARY KEY CHECK (id = 1), issuer TEXT NOT NULL, client_id TEXT NOT NULL, secret BLOB NOT NULL,
      join_rule TEXT, trusts_second_factor INTEGER NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL) STRICT`);
    sql.exec(`CREATE TABLE IF NOT EXISTS sso_login (
      state_hash TEXT PRIMARY KEY, browser_hash TEXT NOT NULL, created_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID`);
    sql.exec(`CREATE TABLE IF NOT EXISTS sso_subject (
      person_id TEXT PRIMARY KEY, subject TEXT NOT NULL UNIQUE) STRICT, WITHOUT ROWID`);
  }

  provider(): IdentityProvider | null {
    const [row] = this.#sql
      .exec<ProviderRow>(
        `SELECT issuer, client_id AS clientId, secret, join_rule AS joinRule, trusts_second_factor AS trusts,
           created_ms AS createdAtMs, updated_ms AS updatedAtMs FROM identity_provider`,
      )
      .toArray();
    if (!row) return null;
    const { joinRule, trusts, secret, ...rest } = row;
    return {
      ...rest,
      secret: asSealed("oauth_tokens", new Uint8Array(secret)),
      join: joinRule === null ? null : JSON.parse(joinRule),
      trustsSecondFactor: trusts === 1,
    };
  }

  setProvider(provider: IdentityProvider): void {
    const { issuer, clientId, secret, join, trustsSecondFactor, createdAtMs, updatedAtMs } = provider;
    if (this.provider()?.issuer !== issuer) this.removeProvider();
    // What was begun with another client or secret would not end well.
    this.#sql.exec("DELETE FROM sso_login");
    const rule = join === null ? null : JSON.stringify(join);
    this.#sql.exec(
      "INSERT OR REPLACE INTO identity_provider VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
      ...[issuer, clientId, bytesOf(secret), rule, trustsSecondFactor ? 1 : 0, createdAtMs, updatedAtMs],
    );
  }

  setSecret(secret: Sealed<"oauth_tokens">): void {
    this.#sql.exec("UPDATE identity_provider SET secret = ?", bytesOf(secret));
  }

  removeProvider(): void {
    for (const table of ["identity_provider", "sso_login", "sso_subject"]) this.#sql.exec(`DELETE FROM ${table}`);
  }

  addLogin(stateHash: string, { browserHash, createdAtMs }: SsoLogin): void {
    this.#sql.exec("INSERT INTO sso_login VALUES (?, ?, ?)", stateHash, browserHash, createdAtMs);
  }

  takeLogin(stateHash: string): SsoLogin | null {
    const [login] = this.#sql
      .exec<{ browserHash: string; createdAtMs: number }>(
        "DELETE FROM sso_login WHERE state_hash = ? RETURNING browser_hash AS browserHash, created_ms AS createdAtMs",
        stateHash,
      )
      .toArray();
    return login ?? null;
  }

  dropLogins(beforeMs: number): void {
    this.#sql.exec("DELETE FROM sso_login WHERE created_ms < ?", beforeMs);
  }

  keepLogins(most: number): void {
    const kept = "SELECT state_hash FROM sso_login ORDER BY created_ms DESC LIMIT ?";
    this.#sql.exec(`DELETE FROM sso_login WHERE state_hash NOT IN (${kept})`, most);
  }

  subject(personId: string): string | null {
    return this.#subject<"subject">("SELECT subject FROM sso_subject WHERE person_id = ?", personId)?.subject ?? null;
  }

  personBySubject(subject: string): string | null {
    return (
      this.#subject<"person">("SELECT person_id AS person FROM sso_subject WHERE subject = ?", subject)?.person ?? null
    );
  }

  #subject<K extends string>(query: string, key: string): Record<K, string> | null {
    return this.#sql.exec<Record<K, string>>(query, key).toArray()[0] ?? null;
  }

  setSubject(personId: string, subject: string): void {
    this.#sql.exec("INSERT OR REPLACE INTO sso_subject VALUES (?, ?)", personId, subject);
  }

  forget(personId: string): void {
    this.#sql.exec("DELETE FROM sso_subject WHERE person_id = ?", personId);
  }
}
