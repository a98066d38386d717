/**
 * The services with one mistake each, to show that the simulation sees it. Nothing but tests of this folder imports them.
 * `old:` ones were the product's own until the simulation found them.
 */
import { AppError } from "../../src/core/errors.ts";
import type { AppendCommand, AppendDeps } from "../../src/services/log/append.ts";
import { type ArchiveDeps, segmentHolding } from "../../src/services/log/archive.ts";
import { type CopyDeps, copyStep, reconcile } from "../../src/services/log/copy.ts";
import { Divergence } from "../../src/services/log/divergence.ts";
import { demandGuards } from "../../src/services/log/start.ts";
import type { EntryRow, IdempotencyRecord, Journal, LogPosition } from "../../src/services/ports.ts";
import type { Stores } from "./support/network.ts";
import type { Profile } from "./support/profile.ts";
import { SERVICES, type Services } from "./support/services.ts";

const { append, archiveStep } = SERVICES;

export const MUTANTS: Record<string, Partial<Services>> = {
  "copied moves before the insert": {
    copyStep: async (deps) => {
      const rows = waiting(deps);
      if (rows.length > 0) deps.journal.setCopied(after(rows));
      await insert(rows, deps);
      return { done: true };
    },
  },
  "an insert that failed is taken as persisted": {
    copyStep: async (deps) => {
      const rows = waiting(deps);
      await insert(rows, deps).catch(() => {});
      if (rows.length > 0) deps.journal.setCopied(after(rows));
      return { done: true };
    },
  },
  "an insert that failed is sent again, not read back": {
    copyStep: async (deps) => {
      const rows = waiting(deps);
      await insert(rows, deps);
      if (rows.length > 0) deps.journal.setCopied(after(rows));
      return { done: true };
    },
  },
  "a ledger that was set back is not refilled from the archive": {
    copyStep: (deps) => copyStep({ ...deps, segments: { ...deps.segments, list: async () => [] } }),
  },
  "released at the maximum of both copies": {
    releaseCopied: (journal) => journal.release(Math.max(journal.copied().size, journal.archived().size)),
  },
  "released when copied, archived or not": {
    releaseCopied: (journal) => journal.release(journal.copied().size),
  },
  "the idempotency key is remembered after the transaction": {
    append: async (command, deps) => {
      let late: [Uint8Array, IdempotencyRecord] | undefined;
      const remember: Journal["rememberRequest"] = (...request) => {
        late = request;
      };
      const appended = await append(command, withJournal(deps, { rememberRequest: remember }));
      await deps.ledger.seqsOf([]);
      const { journal } = deps;
      if (late && !journal.idempotency(late[0]))
        journal.transaction(() => journal.rememberRequest(...(late ?? fail())));
      return appended;
    },
  },
  "the idempotency key is looked up before an await": {
    append: async (command, deps) => {
      const known = new Set<string>();
      const idempotency: Journal["idempotency"] = () => null;
      if (command.idempotencyKey !== null && known.has(command.idempotencyKey)) return append(command, deps);
      await deps.ledger.seqsOf([]);
      return append(command, withJournal(deps, { idempotency, rememberRequest: () => {} }));
    },
  },
  "the idempotency key is not bound to the credential": {
    append: (command, deps) => append({ ...command, scope: "" }, deps),
  },
  "the body of a retry is not compared": {
    append: (command, deps) => append({ ...command, body: "" }, deps),
  },
  "the head is read before an await": {
    append: async (command, deps) => {
      const head = deps.journal.head();
      await deps.ledger.seqsOf([]);
      return append(command, withJournal(deps, { head: () => head }));
    },
  },
  "event ids are looked up before an await": {
    append: async (command, deps) => {
      const known = deps.journal.knownIds(idsOf(command));
      await deps.ledger.seqsOf([]);
      return append(command, withJournal(deps, { knownIds: (ids) => known.filter(({ id }) => ids.includes(id)) }));
    },
  },
  "the stop flag is read before an await": {
    append: async (command, deps) => {
      const stopped = deps.journal.stoppedReason();
      await deps.ledger.seqsOf([]);
      return append(command, withJournal(deps, { stoppedReason: () => stopped }));
    },
  },
  "recorded_at follows the clock back": {
    append: (command, deps) =>
      append(command, withJournal(deps, { head: () => ({ ...deps.journal.head(), recordedAtMs: 0 }) })),
  },
  "a segment that exists is overwritten": {
    archiveStep: (deps) => {
      const segments = deps.segments as Stores["segments"];
      return archiveStep({ ...deps, segments: { ...segments, put: segments.overwrite } });
    },
  },
  "a put that failed is taken as done": {
    archiveStep: async (deps) => {
      const { journal, segments } = deps;
      const rows = await putRows(deps, (put) => put.catch(() => false));
      if (rows.length > 0 && segments) journal.setArchived(after(rows));
    },
  },
  "a segment is not read back": {
    archiveStep: async (deps) => {
      const rows = await putRows(deps, (put) => put);
      if (rows.length > 0 && deps.journal.archived().size === rows[0]?.seq) deps.journal.setArchived(after(rows));
    },
  },
  "nothing is compared at the start": {
    compareCopies: async () => {},
  },
  "the start takes the ledger's word": {
    compareCopies: async ({ journal, ledger }) => {
      const tip = await ledger.tip();
      if (tip && tip.size <= journal.head().size) journal.setCopied(tip);
    },
  },
  "the start does not ask the archive": {
    compareCopies: async (deps) => {
      await demandGuards(deps.ledger);
      await reconcile(deps);
    },
  },
  "old: the start compares the sizes of the archive alone": {
    compareCopies: async (deps) => {
      await demandGuards(deps.ledger);
      await reconcile(deps);
      const head = deps.journal.head();
      const beyond = (await deps.segments.list(head.size, 1))[0];
      const last = beyond ?? (await segmentHolding(head.size - 1, deps.segments));
      if (last === null || last < deps.journal.archived().size) return;
      const size = last + ((await deps.segments.get(last))?.payloads.length ?? 1);
      if (size > head.size) throw new Divergence("the object was set back");
    },
  },
  "old: the archiver compares with the rows that it read before it waited": {
    archiveStep: async (deps) => {
      const { journal, segments } = deps;
      const rows = await putRows(deps, (put) => put);
      if (rows.length === 0) return;
      const lines = (await segments.get(rows[0]?.seq ?? 0))?.payloads ?? [];
      const ours = rows.slice(0, lines.length);
      if (lines.length === 0 || lines.some((line, i) => line !== ours[i]?.payload)) throw new Divergence("not ours");
      journal.setArchived(after(ours));
    },
  },
  "old: an id that only the ledger remembers refuses a retry under a known key": {
    append: async (command, deps) => {
      const taken = deps.journal.idsForgottenBelow() === 0 ? new Map() : await askLedger(command, deps);
      if (taken.size > 0) throw new AppError("entry.id_conflict", {});
      return append(command, deps);
    },
  },
  "old: the ledger is asked for forgotten ids before it holds them": {
    append: (command, deps) => {
      const { head, copied } = deps.journal;
      const before = copied.bind(deps.journal)();
      const lie = () => ({ ...before, size: Math.max(before.size, head.bind(deps.journal)().size) });
      return append(command, withJournal(deps, { copied: lie }));
    },
  },
};

const SET_BACK: Partial<Profile> = { disaster: "set_back", faults: 0.35, ledgerRestores: 0.3, outages: 0.3 };
const MONTHS_PASS: Partial<Profile> = { leapMs: 45 * 24 * 3_600_000, disaster: "none", backlogBytes: 2 ** 30 };

/** Where a rare mistake shows itself sooner than in a run of everything. */
export const FOCUS: Record<string, Partial<Profile>> = {
  "the stop flag is read before an await": {
    disaster: "ledger_tampered",
    faults: 0.35,
    faultsAgain: 0.5,
    clients: 6,
    evictions: 0.2,
  },
  "nothing is compared at the start": SET_BACK,
  "the start takes the ledger's word": SET_BACK,
  "the start does not ask the archive": SET_BACK,
  "old: the start compares the sizes of the archive alone": { ...SET_BACK, ledgerRestores: 1, segmentEntries: 2 },
  "old: an id that only the ledger remembers refuses a retry under a known key": MONTHS_PASS,
  "old: the ledger is asked for forgotten ids before it holds them": { ...MONTHS_PASS, outages: 1, wakes: 1 },
};

export const mutant = (name: string): Services => ({ ...SERVICES, ...MUTANTS[name] });

function withJournal(deps: AppendDeps, methods: Partial<Journal>): AppendDeps {
  const journal = new Proxy(deps.journal, {
    get: (target, name) => {
      const own = (methods as Record<PropertyKey, unknown>)[name];
      if (own) return own;
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { ...deps, journal };
}

function waiting({ journal }: Pick<CopyDeps, "journal">): EntryRow[] {
  return journal.pending(journal.copied().size, 500, Number.POSITIVE_INFINITY);
}

async function insert(rows: EntryRow[], { ledger, journal }: CopyDeps): Promise<void> {
  if (rows.length > 0) await ledger.insert(rows, rows[0]?.seq === 0 ? (journal.identity()?.genesis ?? null) : null);
}

function after(rows: readonly EntryRow[]): LogPosition {
  const last = rows.at(-1) ?? fail();
  return { size: last.seq + 1, entryHash: last.entryHash };
}

/** The rows of the segment that was put, as the real archiver builds it. */
async function putRows(deps: ArchiveDeps, sent: (put: Promise<boolean>) => Promise<boolean>): Promise<EntryRow[]> {
  const { journal, segments } = deps;
  const most = journal.identity()?.segmentEntries ?? 1;
  const rows = journal.pending(journal.archived().size, most, Number.POSITIVE_INFINITY);
  const taken = Symbol("taken");
  try {
    await archiveStep({
      ...deps,
      segments: {
        ...segments,
        put: (head, payloads) => sent(segments.put(head, payloads)),
        get: () => Promise.reject(taken),
      },
    });
  } catch (error) {
    if (error !== taken) throw error;
  }
  return rows;
}

async function askLedger(command: AppendCommand, { journal, ledger }: AppendDeps): Promise<Map<string, number>> {
  const ids = idsOf(command);
  const remembered = new Set(journal.knownIds(ids).map(({ id }) => id));
  const unknown = ids.filter((id) => !remembered.has(id));
  return unknown.length === 0 ? new Map() : ledger.seqsOf(unknown);
}

const idsOf = ({ events }: AppendCommand) => events.flatMap(({ id }) => (id === undefined ? [] : [id]));

function fail(): never {
  throw new Error("a mutant without rows");
}
