import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import type { Payload } from "../../../src/core/payload/payload.ts";
import { type EntryFilter, EVERYTHING } from "../../../src/core/query/filter.ts";
import { matches } from "../../../src/core/query/match.ts";
import { normal } from "../../../src/core/query/normal.ts";
import { filterOf, identitiesIn } from "../../../src/core/query/people.ts";
import { clauseTerms, EVERY_ENTRY, termsOf } from "../../../src/core/query/terms.ts";
import { wordsOf } from "../../../src/core/query/words.ts";
import { categories, payloads, pseudonymFor, pseudonymsOf, queries } from "./arbitraries.ts";

const filters = queries.map((query) => filterOf(query, pseudonymsOf(identitiesIn(query))));
const one = (clause: EntryFilter["clauses"][number]): EntryFilter => ({ ...EVERYTHING, clauses: [clause] });

describe("terms and the judgement never disagree", () => {
  test("a clause has a term of the entry exactly when its values are in it: an index misses nothing", () => {
    let held = 0;
    fc.assert(
      fc.property(payloads, filters, categories, (payload, filter, category) => {
        const terms = new Set(termsOf(payload, category));
        for (const clause of filter.clauses) {
          const found = clauseTerms(clause).some((term) => terms.has(term));
          expect(matches(one(clause), payload, category)).toBe(found !== clause.not);
          if (found) held++;
        }
      }),
      { numRuns: 500 },
    );
    // The generators are of use only when entries and queries meet.
    expect(held).toBeGreaterThan(100);
  });

  test("the normal form of a filter matches the same entries", () => {
    fc.assert(
      fc.property(payloads, queries, categories, (payload, query, category) => {
        const pseudonyms = pseudonymsOf(identitiesIn(query));
        const parts = query.clauses.map((clause) => filterOf({ ...query, clauses: [clause] }, pseudonyms));
        const whole = filterOf(query, pseudonyms);
        const inTime = matches({ ...whole, clauses: [] }, payload, category);
        expect(matches(whole, payload, category)).toBe(
          inTime && parts.every((part) => matches(part, payload, category)),
        );
        expect(normal(whole)).toEqual(whole);
      }),
      { numRuns: 500 },
    );
  });

  test("a range of time includes its first moment and not its last: the next one joins without a gap", () => {
    const [from, to] = [Date.UTC(2026, 10, 1), Date.UTC(2026, 10, 2)];
    const at = (ms: number) => ({ occurred_at: new Date(ms).toISOString() }) as Payload;
    const isIn = (ms: number, afterMs: number | null, beforeMs: number | null) =>
      matches({ clauses: [], afterMs, beforeMs }, at(ms), null);
    for (const [afterMs, beforeMs] of [
      [from, to],
      [from, null],
      [null, to],
    ] as const) {
      expect(isIn(from, afterMs, beforeMs)).toBe(true);
      expect(isIn(to - 1, afterMs, beforeMs)).toBe(true);
      expect(isIn(from - 1, afterMs, beforeMs)).toBe(afterMs === null);
      expect(isIn(to, afterMs, beforeMs)).toBe(beforeMs === null);
    }
    expect(matches({ clauses: [], afterMs: from, beforeMs: null }, { occurred_at: "soon" } as Payload, null)).toBe(
      false,
    );
  });

  test("an id that is asked for without a type costs the index no term of its own", () => {
    fc.assert(fc.property(payloads, (payload) => !termsOf(payload, null).some((term) => term.startsWith("actor=id:"))));
  });

  test("a service whose id says its type itself is the one without, for index and judgement alike", () => {
    const payload = {
      action: "a.b",
      actor: { type: "service", id: "service:ci" },
      outcome: "success",
    } as unknown as Payload;
    const clause = { field: "actor" as const, anyOf: ["id:ci"], not: false };
    expect(matches(one(clause), payload, null)).toBe(true);
    expect(clauseTerms(clause).some((term) => termsOf(payload, null).includes(term))).toBe(true);
  });

  test("every entry has the term of every entry", () => {
    fc.assert(fc.property(payloads, (payload) => termsOf(payload, null).includes(EVERY_ENTRY)));
  });
});

describe("bounds", () => {
  test("a judgement reads each field of an entry once, however many clauses ask for it", () => {
    let read = 0;
    const metadata = { note: "alpha beta gamma delta" };
    const payload = {
      action: "a.b",
      actor: { type: "anonymous" },
      outcome: "success",
      get metadata() {
        read++;
        return metadata;
      },
    } as unknown as Payload;
    const clauses = ["alpha", "beta", "gamma", "delta"].map((word) => ({
      field: "text" as const,
      anyOf: [word],
      not: false,
    }));
    expect(matches({ ...EVERYTHING, clauses }, payload, null)).toBe(true);
    expect(read).toBe(1);
  });

  const large = (words: number): Payload =>
    ({
      action: "a.b.c.d.e",
      actor: { type: "user", ref: pseudonymFor("a") },
      outcome: "denied",
      occurred_at: "2026-11-01T00:00:00.000Z",
      on_behalf_of: { type: "user", ref: pseudonymFor("b") },
      targets: Array.from({ length: LIMITS.targets }, (_, i) => ({ type: `t${i}`, id: `${i}` })),
      subjects: Array.from({ length: LIMITS.subjects }, (_, i) => ({ type: "user", ref: pseudonymFor(`${i}`) })),
      caveats: Array.from({ length: LIMITS.caveats }, (_, i) => `c${i}`),
      metadata: { words: Array.from({ length: words }, (_, i) => `word${i}`).join(" ") },
      request_id: "r1",
      traceparent: `00-${"a1".repeat(16)}-${"b2".repeat(8)}-01`,
    }) as unknown as Payload;

  test("an entry has at most entryTerms terms, and the largest event that is accepted loses none", () => {
    const terms = termsOf(large(5000), "content");
    expect(terms.length).toBeLessThanOrEqual(LIMITS.entryTerms);
    expect(terms).toContain(`person=${pseudonymFor(`${LIMITS.subjects - 1}`)}`);
    expect(terms).toContain(`caveat=c${LIMITS.caveats - 1}`);
    expect(terms.filter((term) => term.startsWith("text=")).length).toBe(LIMITS.entryWords);
  });

  test("what an edited ledger may hold is read without a fault", () => {
    fc.assert(
      fc.property(fc.object(), (junk) => {
        const payload = { ...junk, targets: junk, actor: [junk], subjects: "x", caveats: 5, changes: [null] };
        expect(termsOf(payload as unknown as Payload, null)).toContain(EVERY_ENTRY);
      }),
    );
  });
});

describe("words", () => {
  test("are cut alike however a text is written", () => {
    expect(wordsOf("Create_User ﬁle ＡＢＣ")).toEqual(["create", "user", "file", "abc"]);
    expect(wordsOf("a b7 7 42 é 700")).toEqual(["b7", "700"]);
    expect(wordsOf("हिन्दी")).toEqual(["हिन्दी"]);
  });

  test("a UUID and a hash are one word each, so that one id does not cost an index five", () => {
    const id = "f3578aea-ac7e-4dfd-8654-0f7e6131accf";
    expect(wordsOf(`usr_${id.toUpperCase()}, ${"0a".repeat(32)}`)).toEqual(["usr", id, "0a".repeat(32)]);
    // With more letters at an end it is none.
    expect(wordsOf(`x${id}`)).toEqual(["xf3578aea", "ac7e", "4dfd", "8654", "0f7e6131accf"]);
  });

  test("an entry of an API call costs the index a dozen words: keys and the outcome are none of them", () => {
    const payload = {
      action: "ec2.get_password_data",
      actor: { type: "user", ref: pseudonymFor("a") },
      outcome: "denied",
      request_id: "f3578aea-ac7e-4dfd-8654-0f7e6131accf",
      metadata: { event_source: "ec2.amazonaws.com", aws_region: "us-east-1", event_version: "1.08", read_only: true },
    } as unknown as Payload;
    const words = termsOf(payload, "access").filter((term) => term.startsWith("text="));
    expect(words.map((term) => term.slice("text=".length))).toEqual(
      "ec2 get password data f3578aea-ac7e-4dfd-8654-0f7e6131accf amazonaws com us east".split(" "),
    );
  });

  test("a word's own words are that word, and there are never more than asked for", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        const words = wordsOf(text, 10);
        expect(words.length).toBeLessThanOrEqual(10);
        for (const word of words) expect(wordsOf(word)).toEqual([word]);
      }),
      { numRuns: 2000 },
    );
  });
});
