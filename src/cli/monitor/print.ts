/** A round as one line for people, or as JSON on one line; and what is shouted. */

import { duration } from "../../core/progress-text.ts";
import type { Io } from "../io.ts";
import { type Colour, count, line, painter, safeJson, safeText, shorten } from "../text.ts";
import type { Round, RoundEvent } from "./outcome.ts";

export interface PrintOptions {
  json: boolean;
  /** Later than this is said. Milliseconds. */
  lateAfterMs: number;
}

export const EVENT_WORDS: Record<RoundEvent, string> = {
  first: "FIRST SEEN",
  grew: "GREW",
  unchanged: "UNCHANGED",
  fork: "FORK",
  shrink: "SHRANK",
  broken: "BROKEN",
  no_answer: "NOT CHECKED",
};
const WORD_WIDTH = 11;

export function printRound(io: Io, round: Round, { json, lateAfterMs }: PrintOptions): void {
  if (json) line(io.stdout, safeJson(roundJson(round, new Date(io.now()).toISOString())));
  else line(io.stdout, roundLine(io, round, lateAfterMs));
  if (!isAlarm(round)) return;
  const kept = round.evidence === null ? "" : `; evidence: ${safeText(round.evidence)}`;
  line(io.stderr, painter(io, io.stderr)("red", `moonseal: ALARM: ${safeText(round.detail)}${kept}`));
}

/** What contradicts itself, or what was shown before. */
export const isAlarm = ({ verdict }: Round): boolean =>
  verdict === "contradicts_remembered_head" || verdict === "refuted";

function roundLine(io: Io, round: Round, lateAfterMs: number): string {
  const paint = painter(io, io.stdout);
  const { event, origin, size, root, grown, detail, lateMs, stoppedReason } = round;
  const time = new Date(io.now()).toISOString().replace(/\.\d{3}Z$/, "Z");
  const parts = [
    paint("dim", time),
    paint(colourOf(round), EVENT_WORDS[event].padEnd(WORD_WIDTH)),
    ...(origin === null ? [] : [safeText(origin)]),
    ...(size === null
      ? []
      : [`${count(size, "entry", "entries")}${grown > 0 && event === "grew" ? ` (+${grown})` : ""}`]),
    ...(root === null ? [] : [`root ${shorten(root, 12)}`]),
    ...(event === "first" || event === "grew" || event === "unchanged" ? healthy(round) : []),
    ...(detail === "" ? [] : [safeText(detail)]),
    ...(stoppedReason === null ? [] : [`the log says that it was stopped: ${safeText(stoppedReason)}`]),
    ...(lateMs !== null && lateMs >= lateAfterMs ? [paint("yellow", `LATE ${duration(lateMs / 1000)}`)] : []),
  ];
  return parts.join("  ");
}

function healthy({ event, read, readNow, entriesFrom, witnesses }: Round): string[] {
  const consistent = event === "first" ? "nothing remembered before" : "consistent";
  const now = readNow > 0 ? `read ${readNow} more` : `all ${read} read`;
  const entries =
    entriesFrom === null ? "leaves" : entriesFrom === 0 ? "leaves and entries" : `leaves, entries from ${entriesFrom}`;
  const seen =
    witnesses.length === 0
      ? "not independently witnessed"
      : `witnessed by ${witnesses.map((name) => safeText(name)).join(", ")}`;
  return [consistent, `${now} (${entries})`, seen];
}

function colourOf({ verdict }: Round): Colour {
  if (verdict === "verified") return "green";
  return verdict === "not_witnessed" || verdict === "could_not_check" ? "yellow" : "red";
}

/** Lower snake, as everywhere in JSON of ours. */
function roundJson(round: Round, at: string): object {
  const { event, verdict, detail, origin, size, root, grown, read, lateMs, evidence, witnesses } = round;
  return {
    at,
    event,
    verdict,
    detail,
    origin,
    size,
    root,
    grown,
    read,
    read_now: round.readNow,
    entries_from: round.entriesFrom,
    witnesses,
    witnessed_at: round.witnessedAt === null ? null : new Date(round.witnessedAt * 1000).toISOString(),
    late_ms: lateMs,
    stopped_reason: round.stoppedReason,
    evidence,
  };
}
