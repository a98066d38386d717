/**
 * The append (DESIGN §2). What may wait (keys, a look-up of old ids) comes before; then one synchronous block.
 *
 * Commit order:
 *  1. plan: classify, pseudonymise                       crash: nothing was written
 *  2. keys of the people in it (sealing)                 crash: a key that no value is sealed under
 *  3. ids older than the object remembers: ask D1        crash: as 2
 *  4. one transaction: stop flag, suppression, idempotency, ids re-read; rows, sealed rows, head, idempotency, ids written
 *                                                        crash: all or nothing (the object's SQLite)
 *  5. the answer, held by the output gate until 4 is durable
 *                                                        crash: the client retries and gets the first receipts
 */
import { equalBytes, utf8 } from "../../core/bytes.ts";
import type { PersonalDataGuard } from "../../core/domain-settings.ts";
import { AppError, type FieldError } from "../../core/errors.ts";
import type { AuditEvent } from "../../core/event.ts";
import type { SchemaNote } from "../../core/event-schema/note.ts";
import { LIMITS } from "../../core/limits.ts";
import { findCardOrSecret, findInClearText } from "../../core/payload/guard.ts";
import type { Sha256 } from "../../core/sha256.ts";
import type { DomainKeys } from "../../crypto/tenant-keys.ts";
import type { Clock, EntryRow, IdempotencyRecord, Journal, KnownId, LedgerStore, RandomBytes } from "../ports.ts";
import { type PlannedEntry, planEntries } from "./plan.ts";
import type { LeftOut, Sealing, SealingRun } from "./sealing/sealing.ts";
import { type CommitTo, saltBytesFor, sequenceEntries } from "./sequence.ts";

export interface AppendCommand {
  events: readonly AuditEvent[];
  /** What the tenant's schemas say about each event; it is no part of what a retry is told by. */
  schemas?: readonly (SchemaNote | null)[];
  /** What the domain's guard does, as the door read it; absent: what it does by default, refuse. */
  personalData?: PersonalDataGuard;
  /** The body was one event, not an array. */
  single: boolean;
  /** What the idempotency key and the body are bound to: the credential. */
  scope: string;
  idempotencyKey: string | null;
  /** The body as it came, for telling a retry from another request under the same key. */
  body: string;
}

export interface Receipt {
  seq: number;
  id: string;
  entry_hash: string;
  prev_hash: string;
  recorded_at: string;
  replayed?: true;
  /** Somebody in the event is erased: no mapping and no value about them was stored. */
  suppressed?: true;
  /** JSON Pointers of the values that were not stored for that reason. */
  dropped?: string[];
  /** JSON Pointers of the clear values that the guard at the door replaced, which adds them here. */
  redacted?: string[];
}

/** Where each event of the request ended up. */
export interface Appended {
  seqs: number[];
  /** Rows that this request added; the other seqs are older entries. */
  rows: EntryRow[];
  /** What was left out of an entry, by its seq. */
  leftOut: ReadonlyMap<number, LeftOut>;
  /** The whole request had been answered before. */
  replayed: boolean;
  idempotencyExpiresAtMs: number | null;
}

export interface AppendDeps {
  domainId: string;
  journal: Journal;
  ledger: Pick<LedgerStore, "seqsOf">;
  keys: DomainKeys;
  sealing: Sealing;
  sha256: Sha256;
  clock: Clock;
  random: RandomBytes;
  backlogBytes: number;
  /** Runs in the transaction that adds the entries, not for a replay; a throw undoes all of it. */
  beside?: () => void;
}

const DAY_MS = 24 * 60 * 60 * 1000;

export async function append(command: AppendCommand, deps: AppendDeps): Promise<Appended> {
  const find = command.personalData === "off" ? findCardOrSecret : findInClearText;
  const planned = planEntries(command.events, command.single, deps, command.schemas, find);
  const run = await deps.sealing.prepare(isReplay(command, deps) ? [] : planned);
  for (;;) {
    const forgottenBelow = deps.journal.idsForgottenBelow();
    const older = await idsInLedger(planned, deps);
    // Ids are forgotten once a day: what was remembered when D1 was asked about the others still is, or we ask again.
    if (deps.journal.idsForgottenBelow() === forgottenBelow) return commit(command, planned, older, run, deps);
  }
}

/**
 * The ids of this request that the object no longer remembers and D1 holds, with their seq. Only a domain older than the
 * idempotency window has any. An id that arrives while this waits is found by the commit. Throws `storage.unavailable` when
 * D1 cannot tell: it is away, or does not hold all of what was forgotten.
 */
async function idsInLedger(planned: PlannedEntry[], { journal, ledger }: AppendDeps): Promise<Map<string, number>> {
  const forgottenBelow = journal.idsForgottenBelow();
  const ids = forgottenBelow === 0 ? [] : planned.flatMap(({ id }) => (id === undefined ? [] : [id]));
  const remembered = new Set(journal.knownIds(ids).map(({ id }) => id));
  const unknown = ids.filter((id) => !remembered.has(id));
  if (unknown.length === 0) return new Map();
  if (journal.copied().size < forgottenBelow) {
    throw new AppError("storage.unavailable", { internal: "the ledger lacks entries whose ids were forgotten" });
  }
  return ledger.seqsOf(unknown);
}

/** Whether the request was answered before, as far as is known now: then nothing of it will be sealed. */
function isReplay({ idempotencyKey, scope }: AppendCommand, { journal, keys }: AppendDeps): boolean {
  return idempotencyKey !== null && journal.idempotency(requestKey(scope, idempotencyKey, keys)) !== null;
}

/** Synchronous from the first read to the last write: no other call can come between. */
function commit(
  command: AppendCommand,
  planned: PlannedEntry[],
  older: ReadonlyMap<string, number>,
  run: SealingRun,
  deps: AppendDeps,
): Appended {
  const { journal, keys } = deps;
  const nowMs = deps.clock();
  return journal.transaction(() => {
    const stopped = journal.stoppedReason();
    if (stopped !== null) throw new AppError("domain.stopped", { detail: stopped });
    const request = command.idempotencyKey === null ? null : requestDigests(command, command.idempotencyKey, keys);
    const before = request && journal.idempotency(request.key);
    if (request && before) return replay(before, request.bodyMac, planned, older, journal);
    refuseForgotten(older, planned, journal);
    if (journal.pendingStats().bytes >= deps.backlogBytes)
      throw new AppError("backlog.full", { retryAfterSeconds: 30 });

    const { fresh, seqs } = separateKnown(planned, journal);
    const salts = deps.random(saltBytesFor(fresh.length));
    run.begin(fresh);
    const commitTo: CommitTo = (entry, place) => run.commitTo(entry, place);
    const { rows, head } = sequenceEntries(deps.sha256, deps.domainId, journal.head(), fresh, nowMs, salts, commitTo);
    refuseTooLarge(fresh, rows);
    if (rows.length > 0) journal.append(rows, head);
    deps.beside?.();
    const leftOut = run.store();
    journal.rememberIds(newIds(fresh, rows), head.recordedAtMs);
    const firstSeq = head.size - rows.length;
    if (request) {
      journal.rememberRequest(request.key, {
        firstSeq,
        count: rows.length,
        bodyMac: request.bodyMac,
        recordedAtMs: nowMs,
      });
    }
    return {
      seqs: seqs.map((place) => ("seq" in place ? place.seq : firstSeq + place.fresh)),
      rows,
      leftOut,
      replayed: false,
      idempotencyExpiresAtMs: request ? expiry(nowMs) : null,
    };
  });
}

/** The same event may have been sent twice: while D1 was asked, the other one was appended, is remembered and was copied. */
function refuseForgotten(older: ReadonlyMap<string, number>, planned: PlannedEntry[], journal: Journal): void {
  if (older.size === 0) return;
  const remembered = new Set(journal.knownIds([...older.keys()]).map(({ id }) => id));
  if (remembered.size === older.size) return;
  throw idConflict(planned, (id) => (remembered.has(id) ? undefined : older.get(id)));
}

/** Only long texts are measured in bytes: a UTF-16 unit makes at most three. */
function refuseTooLarge(fresh: PlannedEntry[], rows: EntryRow[]): void {
  const errors = rows.flatMap(({ payload }, i) => {
    if (payload.length * 3 <= LIMITS.payloadBytes) return [];
    const byteLength = utf8(payload).length;
    if (byteLength <= LIMITS.payloadBytes) return [];
    const detail = `makes an entry of ${byteLength} bytes; at most ${LIMITS.payloadBytes} are accepted`;
    return [{ pointer: fresh[i]?.pointer ?? "", detail }];
  });
  if (errors.length > 0) throw new AppError("request.too_large", { errors });
}

const expiry = (recordedAtMs: number) => recordedAtMs + LIMITS.idempotencyDays * DAY_MS;

function requestDigests(command: AppendCommand, idempotencyKey: string, keys: DomainKeys) {
  return {
    key: requestKey(command.scope, idempotencyKey, keys),
    bodyMac: keys.digest16("request-body", command.body),
  };
}

const requestKey = (scope: string, idempotencyKey: string, keys: DomainKeys) =>
  keys.digest16("request-key", `${scope}\n${idempotencyKey}`);

/** Where an event belongs: an entry that exists, or the nth of the fresh ones. */
type Place = { seq: number } | { fresh: number };

function separateKnown(planned: PlannedEntry[], journal: Journal): { fresh: PlannedEntry[]; seqs: Place[] } {
  const ids = planned.flatMap(({ id }) => (id === undefined ? [] : [id]));
  const known = new Map<string, { place: Place; eventMac: Uint8Array }>();
  for (const { id, seq, eventMac } of ids.length > 0 ? journal.knownIds(ids) : []) {
    known.set(id, { place: { seq }, eventMac });
  }
  const fresh: PlannedEntry[] = [];
  const conflicts = new Map<string, number | undefined>();
  const seqs = planned.map((entry): Place => {
    const place = { fresh: fresh.length };
    if (entry.id !== undefined && entry.eventMac) {
      const earlier = known.get(entry.id);
      if (earlier) {
        const same = equalBytes(earlier.eventMac, entry.eventMac);
        if (!same) conflicts.set(entry.id, "seq" in earlier.place ? earlier.place.seq : undefined);
        return earlier.place;
      }
      known.set(entry.id, { place, eventMac: entry.eventMac });
    }
    fresh.push(entry);
    return place;
  });
  if (conflicts.size > 0)
    throw idConflict(planned, (id) => (conflicts.has(id) ? (conflicts.get(id) ?? -1) : undefined));
  return { fresh, seqs };
}

/** `seqOf` gives the seq of the entry that has the id; -1: another event of the same request; undefined: no conflict. */
function idConflict(planned: PlannedEntry[], seqOf: (id: string) => number | undefined): AppError {
  const errors: FieldError[] = planned.flatMap(({ id, pointer }) => {
    const seq = id === undefined ? undefined : seqOf(id);
    if (seq === undefined) return [];
    const detail = seq < 0 ? "another event of this request has the same id" : `entry ${seq} has this id`;
    return [{ pointer: `${pointer}/id`, detail }];
  });
  return new AppError("entry.id_conflict", { errors });
}

function newIds(fresh: PlannedEntry[], rows: EntryRow[]): KnownId[] {
  return fresh.flatMap(({ id, eventMac }, i) => {
    const row = rows[i];
    return id !== undefined && eventMac && row ? [{ id, seq: row.seq, eventMac }] : [];
  });
}

/** Finds the seqs of the first answer again: events with an id by their id, the others in order. */
function replay(
  before: IdempotencyRecord,
  bodyMac: Uint8Array,
  planned: PlannedEntry[],
  older: ReadonlyMap<string, number>,
  journal: Journal,
): Appended {
  if (!equalBytes(before.bodyMac, bodyMac)) throw new AppError("idempotency.key_reused");
  const ids = planned.flatMap(({ id }) => (id === undefined ? [] : [id]));
  const known = new Map(older);
  for (const { id, seq } of ids.length > 0 ? journal.knownIds(ids) : []) known.set(id, seq);
  let next = before.firstSeq;
  const seqs = planned.map(({ id }) => {
    const seq = id === undefined ? next : (known.get(id) ?? next);
    if (seq === next) next++;
    return seq;
  });
  return { seqs, rows: [], leftOut: new Map(), replayed: true, idempotencyExpiresAtMs: expiry(before.recordedAtMs) };
}
