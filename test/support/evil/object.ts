/** What somebody with the disk can do to a domain's object. For a stopped cell. */
import type { Row } from "./forge.ts";
import { domainFile, withDatabase } from "./places.ts";

/** Forgets everything from `size` on, as if it had never been appended. `last`: the entry that is then the newest. */
export function cutObject(state: string, domainId: string, size: number, last: Row): void {
  withDatabase(domainFile(state, domainId), (database) => {
    for (const waiting of ["pending", "pending_private", "pending_subject"]) {
      database.prepare(`DELETE FROM ${waiting} WHERE seq >= ?`).run(size);
    }
    database.prepare("UPDATE head SET size = ?, entry_hash = ?").run(size, last.entryHash);
    for (const copy of ["copied", "archived"]) {
      database
        .prepare(`UPDATE head SET ${copy}_size = ?1, ${copy}_hash = ?2 WHERE ${copy}_size > ?1`)
        .run(size, last.entryHash);
    }
  });
}

/** Makes the object remember another log: its head, its copies and whatever waits. The log keeps its length. */
export function rewriteObject(state: string, domainId: string, rows: readonly Row[]): void {
  const hashBelow = (size: number) => rows[size - 1]?.entryHash ?? null;
  withDatabase(domainFile(state, domainId), (database) => {
    const head = database.prepare("SELECT size, copied_size, archived_size FROM head").get() as Record<string, number>;
    database
      .prepare(
        "UPDATE head SET entry_hash = ?, copied_hash = ifnull(?, copied_hash), archived_hash = ifnull(?, archived_hash)",
      )
      .run(hashBelow(head.size ?? 0), hashBelow(head.copied_size ?? 0), hashBelow(head.archived_size ?? 0));
    const update = database.prepare("UPDATE pending SET prev_hash = ?, entry_hash = ?, payload = ? WHERE seq = ?");
    for (const { seq, prevHash, entryHash, payload } of rows) update.run(prevHash, entryHash, payload, seq);
  });
}

/** Any statement on the object's own tables; it has to change something. */
export function editObject(state: string, domainId: string, sql: string): void {
  withDatabase(domainFile(state, domainId), (database) => {
    if (database.prepare(sql).run().changes === 0) throw new Error(`changed nothing: ${sql}`);
  });
}
