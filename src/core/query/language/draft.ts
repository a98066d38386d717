/** A query while it is read: its clauses as terms add to them, and what was wrong. */

import { OUTCOMES } from "../../event.ts";
import { LIMITS } from "../../limits.ts";
import type { AskedClause, AskedField, AskedQuery } from "../asked.ts";
import { isFailure } from "../filter.ts";
import { nextDay, readDay, readInstant } from "../instants.ts";
import { spell } from "../spelling.ts";
import type { QueryError } from "./errors.ts";
import type { Value } from "./parse.ts";

type Place = Pick<Value, "from" | "to">;
type Draft = { field: AskedField; anyOf: Set<string>; not: boolean };

export class QueryDraft {
  readonly #nowMs: number;
  readonly #clauses: Draft[] = [];
  readonly #excluded = new Map<AskedField, Draft>();
  #group = new Map<AskedField, Draft>();
  #afterMs: number | null = null;
  #beforeMs: number | null = null;
  #values = 0;
  readonly #errors: QueryError[] = [];

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  /** From here on a qualifier is another one than before. */
  beginGroup(): void {
    this.#group = new Map();
  }

  add(field: AskedField, values: readonly Value[], not: boolean): void {
    if (field === "text") return this.#addText(values, not);
    for (const value of values) this.#count(value);
    const clause = not ? this.#of(this.#excluded, field, true) : this.#of(this.#group, field, false);
    for (const value of values) for (const word of this.#spelled(field, value)) clause.anyOf.add(word);
  }

  /** `is:failed`: any outcome but success. */
  addState(values: readonly Value[], not: boolean, term: Place): void {
    const other = values.find(({ text }) => text !== "failed");
    if (other) return this.fail(other, "there is no such state", "is:failed");
    this.#count(term);
    const outcomes = OUTCOMES.filter((outcome) => isFailure(outcome) !== not);
    this.#clauses.push({ field: "outcome", anyOf: new Set(outcomes), not: false });
  }

  addTime(name: "after" | "before" | "on", values: readonly Value[], not: boolean, term: Place): void {
    const [value, second] = values;
    if (not) return this.fail(term, `${name} cannot be negated`, "after: and before: are each other's opposite");
    if (!value || second) return this.fail(second ?? term, `${name} takes one time`);
    const ms = name === "on" ? readDay(value.text) : readInstant(value.text, this.#nowMs);
    if (ms === null) {
      const form = name === "on" ? "2026-11-01" : "2026-11-01, 2026-11-01T09:30Z, or -7d for a week ago";
      return this.fail(value, name === "on" ? "is no day" : "is no time", form);
    }
    if (name !== "before") this.#afterMs = Math.max(this.#afterMs ?? ms, ms);
    if (name !== "after") {
      const end = name === "on" ? nextDay(ms) : ms;
      this.#beforeMs = Math.min(this.#beforeMs ?? end, end);
    }
    if (this.#afterMs !== null && this.#beforeMs !== null && this.#afterMs >= this.#beforeMs) {
      this.fail(value, "leaves no time between after and before");
    }
  }

  fail({ from, to }: Place, message: string, hint: string | null = null): void {
    this.#errors.push({ column: from + 1, length: Math.max(1, to - from), message, hint });
  }

  errors(): QueryError[] {
    return this.#errors.toSorted((a, b) => a.column - b.column).slice(0, LIMITS.queryErrors);
  }

  query(): AskedQuery {
    const clauses = [...this.#clauses, ...this.#excluded.values()];
    return {
      clauses: clauses.map(({ field, anyOf, not }): AskedClause => ({ field, anyOf: [...anyOf], not })),
      afterMs: this.#afterMs,
      beforeMs: this.#beforeMs,
    };
  }

  /** A text of several words asks for each; so it can be neither an alternative nor excluded as a whole. */
  #addText(values: readonly Value[], not: boolean): void {
    const spelled = values.map((value) => ({ value, words: this.#spelled("text", value) }));
    for (const { value, words } of spelled) for (const _ of words) this.#count(value);
    const together = spelled.find(({ words }) => words.length > 1);
    if (together && (not || values.length > 1)) {
      return this.fail(
        together.value,
        not ? "only single words can be excluded" : "alternatives are single words",
        not ? "put a - before each word" : "write the words as terms of their own",
      );
    }
    if (not) {
      const clause = this.#of(this.#excluded, "text", true);
      for (const { words } of spelled) for (const word of words) clause.anyOf.add(word);
    } else if (values.length > 1) {
      this.#clauses.push({ field: "text", anyOf: new Set(spelled.flatMap(({ words }) => words)), not });
    } else {
      for (const { words } of spelled) {
        for (const word of words) this.#clauses.push({ field: "text", anyOf: new Set([word]), not });
      }
    }
  }

  #of(clauses: Map<AskedField, Draft>, field: AskedField, not: boolean): Draft {
    const known = clauses.get(field);
    if (known) return known;
    const clause: Draft = { field, anyOf: new Set(), not };
    clauses.set(field, clause);
    if (!not) this.#clauses.push(clause);
    return clause;
  }

  #spelled(field: AskedField, value: Value): string[] {
    const spelled = spell(field, value.text);
    if ("values" in spelled) return spelled.values;
    this.fail(value, spelled.fault);
    return [];
  }

  #count(place: Place): void {
    this.#values++;
    if (this.#values === LIMITS.queryValues + 1) this.fail(place, `a query has at most ${LIMITS.queryValues} values`);
  }
}
