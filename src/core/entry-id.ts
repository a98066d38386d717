/**
 * Ids that the log makes for entries without one: UUIDs of version 8 (RFC 9562 §5.8) holding the milliseconds of
 * `recorded_at` (48 bits) and the seq (53 bits). Clients may not use version 8, so these are unique in their domain
 * without a look-up, and they sort by time.
 */
export function entryIdFor(recordedAtMs: number, seq: number): string {
  if (!Number.isSafeInteger(seq) || seq < 0) throw new RangeError("a seq is an integer from 0 to 2^53-1");
  if (!Number.isInteger(recordedAtMs) || recordedAtMs < 0 || recordedAtMs >= 2 ** 48) {
    throw new RangeError("a time is an integer of milliseconds below 2^48");
  }
  const time = recordedAtMs.toString(16).padStart(12, "0");
  const high = Math.floor(seq / 2 ** 48);
  const low = (seq % 2 ** 48).toString(16).padStart(12, "0");
  const variant = (0x8000 + high).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8, 12)}-8000-${variant}-${low}`;
}

const LOG_MADE = /^[0-9a-f]{8}-[0-9a-f]{4}-8000-80[01][0-9a-f]-[0-9a-f]{12}$/;

/** Whether an id is spelled like one of these, which no client may send. */
export const isLogMadeId = (id: string): boolean => LOG_MADE.test(id);

/** The seq of an entry whose id the log made. Throws for any other id. */
export function seqOfLogMadeId(id: string): number {
  if (!isLogMadeId(id)) throw new RangeError("not an id that the log made");
  const high = Number.parseInt(id.slice(19, 23), 16) - 0x8000;
  return high * 2 ** 48 + Number.parseInt(id.slice(24), 16);
}
