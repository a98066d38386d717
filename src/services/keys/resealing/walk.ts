/**
 * The walk that brings what is sealed in one domain under newer keys (S2-4, S3-38): pages of subject keys, what waits in the
 * object, the ledger, the pages of the archive. In steps of bounded work; a walk that met nothing stale is the proof that
 * the old versions are not used.
 *
 * Each place is changed alone and under a condition: the value is still the one that was opened. So
 *  1. a value is read and opened             crash: nothing changed
 *  2. it is replaced if it is still there    crash, or an answer that got lost: the walk meets it again, fresh or stale
 * and what is erased, copied or put meanwhile is never brought back. What was on its way with an old key while the walk passed
 * its place (an append that had its key, a copy in flight) is met by the next walk: whoever retires a version walks until a
 * whole walk finds nothing.
 */
import { LIMITS } from "../../../core/limits.ts";
import type { SlotName } from "../../../crypto/key-registry.ts";
import { parseSealedHeader, type Sealed, type Sealer } from "../../../crypto/sealed.ts";
import type { SlotKeys } from "../../../crypto/slot-keys.ts";
import type { SubjectKey } from "../../../crypto/subject-page.ts";
import { segmentHolding } from "../../log/archive.ts";
import type {
  Clock,
  ErasablePages,
  PrivateCell,
  ResealLedger,
  SealedJournal,
  SealedPageStore,
  SealedRows,
  SegmentStore,
  SubjectRow,
  WaitingCells,
} from "../../ports.ts";
import {
  type Fresh,
  freshOf,
  isStale,
  isStaleMapping,
  type KeysAtHand,
  mappingAnew,
  privatePlace,
  sealAnew,
} from "./anew.ts";
import { addSteps, type ResealCursor, type ResealStep, type ResealWork } from "./calls.ts";

export interface WalkDeps {
  tenantId: string;
  sealer: Pick<Sealer, "seal" | "open">;
  slots: SlotKeys;
  /** Just read, not from memory. */
  tenantKey: { version: number; key: Uint8Array };
  tenantKeyOf: (version: number) => Promise<Uint8Array | null>;
  vault: {
    pages: () => Promise<number[]>;
    reseal: (page: number) => Promise<boolean>;
    readable: (pseudonyms: readonly string[]) => Promise<ReadonlyMap<string, SubjectKey>>;
  };
  index: Pick<SealedJournal, "subjects" | "lastPage"> & {
    /** Pseudonyms whose key is on a page, ascending, after one, at most `limit`. */
    onPage: (page: number, after: string, limit: number) => string[];
  };
  waiting: WaitingCells;
  ledger: ResealLedger;
  pages: ErasablePages & Pick<SealedPageStore, "get">;
  segments: SegmentStore;
  clock: Clock;
}

type Done = Omit<ResealStep, "cursor">;
/** One bounded piece of a phase; `after` null: the phase is over. */
type Phase = (after: string, fresh: Fresh, deps: WalkDeps) => Promise<Done & { after: string | null }>;

const NOTHING: Done = { values: 0, pages: 0, unreadable: 0 };
const MAPPING_SLOTS: readonly SlotName[] = ["subject_identity", "contact", "network", "idp_claims"];

/** Goes on with a walk for about `LIMITS.resealStepMs`. */
export async function resealStep(work: ResealWork, cursor: ResealCursor | null, deps: WalkDeps): Promise<ResealStep> {
  const phases = phasesOf(work);
  const fresh = freshOf(deps.slots, deps.tenantKey.version);
  const untilMs = deps.clock() + LIMITS.resealStepMs;
  let done = NOTHING;
  let at: ResealCursor = cursor ?? { phase: 0, after: "" };
  for (;;) {
    const phase = phases[at.phase];
    if (!phase) return { ...done, cursor: null };
    const { after, ...more } = await phase(at.after, fresh, deps);
    done = addSteps(done, more);
    at = after === null ? { phase: at.phase + 1, after: "" } : { phase: at.phase, after };
    if (deps.clock() >= untilMs) return { ...done, cursor: phases[at.phase] ? at : null };
  }
}

function phasesOf(work: ResealWork): readonly Phase[] {
  if (work.kind === "tenant_key") return [keyPages, waitingPrivates, ledgerOfNobody, archive];
  if (work.slot === "private_values") return [waitingPrivates, ledgerOfNobody, ledgerOfPeople, archive];
  return MAPPING_SLOTS.includes(work.slot) ? [waitingMappings, ledgerMappings, archive] : [];
}

const keyPages: Phase = async (after, _, { vault }) => {
  const left = (await vault.pages()).filter((page) => after === "" || page > Number(after));
  const now = left.slice(0, LIMITS.resealPages);
  let pages = 0;
  for (const page of now) if (await vault.reseal(page)) pages++;
  return { ...NOTHING, pages, after: left.length > now.length ? String(now.at(-1)) : null };
};

const waitingPrivates: Phase = async (after, fresh, deps) => {
  const { cells, next } = deps.waiting.privates(after, LIMITS.resealRows);
  const { changes, unreadable } = await anew(cells, fresh, deps);
  const values = deps.waiting.replacePrivates(changes);
  return { ...NOTHING, values, unreadable, after: next };
};

const waitingMappings: Phase = async (after, fresh, deps) => {
  const { rows, next } = deps.waiting.mappings(after, LIMITS.resealRows);
  const { changes, values, unreadable } = await mappingsAnew(rows, fresh, deps);
  deps.waiting.replaceMappings(changes);
  return { ...NOTHING, values, unreadable, after: next };
};

/** `after`: shard, then the last seq. */
const ledgerOfNobody: Phase = async (after, fresh, deps) => {
  const [nth = 0, seq = -1] = placeOf(after);
  const shard = deps.ledger.shards()[nth];
  if (shard === undefined) return { ...NOTHING, after: null };
  const cells = await deps.ledger.privates(shard, [""], seq, versionsOf(fresh), LIMITS.resealRows);
  const done = await replaceInLedger(shard, cells, fresh, deps);
  const last = cells.at(-1);
  return { ...done, after: last ? `${nth},${last.seq}` : `${nth + 1},-1` };
};

/**
 * By page of keys, so that each is opened once: some people of it at a time, and whoever has more values than one piece takes
 * alone. `after`: shard, page, the last person whose values are all seen, the one that is under way and the last seq of it.
 */
const ledgerOfPeople: Phase = async (after, fresh, deps) => {
  const [nth = 0, page = 0] = placeOf(after);
  const [, , seen = "", under = "", seqText = "-1"] = after.split(",");
  const shard = deps.ledger.shards()[nth];
  if (shard === undefined) return { ...NOTHING, after: null };
  if (page > (deps.index.lastPage()?.page ?? -1)) return { ...NOTHING, after: `${nth + 1},0` };
  const people = under === "" ? deps.index.onPage(page, seen, LIMITS.resealPeople) : [under];
  if (people.length === 0) return { ...NOTHING, after: `${nth},${page + 1}` };
  const cells = await deps.ledger.privates(shard, people, Number(seqText), versionsOf(fresh), LIMITS.resealRows);
  const done = await replaceInLedger(shard, cells, fresh, deps);
  const last = cells.at(-1);
  const next = last ? `${seen},${last.subject},${last.seq}` : people.at(-1);
  return { ...done, after: `${nth},${page},${next}` };
};

const ledgerMappings: Phase = async (after, fresh, deps) => {
  const [nth = 0] = placeOf(after);
  const pseudonym = after.split(",")[1] ?? "";
  const shard = deps.ledger.shards()[nth];
  if (shard === undefined) return { ...NOTHING, after: null };
  const rows = await deps.ledger.mappings(shard, pseudonym, LIMITS.resealRows);
  const { changes, values, unreadable } = await mappingsAnew(rows, fresh, deps);
  await deps.ledger.replaceMappings(shard, changes);
  return { ...NOTHING, values, unreadable, after: rows.length > 0 ? `${nth},${rows.at(-1)?.pseudonym}` : `${nth + 1}` };
};

const archive: Phase = async (after, fresh, deps) => {
  const starts = await deps.pages.list(after === "" ? 0 : Number(after) + 1, LIMITS.resealPages);
  const pages = await Promise.all(starts.map((firstSeq) => rewritePage(firstSeq, fresh, deps)));
  const done = pages.reduce(addSteps, NOTHING);
  return { ...done, after: starts.length > 0 ? String(starts.at(-1)) : null };
};

async function rewritePage(firstSeq: number, fresh: Fresh, deps: WalkDeps): Promise<Done> {
  const before = await deps.pages.get(firstSeq);
  const stale = before.privates.filter(({ sealed }) => sealed !== null && isStale(sealed, fresh));
  const mappings = before.subjects.filter((row) => isStaleMapping(row, fresh));
  if (stale.length + mappings.length === 0) return NOTHING;
  const ids = stale.length > 0 ? await entryIds(firstSeq, deps) : new Map<number, string>();
  const cells = stale.map((row) => ({
    ...row,
    entryId: ids.get(row.seq) ?? "",
    sealed: row.sealed as Sealed<"private_values">,
  }));
  const keys = await keysFor(
    cells,
    mappings.map(({ pseudonym }) => pseudonym),
    deps,
  );
  let done = NOTHING;
  await deps.pages.rewrite(firstSeq, (rows) => {
    done = NOTHING;
    const gone = suppressedAmong(rows, deps);
    const privates = rows.privates
      .filter(({ subject }) => !gone.has(subject))
      .map((row) => {
        if (row.sealed === null || !isStale(row.sealed, fresh)) return row;
        const place = privatePlace(ids.get(row.seq) ?? "", row.subject);
        const sealed = sealAnew(row.sealed, "private_values", place, row.subject, keys, deps.sealer);
        done = addSteps(done, { ...NOTHING, ...(sealed ? { values: 1 } : { unreadable: 1 }) });
        return sealed ? { ...row, sealed } : row;
      });
    const subjects = rows.subjects
      .filter(({ pseudonym }) => !gone.has(pseudonym))
      .map((row) => {
        const changed = mappingAnew(row, fresh, keys, deps.sealer);
        done = addSteps(done, { ...NOTHING, values: changed?.values ?? 0 });
        return changed?.row ?? row;
      });
    return done.values > 0 ? { privates, subjects } : null;
  });
  return done;
}

function suppressedAmong({ privates, subjects }: SealedRows, { index }: WalkDeps): ReadonlySet<string> {
  const people = new Set([...privates.map(({ subject }) => subject), ...subjects.map(({ pseudonym }) => pseudonym)]);
  people.delete("");
  return new Set(index.subjects([...people]).flatMap((its) => (its.suppressed ? its.pseudonym : [])));
}

/** Ids of the entries of a segment, by seq. Not checked: under a wrong one a value does not open. */
async function entryIds(firstSeq: number, { segments }: WalkDeps): Promise<Map<number, string>> {
  const start = await segmentHolding(firstSeq, segments);
  const payloads = (start === null ? null : await segments.get(start))?.payloads ?? [];
  return new Map(
    payloads.map((text) => {
      const { seq, id } = JSON.parse(text) as { seq: number; id: string };
      return [seq, id];
    }),
  );
}

async function replaceInLedger(shard: string, cells: PrivateCell[], fresh: Fresh, deps: WalkDeps): Promise<Done> {
  const { changes, unreadable } = await anew(cells, fresh, deps);
  if (changes.length > 0) await deps.ledger.replacePrivates(shard, changes);
  return { ...NOTHING, values: changes.length, unreadable };
}

interface Change {
  cell: PrivateCell;
  sealed: Sealed<"private_values">;
}

/** Keys are fetched, then nothing waits. */
async function anew(cells: PrivateCell[], fresh: Fresh, deps: WalkDeps) {
  const stale = cells.filter(({ sealed }) => isStale(sealed, fresh));
  const keys = await keysFor(stale, [], deps);
  const changes = stale.flatMap((cell): Change[] => {
    const place = privatePlace(cell.entryId, cell.subject);
    const sealed = sealAnew(cell.sealed, "private_values", place, cell.subject, keys, deps.sealer);
    return sealed ? [{ cell, sealed }] : [];
  });
  return { changes, unreadable: stale.length - changes.length };
}

async function mappingsAnew(rows: SubjectRow[], fresh: Fresh, deps: WalkDeps) {
  const stale = rows.filter((row) => isStaleMapping(row, fresh));
  const keys = await keysFor(
    [],
    stale.map(({ pseudonym }) => pseudonym),
    deps,
  );
  const found = stale.map((before) => ({ before, changed: mappingAnew(before, fresh, keys, deps.sealer) }));
  const changes = found.flatMap(({ before, changed }) =>
    changed && changed.values > 0 ? [{ before, after: changed.row }] : [],
  );
  const values = found.reduce((sum, { changed }) => sum + (changed?.values ?? 0), 0);
  return { changes, values, unreadable: found.filter(({ changed }) => changed?.values === 0).length };
}

async function keysFor(cells: readonly PrivateCell[], people: readonly string[], deps: WalkDeps): Promise<KeysAtHand> {
  const { tenantId, vault, tenantKey, tenantKeyOf } = deps;
  const subjects = new Set([...cells.map(({ subject }) => subject), ...people]);
  subjects.delete("");
  const tenant = new Map([[tenantKey.version, tenantKey.key]]);
  for (const { sealed, subject } of cells) {
    const version = parseSealedHeader(sealed)?.tenantKeyVersion ?? 0;
    if (subject !== "" || tenant.has(version)) continue;
    const key = await tenantKeyOf(version);
    if (key) tenant.set(version, key);
  }
  return { tenantId, tenant, present: tenantKey.version, subjects: await vault.readable([...subjects]) };
}

const placeOf = (after: string): number[] => (after === "" ? [] : after.split(",").slice(0, 2).map(Number));

const versionsOf = (fresh: Fresh) => ({
  slotVersion: fresh.slotVersion("private_values"),
  tenantKeyVersion: fresh.tenantKeyVersion,
});
