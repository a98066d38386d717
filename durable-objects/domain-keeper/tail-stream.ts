/**
 * A live connection as server-sent events. It lives in the object's memory, which it keeps there: its life is bounded for that
 * reason, and a reader connects again with `Last-Event-ID`. One chunk is under way at a time, of at most `LIMITS.tailChunkChars` and
 * one entry: the reader's pace is the stream's own.
 */
import { LIMITS } from "../../src/core/limits.ts";
import type { TailEnd } from "../../src/services/tail/calls.ts";
import { STREAM } from "../../src/services/tail/messages.ts";
import { within } from "../../src/services/within.ts";
import type { Listener, TailState } from "./tail-listener.ts";

/** What a reader is told to wait before it connects again. Milliseconds. */
const RETRY_MS = 1000;
/** The last words of a stream whose reader has stopped reading are not waited for. */
const LAST_WORDS_MS = 1000;

export interface StreamDeps {
  /** It takes more again. */
  hasRoom: () => void;
  /** The reader, or the stream, has gone. Called once. */
  left: (stream: TailStream) => void;
  nowMs: () => number;
}

export class TailStream implements Listener {
  readonly state: TailState;
  readonly readable: ReadableStream<Uint8Array>;
  readonly #deps: StreamDeps;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #taken: string[] = [];
  #chars = 0;
  #writing = false;
  #isOpen = true;
  #writingSinceMs = 0;

  constructor(state: TailState, deps: StreamDeps) {
    this.state = state;
    this.#deps = deps;
    const { readable, writable } = new IdentityTransformStream();
    this.readable = readable;
    this.#writer = writable.getWriter();
    void this.#writer.closed.then(
      () => this.#leave(),
      () => this.#leave(),
    );
    this.#write(STREAM.open(state.next, RETRY_MS));
  }

  get hasRoom(): boolean {
    return this.#isOpen && !this.#writing && this.#chars < LIMITS.tailChunkChars;
  }

  get fullSinceMs(): number | null {
    return this.#writing ? this.#writingSinceMs : null;
  }

  take(seq: number, text: string): void {
    const event = STREAM.entry(seq, text);
    this.#taken.push(event);
    this.#chars += event.length;
    this.state.told = this.state.next;
  }

  settle(): void {
    if (this.state.next - this.state.told >= LIMITS.tailPositionEntries) this.#position();
    if (this.#taken.length > 0) this.#write(this.#taken.join(""));
    this.#taken = [];
    this.#chars = 0;
  }

  beat(): void {
    if (this.#writing) return;
    if (this.state.next > this.state.told) this.#position();
    else this.#taken.push(STREAM.beat());
    this.settle();
  }

  end(end: TailEnd): void {
    if (!this.#isOpen) return;
    this.#leave();
    const words = this.#writing ? Promise.resolve() : this.#writer.write(new TextEncoder().encode(STREAM.end(end)));
    // A reader that does not read would keep it open: what it has not read it gets when it connects again.
    void within(
      words.then(() => this.#writer.close()).then(() => true),
      LAST_WORDS_MS,
    )
      .then((closed) => (closed ? undefined : this.#writer.abort(new Error(end))))
      .catch(() => undefined);
  }

  #position(): void {
    this.#taken.push(STREAM.position(this.state.next));
    this.state.told = this.state.next;
  }

  #write(text: string): void {
    this.#writing = true;
    this.#writingSinceMs = this.#deps.nowMs();
    this.#writer.write(new TextEncoder().encode(text)).then(
      () => {
        this.#writing = false;
        this.#deps.hasRoom();
      },
      () => this.#leave(),
    );
  }

  #leave(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#deps.left(this);
  }
}
