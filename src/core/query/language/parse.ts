/**
 * The query language, after GitHub's search:
 *
 *   query     = [ group *( "AND" group ) ]
 *   group     = 1*term                              separated by white space
 *   term      = [ "-" ] ( qualifier / text )
 *   qualifier = NAME ":" value *( "," value )
 *   value     = 1*( WORD / ":" / QUOTED )           nothing between them, as in a shell
 *   text      = 1*( WORD / ":" / "," / QUOTED )
 *
 * Everything holds at once. Values of one qualifier, in one term or several of a group, are alternatives; `AND` begins a group
 * of its own, for entries that name two people. Every word of a text must be there.
 */
import { LIMITS } from "../../limits.ts";
import { ASKED_FIELDS, type AskedField, type AskedQuery } from "../asked.ts";
import { nearest } from "../nearest.ts";
import { QueryDraft } from "./draft.ts";
import type { QueryError } from "./errors.ts";
import { type Token, tokensOf } from "./tokens.ts";

export type ParsedQuery = { ok: true; query: AskedQuery } | { ok: false; errors: QueryError[] };

const TIME_NAMES = ["after", "before", "on"] as const;
export const QUALIFIERS: readonly string[] = [...ASKED_FIELDS, ...TIME_NAMES, "is"];

/** Tokens without white space between them. Never empty. */
type Chunk = readonly [Token, ...Token[]];

/** `nowMs`: what `-7d` counts from. Never throws; linear in the text; at most `LIMITS.queryErrors` errors, in their order. */
export function parseQuery(text: string, nowMs: number): ParsedQuery {
  const draft = new QueryDraft(nowMs);
  if (text.length > LIMITS.queryChars) {
    draft.fail({ from: LIMITS.queryChars, to: text.length }, `a query has at most ${LIMITS.queryChars} characters`);
    return { ok: false, errors: draft.errors() };
  }
  parseGroups(chunksOf(tokensOf(text)), draft);
  const errors = draft.errors();
  return errors.length > 0 ? { ok: false, errors } : { ok: true, query: draft.query() };
}

function chunksOf(tokens: readonly Token[]): Chunk[] {
  const chunks: [Token, ...Token[]][] = [];
  let open = false;
  for (const token of tokens) {
    if (token.kind === "space") open = false;
    else if (open) chunks.at(-1)?.push(token);
    else {
      chunks.push([token]);
      open = true;
    }
  }
  return chunks;
}

function parseGroups(chunks: readonly Chunk[], draft: QueryDraft): void {
  let terms = 0;
  chunks.forEach((chunk, i) => {
    if (!isWord(chunk, "AND")) {
      parseTerm(chunk, draft);
      terms++;
      return;
    }
    if (terms === 0 || i === chunks.length - 1) {
      draft.fail(placeOf(chunk), "AND stands between two terms", 'write "and" for the word');
    }
    draft.beginGroup();
    terms = 0;
  });
}

function parseTerm(chunk: Chunk, draft: QueryDraft): void {
  if (isWord(chunk, "OR")) {
    draft.fail(placeOf(chunk), "there is no OR between terms", "alternatives of one field: action:iam.*,sts.*");
    return;
  }
  if (isWord(chunk, "NOT")) {
    draft.fail(placeOf(chunk), "there is no NOT", "put a - before the term: -outcome:success");
    return;
  }
  const [first] = chunk;
  const not = first.kind === "word" && first.text.startsWith("-");
  const rest = not ? withoutMinus(chunk) : chunk;
  if (!rest) {
    draft.fail(placeOf(chunk), "nothing stands behind the -");
    return;
  }
  if (rest[0].kind === "word" && rest[0].text.startsWith("(")) {
    draft.fail(placeOf(rest), "there are no parentheses", "everything holds at once; a text with one stands in quotes");
    return;
  }
  const isQualifier = rest[0].kind === "word" && rest[1]?.kind === "colon";
  if (isQualifier) parseQualifier(rest, not, draft);
  else parseText(rest, not, draft);
}

function withoutMinus([first, ...others]: Chunk): Chunk | null {
  const rest = { ...first, text: first.text.slice(1), from: first.from + 1 };
  if (rest.text !== "") return [rest, ...others];
  const [next, ...more] = others;
  return next ? [next, ...more] : null;
}

function parseQualifier(chunk: Chunk, not: boolean, draft: QueryDraft): void {
  const [{ text, from, to }, , ...tokens] = chunk;
  const name = text.toLowerCase();
  if (!QUALIFIERS.includes(name)) {
    const near = nearest(name, QUALIFIERS);
    const hint = near
      ? `did you mean ${near}:?`
      : `a text with a colon stands in quotes; fields: ${QUALIFIERS.join(", ")}`;
    draft.fail({ from, to }, "there is no such field", hint);
    return;
  }
  const values = parseValues(tokens, to + 1, draft);
  if (!values) return;
  const term = { from, to: placeOf(chunk).to };
  if (name === "is") draft.addState(values, not, term);
  else if ((TIME_NAMES as readonly string[]).includes(name)) {
    draft.addTime(name as (typeof TIME_NAMES)[number], values, not, term);
  } else draft.add(name as AskedField, values, not);
}

export interface Value {
  text: string;
  from: number;
  to: number;
}

/** Null: something was wrong with one of them. */
function parseValues(tokens: readonly Token[], from: number, draft: QueryDraft): Value[] | null {
  const parts: { tokens: Token[]; from: number }[] = [{ tokens: [], from }];
  for (const token of tokens) {
    if (token.kind === "comma") parts.push({ tokens: [], from: token.to });
    else parts.at(-1)?.tokens.push(token);
  }
  const values = parts.map((part) => parseValue(part.tokens, part.from, draft));
  return values.every((value) => value !== null) ? values : null;
}

function parseValue(tokens: readonly Token[], from: number, draft: QueryDraft): Value | null {
  const [first, ...others] = tokens;
  if (!first) {
    draft.fail({ from, to: from + 1 }, "a value is missing");
    return null;
  }
  const value = { ...placeOf([first, ...others]), text: tokens.map(({ text }) => text).join("") };
  return areClosed(tokens, draft) ? value : null;
}

function parseText(chunk: Chunk, not: boolean, draft: QueryDraft): void {
  if (areClosed(chunk, draft)) {
    draft.add("text", [{ ...placeOf(chunk), text: chunk.map(({ text }) => text).join("") }], not);
  }
}

function areClosed(tokens: readonly Token[], draft: QueryDraft): boolean {
  const open = tokens.find((token) => token.kind === "quoted" && !token.closed);
  if (open)
    draft.fail({ from: open.from, to: open.from + 1 }, "the quote is not closed", 'a quote inside is written \\"');
  return !open;
}

const placeOf = (chunk: Chunk) => ({ from: chunk[0].from, to: (chunk.at(-1) as Token).to });

const isWord = (chunk: Chunk, word: string): boolean =>
  chunk.length === 1 && chunk[0].kind === "word" && chunk[0].text === word;
