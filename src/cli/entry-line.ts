/** One entry as one line for people: time, seq, action, actor, outcome. */
import type { Entry } from "../client/index.ts";
import { type Colour, safeText, shorten } from "./text.ts";

export const OUTCOME_COLOUR: { readonly [outcome: string]: Colour } = {
  failure: "yellow",
  denied: "red",
  unknown: "dim",
};
const REF_CHARS = 14;
const ACTION_WIDTH = 32;

export function entryLine(entry: Entry, paint: (colour: Colour, text: string) => string): string {
  const { recorded_at, occurred_at, action, actor, outcome } = entry.payload;
  const shownOutcome = safeText(outcome ?? "", 32);
  return [
    paint("dim", safeText(occurred_at ?? recorded_at ?? "", 32)),
    `#${safeText(entry.seq)}`,
    safeText(action ?? "", 128).padEnd(ACTION_WIDTH),
    actorText(actor),
    paint(OUTCOME_COLOUR[shownOutcome] ?? "green", shownOutcome),
  ].join("  ");
}

export function actorText(actor: unknown): string {
  const { type, ref, id } = (actor ?? {}) as { [field: string]: unknown };
  const named = typeof ref === "string" ? shorten(ref, REF_CHARS) : typeof id === "string" ? shorten(id, 40) : "";
  return safeText(`${type ?? "?"}${named ? `:${named}` : ""}`);
}
