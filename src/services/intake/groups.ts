/**
 * A stream of NDJSON as groups of events that are appended together. A group ends at so many events or bytes of input, or when
 * the input pauses, so that somebody who sends slowly gets answers. Bounded: one group, one line and one piece of the input.
 */
import { AppError, isAppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import { parseStrictJson } from "../../core/strict-json.ts";
import { textOf } from "./append-each.ts";
import { type Line, LineCutter } from "./lines.ts";
import { isRefused, type Offered, type Place, type Reader, type RefusedEvent } from "./offered.ts";

export interface Group {
  events: Offered[];
  /** The first event that comes after the group, and the line where it is looked for. */
  next: Required<Place>;
}

/** Why the input ended before its end; what stands before it was given out. */
export interface Broken {
  broken: AppError;
}

export type GroupOrBroken = Group | Broken;

/** Resolves after a while, unless it is cancelled. */
export interface Pause {
  over: Promise<"paused">;
  cancel(): void;
}

/** `pause` begins with the first event of a group: a group that is not full by then is given out as it is. */
export async function* groupsOf(
  input: AsyncIterator<Uint8Array>,
  reader: Reader,
  pause: () => Pause,
): AsyncGenerator<GroupOrBroken> {
  const lines = new LineCutter(LIMITS.ingestLineBytes);
  const builder = new GroupBuilder(reader);
  let waiting: Pause | null = null;
  const take = () => {
    waiting?.cancel();
    waiting = null;
    return builder.take();
  };
  let byteLength = 0;
  try {
    for (let piece = next(input); ; ) {
      if (!builder.isEmpty) waiting ??= pause();
      const came = waiting ? await Promise.race([piece, waiting.over]) : await piece;
      if (came === "paused") {
        yield take();
        continue;
      }
      if ("failed" in came) {
        if (!builder.isEmpty) yield take();
        yield { broken: came.failed };
        return;
      }
      if (came.done) break;
      byteLength += came.value.length;
      for (const line of lines.push(came.value)) {
        builder.add(line);
        if (builder.isFull) yield take();
      }
      const broken = byteLength > LIMITS.ingestStreamBytes ? tooLong() : builder.isHollow ? tooHollow() : null;
      if (broken) {
        if (!builder.isEmpty) yield take();
        yield { broken };
        return;
      }
      piece = next(input);
    }
    for (const line of lines.end()) builder.add(line);
    if (!builder.isEmpty) yield take();
  } finally {
    (waiting as Pause | null)?.cancel();
  }
}

const tooLong = () => tooLarge(`a stream may have ${LIMITS.ingestStreamBytes} bytes`);
const tooHollow = () => tooLarge(`a stream may have ${LIMITS.ingestEmptyLines} empty lines`);

function tooLarge(detail: string): AppError {
  return new AppError("request.too_large", { detail, errors: [{ pointer: "", detail }] });
}

type Came = { done: false; value: Uint8Array } | { done: true } | { failed: AppError };

async function next(input: AsyncIterator<Uint8Array>): Promise<Came> {
  try {
    const { done, value } = await input.next();
    return done ? { done: true } : { done: false, value };
  } catch (error) {
    const detail = "the body ended before its end";
    return { failed: isAppError(error) ? error : new AppError("request.malformed", { detail, cause: error }) };
  }
}

class GroupBuilder {
  readonly #reader: Reader;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  #events: Offered[] = [];
  #byteLength = 0;
  #index = 0;
  #line = 1;
  #emptyLines = 0;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }

  get isFull(): boolean {
    return this.#events.length >= LIMITS.appendEvents || this.#byteLength >= LIMITS.ingestGroupBytes;
  }

  get isHollow(): boolean {
    return this.#emptyLines > LIMITS.ingestEmptyLines;
  }

  add(line: Line): void {
    this.#line = line.number + 1;
    if (line.tooLong) {
      const detail = `the line is longer than ${LIMITS.ingestLineBytes} bytes`;
      this.#push(line.number, { refused: refusedLine("request.too_large", detail) });
      return;
    }
    const text = this.#textOf(line.bytes);
    if (text !== null && text.trim() === "" && !text.startsWith("\ufeff")) {
      this.#emptyLines++;
      return;
    }
    this.#byteLength += line.bytes.length;
    this.#push(line.number, text === null ? NOT_UTF8 : offered(text, this.#reader));
  }

  take(): Group {
    const events = this.#events;
    this.#events = [];
    this.#byteLength = 0;
    return { events, next: { index: this.#index, line: this.#line } };
  }

  #push(
    line: number,
    event: Pick<Extract<Offered, { refused: unknown }>, "refused"> | ReturnType<typeof offered>,
  ): void {
    this.#events.push({ index: this.#index++, line, ...event });
  }

  #textOf(bytes: Uint8Array): string | null {
    try {
      return this.#decoder.decode(bytes);
    } catch {
      return null;
    }
  }
}

/** A line that is no JSON is refused by itself; the text of one that is accepted as it came is what the log gets. */
function offered(text: string, reader: Reader) {
  const parsed = parseStrictJson(text, LIMITS.jsonDepth);
  if (!parsed.ok) {
    const { pointer, detail } = parsed;
    return {
      refused: { code: "request.malformed", errors: [{ pointer, detail }], action: null } satisfies RefusedEvent,
    };
  }
  const read = reader(parsed.value);
  if (isRefused(read)) return { refused: read };
  return { accepted: read, text: read.changed ? textOf(read) : text };
}

const refusedLine = (code: RefusedEvent["code"], detail: string): RefusedEvent => ({
  code,
  errors: [{ pointer: "", detail }],
  action: null,
});

const NOT_UTF8 = { refused: refusedLine("request.malformed", "the line is not UTF-8") };
