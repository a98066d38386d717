/**
 * Private values of a group in clear, as a disclosure (SPEC.md §8): each value with the salt of its commitment, so that whoever holds the
 * export checks it without a key. Values are opened in the object that knows who is erased, a bounded number of bytes at a time; nobody
 * whose erasure has begun is opened. People stay pseudonyms: who they are is committed to nowhere, so a file could not prove it.
 */
import { canonicalJson } from "../../core/canonical.ts";
import type { FormRow } from "../../core/export/forms.ts";
import { parsePayload } from "../../core/payload/payload.ts";
import type { JsonValue } from "../../core/strict-json.ts";
import { DISCLOSURE_FORMAT } from "../../verifier/disclosure.ts";
import { readEntry } from "../log/reveal/read-entry.ts";
import { entriesWithin, openAll, type RevealDeps } from "../log/reveal/reveal.ts";
import { revealedEntry } from "../log/reveal/revealed-entry.ts";

export interface ExportReveal {
  log: Pick<RevealDeps["log"], "openSealed">;
  sealedRows: Pick<ReturnType<RevealDeps["stores"]>["sealedRows"], "privateSizes" | "privateRows">;
}

/**
 * The file, and how many values are in it; null: none of these entries has a value that can be read. What is erased or lost is withheld
 * and named so. Throws `keys.unavailable`, `storage.unavailable`: a value is never left out because something was away.
 */
export async function disclosureOf(
  domainId: string,
  rows: readonly FormRow[],
  { log, sealedRows }: ExportReveal,
): Promise<{ text: string; values: number } | null> {
  const entries: JsonValue[] = [];
  let values = 0;
  let left = rows.map(entryOf).filter(({ places }) => places.length > 0);
  const sizes = await sealedRows.privateSizes(left.flatMap(({ places }) => places));
  while (left.length > 0) {
    const count = entriesWithin(left, sizes);
    const piece = left.slice(0, count);
    left = left.slice(count);
    const sealed = await sealedRows.privateRows(piece.flatMap(({ places }) => places));
    const opened = await openAll(piece, sealed, [], log);
    for (const entry of piece) {
      const { row, values: found } = revealedEntry(entry, opened);
      const shown = found.filter(({ status }) => status === "revealed").length;
      if (shown === 0) continue;
      values += shown;
      entries.push({
        ...{ seq: row.seq, id: row.id, prev_hash: row.prevHash, entry_hash: row.entryHash, payload: row.payload },
        private: found.map(({ pointer, status, valueJson, salt, commitment }) => ({
          ...{ pointer, status, salt, commitment },
          value: valueJson === null ? null : (JSON.parse(valueJson) as JsonValue),
        })),
      });
    }
  }
  if (values === 0) return null;
  return { text: `${canonicalJson({ domain: domainId, entries, format: DISCLOSURE_FORMAT })}\n`, values };
}

function entryOf(row: FormRow) {
  const parsed = parsePayload(row.payload);
  return readEntry({ ...row, id: parsed.ok ? parsed.payload.id : "" });
}
