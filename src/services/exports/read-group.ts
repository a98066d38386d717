/**
 * Entries for the next group of an export, read and checked: each follows the one before by its hash, so whoever knows that the last
 * one is in the signed tree knows it of all. What is held: the entries of one group, and one page.
 */

import { categoryOf } from "../../core/actions/index.ts";
import { fromHex, toHex } from "../../core/bytes.ts";
import { entryHash } from "../../core/chain.ts";
import { AppError, isAppError } from "../../core/errors.ts";
import type { FormRow } from "../../core/export/forms.ts";
import { LIMITS } from "../../core/limits.ts";
import { parsePayload } from "../../core/payload/payload.ts";
import type { EntryFilter } from "../../core/query/filter.ts";
import { matches } from "../../core/query/match.ts";
import { type ReadRow, type RowPlaces, readThrough } from "../log/read-through.ts";
import type { LedgerLines, LedgerText } from "../ports.ts";
import type { ExportBounds } from "./deps.ts";

export interface ExportPlaces extends RowPlaces {
  ledger: RowPlaces["ledger"] & LedgerLines;
}

export interface GroupFrom {
  /** The first seq to read, and the last of the export. */
  next: number;
  to: number;
  /** Entry hash before `next`, hex. */
  lastHash: string;
  filter: EntryFilter | null;
  /** Of the group already. */
  begun: readonly ReadRow[];
}

export interface ReadGroup {
  rows: FormRow[];
  next: number;
  lastHash: string;
  /** There is room for more, and more to read: the scan has only become long. */
  goesOn: boolean;
}

/** Throws `storage.unavailable` when no place has the next entry, or what stands there is not what follows. */
export async function readGroup(from: GroupFrom, places: ExportPlaces, bounds: ExportBounds): Promise<ReadGroup> {
  const { to, filter } = from;
  let { next, lastHash } = from;
  const rows = from.begun.map((row) => ({ ...row, entryHash: toHex(hashOf(row, places)) }));
  let bytes = rows.reduce((sum, { payload }) => sum + payload.length, 0);
  const scanEnd = filter ? Math.min(to, next + bounds.scanEntries - 1) : to;
  const isFull = (more = 0) => rows.length + more >= bounds.entries || bytes >= bounds.payloadBytes;
  const room = (more = 0) => (filter ? LIMITS.exportPageEntries : bounds.entries - rows.length - more);
  let ahead: Promise<Page> | null = null;
  while (next <= scanEnd && !isFull()) {
    const page: Page = await (ahead ?? pageAt(next, scanEnd, room(), places));
    if (page.payloads.length === 0) throw lost(next);
    // The next page is on its way while this one is hashed; none is read that this group has no room for.
    const after = next + page.payloads.length;
    const isLast = after > scanEnd || (!filter && isFull(page.payloads.length));
    ahead = isLast ? null : pageAt(after, scanEnd, room(page.payloads.length), places);
    for (const [i, payload] of page.payloads.entries()) {
      if (isFull()) break;
      const row = { seq: next, prevHash: lastHash, payload };
      lastHash = toHex(hashOf(row, places));
      if (i === page.known.index && lastHash !== page.known.hash) throw lost(row.seq);
      next++;
      if (filter && !isWanted(row, filter)) continue;
      rows.push({ ...row, entryHash: lastHash });
      bytes += payload.length;
    }
  }
  void ahead?.catch(() => undefined);
  return { rows, next, lastHash, goesOn: next <= to && !isFull() };
}

/** Untrusted payloads of consecutive entries, and the entry hash that one of them is stored with. */
interface Page {
  payloads: string[];
  /** `index` -1: of the entry before the first. */
  known: { index: number; hash: string };
}

/** One text from D1; what it does not hold is wherever `readThrough` finds it. */
async function pageAt(fromSeq: number, toSeq: number, room: number, places: ExportPlaces): Promise<Page> {
  const range = { fromSeq, toSeq, limit: Math.min(LIMITS.exportPageEntries, room) };
  const found = await textAt(range, places);
  const payloads = found?.text.split("\n");
  if (found && payloads?.length === found.count) {
    return { payloads, known: { index: found.count - 1, hash: found.entryHash } };
  }
  const rows = await readThrough(range, places);
  const known = { index: rows.length - 2, hash: rows.at(-1)?.prevHash ?? "" };
  return { payloads: rows.map(({ payload }) => payload), known };
}

async function textAt(
  range: { fromSeq: number; toSeq: number; limit: number },
  { ledger }: ExportPlaces,
): Promise<LedgerText | null> {
  try {
    return await ledger.lines(range);
  } catch (error) {
    if (isAppError(error) && error.code === "storage.unavailable") return null;
    throw error;
  }
}

function isWanted({ payload, seq }: ReadRow, filter: EntryFilter): boolean {
  const parsed = parsePayload(payload);
  if (!parsed.ok) throw lost(seq);
  return matches(filter, parsed.payload, categoryOf(parsed.payload.action));
}

function hashOf({ prevHash, payload, seq }: ReadRow, { sha256 }: RowPlaces): Uint8Array {
  const before = fromHex(prevHash);
  if (!before) throw lost(seq);
  return entryHash(sha256, before, payload);
}

const lost = (seq: number) =>
  new AppError("storage.unavailable", {
    internal: `export: entry ${seq} is not where it should be, or not what follows`,
  });
