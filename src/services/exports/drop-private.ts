/**
 * Private values in exports end with the first erasure in their domain: which of them are about whom, the keeper does not know, and need not.
 *
 * Runs when no piece of an export is under way, after the person is suppressed in the domain's log: what is opened from then on holds
 * nothing of them. Order for each export, with the crash after each (the erasure asks again until this has answered):
 *  1. its upload is dropped                                          asked again: there is none
 *  2. being made: back to the beginning, as a fresh version          done; it begins anew, without the person
 *     done: `revoked`, by the system                                 links are dead; the alarm deletes and tells
 *  3. the file is deleted                                            asked again, the alarm deletes it too
 * A finished export that was revoked or has expired may still wait for its deletion: its file is deleted here as well.
 */
import { exportKey } from "../../core/export/key.ts";
import { beginAnew, commit } from "./commit.ts";
import type { ExportDeps } from "./deps.ts";
import { isOver } from "./desk.ts";

/** How many files were there and are deleted. Throws `storage.unavailable`. */
export async function dropPrivateExports(deps: ExportDeps & { soon(): void }): Promise<number> {
  const { book, store, clock, domainId } = deps;
  let dropped = 0;
  const withValues = book.all().filter(({ wish }) => wish.isPrivate);
  // Whatever happens here, the alarm goes on with what was changed.
  if (withValues.length > 0) deps.soon();
  for (const { wish } of withValues) {
    const { id } = wish;
    const key = exportKey(domainId, id);
    const before = book.get(id);
    if (!before) continue;
    if (before.uploadId !== null && before.status !== "done") await store.abort(key, before.uploadId);
    const now = book.get(id) ?? before;
    if (!isOver(now) && now.phase !== "begin") beginAnew(now, deps);
    if (now.status === "done") {
      commit(deps, now, { status: "revoked", finishedAtMs: clock(), deleted: 0, dueMs: 0 }, null);
    }
    // One that is not done may have been completed with the answer lost.
    if ((await store.size(key, id)) === null) continue;
    await store.delete(key);
    dropped++;
  }
  return dropped;
}
