/** Exports for people. */
import type { Export } from "../../client/index.ts";
import type { Io } from "../io.ts";
import { count, line, pairs, safeText, table } from "../text.ts";

export function exportTable(io: Io, exports: readonly Export[]): void {
  if (exports.length === 0) return line(io.stderr, "there is no export of this domain");
  const rows = exports.map(({ id, status, created_at, progress, filter }) => [
    ...[id, status, created_at, count(progress.entries, "entry", "entries")],
    filter ?? "every entry of the range",
  ]);
  table(io.stdout, rows);
}

export function exportDetails(io: Io, shown: Export): void {
  const { progress, from, to, links } = shown;
  const total = progress.total === null ? "" : ` of ${progress.total.toLocaleString("en-US")}`;
  pairs(io.stdout, [
    ["export", shown.id],
    ["status", shown.failure ? `${shown.status}: ${shown.failure}` : shown.status],
    ["entries", shown.filter ?? "every entry of the range, provably complete"],
    ["range", `#${from} to ${to === null ? "the newest" : `#${to}`}`],
    ["formats", shown.formats.join(", ")],
    ["looked through", `${progress.scanned.toLocaleString("en-US")}${total}`],
    ["in the export", count(progress.entries, "entry", "entries")],
    ["size", count(shown.bytes, "byte")],
    ["made", shown.finished_at ?? "not yet"],
    ["deleted", shown.expires_at ?? "not yet known"],
  ]);
  for (const link of links) {
    const state = link.revoked_at ? `revoked ${link.revoked_at}` : `until ${link.expires_at}`;
    line(io.stdout, safeText(`link ${link.id}  ${state}  ${link.used_at ? `used ${link.used_at}` : "not used"}`));
  }
}
