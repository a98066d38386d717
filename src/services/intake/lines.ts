/**
 * Cuts bytes into lines at LF, however they come in pieces. Never holds more than one line of `maxBytes`: what is longer is
 * not kept, only named by its number. O(bytes). A CR before the LF stays in the line, where JSON takes it for a space.
 */

/** `number` counts from 1, as editors do. */
export type Line = { number: number; bytes: Uint8Array; tooLong?: never } | { number: number; tooLong: true };

const LF = 0x0a;

export class LineCutter {
  readonly #maxBytes: number;
  #number = 1;
  /** The pieces of a line that has not ended yet; its length counts on when they are no longer kept. */
  #pieces: Uint8Array[] = [];
  #byteLength = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The lines that end in this piece. */
  *push(chunk: Uint8Array): Generator<Line> {
    let start = 0;
    for (let end = chunk.indexOf(LF); end >= 0; end = chunk.indexOf(LF, start)) {
      this.#hold(chunk.subarray(start, end));
      yield this.#cut();
      start = end + 1;
    }
    this.#hold(chunk.subarray(start));
  }

  /** The last line, where no LF ends it. */
  *end(): Generator<Line> {
    if (this.#byteLength > 0) yield this.#cut();
  }

  #hold(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#byteLength += piece.length;
    if (this.#byteLength > this.#maxBytes) this.#pieces = [];
    else this.#pieces.push(piece);
  }

  #cut(): Line {
    const number = this.#number++;
    const pieces = this.#pieces;
    const byteLength = this.#byteLength;
    this.#pieces = [];
    this.#byteLength = 0;
    if (byteLength > this.#maxBytes) return { number, tooLong: true };
    const [only] = pieces;
    return { number, bytes: pieces.length === 1 && only ? only : joined(pieces, byteLength) };
  }
}

function joined(pieces: readonly Uint8Array[], byteLength: number): Uint8Array {
  const bytes = new Uint8Array(byteLength);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
