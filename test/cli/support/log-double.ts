/** A log in memory with the real chain, the real payloads and the real event schema. Rows can be tampered with. */

import type { Head, Receipt } from "../../../src/client/index.ts";
import { toHex, utf8 } from "../../../src/core/bytes.ts";
import { entryHash, genesisHash } from "../../../src/core/chain.ts";
import { privateCommitment } from "../../../src/core/commitment.ts";
import { entryIdFor } from "../../../src/core/entry-id.ts";
import type { AuditEvent } from "../../../src/core/event.ts";
import { makeId } from "../../../src/core/ids.ts";
import { classifyEvent, type PrivateValue } from "../../../src/core/payload/classify.ts";
import { type EntryFields, encodePayload } from "../../../src/core/payload/payload.ts";
import { type JsonValue, jsonPointer } from "../../../src/core/strict-json.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { eventSchema } from "../../../src/http/schemas/event.ts";

export interface Row {
  seq: number;
  id: string;
  prev_hash: string;
  entry_hash: string;
  payload: string;
}

export interface KeptValue {
  pointer: string;
  subject: string | null;
  value: JsonValue;
  salt: string;
  commitment: string;
}

export interface Refusal {
  status: number;
  code: string;
  errors?: { pointer: string; detail: string }[];
}

export const T0 = Date.parse("2026-11-21T09:00:00.000Z");
const hexBytes = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const pseudonym = (identityId: string) => toHex(sha256(`pseudonym ${identityId}`));

export function domainIdOf(jurisdiction: "eu" | "us", n = 1): string {
  return makeId("domain", jurisdiction, `0193a0c4-5f7e-7c3a-9d53-${String(n).padStart(12, "0")}`);
}

export class LogDouble {
  readonly domainId: string;
  readonly genesis: string;
  rows: Row[] = [];
  /** What the head route answers; apart from the rows, as the object's head is apart from D1. */
  head: { size: number; entry_hash: string };
  stoppedReason: string | null = null;
  /** What the server says is gone by policy; rows before are not served. */
  firstKept = 0;
  /** What is private in each entry, by its seq. */
  readonly values = new Map<number, KeptValue[]>();
  /** Pseudonyms of the erased. */
  readonly #erased = new Set<string>();
  readonly #byKey = new Map<string, { body: string; receipts: Receipt[] }>();
  readonly #byId = new Map<string, { json: string; receipt: Receipt }>();

  constructor(domainId: string, chainSecret = "secret") {
    this.domainId = domainId;
    this.genesis = toHex(genesisHash(sha256, utf8(chainSecret), domainId));
    this.head = { size: 0, entry_hash: this.genesis };
    this.#commit(
      {
        action: "domain.created",
        actor: { type: "system", id: "system:moonseal" },
        outcome: "success",
        metadata: { genesis: this.genesis },
      },
      undefined,
    );
  }

  /** Appends `n` plain events, without any request. */
  fill(n: number): this {
    for (let i = 0; i < n; i++) {
      const actor = { type: "user" as const, ref: pseudonym(`usr_${i % 3}`) };
      this.#commit({ action: "invoice.exported", actor, outcome: "success" }, undefined);
    }
    return this;
  }

  /** From now on nothing about this person is kept. */
  erase(identityId: string): void {
    this.#erased.add(pseudonym(identityId));
  }

  /** The rows that name a person. */
  rowsOf(identityId: string): Row[] {
    return this.rows.filter(({ payload }) => payload.includes(pseudonym(identityId)));
  }

  /** All or nothing, exactly once by key and by id. */
  append(body: string, key: string | null): { receipts: Receipt[]; replayed: boolean } | Refusal {
    const known = key === null ? undefined : this.#byKey.get(key);
    if (known) {
      if (known.body !== body) return { status: 422, code: "idempotency.key_reused" };
      return { receipts: known.receipts, replayed: true };
    }
    const value: unknown = JSON.parse(body);
    const single = !Array.isArray(value);
    const events: unknown[] = single ? [value] : value;
    if (events.length === 0 || events.length > 1000) return { status: 422, code: "request.invalid" };
    const errors = events.flatMap((event, i) => this.#faults(event, single ? [] : [i]));
    if (errors.length) return { status: 422, code: "request.invalid", errors };
    const conflicts = this.#conflicts(events as AuditEvent[], single);
    if (conflicts.length) return { status: 409, code: "entry.id_conflict", errors: conflicts };
    const receipts = (events as AuditEvent[]).map((event) => this.#once(event));
    if (key !== null) this.#byKey.set(key, { body, receipts });
    return { receipts, replayed: false };
  }

  /** Payloads before `firstKept` are gone, and an entry says so (`says`: of which entries). */
  expire(firstKept: number, says: number | null = firstKept): void {
    if (says !== null) {
      const metadata = { minimum_index: says, first_seq: 0, last_seq: says - 1, duration: "P7Y" };
      const actor = { type: "system" as const, id: "system:moonseal" };
      this.#commit({ action: "ledger.expired", actor, outcome: "success", metadata }, undefined);
    }
    this.firstKept = firstKept;
  }

  /** Forges the rows from `seq` on as somebody could who holds all secrets: consistent in itself. */
  rewriteFrom(seq: number): void {
    const kept = this.rows.slice(0, seq);
    const last = kept.at(-1);
    const n = this.rows.length - seq;
    this.rows = kept;
    this.head = { size: seq, entry_hash: last?.entry_hash ?? this.genesis };
    for (let i = 0; i < n; i++)
      this.#commit({ action: "invoice.forged", actor: { type: "anonymous" }, outcome: "success" }, undefined);
  }

  headAnswer(): Head {
    const { size, entry_hash } = this.head;
    return {
      domain_id: this.domainId,
      size,
      entry_hash,
      recorded_at: new Date(T0 + size).toISOString(),
      genesis: this.genesis,
      copied_size: this.rows.length,
      first_hot_seq: this.firstKept,
      first_kept_seq: this.firstKept,
      indexed_size: this.rows.length,
      archived_size: 0,
      oldest_unarchived_at: null,
      signed_size: 0,
      mirrored_size: 0,
      witnesses: [],
      backlog_entries: size - this.rows.length,
      backlog_bytes: 0,
      oldest_uncopied_at: null,
      status: this.stoppedReason ? "stopped" : "running",
      stopped_reason: this.stoppedReason,
    };
  }

  #faults(event: unknown, at: number[]): { pointer: string; detail: string }[] {
    const parsed = eventSchema.safeParse(event);
    if (parsed.success) return [];
    return parsed.error.issues.map(({ path, message }) => ({
      pointer: jsonPointer(...at, ...(path as string[])),
      detail: message,
    }));
  }

  /** Names every event of the request that has a conflicting id, as the product does. */
  #conflicts(events: AuditEvent[], single: boolean) {
    const known = new Map([...this.#byId].map(([id, { json }]) => [id, json]));
    const conflicting = new Set<string>();
    for (const event of events) {
      if (event.id === undefined) continue;
      const json = JSON.stringify(event);
      if ((known.get(event.id) ?? json) !== json) conflicting.add(event.id);
      else known.set(event.id, json);
    }
    return events.flatMap((event, i) => {
      if (event.id === undefined || !conflicting.has(event.id)) return [];
      return [{ pointer: jsonPointer(...(single ? [] : [i]), "id"), detail: "another event has this id" }];
    });
  }

  #once(event: AuditEvent): Receipt {
    const known = event.id === undefined ? undefined : this.#byId.get(event.id);
    if (known) return { ...known.receipt, replayed: true };
    const { fields, privateValues } = classifyEvent(event, pseudonym);
    const row = this.#commit(fields, event.id, privateValues);
    const { seq, id, prev_hash, entry_hash } = row;
    const receipt: Receipt = { seq, id, prev_hash, entry_hash, recorded_at: JSON.parse(row.payload).recorded_at };
    const about = (gone: string) => privateValues.filter(({ subject }) => subject === gone);
    const erased = [...this.#erased].filter((ref) => row.payload.includes(ref));
    if (erased.length > 0) receipt.suppressed = true;
    const dropped = erased.flatMap((ref) => about(ref).map(({ pointer }) => pointer));
    if (dropped.length) receipt.dropped = dropped;
    if (event.id !== undefined) this.#byId.set(event.id, { json: JSON.stringify(event), receipt });
    return receipt;
  }

  #commit(fields: EntryFields, ownId: string | undefined, privateValues: PrivateValue[] = []): Row {
    const seq = this.head.size;
    const recordedAtMs = T0 + seq * 1000;
    const id = ownId ?? entryIdFor(recordedAtMs, seq);
    const kept = privateValues.filter(({ subject }) => subject === null || !this.#erased.has(subject));
    const values = kept.map(({ pointer, subject, value }): KeptValue => {
      const salt = sha256(`salt ${seq} ${pointer}`);
      const place = { domain: this.domainId, entryId: id, pointer };
      const commitment = toHex(privateCommitment(sha256, salt, place, value));
      return { pointer, subject, value, salt: toHex(salt), commitment };
    });
    if (values.length > 0) {
      fields.private = Object.fromEntries(values.map(({ pointer, commitment }) => [pointer, commitment]));
    }
    this.values.set(seq, values);
    const payload = encodePayload(fields, {
      domain: this.domainId,
      seq,
      id,
      recorded_at: new Date(recordedAtMs).toISOString(),
      salt: seq.toString(16).padStart(32, "0"),
    });
    const prev_hash = this.head.entry_hash;
    const entry_hash = rehash(prev_hash, payload);
    const row = { seq, id, prev_hash, entry_hash, payload };
    this.rows.push(row);
    this.head = { size: seq + 1, entry_hash };
    return row;
  }
}

export function rehash(prevHash: string, payload: string): string {
  return toHex(entryHash(sha256, hexBytes(prevHash), payload));
}
