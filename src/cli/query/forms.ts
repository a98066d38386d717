/** Entries that were found, in the forms of `query`. */
import type { Entry, PayloadForm } from "../../client/index.ts";
import { csvForm } from "../../core/export/forms.ts";
import type { Io } from "../io.ts";
import { line, painter, safeJson, safeText } from "../text.ts";
import { entryTable } from "./table.ts";

export type RowForm = "table" | "json" | "ndjson" | "csv";
/** With its domain where several were searched. */
export type FoundEntry = Entry<PayloadForm> & { domain_id?: string };

export interface RowPrinter {
  rows(entries: readonly FoundEntry[]): void;
  end(about: object): void;
}

/** For `csv` the payloads have to be the exact text. */
export function rowPrinter(io: Io, form: RowForm, hasDomains: boolean): RowPrinter {
  const { stdout } = io;
  if (form === "table") {
    const print = entryTable(stdout, painter(io, stdout), hasDomains);
    return { rows: (entries) => print(entries as Entry[]), end: () => {} };
  }
  if (form === "ndjson") {
    return { rows: (entries) => entries.forEach((entry) => line(stdout, safeJson(entry))), end: () => {} };
  }
  if (form === "json") {
    const entries: FoundEntry[] = [];
    const end = (about: object) => line(stdout, safeJson({ entries, ...about }, 2));
    return { rows: (found) => entries.push(...found), end };
  }
  let begun = false;
  const rows = (entries: readonly FoundEntry[]) => {
    const text = csvForm(
      entries.map(({ seq, entry_hash, prev_hash, payload }) => ({
        ...{ seq, entryHash: entry_hash, prevHash: prev_hash, payload: payload as string },
      })),
    );
    // One line of column names for all pages.
    const lines = begun ? text.slice(text.indexOf("\n") + 1) : text;
    // What is piped is the exact text; a terminal gets none of what moves its cursor.
    stdout.write(
      stdout.isTTY
        ? lines
            .split("\r\n")
            .map((each) => safeText(each, each.length))
            .join("\r\n")
        : lines,
    );
    begun = true;
  };
  return { rows, end: () => {} };
}
