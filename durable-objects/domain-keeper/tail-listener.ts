/** One live connection, as the room that serves it sees it. Two kinds: tail-socket.ts, tail-stream.ts. */
import type { EntryFilter } from "../../src/core/query/filter.ts";
import type { PayloadForm, TailEnd } from "../../src/services/tail/calls.ts";
import type { TailHolder } from "../../src/services/tail/holder.ts";

export interface TailState {
  /** Seq of the first entry that was not looked at. */
  next: number;
  /** Up to where the reader has been told so. */
  told: number;
  filter: EntryFilter;
  form: PayloadForm;
  holder: TailHolder;
  /** Whose domain it is. */
  tenantId: string;
  /** Unix milliseconds. */
  endsAtMs: number;
  /** When the credential was last found right. */
  checkedAtMs: number;
}

export interface Listener {
  readonly state: TailState;
  /** Whether it takes one more entry now. What it was given and has not sent is bounded. */
  readonly hasRoom: boolean;
  /** Since when it has had none; null while it has. Unix milliseconds. */
  readonly fullSinceMs: number | null;
  /** Takes one entry, already as text. Only while it has room; `state.next` is behind the entry already. */
  take(seq: number, text: string): void;
  /** After a page: sends what was taken, tells how far it has come when that is far, and remembers. Never throws. */
  settle(nowMs: number): void;
  /** Says that it is there and how far it has come. Never throws. */
  beat(): void;
  /** Ends the connection. Never throws. */
  end(end: TailEnd): void;
}
