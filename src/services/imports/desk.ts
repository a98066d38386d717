/** Imports as they are asked for; the work itself is run.ts. */
import { AppError } from "../../core/errors.ts";
import type { Clock } from "../ports.ts";
import type { ImportCalls, ImportView } from "./calls.ts";
import type { ImportBook, ImportRecord } from "./ports.ts";

/** `soon`: the alarm runs soon. */
export function importDesk({ book, clock, soon }: { book: ImportBook; clock: Clock; soon(): void }): ImportCalls {
  return {
    async begin(wish) {
      const known = book.get();
      if (known && known.status !== "refused") {
        // What was sent now is not needed, and may hold values in clear: the alarm deletes it when the import is over.
        soon();
        if (known.wish.sha256 !== wish.sha256) throw new AppError("import.exists");
        return viewOf(known);
      }
      const record: ImportRecord = {
        ...{ wish, status: "queued", phase: "check", startedAtMs: clock(), finishedAtMs: null },
        ...{ plan: null, next: 0, refusal: null },
      };
      book.put(record);
      soon();
      return viewOf(record);
    },
    async read() {
      const record = book.get();
      return record && viewOf(record);
    },
  };
}

function viewOf({ wish, status, plan, next, startedAtMs, finishedAtMs, refusal }: ImportRecord): ImportView {
  return {
    ...{ status, sha256: wish.sha256, bytes: wish.bytes, startedAt: new Date(startedAtMs).toISOString() },
    finishedAt: finishedAtMs === null ? null : new Date(finishedAtMs).toISOString(),
    from: plan?.from ?? null,
    entries: { imported: plan ? next - plan.from.first : 0, total: plan?.total ?? null },
    values: plan?.values ?? null,
    refusal,
  };
}
