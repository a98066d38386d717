/**
 * The restore of one domain, one step at a time, by the alarm. Nothing is stored before somebody asks. The record is one value, written
 * after each step; what a step does, and the crash after it, is in src/services/restore/step.ts.
 *
 * Commit order of the last step:
 *  1. the entry of the platform's log, under one key a restore     crash: the same entry, once
 *  2. the drill's row at the cell's desk                           crash: the same row again
 *  3. the record says `done` or `refused`                          done
 */
import { LIMITS } from "../../src/core/limits.ts";
import { type Outcome, outcomeOf } from "../../src/services/outcome.ts";
import { ArchiveRows } from "../../src/services/restore/archive-rows.ts";
import { beginRestore } from "../../src/services/restore/begin.ts";
import type { PutBack, RestoreCalls, RestoreView, RestoreWish } from "../../src/services/restore/calls.ts";
import { type RestoreRecord, RestoreRefused } from "../../src/services/restore/ports.ts";
import { restoreStep } from "../../src/services/restore/step.ts";
import { type UploadDeps, upload } from "../../src/services/restore/upload.ts";

const RECORD = "restore";

export interface RestoringDeps extends UploadDeps {
  drilled(record: RestoreRecord): Promise<void>;
}

export class Restoring implements RestoreCalls {
  readonly #storage: DurableObjectStorage;
  /** Made anew for each turn; replaced in part by tests. */
  deps: () => RestoringDeps;
  readonly #plan: () => void;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(storage: DurableObjectStorage, deps: () => RestoringDeps, plan: () => void) {
    this.#storage = storage;
    this.deps = deps;
    this.#plan = plan;
  }

  call(name: keyof RestoreCalls, args: never): Promise<Outcome<unknown>> {
    return outcomeOf(async () => (this[name] as (...given: never[]) => Promise<unknown>).apply(this, args as never[]));
  }

  /** A restore that runs goes on as it is, whatever is asked for now. */
  begin(wish: RestoreWish): Promise<RestoreView> {
    return this.#inTurn(async () => {
      const before = this.#record;
      if (before && before.endedAtMs === null) {
        this.#plan();
        return viewOf(before);
      }
      const deps = this.deps();
      const begun = await beginRestore(wish, deps, new ArchiveRows(deps), before);
      await deps.tell(begun.endedAtMs === null ? "log.restore_started" : "log.restore_refused", begun);
      this.#storage.kv.put(RECORD, begun);
      if (begun.endedAtMs === null) this.#plan();
      return viewOf(begun);
    });
  }

  async put(object: { key: string; bytes: Uint8Array }): Promise<PutBack> {
    try {
      return { stored: await upload(object, this.deps()) };
    } catch (error) {
      if (!(error instanceof RestoreRefused)) throw error;
      return { refused: { code: error.code, seq: error.seq } };
    }
  }

  async view(): Promise<RestoreView | null> {
    const record = this.#record;
    return record && viewOf(record);
  }

  /** One turn; when the next is due. Throws the store's error. */
  run(): Promise<number | null> {
    return this.#inTurn(async () => {
      let record = this.#record;
      const deps = this.deps();
      const archive = new ArchiveRows(deps);
      const untilMs = deps.clock() + LIMITS.restoreTurnMs;
      while (record && record.endedAtMs === null) {
        const next: RestoreRecord = await restoreStep(record, deps, archive);
        if (next.endedAtMs !== null) {
          await deps.tell(next.phase === "done" ? "log.restored" : "log.restore_refused", next);
          if (next.isDrill) await deps.drilled(next);
        }
        this.#storage.kv.put(RECORD, next);
        record = next;
        if (deps.clock() >= untilMs) return record.endedAtMs === null ? deps.clock() : null;
      }
      return null;
    });
  }

  get #record(): RestoreRecord | null {
    return this.#storage.kv.get<RestoreRecord>(RECORD) ?? null;
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(run);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }
}

function viewOf(record: RestoreRecord): RestoreView {
  const { wish: _, prevHash: __, compareSeq: ___, comparePrevHash: ____, ...view } = record;
  return view;
}
