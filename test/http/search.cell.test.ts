/** A person's entries by identity id: found wherever the event named them, and by nothing that stands in an address. */
import { beforeAll, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { append, call, event, inLog, logOf, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { erasedFrom } from "../support/erased.ts";
import { pointersOf, problemOf } from "../support/problems.ts";

interface Page {
  entries: { seq: number; payload: { action: string } }[];
  next_cursor: string | null;
  has_more: boolean;
}

let tenant: TestTenant;
let domainId: string;
let path: string;

beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
  path = `/v1/domains/${domainId}/audit/entries/search`;
  const service = { type: "service", id: "svc" };
  await append(domainId, [
    event({ actor: { type: "user", id: "ana" } }),
    event({ actor: { type: "user", id: "bo" } }),
    event({ actor: service, on_behalf_of: { type: "user", id: "ana" } }),
    event({ actor: service, targets: [{ type: "user", id: "ana" }] }),
    event({ actor: service, subjects: [{ type: "patient", id: "ana" }] }),
    event({ actor: { type: "user", id: "bo" }, targets: [{ type: "invoice", id: "ana" }] }),
    event({ actor: { type: "user", id: "ana" }, reason: "with something private" }),
  ]);
});

const ask = (body: object, key = tenant.key) => call(path, { key, body });
async function search(body: object): Promise<Page> {
  const answer = await ask(body);
  expect(answer.status, await answer.clone().text()).toBe(200);
  return answer.json() as Promise<Page>;
}
const seqs = (page: Page) => page.entries.map(({ seq }) => seq);

describe("a search by identity id", () => {
  test("finds the entries that name the person in whatever role, and no other, without waiting for the copy", async () => {
    expect(seqs(await search({ identity_id: "ana" }))).toEqual([1, 3, 4, 5, 7]);
    expect(seqs(await search({ identity_id: "bo" }))).toEqual([2, 6]);
    await append(domainId, event({ actor: { type: "user", id: "cy" } }));
    expect(seqs(await search({ identity_id: "cy" }))).toEqual([8]);
  });

  test("goes through pages in both directions, within a range", async () => {
    const pages = async (body: object) => {
      const found: number[] = [];
      let cursor: string | null = null;
      do {
        const page: Page = await search({ identity_id: "ana", limit: 2, ...body, ...(cursor ? { cursor } : {}) });
        expect(page.has_more).toBe(page.next_cursor !== null);
        found.push(...seqs(page));
        cursor = page.next_cursor;
      } while (cursor);
      return found;
    };
    expect(await pages({})).toEqual([1, 3, 4, 5, 7]);
    expect(await pages({ order: "desc" })).toEqual([7, 5, 4, 3, 1]);
    expect(await pages({ from: 3, to: 5 })).toEqual([3, 4, 5]);
    expect(await pages({ from: 2, to: 6, order: "desc", limit: 1 })).toEqual([5, 4, 3]);
  });

  test("answers what a list answers: pseudonyms and commitments, nothing opened", async () => {
    const found = await (await ask({ identity_id: "ana", payload: "text" })).json();
    const listed = (await (
      await call(`/v1/domains/${domainId}/audit/entries?payload=text`, { key: tenant.key })
    ).json()) as Page;
    expect((found as Page).entries).toEqual(listed.entries.filter(({ seq }) => [1, 3, 4, 5, 7].includes(seq)));
    expect(JSON.stringify(found)).not.toContain("with something private");
  });

  test("of somebody whom no entry names is empty and makes nobody known", async () => {
    const { size } = await logOf(domainId).head();
    expect(await search({ identity_id: "nobody" })).toEqual({ entries: [], next_cursor: null, has_more: false });
    const known = await inLog(domainId, (_, state) =>
      state.storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM subject").one(),
    );
    expect(known.n).toBe(3);
    expect((await logOf(domainId).head()).size).toBe(size);
  });

  test("goes through an entry of every size: pages that are cut short go on where they ended", async () => {
    const large = Array.from({ length: 100 }, (_, i) => ({ path: `/${"x".repeat(500)}/${i}` }));
    const events = Array.from({ length: 40 }, () => event({ actor: { type: "user", id: "big" }, changes: large }));
    for (let i = 0; i < 5; i++) await append(domainId, events);
    const first = await search({ identity_id: "big", limit: 1000 });
    expect(first.entries.length).toBeLessThan(200);
    const rest = await search({ identity_id: "big", limit: 1000, cursor: first.next_cursor });
    expect(rest.has_more).toBe(false);
    expect([...seqs(first), ...seqs(rest)]).toEqual(Array.from({ length: 200 }, (_, i) => i + 9));
  });
});

describe("a search refuses", () => {
  test("a key without entry.read", async () => {
    const { key } = await storedKey(tenant.tenantId, ["entry.append", "entry.reveal"]);
    await problemOf(await ask({ identity_id: "ana" }, key), "auth.forbidden");
  });

  test.each<[string, object, string]>([
    ["no identity id", {}, "/identity_id"],
    ["an empty identity id", { identity_id: "" }, "/identity_id"],
    ["one that is too long", { identity_id: "x".repeat(LIMITS.identityIdChars + 1) }, "/identity_id"],
    ["one with a control character", { identity_id: "ana\u0000b" }, "/identity_id"],
    ["a page that is too long", { identity_id: "ana", limit: LIMITS.pageEntries + 1 }, "/limit"],
    ["a range that ends before it begins", { identity_id: "ana", from: 2, to: 1 }, "/from"],
    ["a cursor of a list", { identity_id: "ana", cursor: "WyJlbnRyaWVzIl0" }, "/cursor"],
    ["an unknown field", { identity_id: "ana", reveal: true }, "/reveal"],
  ])("%s: 422, naming the field", async (_, body, pointer) => {
    expect(pointersOf(await problemOf(await ask(body), "request.invalid"))).toEqual([pointer]);
  });

  test("a cursor that was made for somebody else", async () => {
    const { next_cursor: cursor } = await search({ identity_id: "ana", limit: 1 });
    const problem = await problemOf(await ask({ identity_id: "bo", limit: 1, cursor }), "request.invalid");
    expect(pointersOf(problem)).toEqual(["/cursor"]);
  });

  test("an erased person, from the first moment on, whatever the copies still hold", async () => {
    const gone = await newDomain(tenant);
    await append(gone, event({ actor: { type: "user", id: "ana" } }));
    await erasedFrom(gone, "ana");
    const answer = await call(`/v1/domains/${gone}/audit/entries/search`, {
      key: tenant.key,
      body: { identity_id: "ana" },
    });
    expect(answer.status).toBe(410);
    expect(JSON.stringify(await problemOf(answer, "subject.erased"))).not.toContain('ana"');
  });
});
