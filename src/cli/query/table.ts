/** Entries as a table for people: when, which, what, who, how it ended, on what. */
import type { Entry } from "../../client/index.ts";
import { actorText, OUTCOME_COLOUR } from "../entry-line.ts";
import type { Output } from "../io.ts";
import { type Colour, line, safeText, shorten } from "../text.ts";

type Paint = (colour: Colour, text: string) => string;

const HEADER = ["WHEN", "SEQ", "ACTION", "ACTOR", "OUTCOME", "TARGETS"];
const MAX_CELL = 48;
const OUTCOME_COLUMN = 4;

/** A function that prints page after page under one header; columns never get narrower. */
export function entryTable(out: Output, paint: Paint, hasDomains: boolean): (entries: readonly Entry[]) => void {
  const names = hasDomains ? [...HEADER, "DOMAIN"] : HEADER;
  let widths = names.map((name) => name.length);
  let begun = false;
  return (entries) => {
    if (entries.length === 0) return;
    const rows = entries.map((entry) => cellsOf(entry, hasDomains));
    widths = widths.map((width, i) => Math.max(width, ...rows.map((row) => row[i]?.length ?? 0)));
    if (!begun) line(out, paint("dim", laidOut(names, widths).join("  ").trimEnd()));
    begun = true;
    for (const row of rows) {
      const cells = laidOut(row, widths);
      const outcome = row[OUTCOME_COLUMN] ?? "";
      cells[OUTCOME_COLUMN] = paint(OUTCOME_COLOUR[outcome] ?? "green", cells[OUTCOME_COLUMN] ?? "");
      line(out, cells.join("  ").trimEnd());
    }
  };
}

const laidOut = (cells: readonly string[], widths: readonly number[]): string[] =>
  cells.map((cell, i) => (i === cells.length - 1 ? cell : cell.padEnd(widths[i] ?? 0)));

function cellsOf(entry: Entry & { domain_id?: string }, hasDomains: boolean): string[] {
  const { occurred_at, recorded_at, action, actor, outcome, targets } = entry.payload;
  const cells = [
    safeText(occurred_at ?? recorded_at ?? "", 32),
    `#${safeText(entry.seq)}`,
    safeText(action ?? "", 128),
    actorText(actor),
    safeText(outcome ?? "", 32),
    targetsText(targets),
  ];
  return hasDomains ? [...cells, safeText(entry.domain_id ?? "")] : cells;
}

function targetsText(targets: unknown): string {
  if (!Array.isArray(targets) || targets.length === 0) return "";
  const { type, id, ref } = (targets[0] ?? {}) as { [field: string]: unknown };
  const name = safeText(shorten(`${type ?? "?"}:${id ?? ref ?? "?"}`, MAX_CELL));
  return targets.length === 1 ? name : `${name} and ${targets.length - 1} more`;
}
