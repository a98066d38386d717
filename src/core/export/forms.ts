/**
 * The forms of an export beside its lines of payloads (SPEC.md §16): a list in JSON, and a table in CSV. Both are a pure function of
 * the entries, so a verifier makes them again and compares every byte; nothing in them has to be believed.
 *
 * An own formatter and not a library: the bytes are a format that verifiers of later years must make again.
 */
import { canonicalJson } from "../canonical.ts";
import type { JsonValue } from "../strict-json.ts";

export interface FormRow {
  seq: number;
  /** Lower-case hex. */
  entryHash: string;
  prevHash: string;
  /** The exact canonical text. */
  payload: string;
}

/** `{"entries":[…]}`, one entry a line: its hashes and its payload as it is. */
export function jsonForm(rows: readonly FormRow[]): string {
  const lines = rows.map(
    ({ entryHash, payload, prevHash }) =>
      `{"entry_hash":"${entryHash}","payload":${payload},"prev_hash":"${prevHash}"}`,
  );
  return `{"entries":[\n${lines.join(",\n")}\n]}\n`;
}

/** In the order of the table. What is no text in the payload stands as canonical JSON, what is missing as an empty cell. */
export const CSV_COLUMNS = [
  ...(["seq", "occurred_at", "recorded_at", "action", "outcome", "actor_type", "actor", "on_behalf_of"] as const),
  ...(["targets", "subjects", "caveats", "changes", "request_id", "traceparent", "metadata", "private", "id"] as const),
  ...(["prev_hash", "entry_hash"] as const),
] as const;

/** In every manifest of an export that has tables. */
export const CSV_RULES = {
  escaped:
    "at the beginning of a cell, and after each semicolon, tab, line feed and carriage return in it, one ' is put before = + - @ (also the full-width ones), ' tab, line feed and carriage return, so that no spreadsheet runs it, whatever separates its cells",
  format: "RFC 4180, UTF-8, lines end with CR LF, the first line of each file names the columns",
  undo: "take one ' away wherever it stands at the beginning of a cell or after a semicolon, tab, line feed or carriage return",
} as const;

/** RFC 4180 with `CSV_RULES`. Untrusted payloads: throws on what is no JSON object. */
export function csvForm(rows: readonly FormRow[]): string {
  const lines = rows.map((row) => {
    const payload = JSON.parse(row.payload) as { readonly [field: string]: JsonValue | undefined };
    const actor = recordOf(payload.actor);
    const names = recordOf(payload.private);
    return [
      String(row.seq),
      ...[payload.occurred_at, payload.recorded_at, payload.action, payload.outcome].map(cellOf),
      ...[actor?.type, actor?.ref ?? actor?.id, recordOf(payload.on_behalf_of)?.ref].map(cellOf),
      ...[payload.targets, payload.subjects, payload.caveats, payload.changes].map(cellOf),
      ...[payload.request_id, payload.traceparent, payload.metadata].map(cellOf),
      names ? cellOf(Object.keys(names).sort()) : "",
      cellOf(payload.id),
      row.prevHash,
      row.entryHash,
    ].join(",");
  });
  return [CSV_COLUMNS.join(","), ...lines, ""].join("\r\n");
}

function recordOf(value: JsonValue | undefined): { readonly [name: string]: JsonValue | undefined } | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
}

/**
 * What a spreadsheet may take for a formula: at the beginning of a cell, and where one begins to a spreadsheet that separates cells
 * by semicolons or tabs, as those of most of Europe do. To them a quotation mark in the middle of a line quotes nothing.
 */
const RUN = /(?<=^|[;\t\n\r])(?=[=+\-@'\t\n\r\uff1d\uff0b\uff0d\uff20])/g;
/** The same, at a tenth of the time where there is nothing. */
const MAY_RUN = /[;\t\n\r]|^[=+\-@'\uff1d\uff0b\uff0d\uff20]/;

function cellOf(value: JsonValue | undefined): string {
  if (value === undefined) return "";
  const text = typeof value === "string" ? value : canonicalJson(value as object);
  const safe = MAY_RUN.test(text) ? text.replaceAll(RUN, "'") : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
