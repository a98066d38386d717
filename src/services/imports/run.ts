/**
 * An import, step by step (docs/moving.md). Each step is written down before the next; the crash after each:
 *  1. the archive is verified as a whole              again: the same archive gives the same plan. Refused: 7, nothing was written
 *  2. the log takes nothing from clients any more; that none of theirs is in it is seen after that; the plan is written down
 *                                                     the alarm comes again; it is closed already
 *  3. evidence is kept, each file once                again: the same bytes are there
 *  4. `domain.imported`, under the manifest's hash    again: it is the same entry
 *  5. old entries, some at a time, each lot under a key of manifest and first seq
 *                                                     again: the lot is answered with its first receipts
 *  6. how far it is                                   as 5: the lot before is repeated, and is the same
 *  7. archives are deleted                            again: there are none. What is sent later is deleted by the next alarm
 *  8. the log takes clients' events again; done       again: it is open
 * Between 2 and 8 only the product itself appends; its own entries about the domain may stand between old ones.
 */
import { isProductsOwn } from "../../core/actions/product.ts";
import { decode } from "../../core/bundle.ts";
import { fromHex, toHex, utf8 } from "../../core/bytes.ts";
import { entryHash } from "../../core/chain.ts";
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { type CarriedValue, translateEntry } from "../../core/moving/translate.ts";
import { parsePayload } from "../../core/payload/payload.ts";
import { parseDisclosure } from "../../verifier/disclosure.ts";
import { checkArchive } from "./check.ts";
import { importedEvent } from "./events.ts";
import type { ImportDeps, ImportGroup, ImportPlan, ImportRecord, PlacedFile } from "./ports.ts";

/** Goes on with what there is for a while; when the alarm goes on (Unix milliseconds), null: there is nothing. */
export async function runImport(deps: ImportDeps): Promise<number | null> {
  const { book, clock } = deps;
  const until = clock() + LIMITS.importTurnMs;
  for (let record = book.get(); record && !isOver(record); record = book.get()) {
    book.put(await step(record, deps));
    if (clock() >= until) return clock();
  }
  // Archives that came when it was over, or while the last ones were deleted. A refused import may be begun anew with one of them.
  if (book.get()?.status === "done") await deps.store.clear(deps.domainId);
  return null;
}

const isOver = ({ status }: ImportRecord): boolean => status === "done" || status === "refused";

async function step(record: ImportRecord, deps: ImportDeps): Promise<ImportRecord> {
  switch (record.phase) {
    case "check":
      return check(record, deps);
    case "keep":
      return keep(record, planOf(record), deps);
    case "entries":
      return appendSome(record, planOf(record), deps);
    case "end":
      await deps.store.clear(deps.domainId);
      await deps.log.openToClients();
      return { ...record, status: record.refusal ? "refused" : "done", finishedAtMs: deps.clock() };
  }
}

async function check(record: ImportRecord, deps: ImportDeps): Promise<ImportRecord> {
  const { log, store, domainId, platform } = deps;
  const { upload, trustedKey } = record.wish;
  const running = { ...record, status: "running" } as const;
  const refuse = (code: NonNullable<ImportRecord["refusal"]>["code"], detail: string): ImportRecord => ({
    ...running,
    phase: "end",
    refusal: { code, detail: detail.slice(0, LIMITS.importDetailChars) },
  });
  const notEmpty = () =>
    refuse("not_empty", "a log is moved into a domain that has no entries yet; create another domain for it");
  // A wish that is refused keeps no client of a log that is in use waiting.
  if (await hasClientEntries(await log.size(), deps)) return notEmpty();
  const archive = await store.archive(domainId, upload);
  if (!archive) return refuse("archive_gone", "the archive is not there any more; send it again");
  const checked = checkArchive(archive, { domainId, trustedKey, keysHere: deps.keysHere }, platform);
  if (!checked.ok) return refuse(checked.code, checked.detail);
  if (await hasClientEntries(await log.closeToClients(), deps)) return notEmpty();
  const { plan } = checked;
  return { ...running, phase: "keep", plan, next: plan.from.first };
}

/** A log of this many entries without any of a client is none that begins. */
async function hasClientEntries(size: number, { ownRows }: ImportDeps): Promise<boolean> {
  if (size > LIMITS.importOwnEntries) return true;
  const rows = await ownRows(size);
  if (rows.length !== size) throw new AppError("storage.unavailable", { internal: "import: entries are missing" });
  return rows.some(({ payload }) => {
    const parsed = parsePayload(payload);
    return !parsed.ok || !isProductsOwn(parsed.payload.action);
  });
}

async function keep(record: ImportRecord, plan: ImportPlan, deps: ImportDeps): Promise<ImportRecord> {
  const { store, domainId } = deps;
  const { manifestHash } = plan.from;
  for (const file of plan.evidence) {
    const bytes = await bytesOf(file, record, deps);
    await store.keep(domainId, manifestHash, file.name, bytes);
  }
  await deps.record(importedEvent(record, plan, domainId), `domain.imported:${manifestHash}`);
  return { ...record, phase: "entries" };
}

/** One lot: as many as fit, always the same from the same place. */
async function appendSome(record: ImportRecord, plan: ImportPlan, deps: ImportDeps): Promise<ImportRecord> {
  const { next } = record;
  if (next > plan.from.last) return { ...record, phase: "end" };
  const group = plan.groups.findLast(({ firstSeq }) => firstSeq <= next);
  if (!group) throw new TypeError("a plan has groups");
  const until = deps.clock() + LIMITS.importTurnMs;
  let at = next;
  for (const lot of await lotsOf(group, next, record, deps)) {
    await deps.log.append(lot.body, `domain.imported:${plan.from.manifestHash}:${at}`);
    at += lot.count;
    deps.book.put({ ...record, next: at });
    if (deps.clock() >= until) break;
  }
  return { ...record, next: at };
}

/** The events of a group from `next` on. What was verified is what is read: the files' hashes are those of the signed manifest. */
async function lotsOf(
  group: ImportGroup,
  next: number,
  record: ImportRecord,
  deps: ImportDeps,
): Promise<{ body: string; count: number }[]> {
  const { sha256 } = deps.platform;
  const text = decode(await bytesOf(group.lines, record, deps)) ?? "";
  const values = await valuesOf(group, record, deps);
  const lots: { body: string; count: number }[] = [];
  let lot: string[] = [];
  let chars = 0;
  let prevHash = fromHex(group.prevHash) ?? new Uint8Array();
  for (const [i, line] of text.split("\n").slice(0, -1).entries()) {
    const parsed = parsePayload(line);
    if (!parsed.ok) throw new TypeError("an entry that was verified is a payload");
    prevHash = entryHash(sha256, prevHash, line);
    const seq = group.firstSeq + i;
    if (seq < next) continue;
    const old = { entryHash: toHex(prevHash), payload: parsed.payload, byteLength: utf8(line).length };
    const event = JSON.stringify(translateEntry(old, values.get(seq) ?? []));
    if (lot.length > 0 && (lot.length >= LIMITS.importLotEntries || chars + event.length > LIMITS.importLotChars)) {
      lots.push({ body: lot.join("\n"), count: lot.length });
      [lot, chars] = [[], 0];
    }
    lot.push(event);
    chars += event.length;
  }
  return lot.length > 0 ? [...lots, { body: lot.join("\n"), count: lot.length }] : lots;
}

async function valuesOf(
  { disclosures }: ImportGroup,
  record: ImportRecord,
  deps: ImportDeps,
): Promise<Map<number, CarriedValue[]>> {
  if (!disclosures) return new Map();
  const file = parseDisclosure(decode(await bytesOf(disclosures, record, deps)) ?? "");
  const given = (file?.entries ?? []).map(({ seq, private: values }) => {
    const revealed = values.filter(({ status }) => status === "revealed");
    return [seq, revealed.map(({ pointer, value }) => ({ pointer, value }))] as const;
  });
  return new Map(given);
}

/** Throws `storage.unavailable` when the file is not there; a defect or a thief when it is another one. */
async function bytesOf(file: PlacedFile, { wish }: ImportRecord, deps: ImportDeps): Promise<Uint8Array> {
  const bytes = await deps.store.part(deps.domainId, wish.upload, file.start, file.bytes);
  if (!bytes) throw new AppError("storage.unavailable", { internal: "import: its archive is not there" });
  if (toHex(deps.platform.sha256(bytes)) !== file.sha256) {
    throw new AppError("internal", { internal: "import: its archive is not the one that was verified" });
  }
  return bytes;
}

function planOf({ plan }: ImportRecord): ImportPlan {
  if (!plan) throw new TypeError("an import that was checked has a plan");
  return plan;
}
