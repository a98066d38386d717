/**
 * Devices that wait to be approved by a person (RFC 8628). Codes stand here as hashes only: the device's own, of 32 random bytes, as
 * SHA-256; the short one that a person types as an HMAC under a key of the cell.
 */

import { LIMITS } from "../../src/core/limits.ts";
import type { Approver, DeviceAnswer } from "../../src/services/access/people/calls.ts";

interface Row extends Record<string, SqlStorageValue> {
  device: string;
  state: string;
  approver: string | null;
  pollS: number;
  polledMs: number;
  expiresMs: number;
}

export class Devices {
  readonly #sql: SqlStorage;

  constructor(storage: DurableObjectStorage) {
    this.#sql = storage.sql;
    this.#sql.exec(`CREATE TABLE IF NOT EXISTS device (
      device_hash TEXT PRIMARY KEY, user_code TEXT NOT NULL UNIQUE, device TEXT NOT NULL, state TEXT NOT NULL,
      approver TEXT, poll_s INTEGER NOT NULL, polled_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID`);
  }

  /** False: too many wait, or the short code is taken. */
  add(deviceHash: string, userCode: string, device: string, nowMs: number): boolean {
    this.#sql.exec("DELETE FROM device WHERE expires_ms <= ?", nowMs);
    const { count } = this.#sql.exec<{ count: number }>("SELECT count(*) AS count FROM device").one();
    if (count >= LIMITS.devicesWaiting) return false;
    const expiresMs = nowMs + LIMITS.deviceLifeS * 1000;
    const added = this.#sql.exec(
      "INSERT OR IGNORE INTO device VALUES (?, ?, ?, 'pending', NULL, ?, 0, ?)",
      ...[deviceHash, userCode, device, LIMITS.devicePollS, expiresMs],
    );
    return added.rowsWritten > 0;
  }

  /** What asks under this short code; null: nothing that waits. */
  waiting(userCode: string, nowMs: number): { device: string } | null {
    const sql = "SELECT device FROM device WHERE user_code = ? AND state = 'pending' AND expires_ms > ?";
    return this.#sql.exec<{ device: string }>(sql, userCode, nowMs).toArray()[0] ?? null;
  }

  /** Once; false when nothing waits under this code. `by` null: refused. */
  decide(userCode: string, by: Approver | null, nowMs: number): boolean {
    if (!this.waiting(userCode, nowMs)) return false;
    const [state, approver] = by ? ["approved", JSON.stringify(by)] : ["denied", null];
    this.#sql.exec("UPDATE device SET state = ?, approver = ? WHERE user_code = ?", state, approver, userCode);
    return true;
  }

  /** The device asks. What was decided is said once. */
  poll(deviceHash: string, nowMs: number): DeviceAnswer {
    const row = this.#sql
      .exec<Row>(
        `SELECT device, state, approver, poll_s AS pollS, polled_ms AS polledMs, expires_ms AS expiresMs FROM device
         WHERE device_hash = ?`,
        deviceHash,
      )
      .toArray()[0];
    if (!row || row.expiresMs <= nowMs) return { state: "expired" };
    if (row.state === "pending") {
      const tooSoon = nowMs - row.polledMs < row.pollS * 1000;
      const pollS = tooSoon ? row.pollS + LIMITS.devicePollS : row.pollS;
      this.#sql.exec("UPDATE device SET poll_s = ?, polled_ms = ? WHERE device_hash = ?", pollS, nowMs, deviceHash);
      return { state: tooSoon ? "slow_down" : "pending" };
    }
    this.#sql.exec("DELETE FROM device WHERE device_hash = ?", deviceHash);
    if (row.approver === null) return { state: "denied" };
    return { state: "approved", device: row.device, by: JSON.parse(row.approver) };
  }
}
