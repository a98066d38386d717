/** A query text in tokens, each with its place. Every character is in exactly one; one pass. */

export type Token =
  | { kind: "space" | "colon" | "comma"; text: string; from: number; to: number }
  /** A run of other characters. */
  | { kind: "word"; text: string; from: number; to: number }
  /** `text`: what stands between the quotes, with `\"` and `\\` undone. */
  | { kind: "quoted"; text: string; from: number; to: number; closed: boolean };

const SPACE = /\s/u;
const ENDS_WORD = /[\s:,"]/u;

/** `from` and `to` are 0-based, `to` is past the end. */
export function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  for (let from = 0; from < text.length; ) {
    const token = tokenAt(text, from);
    tokens.push(token);
    from = token.to;
  }
  return tokens;
}

function tokenAt(text: string, from: number): Token {
  const first = text[from] as string;
  if (first === ":") return { kind: "colon", text: first, from, to: from + 1 };
  if (first === ",") return { kind: "comma", text: first, from, to: from + 1 };
  if (first === '"') return quotedAt(text, from);
  const isSpace = SPACE.test(first);
  let to = from + 1;
  while (to < text.length && (isSpace ? SPACE.test(text[to] as string) : !ENDS_WORD.test(text[to] as string))) to++;
  return { kind: isSpace ? "space" : "word", text: text.slice(from, to), from, to };
}

function quotedAt(text: string, from: number): Token {
  let inner = "";
  let to = from + 1;
  for (; to < text.length; to++) {
    const letter = text[to] as string;
    if (letter === '"') return { kind: "quoted", text: inner, from, to: to + 1, closed: true };
    const next = text[to + 1];
    if (letter === "\\" && (next === '"' || next === "\\")) {
      inner += next;
      to++;
    } else inner += letter;
  }
  return { kind: "quoted", text: inner, from, to, closed: false };
}
