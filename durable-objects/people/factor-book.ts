/** Second factors of the people of one object, in its SQLite. TOTP secrets are sealed, of codes and browsers there are hashes only. */

import { LIMITS } from "../../src/core/limits.ts";
import { asSealed, type Sealed } from "../../src/crypto/sealed.ts";
import type { ChallengePurpose, FactorBook, PasskeyRow, TotpRow } from "../../src/services/access/factors/ports.ts";

const bytes = (blob: ArrayBuffer) => new Uint8Array(blob);

export class SqliteFactorBook implements FactorBook {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    for (const table of TABLES) this.#sql.exec(`CREATE TABLE IF NOT EXISTS ${table}`);
  }

  totp(personId: string): TotpRow | null {
    return this.#totp(personId, "confirmed");
  }

  pendingTotp(personId: string): TotpRow | null {
    return this.#totp(personId, "pending");
  }

  #totp(personId: string, state: string): TotpRow | null {
    const [row] = this.#sql
      .exec<{ sealed: ArrayBuffer; addedAtMs: number; lastStep: number | null }>(
        "SELECT sealed, added_at AS addedAtMs, last_step AS lastStep FROM totp WHERE person_id = ? AND state = ?",
        personId,
        state,
      )
      .toArray();
    return row ? { ...row, sealed: asSealed("totp_secrets", bytes(row.sealed)) } : null;
  }

  putPendingTotp(personId: string, sealed: Sealed<"totp_secrets">, atMs: number): void {
    this.#sql.exec("INSERT OR REPLACE INTO totp VALUES (?, 'pending', ?, ?, NULL)", personId, own(sealed), atMs);
  }

  confirmTotp(personId: string, atMs: number, step: number): void {
    this.#sql.exec("DELETE FROM totp WHERE person_id = ? AND state = 'confirmed'", personId);
    this.#sql.exec(
      "UPDATE totp SET state = 'confirmed', added_at = ?, last_step = ? WHERE person_id = ? AND state = 'pending'",
      atMs,
      step,
      personId,
    );
  }

  usedStep(personId: string, step: number): void {
    this.#sql.exec("UPDATE totp SET last_step = ? WHERE person_id = ? AND state = 'confirmed'", step, personId);
  }

  removeTotp(personId: string): void {
    this.#sql.exec("DELETE FROM totp WHERE person_id = ?", personId);
  }

  /** All that are sealed, for sealing anew. */
  sealedTotps(): { personId: string; state: string; sealed: Uint8Array }[] {
    return this.#sql
      .exec<{ personId: string; state: string; sealed: ArrayBuffer }>(
        "SELECT person_id AS personId, state, sealed FROM totp ORDER BY person_id, state",
      )
      .toArray()
      .map((row) => ({ ...row, sealed: bytes(row.sealed) }));
  }

  /** Nothing where it was replaced meanwhile. */
  resealTotp(personId: string, before: Uint8Array, after: Sealed<"totp_secrets">): void {
    this.#sql.exec("UPDATE totp SET sealed = ? WHERE person_id = ? AND sealed = ?", own(after), personId, own(before));
  }

  putRecoveryCodes(personId: string, macs: readonly Uint8Array[]): void {
    this.#sql.exec("DELETE FROM recovery_code WHERE person_id = ?", personId);
    for (const mac of macs) this.#sql.exec("INSERT INTO recovery_code VALUES (?, ?, NULL)", personId, own(mac));
  }

  useRecoveryCode(personId: string, mac: Uint8Array, atMs: number): boolean {
    const used = this.#sql.exec(
      "UPDATE recovery_code SET used_at = ? WHERE person_id = ? AND mac = ? AND used_at IS NULL RETURNING 1",
      atMs,
      personId,
      own(mac),
    );
    return used.toArray().length === 1;
  }

  recoveryCodesLeft(personId: string): number {
    const sql = "SELECT count(*) AS rows FROM recovery_code WHERE person_id = ? AND used_at IS NULL";
    return this.#sql.exec<{ rows: number }>(sql, personId).one().rows;
  }

  passkeys(personId: string): PasskeyRow[] {
    const columns = "id, public_key, counter, transports, name, added_at, last_used_at";
    return this.#sql
      .exec<{
        id: string;
        public_key: ArrayBuffer;
        counter: number;
        transports: string;
        name: string;
        added_at: number;
        last_used_at: number | null;
      }>(`SELECT ${columns} FROM passkey WHERE person_id = ? ORDER BY added_at, id`, personId)
      .toArray()
      .map(({ public_key, transports, added_at, last_used_at, ...row }) => ({
        ...row,
        publicKey: bytes(public_key),
        transports: JSON.parse(transports),
        addedAtMs: added_at,
        lastUsedAtMs: last_used_at,
      }));
  }

  addPasskey(personId: string, key: PasskeyRow): boolean {
    const added = this.#sql.exec(
      "INSERT OR IGNORE INTO passkey VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING 1",
      key.id,
      personId,
      own(key.publicKey),
      key.counter,
      JSON.stringify(key.transports),
      key.name,
      key.addedAtMs,
      key.lastUsedAtMs,
    );
    return added.toArray().length === 1;
  }

  usedPasskey(personId: string, id: string, counter: number, atMs: number): void {
    const sql = "UPDATE passkey SET counter = ?, last_used_at = ? WHERE person_id = ? AND id = ?";
    this.#sql.exec(sql, counter, atMs, personId, id);
  }

  renamePasskey(personId: string, id: string, name: string): void {
    this.#sql.exec("UPDATE passkey SET name = ? WHERE person_id = ? AND id = ?", name, personId, id);
  }

  removePasskey(personId: string, id: string): void {
    this.#sql.exec("DELETE FROM passkey WHERE person_id = ? AND id = ?", personId, id);
  }

  putChallenge(sessionId: string, purpose: ChallengePurpose, challenge: string, untilMs: number): void {
    this.#sql.exec("DELETE FROM passkey_challenge WHERE until < ?", untilMs - LIMITS.passkeyChallengeMs);
    this.#sql.exec(
      "INSERT OR REPLACE INTO passkey_challenge VALUES (?, ?, ?, ?)",
      sessionId,
      purpose,
      challenge,
      untilMs,
    );
  }

  takeChallenge(sessionId: string, purpose: ChallengePurpose, nowMs: number): string | null {
    const [row] = this.#sql
      .exec<{ challenge: string; until: number }>(
        "DELETE FROM passkey_challenge WHERE session_id = ? AND purpose = ? RETURNING challenge, until",
        sessionId,
        purpose,
      )
      .toArray();
    return row && row.until > nowMs ? row.challenge : null;
  }

  knowsBrowser(personId: string, hash: string): boolean {
    const sql = "SELECT 1 FROM person_browser WHERE person_id = ? AND hash = ?";
    return this.#sql.exec(sql, personId, hash).toArray().length === 1;
  }

  usedBrowser(personId: string, hash: string, atMs: number): void {
    this.#sql.exec("INSERT OR REPLACE INTO person_browser VALUES (?, ?, ?)", personId, hash, atMs);
    this.#sql.exec(
      `DELETE FROM person_browser WHERE person_id = ? AND hash NOT IN
         (SELECT hash FROM person_browser WHERE person_id = ? ORDER BY used_at DESC, hash LIMIT ?)`,
      personId,
      personId,
      LIMITS.knownBrowsersPerPerson,
    );
  }

  passwordHash(personId: string): string | null {
    const sql = "SELECT hash FROM password WHERE person_id = ?";
    return this.#sql.exec<{ hash: string }>(sql, personId).toArray()[0]?.hash ?? null;
  }

  putPassword(personId: string, hash: string, atMs: number): void {
    this.#sql.exec("INSERT OR REPLACE INTO password VALUES (?, ?, ?)", personId, hash, atMs);
  }

  forget(personId: string): void {
    for (const table of ["totp", "recovery_code", "passkey", "person_browser", "password"]) {
      this.#sql.exec(`DELETE FROM ${table} WHERE person_id = ?`, personId);
    }
  }
}

const TABLES = [
  `totp (person_id TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('pending', 'confirmed')), sealed BLOB NOT NULL,
     added_at INTEGER NOT NULL, last_step INTEGER, PRIMARY KEY (person_id, state)) STRICT, WITHOUT ROWID`,
  `recovery_code (person_id TEXT NOT NULL, mac BLOB NOT NULL, used_at INTEGER,
     PRIMARY KEY (person_id, mac)) STRICT, WITHOUT ROWID`,
  `passkey (id TEXT PRIMARY KEY, person_id TEXT NOT NULL, public_key BLOB NOT NULL, counter INTEGER NOT NULL,
     transports TEXT NOT NULL, name TEXT NOT NULL, added_at INTEGER NOT NULL, last_used_at INTEGER) STRICT, WITHOUT ROWID`,
  `passkey_challenge (session_id TEXT NOT NULL, purpose TEXT NOT NULL, challenge TEXT NOT NULL, until INTEGER NOT NULL,
     PRIMARY KEY (session_id, purpose)) STRICT, WITHOUT ROWID`,
  `person_browser (person_id TEXT NOT NULL, hash TEXT NOT NULL, used_at INTEGER NOT NULL,
     PRIMARY KEY (person_id, hash)) STRICT, WITHOUT ROWID`,
  "password (person_id TEXT PRIMARY KEY, hash TEXT NOT NULL, set_at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
];

/** Bound values are whole buffers. */
const own = (view: Uint8Array): ArrayBuffer => Uint8Array.from(view).buffer;
