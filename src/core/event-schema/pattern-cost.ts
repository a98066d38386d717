/**
 * Which regular expressions of strangers may run: those whose backtracking is bounded whatever they are run on. Either at each
 * character there is only one way to go on (as XML Schema demands of content models: the Glushkov automaton is deterministic),
 * or all the ways together are few. An expression that is refused can be written in another way; the answer says how.
 */
import { LIMITS } from "../limits.ts";
import { overlap, type PatternNode, type Ranges, readPattern } from "./pattern.ts";

/** Why the pattern is not taken; null: it is. `source` is untrusted. */
export function patternFault(source: string): string | null {
  if (source.length > LIMITS.patternChars) return `is longer than ${LIMITS.patternChars} characters`;
  try {
    new RegExp(source, "u");
  } catch {
    return "is no regular expression (ECMA-262, flag u)";
  }
  const read = readPattern(source);
  if (!read.ok) return read.detail;
  const { node } = read;
  const size = placesOf(node);
  if (size > LIMITS.patternPlaces) return `has more than ${LIMITS.patternPlaces} characters, repetitions written out`;
  if (isUnbounded(node) && !isAnchored(node)) return "repeats without end, so it must begin with ^";
  if (waysThrough(node) <= LIMITS.patternWays || isUnambiguous(node)) return null;
  return "can match the same text in too many ways: what follows a repetition must not begin with what it repeats";
}

/** Places for a character, with counted repetitions written out. */
function placesOf(node: PatternNode): number {
  switch (node.kind) {
    case "empty":
      return 0;
    case "place":
      return 1;
    case "repeat":
      return Math.max(1, placesOf(node.of)) * copiesOf(node);
    default:
      return node.of.reduce((sum, child) => sum + placesOf(child), 0);
  }
}

const copiesOf = ({ least, most }: { least: number; most: number }) =>
  Number.isFinite(most) ? Math.max(most, 1) : Math.max(least, 1);

function isUnbounded(node: PatternNode): boolean {
  if (node.kind === "repeat") return !Number.isFinite(node.most) || isUnbounded(node.of);
  return "of" in node && node.of.some(isUnbounded);
}

function isAnchored(node: PatternNode): boolean {
  if (node.kind === "choice") return node.of.every(isAnchored);
  if (node.kind === "sequence") return node.of[0] !== undefined && isAnchored(node.of[0]);
  return node.kind === "empty" && node.start === true;
}

/** What an endless repetition of one place counts for: it is tried once for each length. */
const ENDLESS = 64;

/** At most so many ways lead through the whole, for each length of an endless repetition. */
function waysThrough(node: PatternNode): number {
  switch (node.kind) {
    case "empty":
    case "place":
      return 1;
    case "sequence":
      return node.of.reduce((ways, child) => ways * waysThrough(child), 1);
    case "choice":
      return node.of.reduce((ways, child) => ways + waysThrough(child), 0);
    case "repeat": {
      const inside = waysThrough(node.of);
      if (!Number.isFinite(node.most)) return node.of.kind === "place" ? ENDLESS : Number.POSITIVE_INFINITY;
      let ways = 0;
      for (let times = node.least; times <= node.most && ways <= LIMITS.patternWays; times++) ways += inside ** times;
      return Math.max(1, ways);
    }
  }
}

interface Automaton {
  isNullable: boolean;
  first: number[];
  last: number[];
}

/** Whether at each character there is one way to go on: no two places that may come next take it, and none comes next twice. */
function isUnambiguous(root: PatternNode): boolean {
  const places: Ranges[] = [];
  const follow: Set<number>[] = [];
  let isTwice = false;
  const join = (last: readonly number[], first: readonly number[]) => {
    for (const place of last) {
      for (const next of first) {
        // The same step for two reasons: a repetition inside a repetition, `(a+)+`.
        isTwice ||= follow[place]?.has(next) === true;
        follow[place]?.add(next);
      }
    }
  };
  const sequence = (parts: readonly (() => Automaton)[]): Automaton =>
    parts.reduce<Automaton>(
      (before, part) => {
        const after = part();
        join(before.last, after.first);
        return {
          isNullable: before.isNullable && after.isNullable,
          first: before.isNullable ? [...before.first, ...after.first] : before.first,
          last: after.isNullable ? [...before.last, ...after.last] : after.last,
        };
      },
      { isNullable: true, first: [], last: [] },
    );
  const build = (node: PatternNode): Automaton => {
    switch (node.kind) {
      case "empty":
        return { isNullable: true, first: [], last: [] };
      case "place": {
        const place = places.push(node.ranges) - 1;
        follow.push(new Set());
        return { isNullable: false, first: [place], last: [place] };
      }
      case "sequence":
        return sequence(node.of.map((child) => () => build(child)));
      case "choice": {
        const of = node.of.map(build);
        return {
          isNullable: of.some(({ isNullable }) => isNullable),
          first: of.flatMap(({ first }) => first),
          last: of.flatMap(({ last }) => last),
        };
      }
      case "repeat":
        return repeat(node);
    }
  };
  const repeat = ({ of, least, most }: Extract<PatternNode, { kind: "repeat" }>): Automaton => {
    if (most === 0) return { isNullable: true, first: [], last: [] };
    if (!Number.isFinite(most)) {
      const before = Array.from({ length: Math.max(least - 1, 0) }, () => () => build(of));
      return sequence([
        ...before,
        () => {
          const endless = build(of);
          join(endless.last, endless.first);
          return { ...endless, isNullable: endless.isNullable || least === 0 };
        },
      ]);
    }
    // x{1,3} as x(x(x)?)?: each copy is followed by the next one alone.
    const optional = (copies: number): Automaton =>
      copies === 0
        ? { isNullable: true, first: [], last: [] }
        : { ...sequence([() => build(of), () => optional(copies - 1)]), isNullable: true };
    return sequence([...Array.from({ length: least }, () => () => build(of)), () => optional(most - least)]);
  };
  const whole = build(root);
  return !isTwice && [whole.first, ...follow].every((next) => isApart([...next], places));
}

function isApart(next: readonly number[], places: readonly Ranges[]): boolean {
  return next.every((a, i) =>
    next.slice(i + 1).every((b) => a === b || !overlap(places[a] as Ranges, places[b] as Ranges)),
  );
}
