/** Bookmarks of D1 Time Travel, as `npm run ops -- bookmark` took them down. Read only: the cell cannot make one. */
import type { BookmarksSeen } from "../services/ports.ts";
import { storeUnavailable } from "./d1-errors.ts";

/** Throws `storage.unavailable`. */
export async function bookmarksSeen(db: D1Database): Promise<BookmarksSeen> {
  try {
    const row = await db
      .prepare("SELECT count(*) AS known, min(recorded_at) AS oldest FROM backup_bookmark")
      .first<{ known: number; oldest: string | null }>();
    const oldestMs = Date.parse(row?.oldest ?? "");
    return { known: row?.known ?? 0, oldestMs: Number.isNaN(oldestMs) ? null : oldestMs };
  } catch (error) {
    throw storeUnavailable("control", error);
  }
}
