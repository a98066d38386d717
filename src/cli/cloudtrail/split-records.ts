/**
 * Cuts the elements of the top-level `Records` array out of a JSON text that arrives in pieces, so that a file of any size
 * needs the memory of one record. It counts brackets and strings only: each record's text is parsed by whoever takes it,
 * and one that is not JSON spoils no other.
 */
export interface RawRecord {
  /** Position in `Records`, 0-based. */
  index: number;
  /** `null`: longer than any record may be. */
  json: string | null;
}

/** CloudTrail's own limit for an event is 256 KB, and 1 MB with extended sizes. Characters. */
const MAX_RECORD_CHARS = 4 * 1024 * 1024;
const MAX_KEY_CHARS = 64;

export class RecordSplitter {
  #depth = 0;
  #inString = false;
  #escaped = false;
  /** The string read last at depth 1, while it may still become a key. */
  #key = "";
  #inRecords = false;
  #found = false;
  #index = 0;
  #open = false;
  #parts: string[] = [];
  #chars = 0;

  /** Whether a `Records` array was seen. */
  get found(): boolean {
    return this.#found;
  }

  /** Whether the text ended where JSON ends, as far as brackets tell. */
  get complete(): boolean {
    return this.#depth === 0 && !this.#inString;
  }

  /** Position of the next record. */
  get index(): number {
    return this.#index;
  }

  /** The records that end in this piece. O(piece). */
  push(piece: string): RawRecord[] {
    const records: RawRecord[] = [];
    let from = 0;
    for (let i = 0; i < piece.length; i++) {
      const c = piece.charCodeAt(i);
      if (this.#inString) {
        this.#insideString(c, piece, i);
        continue;
      }
      if (this.#inRecords && this.#depth === 2 && (c === COMMA || c === CLOSE_BRACKET)) {
        if (this.#open) records.push(this.#finish(piece.slice(from, i)));
        if (c === CLOSE_BRACKET) {
          this.#inRecords = false;
          this.#depth--;
        }
        continue;
      }
      if (this.#inRecords && !this.#open && c > SPACE) {
        this.#open = true;
        from = i;
      }
      this.#structure(c);
    }
    if (this.#open) this.#keep(piece.slice(from));
    return records;
  }

  #insideString(c: number, piece: string, i: number): void {
    if (this.#depth === 1 && this.#key.length < MAX_KEY_CHARS && c !== QUOTE) this.#key += piece[i];
    if (this.#escaped) this.#escaped = false;
    else if (c === BACKSLASH) this.#escaped = true;
    else if (c === QUOTE) this.#inString = false;
  }

  #structure(c: number): void {
    if (c === QUOTE) {
      this.#inString = true;
      if (this.#depth === 1) this.#key = "";
    } else if (c === OPEN_BRACE || c === OPEN_BRACKET) {
      this.#depth++;
      if (c === OPEN_BRACKET && this.#depth === 2 && this.#key === "Records") {
        this.#inRecords = true;
        this.#found = true;
      }
    } else if (c === CLOSE_BRACE || c === CLOSE_BRACKET) this.#depth--;
    else if (c === COMMA && this.#depth === 1) this.#key = "";
  }

  #keep(part: string): void {
    this.#chars += part.length;
    if (this.#chars > MAX_RECORD_CHARS) this.#parts = [];
    else this.#parts.push(part);
  }

  #finish(part: string): RawRecord {
    this.#keep(part);
    const json = this.#chars > MAX_RECORD_CHARS ? null : this.#parts.join("");
    this.#parts = [];
    this.#chars = 0;
    this.#open = false;
    return { index: this.#index++, json };
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;
const SPACE = 0x20;
