/** Queries over the real index: what they find, that pages miss nothing and double nothing, and that bad input is named. */
import { beforeAll, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { encodeCursor } from "../../src/http/cursor.ts";
import { append, call, event, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { erasedFrom } from "../support/erased.ts";
import { pointersOf, problemOf } from "../support/problems.ts";

interface Entry {
  domain_id?: string;
  seq: number;
  payload: { action: string; occurred_at: string; actor: { ref?: string } };
}
interface Page {
  entries: Entry[];
  next_cursor: string | null;
  has_more: boolean;
  searchable_through: number;
}

let tenant: TestTenant;
let domainId: string;
const DAY = (day: number, time = "09:00") => `2026-11-${String(day).padStart(2, "0")}T${time}:00.000Z`;
const service = { type: "service", id: "ci" };

beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
  await append(domainId, [
    event({ action: "iam.create_user", occurred_at: DAY(1), actor: { type: "user", id: "ana" } }),
    event({ action: "iam.delete_user", occurred_at: DAY(2), actor: { type: "user", id: "bo" }, outcome: "denied" }),
    event({ action: "secret.read", occurred_at: DAY(3), actor: service, targets: [{ type: "secret", id: "db/main" }] }),
    event({ action: "secret.read", occurred_at: DAY(4), actor: service, outcome: "failure", caveats: ["read_only"] }),
    event({
      action: "session.opened",
      occurred_at: DAY(5),
      actor: { type: "anonymous" },
      targets: [{ type: "user", id: "ana" }],
    }),
    event({
      action: "order.placed",
      occurred_at: DAY(5, "10:00"),
      actor: service,
      subjects: [
        { type: "user", id: "ana" },
        { type: "user", id: "bo" },
      ],
      context: { request_id: "req-7", traceparent: `00-${"a1".repeat(16)}-${"b2".repeat(8)}-01` },
      metadata: { note: "Rotation due soon", hidden: "not for search" },
      clear_metadata: ["note"],
    }),
  ]);
});

const path = (own = domainId, rest = "") => `/v1/domains/${own}/audit/query${rest}`;
const ask = (body: object, own?: string, rest?: string) => call(path(own, rest), { key: tenant.key, body });
async function answer<T>(asked: Promise<Response>): Promise<T> {
  const response = await asked;
  expect(response.status, await response.clone().text()).toBe(200);
  return response.json() as Promise<T>;
}
const query = (body: object, own?: string) => answer<Page>(ask({ consistency: "latest", ...body }, own));
const found = async (q: string) => (await query({ q, order: "asc" })).entries.map(({ seq }) => seq);

describe("a query finds", () => {
  test.each([
    ["action:iam.*", [1, 2]],
    ["action:secret.read", [3, 4]],
    ["actor:ana", [1]],
    ["actor:ci", [3, 4, 6]],
    ["actor:service:ci -is:failed", [3, 6]],
    ["actor:anonymous", [5]],
    ["target:secret:db/main", [3]],
    ["target:user:ana", [5]],
    ["subject:ana", [1, 5, 6]],
    ["subject:ana AND subject:bo", [6]],
    ["subject:ana,bo", [1, 2, 5, 6]],
    ["outcome:denied", [2]],
    ["-outcome:success", [2, 4]],
    ["is:failed caveat:read_only", [4]],
    ["category:authentication", [5]],
    [`trace:${"a1".repeat(16)}`, [6]],
    ["request:req-7", [6]],
    ['"rotation DUE"', [6]],
    ["hidden", []],
    ["after:2026-11-02 before:2026-11-04", [2, 3]],
    ["on:2026-11-05", [5, 6]],
    ["after:2026-11-05T10:00 before:2026-11-05T10:01", [6]],
    ["actor:nobody", []],
  ])("%s", async (q, seqs) => {
    expect(await found(q)).toEqual(seqs);
  });

  test("everything by an empty one, newest first by when it happened, and says how far it looked", async () => {
    const page = await query({});
    // Entry 0 was written when the test ran, which is after all that its events tell of.
    expect(page.entries.map(({ seq }) => seq)).toEqual([0, 6, 5, 4, 3, 2, 1]);
    expect(page).toMatchObject({ next_cursor: null, has_more: false, searchable_through: 6 });
  });

  test("the same by fields as by the language, and what both ask for when both are given", async () => {
    const fields = {
      actions: ["iam.*", "secret.read"],
      not: { outcomes: ["success"] },
      after: "2026-11-01",
      before: "2026-11-05",
    };
    expect((await query({ filter: fields, order: "asc" })).entries.map(({ seq }) => seq)).toEqual([2, 4]);
    expect((await query({ filter: fields, q: "subject:bo" })).entries.map(({ seq }) => seq)).toEqual([2]);
    expect(
      (await query({ filter: { subjects: ["ana"], text: ["rotation", "due"] } })).entries.map(({ seq }) => seq),
    ).toEqual([6]);
  });

  test("what was committed a moment ago, with consistency=latest", async () => {
    const own = await newDomain(tenant);
    for (let n = 1; n <= 3; n++) {
      await append(own, event({ action: "x.y" }));
      expect((await query({ q: "action:x.y" }, own)).entries).toHaveLength(n);
    }
  });

  test("a person by the pseudonym that stands in the entries", async () => {
    const [entry] = (await query({ q: "actor:ana" })).entries;
    const ref = entry?.payload.actor.ref;
    expect(await found(`subject:@${ref}`)).toEqual([1, 5, 6]);
  });

  test("the exact text that was hashed, on demand", async () => {
    const page = await query({ q: "request:req-7", payload: "text" });
    expect(typeof page.entries[0]?.payload).toBe("string");
  });
});

describe("pages", () => {
  test.each(["asc", "desc"])(
    "%s: each entry once, in order, and nothing that was there is missed while others append",
    async (order) => {
      const own = await newDomain(tenant);
      const events = Array.from({ length: 40 }, (_, i) =>
        event({ action: i % 3 ? "page.turned" : "page.torn", occurred_at: DAY(1 + ((i * 7) % 20)) }),
      );
      await append(own, events);
      const before = await query({ q: "action:page.turned", order, limit: 1000 }, own);
      const wanted = before.entries.map(({ seq }) => seq);
      expect(wanted).toHaveLength(26);
      const seen: number[] = [];
      const times: string[] = [];
      for (let cursor: string | null = null, pages = 0; pages < 100; pages++) {
        const page: Page = await query(
          { q: "action:page.turned", order, limit: 3, ...(cursor ? { cursor } : {}) },
          own,
        );
        expect(page.has_more).toBe(page.next_cursor !== null);
        seen.push(...page.entries.map(({ seq }) => seq));
        times.push(...page.entries.map(({ payload }) => payload.occurred_at));
        cursor = page.next_cursor;
        if (cursor === null) break;
        // Ahead of the page, behind it and at its very place.
        await append(
          own,
          [1, 12, 20].map((day) => event({ action: "page.turned", occurred_at: DAY(day) })),
        );
        if (pages > 30) break;
      }
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.filter((seq) => wanted.includes(seq))).toEqual(wanted);
      expect(times).toEqual(order === "asc" ? times.toSorted() : times.toSorted().reverse());
    },
  );

  test("bad input: a cursor of another filter, order, domain or list is refused", async () => {
    const own = await newDomain(tenant);
    const { next_cursor: cursor } = await query({ q: "action:iam.*,secret.read", limit: 1 });
    expect(cursor).not.toBeNull();
    const refused = async (body: object, pointer: string, at?: string) =>
      expect(pointersOf(await problemOf(await ask(body, at), "request.invalid"))).toEqual([pointer]);
    await refused({ q: "action:iam.*", cursor }, "/cursor");
    await refused({ q: "action:iam.*,secret.read", cursor, order: "asc" }, "/order");
    await refused({ q: "action:iam.*,secret.read", cursor }, "/cursor", own);
    await refused({ cursor: encodeCursor("entries", domainId, { order: "desc" }) }, "/cursor");
    await refused({ cursor: "AAAA" }, "/cursor");
    // Another spelling of the same filter is the same.
    await query({ filter: { actions: ["secret.read", "iam.*"] }, cursor });
  });

  test("a cursor stays good when the log sees a person for the first time whom its query names", async () => {
    const own = await newDomain(tenant);
    const days = [1, 2, 3].map((day) => event({ action: "page.turned", occurred_at: DAY(day), actor: service }));
    await append(own, days);
    const { next_cursor: cursor } = await query({ q: "-actor:newcomer", limit: 1 }, own);
    await append(own, [event({ action: "page.turned", actor: { type: "user", id: "newcomer" } })]);
    expect((await query({ q: "-actor:newcomer", cursor }, own)).entries.map(({ seq }) => seq)).toEqual([3, 2, 1]);
  });

  test("a time that counts back from now means the same on every page", async () => {
    const { next_cursor: cursor } = await query({ q: "after:-3650d action:iam.*", limit: 1 });
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await query({ q: "after:-3650d action:iam.*", limit: 1, cursor })).entries).toHaveLength(1);
  });
});

describe("a count", () => {
  test("of more clauses than one statement takes still counts only what matches", async () => {
    const own = await newDomain(tenant);
    const words = Array.from({ length: LIMITS.indexedClauses + 5 }, (_, i) => `word${i}`);
    const noted = (note: string) => event({ action: "page.turned", metadata: { note }, clear_metadata: ["note"] });
    const short = words.slice(0, -1).join(" ");
    await append(own, [noted(short), noted(words.join(" ")), noted(short)]);
    const body = { filter: { actions: ["page.turned"], text: words }, consistency: "latest" };
    const counted = await call(`/v1/domains/${own}/audit/query/count`, { key: tenant.key, body });
    expect(await counted.json()).toMatchObject({ count: 1, exact: true });
  });
});

describe("bad input is named, and nothing is answered", () => {
  test.each([
    [{ q: "acton:iam.* and more" }, "/q", /^column 1: there is no such field/],
    [{ q: 'action:iam.* "never closed' }, "/q", /^column 14: the quote is not closed/],
    [{ q: "outcome:fine" }, "/q", /^column 9: is no outcome/],
    [{ filter: { actions: ["iam.*", "IAM"] } }, "/filter/actions/1", /is no action/],
    [{ filter: { not: { text: ["two words"] } } }, "/filter/not/text/0", /single words/],
    [{ filter: { after: "soon" } }, "/filter/after", /is no time/],
    [{ filter: { actor: ["x"] } }, "/filter/actor", /is not a field/],
    [{ q: "", colour: "red" }, "/colour", /is not a field/],
    [{ limit: 0 }, "/limit", /./],
    [{ q: Array.from({ length: 21 }, (_, i) => `subject:p${i}`).join(" ") }, "/q", /21 people/],
  ])("%o", async (body, pointer, detail) => {
    const problem = await problemOf(await ask(body), "request.invalid");
    expect(problem.errors?.[0]).toEqual({ pointer, detail: expect.stringMatching(detail) });
  });

  test("somebody who was erased is said to be", async () => {
    const own = await newDomain(tenant);
    await append(own, event({ actor: { type: "user", id: "gone" } }));
    await erasedFrom(own, "gone");
    for (const q of ["actor:gone", "-subject:gone", "target:user:gone"]) {
      await problemOf(await ask({ q }, own), "subject.erased");
    }
  });
});

describe("counts and facets", () => {
  test("a count is exact below its limit", async () => {
    expect(await answer(ask({ q: "action:secret.read", consistency: "latest" }, domainId, "/count"))).toEqual({
      count: 2,
      exact: true,
      searchable_from: 0,
      searchable_through: 6,
    });
  });

  test("facets of whole days are of every entry; values are as the language writes them", async () => {
    const body = { filter: { after: "2026-11-01", before: "2026-11-06" }, consistency: "latest" };
    const facets = await answer<Record<string, unknown>>(ask(body, domainId, "/facets"));
    const [{ payload }] = (await query({ q: "actor:ana" })).entries as [Entry];
    expect(facets).toMatchObject({ complete: true, entries_looked_at: 6, searchable_through: 6 });
    expect(facets.actions).toContainEqual({ value: "secret.read", count: 2 });
    expect(facets.actors).toContainEqual({ value: "service:ci", count: 3 });
    expect(facets.actors).toContainEqual({ value: `@${payload.actor.ref}`, count: 1 });
    expect(facets.outcomes).toEqual([
      { value: "success", count: 4 },
      { value: "denied", count: 1 },
      { value: "failure", count: 1 },
    ]);
    expect(facets.days).toContainEqual({ day: "2026-11-05", count: 2 });
  });

  test("facets of a filter are of the entries that match, and agree with those of whole days", async () => {
    const days = await answer<Record<string, unknown>>(
      ask({ q: "after:2026-11-01 before:2026-11-06" }, domainId, "/facets"),
    );
    // The same entries, asked for in a way that the sums of days cannot answer.
    const matched = await answer<Record<string, unknown>>(
      ask({ q: "after:2026-11-01T00:00:00.001 before:2026-11-06" }, domainId, "/facets"),
    );
    expect(matched).toEqual(days);
    const failed = await answer<Record<string, unknown>>(ask({ q: "is:failed", values: 1 }, domainId, "/facets"));
    expect(failed).toMatchObject({ complete: true, entries_looked_at: 2, outcomes: [{ value: "denied", count: 1 }] });
  });
});

describe("across a tenant's domains", () => {
  let other: string;
  const across = (body: object, key = tenant.key) => call(`/v1/tenants/${tenant.tenantId}/audit/query`, { key, body });

  beforeAll(async () => {
    other = await newDomain(tenant);
    await append(
      other,
      [1, 2, 3, 4].map((day) =>
        event({ action: "iam.create_user", occurred_at: DAY(day), actor: { type: "user", id: "ana" } }),
      ),
    );
  });

  test("entries of all are merged by when they happened, page after page, and each names its domain", async () => {
    const body = {
      q: "subject:ana action:iam.*,session.*",
      order: "asc",
      consistency: "latest",
      domain_ids: [domainId, other],
    };
    const whole = await answer<Page>(across(body));
    expect(whole.entries.map(({ payload }) => payload.occurred_at.slice(8, 10))).toEqual([
      "01",
      "01",
      "02",
      "03",
      "04",
      "05",
    ]);
    for (const order of ["asc", "desc"]) {
      const seen: string[] = [];
      for (let cursor: string | null = null; ; ) {
        const page: Page = await answer<Page>(across({ ...body, order, limit: 1, ...(cursor ? { cursor } : {}) }));
        seen.push(...page.entries.map(({ domain_id, seq }) => `${domain_id}/${seq}`));
        cursor = page.next_cursor;
        if (cursor === null) break;
      }
      const names = whole.entries.map(({ domain_id, seq }) => `${domain_id}/${seq}`);
      expect(seen).toEqual(order === "asc" ? names : names.reverse());
    }
  });

  test("it says how far each domain was searched, and whether its log has more", async () => {
    const { domains } = await answer<{ domains: object[] }>(across({ domain_ids: [other], consistency: "latest" }));
    expect(domains).toEqual([{ domain_id: other, searchable_from: 0, searchable_through: 4, behind: false }]);
  });

  test("by default the tenant's own records are not among them; asked for by name they are", async () => {
    const { domains } = await answer<{ domains: { domain_id: string }[] }>(across({}));
    expect(domains.map(({ domain_id }) => domain_id)).not.toContain(tenant.tenantDomainId);
    const own = await answer<Page>(
      across({ q: "action:tenant.created", domain_ids: [tenant.tenantDomainId], consistency: "latest" }),
    );
    expect(own.entries).toHaveLength(1);
  });

  test("a domain of another tenant is none of this one", async () => {
    const stranger = await newTenant("B");
    const theirs = await newDomain(stranger);
    const problem = await problemOf(await across({ domain_ids: [domainId, theirs] }), "request.invalid");
    expect(pointersOf(problem)).toEqual(["/domain_ids/1"]);
    await problemOf(await across({}, stranger.key), "resource.not_found");
  });
});
