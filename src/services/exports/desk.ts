/**
 * Exports as they are asked for: made, listed, linked to, withdrawn, opened. The making itself is run.ts and step.ts.
 *
 * Commit order of a revocation, and the crash after each:
 *  1. the record says `revoked`             links are dead; the alarm does the rest
 *  2. the file is deleted                   the alarm writes the entry
 *  3. the entry, under the export's id      done; again it is the same entry
 */
import { AppError } from "../../core/errors.ts";
import { exportKey } from "../../core/export/key.ts";
import { LIMITS } from "../../core/limits.ts";
import { newSecret, secretHash } from "../access/people/secrets.ts";
import { expired } from "../log/cold/floors.ts";
import type { AskedBy } from "../tenancy/jobs.ts";
import type { ExportCalls, ExportLink, ExportView, ExportWish, NewExportLink, OpenedExport } from "./calls.ts";
import type { ExportDeps } from "./deps.ts";
import { createdEvent, downloadedEvent, revealedByExport } from "./events.ts";
import type { ExportRecord, LinkRecord } from "./ports.ts";

export interface DeskDeps extends ExportDeps {
  /** The alarm runs soon. */
  soon(): void;
  /** Runs what is due to be deleted or told now, after whatever runs; never fails. */
  settle(): Promise<void>;
  /** Whether who made a link may still fetch exports (link-maker.ts). */
  mayStillFetch(by: AskedBy, isPrivate: boolean): Promise<boolean>;
}

export function exportDesk(deps: DeskDeps): ExportCalls {
  const { book, clock } = deps;
  const recordOf = (id: string): ExportRecord => book.get(id) ?? notThere();
  const view = (record: ExportRecord) => viewOf(record, book.links(record.wish.id));
  return {
    async create(wish, reason) {
      const known = book.get(wish.id);
      if (!known) await add(wish, reason, deps);
      deps.soon();
      return view(recordOf(wish.id));
    },
    list: async () => book.all().map(view),
    read: async (id) => view(recordOf(id)),
    link: async (id, by, lifeS) => newLink(recordOf(id), by, lifeS, deps),
    async revokeLink(id, linkId) {
      recordOf(id);
      const link = book.links(id).find((each) => each.id === linkId) ?? notThere();
      if (link.revokedAt === null) book.changeLink(linkId, { revokedAt: new Date(clock()).toISOString() });
    },
    async revoke(id, by) {
      const record = recordOf(id);
      if (record.status !== "revoked") {
        const change = {
          status: "revoked" as const,
          revokedBy: by,
          finishedAtMs: record.finishedAtMs ?? clock(),
          dueMs: 0,
        };
        book.commit({ ...record, ...change, deleted: 0, version: record.version + 1 }, null);
        deps.soon();
      }
      await deps.settle();
      return view(recordOf(id));
    },
    open: (id, token) => openExport(id, token, deps),
  };
}

/**
 * Order, with the crash after each:
 *  1. of one with private values: `audit.revealed` with the reason, in the domain's own log   it says that somebody saw what nobody got
 *  2. the row                                                                              the alarm tells of the export
 *  3. `audit.export_created`, before anybody is told of it                                  done; again it is the same entry
 */
async function add(wish: ExportWish, reason: string | null, deps: DeskDeps): Promise<void> {
  const { book, log, clock, domainId } = deps;
  const { size, firstKept } = await log.head();
  if (Math.max(wish.from, wish.to ?? wish.from) >= size) {
    const pointer = wish.from >= size ? "/from" : "/to";
    throw new AppError("request.invalid", { errors: [{ pointer, detail: `the log has ${size} entries` }] });
  }
  const last = wish.to ?? size - 1;
  if (last < firstKept) throw expired(last, firstKept);
  demandPdf(wish, size, deps);
  const all = book.all();
  const open = all.filter(({ status }) => status === "queued" || status === "running").length;
  if (open >= LIMITS.exportsOpen) {
    throw new AppError("limit.reached", { detail: `${LIMITS.exportsOpen} exports of this domain are being made` });
  }
  const over = all.filter((record) => isOver(record) && record.deleted > 0);
  if (all.length - over.length >= LIMITS.exportsKept) {
    const detail = `a domain keeps ${LIMITS.exportsKept} exports: withdraw one, or wait until one has expired`;
    throw new AppError("limit.reached", { detail });
  }
  for (const { wish: old } of over.slice(Math.max(0, LIMITS.exportsKept - 1 - (all.length - over.length))))
    book.forget(old.id);
  if (wish.isPrivate) {
    const event = revealedByExport(wish, reason ?? "", size - 1);
    await deps.record(domainId, event, `audit.revealed:${wish.id}`);
  }
  const record = newRecord(wish, clock());
  if (!book.add(record)) return;
  deps.soon();
  await deps.record(wish.recordIn, createdEvent(record, domainId), `audit.export_created:${wish.id}`);
  const now = book.get(wish.id);
  if (now) book.commit({ ...now, told: [...now.told, "created"], version: now.version + 1 }, null);
}

/** Of a selection nobody knows yet how many there are: one of more fails when it is made (files.ts). */
function demandPdf({ formats, from, to, filter }: ExportWish, size: number, { documents }: DeskDeps): void {
  if (!formats.includes("pdf")) return;
  const refused = (detail: string) => new AppError("request.invalid", { errors: [{ pointer: "/formats", detail }] });
  if (!documents) throw refused("this cell makes no PDF: its operator has not given it DOCUMENT_SIGNING_KEY");
  const count = (to ?? size - 1) - from + 1;
  if (!filter && count > LIMITS.pdfEntries)
    throw refused(`an export with a PDF has at most ${LIMITS.pdfEntries} entries, and this range has ${count}`);
}

export const isOver = ({ status }: Pick<ExportRecord, "status">): boolean =>
  status !== "queued" && status !== "running";

function newRecord(wish: ExportWish, nowMs: number): ExportRecord {
  return {
    ...{ wish, createdAtMs: nowMs, version: 1, status: "queued", phase: "begin", plan: null, uploadId: null },
    ...{ next: wish.from, lastHash: "", entries: 0, bytes: 0, parts: 0, failures: 0, restarts: 0, dueMs: 0, values: 0 },
    ...{ finishedAtMs: null, expiresAtMs: null, failure: null, revokedBy: null, told: [], deleted: 0 },
  };
}

function newLink(record: ExportRecord, by: AskedBy, lifeS: number, deps: DeskDeps): NewExportLink {
  const { book, clock, random, newLinkId } = deps;
  if (record.status !== "done") {
    throw new AppError("export.not_ready", { detail: `the status of the export is ${record.status}` });
  }
  const { id } = record.wish;
  if (book.links(id).length >= LIMITS.exportLinks) {
    throw new AppError("limit.reached", { detail: `an export has at most ${LIMITS.exportLinks} links` });
  }
  const nowMs = clock();
  const untilMs = Math.min(nowMs + lifeS * 1000, record.expiresAtMs ?? nowMs);
  const link: ExportLink = {
    ...{ id: newLinkId(), createdAt: new Date(nowMs).toISOString(), expiresAt: new Date(untilMs).toISOString() },
    ...{ revokedAt: null, usedAt: null },
  };
  const token = newSecret(random);
  const tokenHash = secretHash(token);
  if (!tokenHash) throw new Error("a token is spelled like one");
  book.addLink({ ...link, exportId: id, by }, tokenHash);
  return { link, token };
}

/** The token is 256 random bits and is looked up by its hash, so how long that takes says nothing about it. */
async function openExport(id: string, token: string, deps: DeskDeps): Promise<OpenedExport> {
  const { book, clock, domainId, record: tell } = deps;
  const tokenHash = secretHash(token);
  const link = tokenHash && book.linkOf(tokenHash);
  const record = book.get(id);
  if (!link || !record || link.exportId !== id || link.revokedAt !== null || record.status === "revoked") notThere();
  if (record.status !== "done" || clock() >= Math.min(Date.parse(link.expiresAt), record.expiresAtMs ?? 0)) {
    throw new AppError("export.expired");
  }
  if (!(await deps.mayStillFetch(link.by, record.wish.isPrivate))) notThere();
  if (link.usedAt === null) {
    // Before the first byte leaves. Resumed and repeated downloads of one link are one entry.
    await tell(record.wish.recordIn, downloadedEvent(link, domainId), `audit.export_downloaded:${link.id}`);
    book.changeLink(link.id, { usedAt: new Date(clock()).toISOString() });
    if (book.get(id)?.status !== "done" || book.linkOf(tokenHash)?.revokedAt !== null) notThere();
  }
  return { key: exportKey(domainId, id), bytes: record.bytes };
}

function viewOf(record: ExportRecord, links: readonly LinkRecord[]): ExportView {
  const { wish, plan } = record;
  const first = plan?.from ?? wish.from;
  return {
    ...{ id: wish.id, status: record.status, createdAt: new Date(record.createdAtMs).toISOString() },
    ...{ from: wish.from, to: plan?.to ?? wish.to, filter: wish.filterText, formats: wish.formats },
    isPrivate: wish.isPrivate,
    ...{ entries: record.entries, scanned: plan ? record.next - first : 0, total: plan ? plan.to - first + 1 : null },
    bytes: record.bytes,
    finishedAt: record.finishedAtMs === null ? null : new Date(record.finishedAtMs).toISOString(),
    expiresAt: record.expiresAtMs === null ? null : new Date(record.expiresAtMs).toISOString(),
    failure: record.failure,
    links: links.map(({ id, createdAt, expiresAt, revokedAt, usedAt }) => ({
      id,
      createdAt,
      expiresAt,
      revokedAt,
      usedAt,
    })),
  };
}

function notThere(): never {
  throw new AppError("resource.not_found");
}
