/**
 * The making of one export, step by step (SPEC.md §16). Each step is bounded (`LIMITS.exportGroupEntries`, `exportGroupBytes`,
 * `exportStepGroups`, `exportScanEntries`) and ends with one commit in the object's storage. In memory at once: one group (its lines, list and table,
 * some 20 MiB at worst), the tail of the archive (less than a part) and one part on its way.
 *
 * Commit order, and what a crash leaves:
 *  1. begin: the plan (proof, signed head) and the files that every export has, in the tail; the upload's id.
 *     Before the commit: an upload without a part, which the bucket drops after seven days; the step runs again.
 *  2. entries: groups are read and checked, whole parts are uploaded, then the commit (cursor, files, etags, tail).
 *     Between upload and commit: the step runs again from the same cursor, makes the same files (a PDF with another random id), and the same part number takes the
 *     place of the first. So it is when the answer of an upload is lost.
 *  3. end: the last entry is shown to be in the signed tree; manifest, note and directory follow; the rest is uploaded.
 *     Before the commit: as in 2.
 *  4. complete: the parts become the file. Before the commit, or with the answer lost: the upload is gone, and the file is there with
 *     the right size: done. Gone without a file: everything begins anew, `LIMITS.exportRestarts` times.
 * Two runs at once, of which the object has none: the commit of the slower is refused, the record has another version. Its parts may have
 * taken the place of the faster one's: then the bucket does not put them together, and everything begins anew.
 */

import { exportKey } from "../../core/export/key.ts";
import { LIMITS } from "../../core/limits.ts";
import { zipEnd } from "../../core/zip.ts";
import { ArchiveTail } from "./archive.ts";
import { beginExport } from "./begin.ts";
import { beginAgain, commit, NOTHING_LEFT, putParts, upload } from "./commit.ts";
import type { ExportDeps } from "./deps.ts";
import { addGroup, demandInTree, manifestFiles } from "./files.ts";
import type { ExportPlan, ExportRecord } from "./ports.ts";
import { readGroup } from "./read-group.ts";

/** The record afterwards. Throws what the step could not do: the caller counts and tries again. */
export async function exportStep(record: ExportRecord, deps: ExportDeps): Promise<ExportRecord> {
  const { plan } = record;
  if (record.phase === "begin" || !plan) return beginExport(record, deps);
  if (record.phase === "entries") return entriesStep(record, plan, deps);
  if (record.phase === "end") return endStep(record, plan, deps);
  return completeStep(record, deps);
}

async function entriesStep(record: ExportRecord, plan: ExportPlan, deps: ExportDeps): Promise<ExportRecord> {
  const { book, clock, bounds } = deps;
  const { wish } = record;
  const places = deps.places(await deps.shards());
  const untilMs = clock() + LIMITS.exportStepMs;
  const archive = new ArchiveTail(deps, record.bytes, book.tail(wish.id));
  const size = wish.isPrivate ? { ...bounds, entries: Math.min(bounds.entries, LIMITS.exportPrivateEntries) } : bounds;
  let reached: Pick<ExportRecord, "next" | "lastHash" | "entries" | "values"> = record;
  for (let groups = 0; groups < LIMITS.exportStepGroups && reached.next <= plan.to; groups++) {
    if (groups > 0 && clock() >= untilMs) break;
    const begun = wish.filter && groups === 0 ? book.pending(wish.id) : [];
    const from = { next: reached.next, to: plan.to, lastHash: reached.lastHash, filter: wish.filter, begun };
    const group = await readGroup(from, places, size);
    if (group.goesOn) {
      const pending = group.rows.map(({ seq, prevHash, payload }) => ({ seq, prevHash, payload }));
      // Only with a filter, so in the first group: nothing is in the archive yet that was not before.
      const scanned = { next: group.next, lastHash: group.lastHash };
      return commit(deps, record, scanned, { files: [], parts: [], tail: null, pending });
    }
    const values =
      reached.values + (await addGroup(archive, group.rows, { ...record, entries: reached.entries }, plan, deps));
    const entries = reached.entries + group.rows.length;
    reached = { next: group.next, lastHash: group.lastHash, entries, values };
    if (!(await putParts(deps, record, record.uploadId ?? "", archive))) return beginAgain(record, deps);
    if (wish.filter) break;
  }
  const phase = reached.next > plan.to ? ("end" as const) : ("entries" as const);
  const { next, lastHash, entries, values } = reached;
  return upload(deps, record, { next, lastHash, entries, values, phase }, archive, false);
}

async function endStep(record: ExportRecord, plan: ExportPlan, deps: ExportDeps): Promise<ExportRecord> {
  await demandInTree(record, plan, deps);
  const { book } = deps;
  const archive = new ArchiveTail(deps, record.bytes, book.tail(record.wish.id));
  const before = book.files(record.wish.id);
  for (const { name, bytes } of manifestFiles(record, plan, before, deps)) archive.addFile(name, bytes);
  archive.add(zipEnd([...before, ...archive.files], archive.bytes));
  return upload(deps, record, { phase: "complete" }, archive, true);
}

async function completeStep(record: ExportRecord, deps: ExportDeps): Promise<ExportRecord> {
  const { book, store, clock, log } = deps;
  const { id, lifeS } = record.wish;
  // A log that is being deleted refuses: no file may come to be behind the sweep.
  await log.head();
  const key = exportKey(deps.domainId, id);
  const made = await store.complete(key, record.uploadId ?? "", book.parts(id));
  if (!made && (await store.size(key, id)) !== record.bytes) return beginAgain(record, deps);
  const finishedAtMs = clock();
  const change = { status: "done", finishedAtMs, expiresAtMs: finishedAtMs + lifeS * 1000 } as const;
  return commit(deps, record, change, NOTHING_LEFT);
}
