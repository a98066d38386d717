/**
 * How entries and what goes with them are written to a live connection. A payload is canonical JSON already, on one line, so it is
 * put in as it is: what a reader parses is what was hashed.
 */
import type { EntryRow } from "../ports.ts";
import { type PayloadForm, TAIL_ENDS, type TailEnd } from "./calls.ts";

/** An entry as the other routes answer it. */
export function entryText({ seq, id, prevHash, entryHash, payload }: EntryRow, form: PayloadForm): string {
  const own = JSON.stringify({ seq, id, prev_hash: prevHash, entry_hash: entryHash });
  // Only a copy that somebody has changed has line breaks; a stream would take what follows one for something else.
  const isOneLine = !/[\r\n]/.test(payload);
  return `${own.slice(0, -1)},"payload":${form === "json" && isOneLine ? payload : JSON.stringify(payload)}}`;
}

/** Messages of a WebSocket: one JSON document each. */
export const SOCKET = {
  entry: (text: string) => `{"type":"entry","entry":${text}}`,
  /** To be sent back as it is: it says that everything before it has arrived. */
  mark: (next: number) => JSON.stringify({ type: "mark", next }),
  /** Entries below `next` were looked at; those that the filter asks for have been sent. */
  position: (next: number) => JSON.stringify({ type: "position", next }),
  end: (end: TailEnd, next: number) => JSON.stringify({ type: "end", reason: end, detail: TAIL_ENDS[end].says, next }),
};

/** Server-sent events (WHATWG HTML §9.2.6). The id of an event is the last seq that was looked at, for `Last-Event-ID`. */
export const STREAM = {
  /** The first chunk: a reader learns that it is connected, and how long to wait before it connects again. */
  open: (next: number, retryMs: number) => `retry: ${retryMs}\n${next > 0 ? `id: ${next - 1}\n` : ""}\n`,
  entry: (seq: number, text: string) => `id: ${seq}\ndata: ${text}\n\n`,
  /** An event without data moves the reader's last id and is given to nobody. */
  position: (next: number) => (next > 0 ? `id: ${next - 1}\n\n` : ":\n\n"),
  beat: () => ":\n\n",
  end: (end: TailEnd) => `event: end\ndata: ${JSON.stringify({ reason: end, detail: TAIL_ENDS[end].says })}\n\n`,
};

/** What a client may send: a mark, exactly as it got it. Its `next`; null for anything else. */
export function markOf(message: string | ArrayBuffer): number | null {
  const digits = typeof message === "string" ? /^\{"type":"mark","next":(\d{1,16})\}$/.exec(message)?.[1] : undefined;
  return digits === undefined ? null : Number(digits);
}
