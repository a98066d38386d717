/** Persons and invitations in an object's SQLite. Contacts are sealed; addresses are looked up by their blind key. */
import { asSealed, type Sealed } from "../../src/crypto/sealed.ts";
import type { Invitation, Person } from "../../src/services/access/people/records.ts";
import type { Role } from "../../src/services/permissions.ts";

type Row = Record<string, SqlStorageValue>;

const PERSON = `id, role, sealed, lookup, created_ms AS createdAtMs, removed_ms AS removedAtMs`;
const INVITATION = `id, role, sealed, lookup, asked_by AS by, created_ms AS createdAtMs, expires_ms AS expiresAtMs,
  accepted_ms AS acceptedAtMs, withdrawn_ms AS withdrawnAtMs, mails`;
const OPEN = "accepted_ms IS NULL AND withdrawn_ms IS NULL AND expires_ms > ?";

export class PersonTables {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS person (
      id TEXT PRIMARY KEY, role TEXT, sealed BLOB, lookup TEXT UNIQUE, created_ms INTEGER NOT NULL, removed_ms INTEGER
      ) STRICT, WITHOUT ROWID`);
    sql.exec(`CREATE TABLE IF NOT EXISTS invitation (
      id TEXT PRIMARY KEY, role TEXT, sealed BLOB, lookup TEXT, secret_hash BLOB UNIQUE, asked_by TEXT NOT NULL,
      created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, accepted_ms INTEGER, withdrawn_ms INTEGER,
      mails INTEGER NOT NULL) STRICT, WITHOUT ROWID`);
  }

  person(id: string): Person | null {
    return this.#people("id = ?", id)[0] ?? null;
  }

  personByLookup(lookup: string): Person | null {
    return this.#people("lookup = ?", lookup)[0] ?? null;
  }

  people(): Person[] {
    return this.#people("removed_ms IS NULL");
  }

  addPerson({ id, role, sealed, lookup, createdAtMs }: Person): void {
    this.#sql.exec(
      "INSERT INTO person VALUES (?, ?, ?, ?, ?, NULL)",
      id,
      role,
      sealed && bytesOf(sealed),
      lookup,
      createdAtMs,
    );
  }

  setRole(id: string, role: Role): void {
    this.#sql.exec("UPDATE person SET role = ? WHERE id = ?", role, id);
  }

  setPersonSealed(id: string, sealed: Sealed<"contact">): void {
    this.#sql.exec("UPDATE person SET sealed = ? WHERE id = ? AND removed_ms IS NULL", bytesOf(sealed), id);
  }

  removePerson(id: string, atMs: number): void {
    this.#sql.exec("UPDATE person SET sealed = NULL, lookup = NULL, removed_ms = ? WHERE id = ?", atMs, id);
  }

  erasePerson(id: string): void {
    this.#sql.exec("DELETE FROM person WHERE id = ?", id);
  }

  #people(where: string, ...values: SqlStorageValue[]): Person[] {
    const rows = this.#sql.exec<Row>(`SELECT ${PERSON} FROM person WHERE ${where} ORDER BY id`, ...values).toArray();
    return rows.map((row) => ({ ...row, sealed: sealedOf(row.sealed) }) as Person);
  }

  invitation(id: string): Invitation | null {
    return this.#invitations("id = ?", id)[0] ?? null;
  }

  invitationBySecret(secretHash: Uint8Array): Invitation | null {
    return this.#invitations("secret_hash = ?", bytesOf(secretHash))[0] ?? null;
  }

  openInvitationByLookup(lookup: string, nowMs: number): Invitation | null {
    return this.#invitations(`lookup = ? AND ${OPEN}`, lookup, nowMs)[0] ?? null;
  }

  openInvitations(nowMs: number): Invitation[] {
    return this.#invitations(OPEN, nowMs);
  }

  addInvitation({ id, role, sealed, lookup, by, createdAtMs, expiresAtMs, mails }: Invitation): void {
    this.#sql.exec(
      "INSERT INTO invitation VALUES (?, ?, ?, ?, NULL, ?, ?, ?, NULL, NULL, ?)",
      ...[id, role, sealed && bytesOf(sealed), lookup, JSON.stringify(by), createdAtMs, expiresAtMs, mails],
    );
  }

  setInvitationSealed(id: string, sealed: Sealed<"contact">): void {
    this.#sql.exec("UPDATE invitation SET sealed = ? WHERE id = ? AND sealed IS NOT NULL", bytesOf(sealed), id);
  }

  setInvitationSecret(id: string, secretHash: Uint8Array): void {
    this.#sql.exec("UPDATE invitation SET secret_hash = ? WHERE id = ?", bytesOf(secretHash), id);
  }

  renewInvitation(id: string, expiresAtMs: number): void {
    this.#sql.exec("UPDATE invitation SET expires_ms = ?, mails = mails + 1 WHERE id = ?", expiresAtMs, id);
  }

  closeInvitation(id: string, how: "accepted" | "withdrawn", atMs: number): void {
    this.#sql.exec(`UPDATE invitation SET sealed = NULL, lookup = NULL, ${how}_ms = ? WHERE id = ?`, atMs, id);
  }

  /** Those that were never accepted keep nobody's address behind their time. */
  sweepInvitations(endedBeforeMs: number): void {
    this.#sql.exec("DELETE FROM invitation WHERE expires_ms < ?", endedBeforeMs);
  }

  #invitations(where: string, ...values: SqlStorageValue[]): Invitation[] {
    const sql = `SELECT ${INVITATION} FROM invitation WHERE ${where} ORDER BY id`;
    const rows = this.#sql.exec<Row>(sql, ...values).toArray();
    return rows.map((row) => ({ ...row, sealed: sealedOf(row.sealed), by: JSON.parse(String(row.by)) }) as Invitation);
  }
}

/** A view into a larger buffer would be stored with all of it. */
export const bytesOf = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer;

function sealedOf(stored: unknown): Sealed<"contact"> | null {
  return stored instanceof ArrayBuffer ? asSealed("contact", new Uint8Array(stored)) : null;
}
