/** Reads a regular expression (ECMA-262 with the flag `u`) as far as its cost needs it: which characters may follow which. */

/** Code points, both ends included. */
export type Ranges = readonly (readonly [from: number, to: number])[];

export type PatternNode =
  | { kind: "empty"; start?: true }
  | { kind: "place"; ranges: Ranges }
  | { kind: "sequence" | "choice"; of: PatternNode[] }
  | { kind: "repeat"; of: PatternNode; least: number; most: number };

export type ReadPattern = { ok: true; node: PatternNode } | { ok: false; detail: string };

const ALL: Ranges = [[0, 0x10ffff]];
const CLASSES: Readonly<Record<string, Ranges>> = {
  d: [[48, 57]],
  w: [[48, 57], [65, 90], [95, 95], [97, 122]], // biome-ignore format: one row a class
  // White space past ASCII is taken for all of it: a class may be read as larger than it is, never as smaller.
  s: [[9, 13], [32, 32], [0x80, 0x10ffff]], // biome-ignore format: one row a class
};
const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, 0: 0 };

/** `source` compiles with the flag `u`. Refuses what no bound is known for: look-around, references to groups, modifiers. */
export function readPattern(source: string): ReadPattern {
  const reader = new Reader([...source]);
  try {
    return { ok: true, node: reader.choice() };
  } catch (error) {
    if (error instanceof Refused) return { ok: false, detail: error.message };
    throw error;
  }
}

class Refused extends Error {}

class Reader {
  #at = 0;
  readonly #chars: readonly string[];

  constructor(chars: readonly string[]) {
    this.#chars = chars;
  }

  choice(): PatternNode {
    const of = [this.#sequence()];
    while (this.#take("|")) of.push(this.#sequence());
    return of.length === 1 ? (of[0] as PatternNode) : { kind: "choice", of };
  }

  #sequence(): PatternNode {
    const of: PatternNode[] = [];
    while (this.#at < this.#chars.length && !"|)".includes(this.#peek())) of.push(this.#repeated(this.#atom()));
    return { kind: "sequence", of };
  }

  #repeated(of: PatternNode): PatternNode {
    const bounds = this.#bounds();
    if (!bounds) return of;
    this.#take("?");
    return { kind: "repeat", of, ...bounds };
  }

  #bounds(): { least: number; most: number } | null {
    if (this.#take("*")) return { least: 0, most: Number.POSITIVE_INFINITY };
    if (this.#take("+")) return { least: 1, most: Number.POSITIVE_INFINITY };
    if (this.#take("?")) return { least: 0, most: 1 };
    const counted = /^\{(\d+)(,(\d*))?\}/.exec(this.#chars.slice(this.#at, this.#at + 24).join(""));
    if (!counted) return null;
    this.#at += counted[0].length;
    const least = Number(counted[1]);
    if (counted[2] === undefined) return { least, most: least };
    return { least, most: counted[3] === "" ? Number.POSITIVE_INFINITY : Number(counted[3]) };
  }

  #atom(): PatternNode {
    const char = this.#next();
    if (char === "^") return { kind: "empty", start: true };
    if (char === "$") return { kind: "empty" };
    if (char === ".") return { kind: "place", ranges: ALL };
    if (char === "[") return { kind: "place", ranges: this.#set() };
    if (char === "(") return this.#group();
    if (char === "\\") return this.#escaped();
    return { kind: "place", ranges: one(char) };
  }

  #group(): PatternNode {
    if (this.#take("?")) {
      if (!this.#take(":")) {
        const named = this.#take("<") && !"=!".includes(this.#peek());
        if (!named) throw new Refused("must not look ahead or behind, nor change flags");
        while (this.#next() !== ">");
      }
    }
    const inside = this.choice();
    this.#next();
    return inside;
  }

  #escaped(): PatternNode {
    const char = this.#peek();
    if (char === "b" || char === "B") {
      this.#at++;
      return { kind: "empty" };
    }
    if (/[1-9k]/.test(char)) throw new Refused("must not refer back to a group");
    return { kind: "place", ranges: this.#escapedSet() };
  }

  /** After the backslash. */
  #escapedSet(): Ranges {
    const char = this.#next();
    const known = CLASSES[char.toLowerCase()];
    if (known) return char === char.toLowerCase() ? known : char === "S" ? ALL : without(known);
    if (char === "p" || char === "P") {
      while (this.#next() !== "}");
      return ALL;
    }
    if (char === "c") return one(String.fromCodePoint((this.#next().codePointAt(0) ?? 0) % 32));
    if (char === "x") return this.#hex(2);
    if (char === "u") return this.#take("{") ? this.#hexUntil() : this.#hex(4);
    const control = CONTROLS[char];
    return control === undefined ? one(char) : [[control, control]];
  }

  #hex(digits: number): Ranges {
    const text = this.#chars.slice(this.#at, this.#at + digits).join("");
    this.#at += digits;
    const code = Number.parseInt(text, 16);
    // Halves of a pair: what they make together is taken for everything.
    return code >= 0xd800 && code <= 0xdfff ? ALL : [[code, code]];
  }

  #hexUntil(): Ranges {
    let text = "";
    for (let char = this.#next(); char !== "}"; char = this.#next()) text += char;
    const code = Number.parseInt(text, 16);
    return [[code, code]];
  }

  /** After the opening bracket. */
  #set(): Ranges {
    const isNegated = this.#take("^");
    const ranges: [number, number][] = [];
    while (!this.#take("]")) {
      const from = this.#member();
      const isRange = this.#peek() === "-" && this.#chars[this.#at + 1] !== "]" && from.length === 1;
      if (isRange) {
        this.#at++;
        const to = this.#member();
        ranges.push([from[0]?.[0] ?? 0, to[0]?.[1] ?? 0x10ffff]);
      } else for (const [low, high] of from) ranges.push([low, high]);
    }
    // What was read as larger than it is must not make the rest smaller.
    const isSure = ranges.every(([from, to]) => to < 0x80 || from === to);
    return !isNegated ? ranges : isSure ? without(ranges) : ALL;
  }

  #member(): Ranges {
    const char = this.#next();
    if (char !== "\\") return one(char);
    return this.#take("b") ? [[8, 8]] : this.#take("-") ? one("-") : this.#escapedSet();
  }

  #peek(): string {
    return this.#chars[this.#at] ?? "";
  }

  #next(): string {
    if (this.#at >= this.#chars.length) throw new Refused("cannot be read");
    return this.#chars[this.#at++] as string;
  }

  #take(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at++;
    return true;
  }
}

function one(char: string): Ranges {
  const code = char.codePointAt(0) ?? 0;
  return [[code, code]];
}

function without(ranges: Ranges): Ranges {
  const rest: [number, number][] = [];
  let next = 0;
  for (const [from, to] of [...ranges].sort(([a], [b]) => a - b)) {
    if (from > next) rest.push([next, from - 1]);
    next = Math.max(next, to + 1);
  }
  if (next <= 0x10ffff) rest.push([next, 0x10ffff]);
  return rest;
}

export function overlap(a: Ranges, b: Ranges): boolean {
  return a.some(([from, to]) => b.some(([low, high]) => from <= high && low <= to));
}
