/**
 * A live connection over a WebSocket that outlives the object's memory (hibernation): all that is known of it is in its
 * attachment. A WebSocket tells nobody how much waits to be sent, so the reader does: after every window it gets a mark and sends
 * it back, and more than two windows are never under way.
 *
 * Order: the message, then the attachment, in one turn. An object that dies between them sends the entry again on this
 * connection, never not: readers drop what is below the seq that they wait for.
 */
import { LIMITS } from "../../src/core/limits.ts";
import { TAIL_ENDS, type TailEnd } from "../../src/services/tail/calls.ts";
import { markOf, SOCKET } from "../../src/services/tail/messages.ts";
import type { Listener, TailState } from "./tail-listener.ts";

/** Marks that may be under way. */
const WINDOWS = 2;

interface Attachment {
  state: TailState;
  /** That were sent and have not come back, oldest first. */
  marks: number[];
  /** Since the last mark. */
  entries: number;
  chars: number;
  fullSinceMs: number | null;
}

export class TailSocket implements Listener {
  readonly #socket: WebSocket;
  readonly #attachment: Attachment;
  #isOpen = true;

  private constructor(socket: WebSocket, attachment: Attachment) {
    this.#socket = socket;
    this.#attachment = attachment;
  }

  static opened(socket: WebSocket, state: TailState): TailSocket {
    const opened = new TailSocket(socket, { state, marks: [], entries: 0, chars: 0, fullSinceMs: null });
    opened.#remember();
    return opened;
  }

  /** One that this object's memory has lost; null for one that was never opened here. */
  static restored(socket: WebSocket): TailSocket | null {
    const attachment = socket.deserializeAttachment() as Attachment | null;
    return attachment && new TailSocket(socket, attachment);
  }

  get state(): TailState {
    return this.#attachment.state;
  }

  get hasRoom(): boolean {
    return this.#isOpen && this.#attachment.marks.length < WINDOWS;
  }

  get fullSinceMs(): number | null {
    return this.#attachment.fullSinceMs;
  }

  take(_seq: number, text: string): void {
    const at = this.#attachment;
    this.#send(SOCKET.entry(text));
    at.entries++;
    at.chars += text.length;
    at.state.told = at.state.next;
    if (at.entries < LIMITS.tailWindowEntries && at.chars < LIMITS.tailWindowChars) return;
    this.#send(SOCKET.mark(at.state.next));
    at.marks.push(at.state.next);
    at.entries = 0;
    at.chars = 0;
  }

  settle(nowMs: number): void {
    const at = this.#attachment;
    if (at.marks.length >= WINDOWS) at.fullSinceMs ??= nowMs;
    if (at.state.next - at.state.told >= LIMITS.tailPositionEntries) this.#tellPosition();
    this.#remember();
  }

  beat(): void {
    // Silence is no news to a WebSocket: its reader pings, and is answered without waking the object.
    if (this.state.next > this.state.told) this.#tellPosition();
    this.#remember();
  }

  /** What the client sent. False: that is nothing it may send, and the connection has ended. */
  said(message: string | ArrayBuffer): boolean {
    const at = this.#attachment;
    const mark = markOf(message);
    const place = mark === null ? -1 : at.marks.indexOf(mark);
    if (place < 0) {
      this.end("not_understood");
      return false;
    }
    at.marks.splice(0, place + 1);
    at.fullSinceMs = null;
    this.#remember();
    return true;
  }

  end(end: TailEnd): void {
    this.#send(SOCKET.end(end, this.state.next));
    this.#isOpen = false;
    try {
      this.#socket.close(TAIL_ENDS[end].code, TAIL_ENDS[end].says);
    } catch {
      // It has gone already.
    }
  }

  #tellPosition(): void {
    this.#send(SOCKET.position(this.state.next));
    this.state.told = this.state.next;
  }

  #send(message: string): void {
    if (!this.#isOpen) return;
    try {
      this.#socket.send(message);
    } catch {
      this.#isOpen = false;
    }
  }

  #remember(): void {
    if (this.#isOpen) this.#socket.serializeAttachment(this.#attachment);
  }
}
