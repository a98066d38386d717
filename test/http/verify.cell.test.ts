/** Verification by the server: verdicts, ranges, runs that stop and go on. */
import { beforeAll, describe, expect, test } from "vitest";
import { encodeCursor } from "../../src/http/cursor.ts";
import { call, event, inLog, logOf, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { pointersOf, problemOf } from "../support/problems.ts";
import { tamper, withLimits } from "../support/tamper.ts";

interface Verification {
  verdict: string;
  from: number;
  to: number;
  verified_through: number;
  entries: number;
  progress: number;
  first_bad_seq: number | null;
  fault: string | null;
  not_checked: string[];
  next_cursor: string | null;
}

const SIZE = 13;
let tenant: TestTenant;
let domainId: string;

beforeAll(async () => {
  tenant = await newTenant();
  domainId = await filledDomain();
});

async function filledDomain(): Promise<string> {
  const made = await newDomain(tenant);
  await append(made, SIZE - 1);
  return made;
}
const append = (domain: string, count: number) =>
  call(`/v1/domains/${domain}/audit/entries`, { key: tenant.key, body: Array.from({ length: count }, () => event()) });
const ask = (query: string, domain = domainId) =>
  call(`/v1/domains/${domain}/audit/verify?${query}`, { key: tenant.key });
async function verify(query: string, domain?: string): Promise<Verification> {
  const answer = await ask(query, domain);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Cache-Control")).toBe("no-store");
  return (await answer.json()) as Verification;
}
/** Goes on until there is no cursor; `between` runs after each step. */
async function verifyAll(query: string, domain = domainId, between: () => Promise<unknown> = async () => {}) {
  const steps = [await verify(query, domain)];
  for (let cursor = steps[0]?.next_cursor; cursor; cursor = steps.at(-1)?.next_cursor) {
    await between();
    steps.push(await verify(`cursor=${cursor}`, domain));
    expect(steps.length).toBeLessThan(50);
  }
  return steps;
}

describe("S0-16 a log that nobody touched", () => {
  test("is verified to its head, also what is not copied yet, and says what that does not prove", async () => {
    expect(await verify("")).toEqual({
      domain_id: domainId,
      verdict: "verified",
      from: 0,
      to: SIZE - 1,
      first_seq: 0,
      verified_through: SIZE - 1,
      entries: SIZE,
      progress: 1,
      first_bad_seq: null,
      fault: null,
      detail: null,
      not_checked: [
        expect.stringContaining("rewrote the whole log"),
        "archived copies of entries that are in the queryable copy too",
      ],
      next_cursor: null,
    });
    await append(domainId, 1);
    expect(await verify("")).toMatchObject({ verdict: "verified", to: SIZE, entries: SIZE + 1 });
  });

  test("is verified when it is new, and when it is stopped", async () => {
    const own = await newDomain(tenant);
    expect(await verify("", own)).toMatchObject({ verdict: "verified", entries: 1, to: 0 });
    await inLog(own, (log) => log.journal.stop("a test stopped it"));
    expect(await verify("", own)).toMatchObject({ verdict: "verified", entries: 1 });
  });
});

describe("a range", () => {
  test.each<[string, Partial<Verification>]>([
    ["from=3&to=7", { from: 3, to: 7, verified_through: 7, entries: 5 }],
    ["from=0&to=0", { from: 0, to: 0, verified_through: 0, entries: 1 }],
    ["to=4", { from: 0, to: 4, verified_through: 4, entries: 5 }],
    ["from=4&to=4", { from: 4, to: 4, verified_through: 4, entries: 1 }],
  ])("%s is verified alone", async (query, expected) => {
    expect(await verify(query)).toMatchObject({ verdict: "verified", progress: 1, ...expected });
  });

  test("says what lies outside of it, and does not speak of it", async () => {
    const own = await filledDomain();
    await logOf(own).flush();
    await tamper(own, "UPDATE audit_log SET id = 'forged-' || seq WHERE domain_id = ?1 AND seq IN (2, 9)");
    const { verdict, not_checked } = await verify("from=3&to=8", own);
    expect(verdict).toBe("verified");
    expect(not_checked.join()).toContain("the entries before 3");
    expect(not_checked.join()).toContain("the entries after 8");
    expect(await verify("from=3", own)).toMatchObject({ verdict: "refuted", first_bad_seq: 9 });
  });

  test("that begins in the middle is tied to the entry before it", async () => {
    const own = await filledDomain();
    await logOf(own).flush();
    await tamper(own, "UPDATE audit_log SET entry_hash = zeroblob(32) WHERE domain_id = ?1 AND seq = 4");
    expect(await verify("from=5", own)).toMatchObject({ verdict: "refuted", first_bad_seq: 5 });
  });

  test.each<[string, string]>([
    ["from=9&to=8", "query:from"],
    ["from=999", "query:from"],
    ["from=", "query:from"],
    ["to=", "query:to"],
    ["to=-1", "query:to"],
    ["from=x", "query:from"],
    ["cursor=x", "query:cursor"],
    ["cursor=x&from=1", "query:cursor"],
    [`cursor=${"x".repeat(2001)}`, "query:cursor"],
  ])("%s is a 422 that names the parameter, never a verdict", async (query, pointer) => {
    expect(pointersOf(await problemOf(await ask(query), "request.invalid"))).toEqual([pointer]);
  });
});

describe("a run over more entries than one request recomputes", () => {
  const bounded = <T>(run: () => Promise<T>) => withLimits({ verifyEntriesPerRequest: 5, verifyPageEntries: 2 }, run);

  test("stops with a cursor and goes on; progress and entries rise; the last answer is the verdict", async () => {
    const own = await filledDomain();
    const steps = await bounded(() => verifyAll("", own));
    expect(steps.length).toBeGreaterThanOrEqual(3);
    for (const [i, step] of steps.entries()) {
      const before = steps[i - 1];
      if (before) {
        expect(step.progress).toBeGreaterThan(before.progress);
        expect(step.entries).toBeGreaterThan(before.entries);
      }
      expect(step.verified_through).toBe(step.entries - 1);
      expect(step.verdict).toBe(i === steps.length - 1 ? "verified" : "incomplete");
    }
    expect(steps.at(-1)).toMatchObject({ entries: SIZE, progress: 1, verified_through: SIZE - 1 });
  });

  test("over a range counts within the range", async () => {
    const own = await filledDomain();
    const steps = await bounded(() => verifyAll("from=2&to=11", own));
    expect(steps.at(-1)).toMatchObject({ verdict: "verified", entries: 10, from: 2, to: 11 });
    expect(steps[0]?.progress).toBeLessThan(1);
  });

  test("is not disturbed by appends meanwhile: it ends where the log ended when it began", async () => {
    const own = await filledDomain();
    const steps = await bounded(() => verifyAll("", own, () => append(own, 3)));
    expect(steps.at(-1)).toMatchObject({ verdict: "verified", entries: SIZE, to: SIZE - 1 });
  });

  test("finds what was changed behind the part that is done", async () => {
    const own = await filledDomain();
    let changed = false;
    const change = async () => {
      if (changed) return;
      changed = true;
      await tamper(
        own,
        "UPDATE audit_log SET payload = replace(payload, 'invoice', 'invoicf') WHERE domain_id = ?1 AND seq = 11",
      );
    };
    const steps = await bounded(() => verifyAll("", own, change));
    expect(steps.at(-1)).toMatchObject({ verdict: "refuted", first_bad_seq: 11, next_cursor: null });
  });

  test("cannot be carried into another domain, and takes no cursor that was made up", async () => {
    const [own, other] = [await filledDomain(), await filledDomain()];
    const { next_cursor } = await bounded(() => verify("", own));
    const head = { size: 1, entryHash: "0".repeat(64) };
    const run = { from: 0, to: 3, head, nextSeq: 0, prevHash: null, entries: 0 };
    for (const cursor of [
      next_cursor,
      encodeCursor("entries", other, run),
      encodeCursor("verify", other, { ...run, nextSeq: -1 }),
      encodeCursor("verify", other, { ...run, prevHash: "x" }),
      encodeCursor("verify", other, { ...run, extra: 1 }),
      encodeCursor("verify", other, { ...run, head: { size: 1 } }),
    ]) {
      const answer = await ask(`cursor=${cursor}`, other);
      expect(pointersOf(await problemOf(answer, "request.invalid"))).toEqual(["query:cursor"]);
    }
  });
});
