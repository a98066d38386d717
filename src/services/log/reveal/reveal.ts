/**
 * Reveal: entries with who is in them and with their private values, for whoever may and says why. Each page is an entry of
 * its own, written before the page leaves.
 *
 * Order, with the crash after each:
 *  1. rows, sealed rows read; opened in the domain's log     nothing left the cell
 *  2. `audit.revealed` appended                              the entry says that somebody saw what nobody got: harmless
 *  3. the answer                                             done
 * An append that fails, or whose answer is lost, fails the call: nothing is shown without its entry.
 */
import { LIMITS } from "../../../core/limits.ts";
import type { ShardRange } from "../../../core/shards.ts";
import type { PrivateRow, SealedStore, SubjectRow } from "../../ports.ts";
import type { AskedBy } from "../../tenancy/jobs.ts";
import { expired, type Floors } from "../cold/floors.ts";
import type { OpenCall, OpenedRows } from "../sealing/opening.ts";
import {
  cutAfter,
  type EntryPage,
  type PageRange,
  type PageStores,
  pageOfRange,
  pageOfSeqs,
  pageOfSubject,
} from "./page.ts";
import { type Opened, placeName, type ReadEntry, readEntry } from "./read-entry.ts";
import { type RevealedEntry, revealedEntry } from "./revealed-entry.ts";
import { revealedEvent } from "./revealed-event.ts";
import { type PersonSource, personOf } from "./search.ts";

export interface RevealCall {
  by: AskedBy;
  reason: string;
  limit: number;
  wanted:
    | { kind: "seqs"; seqs: number[] }
    | ({ kind: "range" } & PageRange)
    | ({ kind: "person"; identityId: string; ref: string | null } & PageRange);
}

export interface RevealResult {
  entries: RevealedEntry[];
  /** For the next page: its person, where it begins (null: there is none), and where the whole ends. */
  ref: string | null;
  next: number | null;
  to: number;
}

export interface RevealDeps {
  log: PersonSource & {
    head(): Promise<{ size: number } & Pick<Floors, "firstKept">>;
    openSealed(call: OpenCall): Promise<OpenedRows>;
    /** Appends an entry of the product's own. */
    record(event: ReturnType<typeof revealedEvent>): Promise<void>;
  };
  stores(ranges: readonly ShardRange[]): PageStores & {
    sealedRows: Pick<SealedStore, "privateSizes" | "privateRows" | "subjects">;
  };
}

/**
 * What is erased is null, what is lost or damaged is said to be unreadable; neither fails the page. Throws `subject.erased`
 * (asked for an erased person), `entry.expired` (asked for a seq whose payload is gone), `keys.unavailable`, `storage.unavailable`, and whatever refuses the entry.
 */
export async function reveal(call: RevealCall, { log, stores }: RevealDeps): Promise<RevealResult> {
  const { wanted } = call;
  const person = wanted.kind === "person" ? await personOf(wanted, log) : null;
  const at = stores(await log.flush());
  // A page adds an entry: without an end that is known at the first page there would always be a next one.
  const { size, firstKept } = await log.head();
  const range = wanted.kind === "seqs" ? null : { ...wanted, ...endingAt(wanted, size - 1) };

  const gone = wanted.kind === "seqs" ? wanted.seqs.find((seq) => seq < firstKept) : undefined;
  if (gone !== undefined) throw expired(gone, firstKept);

  let page: EntryPage;
  if (wanted.kind === "seqs") page = await pageOfSeqs(wanted.seqs, at);
  else if (person) page = await pageOfSubject(person.pseudonym, range as PageRange, call.limit, at);
  else page = await pageOfRange(range as PageRange, call.limit, at);

  const read = page.rows.map(readEntry);
  const sizes = await at.sealedRows.privateSizes(read.flatMap(({ places }) => places));
  const count = entriesWithin(read, sizes);
  page = cutAfter(page, count);
  const entries = read.slice(0, count);

  const [privates, subjects] = await Promise.all([
    at.sealedRows.privateRows(entries.flatMap(({ places }) => places)),
    at.sealedRows.subjects([...new Set(entries.flatMap(({ people }) => people))]),
  ]);
  const opened = await openAll(entries, privates, subjects, log);
  const revealed = entries.map((entry) => revealedEntry(entry, opened));
  if (revealed.length > 0) {
    const identityId = wanted.kind === "person" && person?.known ? wanted.identityId : null;
    await log.record(revealedEvent(revealed, { by: call.by, reason: call.reason, identityId }));
  }
  return { entries: revealed, ref: person?.pseudonym ?? null, next: page.next, to: range?.to ?? size - 1 };
}

function endingAt({ order, to, next }: PageRange, last: number): Pick<PageRange, "to" | "next"> {
  const end = Math.min(to, last);
  return { to: end, next: order === "desc" ? Math.min(next, end) : next };
}

/** How many of these entries open within one call. At least one. */
export function entriesWithin(entries: readonly ReadEntry[], sizes: readonly { seq: number; bytes: number }[]): number {
  const bytesOf = new Map<number, number>();
  for (const { seq, bytes } of sizes) bytesOf.set(seq, (bytesOf.get(seq) ?? 0) + bytes);
  let bytes = 0;
  const over = entries.findIndex(({ row }) => {
    bytes += bytesOf.get(row.seq) ?? 0;
    return bytes > LIMITS.revealBytes;
  });
  return over < 0 ? entries.length : Math.max(1, over);
}

/** `rows` and `subjects`: what was read for these entries. */
export async function openAll(
  entries: readonly ReadEntry[],
  rows: readonly PrivateRow[],
  subjects: readonly SubjectRow[],
  log: Pick<RevealDeps["log"], "openSealed">,
): Promise<Opened> {
  const ids = new Map(entries.map(({ row }) => [row.seq, row.id]));
  const privates = rows.flatMap(({ seq, subject, sealed }) =>
    sealed ? [{ seq, subject, sealed, entryId: ids.get(seq) ?? "" }] : [],
  );
  const mappings = [...subjects];
  const people = [...new Set(entries.flatMap((entry) => entry.people))];
  const opened = await log.openSealed({ privates, mappings, people });
  const texts = privates.flatMap(({ seq, subject }, i): [string, string][] => {
    const text = opened.privates[i];
    return text == null ? [] : [[placeName(seq, subject), text]];
  });
  return {
    privates: new Map(texts),
    mappings: new Map(mappings.map(({ pseudonym }, i) => [pseudonym, opened.mappings[i] ?? null])),
    erased: new Set(opened.erased),
  };
}
