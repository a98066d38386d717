/**
 * What the alarm does for the exports of one domain, one piece at a time: makes them in the order in which they were asked for, tells
 * of them, deletes what is over. Every piece may be made again; what fails comes again later, and an export that keeps failing has
 * failed.
 */
import { AppError, isAppError } from "../../core/errors.ts";
import { SYSTEM_ACTOR_ID } from "../../core/event.ts";
import { exportKey } from "../../core/export/key.ts";
import { LIMITS } from "../../core/limits.ts";
import { withoutIdentities } from "../../core/query/people.ts";
import type { ExportWish } from "./calls.ts";
import { commit, isChanged, NOTHING_LEFT } from "./commit.ts";
import type { ExportDeps } from "./deps.ts";
import { isOver } from "./desk.ts";
import { createdEvent, endedEvent, revokedEvent } from "./events.ts";
import type { ExportRecord } from "./ports.ts";
import { exportStep } from "./step.ts";

const FIRST_DELAY_MS = 1000;
const MAX_DELAY_MS = 5 * 60 * 1000;
/** What a run that was under way when an export was revoked may still have put there is deleted by the second time. */
const DELETIONS = 2;
/** Pieces of a revocation: of an export that nobody was told of yet, three. */
const REVOKING = 3;
const DELETE_AGAIN_MS = 10 * 60 * 1000;
/** By so much a hold moves the end of an export, each time it has come. */
const HELD_MS = 24 * 60 * 60 * 1000;

/** One run, of some `LIMITS.exportStepMs`. When to go on; null: nothing is left. Never throws for what the stores do. */
export async function runExports(deps: ExportDeps): Promise<number | null> {
  const { book, clock } = deps;
  const untilMs = clock() + LIMITS.exportStepMs;
  for (let worked = true; worked && clock() < untilMs; ) {
    worked = false;
    for (const { wish } of book.all().reverse()) {
      if (await runOne(wish.id, deps)) {
        worked = true;
        break;
      }
    }
  }
  const times = book.all().map((record) => dueOf(record));
  const due = times.filter((ms) => ms !== null);
  return due.length === 0 ? null : Math.max(clock(), Math.min(...due));
}

/** Deletes what was revoked and tells of it, and nothing else. What fails is the alarm's to try again. */
export async function settleExports(deps: ExportDeps): Promise<void> {
  for (const { wish, status } of deps.book.all()) {
    for (let pieces = 0; status === "revoked" && pieces < REVOKING; pieces++) await runOne(wish.id, deps);
  }
}

/** When something is to be done for it; null: never again. */
function dueOf(record: ExportRecord): number | null {
  const { status, told, dueMs, expiresAtMs, deleted, finishedAtMs } = record;
  if (!told.includes("created") || !isOver(record)) return dueMs;
  if ((status === "done" || status === "failed") && !told.includes("ended")) return dueMs;
  if (status === "done") return Math.max(dueMs, expiresAtMs ?? 0);
  if (deleted === 0 || (status === "revoked" && !told.includes("revoked"))) return dueMs;
  return deleted < DELETIONS ? Math.max(dueMs, (finishedAtMs ?? 0) + DELETE_AGAIN_MS) : null;
}

/** Whether something was done, or tried. */
async function runOne(id: string, deps: ExportDeps): Promise<boolean> {
  const record = deps.book.get(id);
  const due = record && dueOf(record);
  if (!record || due === null || due === undefined || due > deps.clock()) return false;
  try {
    await piece(record, deps);
  } catch (error) {
    if (!isChanged(error)) countFailure(id, error, deps);
  }
  return true;
}

async function piece(record: ExportRecord, deps: ExportDeps): Promise<void> {
  const { domainId, record: tell, store } = deps;
  const { wish, status, told } = record;
  const once = async (what: "created" | "ended" | "revoked", run: () => Promise<void>, change = {}) => {
    await run();
    commit(deps, record, { ...change, told: [...told, what] }, null);
  };
  if (!told.includes("created")) {
    return once("created", () =>
      tell(wish.recordIn, createdEvent(record, domainId), `audit.export_created:${wish.id}`),
    );
  }
  if (!isOver(record)) return void (await exportStep(record, deps));
  if ((status === "done" || status === "failed") && !told.includes("ended")) {
    const ended = () => tell(wish.recordIn, endedEvent(record, domainId), `audit.export_ended:${wish.id}`);
    return once("ended", ended, { wish: forgotten(wish) });
  }
  if (status === "done") {
    // It can be fetched as long as it is held, and ends within this time of the release.
    if (await deps.held()) return void commit(deps, record, { expiresAtMs: deps.clock() + HELD_MS }, null);
    return void commit(deps, record, { status: "expired", finishedAtMs: deps.clock() }, null);
  }
  if (status === "revoked" && record.deleted > 0 && !told.includes("revoked")) {
    const revoked = () => tell(wish.recordIn, revokedEvent(record, domainId), `audit.export_revoked:${wish.id}`);
    return once("revoked", revoked, { revokedBy: null });
  }
  const key = exportKey(domainId, wish.id);
  if (record.uploadId !== null) await store.abort(key, record.uploadId);
  await store.delete(key);
  commit(deps, record, { deleted: record.deleted + 1, wish: forgotten(wish) }, NOTHING_LEFT);
}

/** Nothing is made of it any more: without who asked, which the log says, and without the ids of people who may be in its filter. */
const forgotten = (wish: ExportWish): ExportWish => ({
  ...wish,
  by: { type: "system", id: SYSTEM_ACTOR_ID },
  filter: wish.filter && withoutIdentities(wish.filter),
});

/** Of an export that is being made, so many tries in a row are the end; telling and deleting are tried for ever. */
function countFailure(id: string, error: unknown, { book, clock }: ExportDeps): void {
  const record = book.get(id);
  if (!record) return;
  const failures = record.failures + 1;
  const name = isAppError(error)
    ? `${error.code}: ${error.internal ?? ""}`
    : error instanceof Error
      ? error.name
      : "unknown";
  // Ids and our own words only.
  console.warn(JSON.stringify({ at: "export", export: id, failures, fault: name }));
  const isFinal = error instanceof AppError && FINAL.includes(error.code);
  const next = {
    ...record,
    failures,
    dueMs: clock() + Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(failures - 1, 16)),
  };
  const hasFailed = !isOver(record) && (isFinal || failures >= LIMITS.exportTries);
  const failure = isAppError(error) ? error.code : "internal";
  const ended = { status: "failed" as const, failure, failures: 0, finishedAtMs: clock(), dueMs: 0 };
  book.commit({ ...next, ...(hasFailed ? ended : {}), version: record.version + 1 }, null);
}

/** Nothing changes by trying again. */
const FINAL: readonly string[] = ["resource.not_found", "limit.reached", "log.unsigned"];
