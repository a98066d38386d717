/** What a value of each field may be, and its canonical spelling. One place for the language, the JSON form and the printer. */
import { ACTION_CATEGORIES } from "../actions/action.ts";
import { ACTOR_TYPES, CAVEAT_PATTERN, isActionName, OUTCOMES, TRACEPARENT_PATTERN } from "../event.ts";
import { LIMITS } from "../limits.ts";
import type { AskedField } from "./asked.ts";
import { nearest } from "./nearest.ts";
import { wordsOf } from "./words.ts";

/** `values`: one, but of text each word of it. */
export type Spelled = { values: string[] } | { fault: string };

const ACTION_PREFIX = /^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*){0,4}\.\*$/;
const TARGET = /^([a-z][a-z0-9_]{0,63}):([^]+)$/;
const PSEUDONYM = /^@[0-9a-f]{64}$/;
const TRACE_ID = /^(?!0{32})[0-9a-f]{32}$/;
const CONTROL = /\p{Cc}/u;

export function spell(field: AskedField, text: string): Spelled {
  if (text === "") return { fault: "has no value" };
  if (text.length > LIMITS.identityIdChars + 70) return { fault: "is too long" };
  if (field !== "text" && CONTROL.test(text)) return { fault: "must not contain control characters" };
  return SPELLINGS[field](text);
}

const SPELLINGS: Readonly<Record<AskedField, (text: string) => Spelled>> = {
  actor: spellActor,
  action: (text) =>
    isActionName(text) || ACTION_PREFIX.test(text)
      ? { values: [text] }
      : { fault: `is no action; write one as iam.create_user, or all that begin alike as ${noun(text)}.*` },
  target: (text) =>
    isPseudonym(text) || TARGET.test(text)
      ? { values: [text] }
      : { fault: "is no target; write <type>:<id>, or <type>:* for all of a type" },
  subject: (text) => ({ values: [text] }),
  outcome: (text) => oneOf(OUTCOMES, text, "outcome"),
  category: (text) => oneOf(ACTION_CATEGORIES, text, "category"),
  trace: (text) => {
    const id = TRACEPARENT_PATTERN.test(text) ? text.slice(3, 35) : text.toLowerCase();
    return TRACE_ID.test(id) ? { values: [id] } : { fault: "is no trace id: 32 hex digits, or a whole traceparent" };
  },
  request: (text) => (text.length <= 128 ? { values: [text] } : { fault: "is no request id: at most 128 characters" }),
  caveat: (text) => (CAVEAT_PATTERN.test(text) ? { values: [text] } : { fault: "is no caveat's name" }),
  text: (text) => {
    const values = wordsOf(text);
    return values.length > 0 ? { values } : { fault: "has no word in it: two letters, or three digits, at least" };
  },
};

/** The pseudonym that a value names, `@<hex>`, itself or behind a type; null: it names none. */
export function pseudonymIn(value: string): string | null {
  const at = value.slice(value.indexOf(":") + 1);
  return isPseudonym(value) ? value.slice(1) : isPseudonym(at) ? at.slice(1) : null;
}

const isPseudonym = (text: string): boolean => PSEUDONYM.test(text);

/** `service:ci`, `service:*`, `anonymous`, `user:usr_42`; what names no type is an id of any. */
function spellActor(text: string): Spelled {
  const [type] = text.split(":", 1);
  const typed = text.includes(":") && (ACTOR_TYPES as readonly string[]).includes(type as string);
  return typed && text.length === (type as string).length + 1
    ? { fault: "has no id behind the type" }
    : { values: [text] };
}

function oneOf(known: readonly string[], text: string, what: string): Spelled {
  if (known.includes(text)) return { values: [text] };
  const near = nearest(text, known);
  return { fault: `is no ${what}${near ? `; did you mean ${near}?` : `: ${known.join(", ")}`}` };
}

/** For a hint; only of what looks like the beginning of an action. */
const noun = (text: string): string => /^[a-z][a-z0-9_]{0,40}/.exec(text)?.[0] ?? "iam";
