/** Reading: one entry, pages in both directions, the head. */
import { beforeAll, describe, expect, test } from "vitest";
import { decodeCursor, encodeCursor } from "../../src/http/cursor.ts";
import type { Receipt } from "../../src/services/log/append.ts";
import { call, env, event, inLog, ledgerOf, logOf, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { bearer, freshWorker } from "../support/fresh-worker.ts";
import { pointersOf, problemOf } from "../support/problems.ts";
import { stallCopies } from "../support/stall.ts";

interface Entry {
  seq: number;
  id: string;
  prev_hash: string;
  entry_hash: string;
  payload: unknown;
}
interface Page {
  entries: Entry[];
  next_cursor: string | null;
  has_more: boolean;
}

const ENTRIES = 30;
let tenant: TestTenant;
let domainId: string;
let receipts: Receipt[];

beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
  receipts = await append(Array.from({ length: ENTRIES - 1 }, (_, i) => event({ id: `order-${i + 1}` })));
  await logOf(domainId).flush();
});

const at = (path: string, domain = domainId) => `/v1/domains/${domain}/audit/${path}`;
const get = (path: string, domain?: string) => call(at(path, domain), { key: tenant.key });
const read = async <T>(path: string, domain?: string) => (await (await get(path, domain)).json()) as T;
const append = async (body: object, domain?: string) => {
  const answer = await call(at("entries", domain), { key: tenant.key, body });
  return ((await answer.json()) as { receipts: Receipt[] }).receipts;
};
const seqs = (page: Page) => page.entries.map(({ seq }) => seq);
const range = (from: number, to: number) =>
  Array.from({ length: Math.abs(to - from) + 1 }, (_, i) => (from <= to ? from + i : from - i));

/** Walks a list to its end; `between` runs after each page. */
async function walk(query: string, domain = domainId, between: () => Promise<unknown> = async () => {}) {
  const pages: Page[] = [];
  for (let cursor = ""; pages.length < 200; ) {
    const page = await read<Page>(`entries?${query}${cursor && `&cursor=${cursor}`}`, domain);
    pages.push(page);
    expect(page.has_more).toBe(page.next_cursor !== null);
    if (page.next_cursor === null) break;
    cursor = page.next_cursor;
    await between();
  }
  return pages;
}

/** The ledger, where something happens after the first row that is asked for by id was not found. */
function lateDatabase(afterFirst: () => Promise<void>): D1Database {
  let happened = false;
  return new Proxy(env.LEDGER_00, {
    get(target, name) {
      const value = Reflect.get(target, name);
      if (name !== "prepare") return typeof value === "function" ? value.bind(target) : value;
      return (sql: string) => ({
        bind: (...values: unknown[]) => ({
          first: async () => {
            const row = await target
              .prepare(sql)
              .bind(...values)
              .first();
            if (!happened) await afterFirst();
            happened = true;
            return row;
          },
        }),
      });
    },
  });
}

describe("one entry", () => {
  test("is found by its seq and by its id, and is what the receipt said", async () => {
    const receipt = receipts[4] as Receipt;
    const bySeq = await read<Entry>(`entries/${receipt.seq}`);
    expect(bySeq).toMatchObject({
      seq: receipt.seq,
      id: "order-5",
      prev_hash: receipt.prev_hash,
      entry_hash: receipt.entry_hash,
      payload: { v: 1, domain: domainId, seq: receipt.seq, id: "order-5", recorded_at: receipt.recorded_at },
    });
    expect(await read<Entry>("entries/order-5")).toEqual(bySeq);
    expect(await read<Entry>("entries/0")).toMatchObject({ payload: { action: "domain.created" } });
  });

  test("is found at once when it is committed and not copied yet", async () => {
    const own = await newDomain(tenant);
    for (const address of [(receipt: Receipt) => receipt.seq, (receipt: Receipt) => receipt.id]) {
      await logOf(own).flush();
      const release = await stallCopies(own);
      const [receipt] = await append(event(), own);
      expect((await logOf(own).head()).copiedSize).toBe(receipt?.seq);
      await release();
      expect(await read(`entries/${address(receipt as Receipt)}`, own)).toMatchObject({ seq: receipt?.seq });
    }
  });

  test("is found also when it is copied between two looks for it", async () => {
    const own = await newDomain(tenant);
    await logOf(own).flush();
    const release = await stallCopies(own);
    const [receipt] = await append(event(), own);
    // The first look finds nothing; by the time of the second question the copy is complete.
    const ledger = lateDatabase(async () => {
      await release();
      await logOf(own).flush();
    });
    const answer = await freshWorker({ LEDGER_00: ledger })(at(`entries/${receipt?.id}`, own), bearer(tenant.key));
    expect(await answer.json()).toMatchObject({ seq: receipt?.seq });
  });

  test.each(["999999", "no-such-id", "01", "-1", "1.0", "1e1", "9".repeat(17), "9".repeat(64)])(
    "%s names nothing: 404",
    async (name) => {
      await problemOf(await get(`entries/${name}`), "resource.not_found");
    },
  );

  test("as text is byte-exact what was hashed; as JSON the same, parsed", async () => {
    const odd = { text: 'é\u2028\u0007 "q" \\ /', numbers: [0.1, 12.5, 1e-7, 9007199254740991], ключ: null };
    const [receipt] = await append(event({ metadata: { odd }, clear_metadata: ["odd"] }));
    await logOf(domainId).flush();
    const text = await read<Entry>(`entries/${receipt?.seq}?payload=text`);
    const [row] = await ledgerOf(domainId).rows({ fromSeq: receipt?.seq ?? 0, toSeq: receipt?.seq ?? 0, limit: 1 });
    expect(text.payload).toBe(row?.payload);
    const prevHash = Buffer.from(text.prev_hash, "hex");
    const hashed = Buffer.concat([prevHash, Buffer.from(text.payload as string)]);
    const digest = Buffer.from(await crypto.subtle.digest("SHA-256", hashed)).toString("hex");
    expect(digest).toBe(receipt?.entry_hash);
    const json = await read<Entry>(`entries/${receipt?.seq}?payload=json`);
    expect(json.payload).toEqual(JSON.parse(text.payload as string));
    const page = await read<Page>(`entries?from=${receipt?.seq}&payload=text`);
    expect(page.entries[0]?.payload).toBe(text.payload);
  });
});

describe("a page", () => {
  test("goes up by seq from the first entry, and down from the newest", async () => {
    const { size } = await logOf(domainId).head();
    expect(seqs(await read<Page>("entries?limit=5"))).toEqual(range(0, 4));
    expect(seqs(await read<Page>("entries?limit=5&order=desc"))).toEqual(range(size - 1, size - 5));
    expect(seqs(await read<Page>("entries"))).toEqual(range(0, size - 1));
  });

  test.each<[string, number[]]>([
    ["limit=7&from=3&to=20", range(3, 20)],
    ["limit=7&from=3&to=20&order=desc", range(20, 3)],
    ["limit=1&from=5&to=7", range(5, 7)],
    ["limit=6&from=3&to=8", range(3, 8)],
    ["limit=7&from=5&to=5", [5]],
    ["limit=7&from=999998&to=999999", []],
  ])("after page of %s gives each entry once", async (query, expected) => {
    expect((await walk(query)).flatMap(seqs)).toEqual(expected);
  });

  test("has a Link to the next one that works, and the last page has none", async () => {
    const first = await get("entries?limit=20&from=0&to=29&payload=text");
    const [, query] = /^<(\?[^>]+)>; rel="next"$/.exec(first.headers.get("Link") ?? "") ?? [];
    const second = await get(`entries${query}`);
    expect(seqs((await second.clone().json()) as Page)).toEqual(range(20, 29));
    expect(typeof ((await second.json()) as Page).entries[0]?.payload).toBe("string");
    expect(second.headers.get("Link")).toBeNull();
  });

  test("stays stable under appends: walking while others write gives no gap and no double", async () => {
    const own = await newDomain(tenant);
    await append(
      Array.from({ length: 20 }, () => event()),
      own,
    );
    await logOf(own).flush();
    const grow = async () => {
      await append([event(), event()], own);
      await logOf(own).flush();
    };
    expect((await walk("limit=4&order=desc", own, grow)).flatMap(seqs)).toEqual(range(20, 0));
    const up = (await walk("limit=4&from=0&to=40", own, grow)).flatMap(seqs);
    expect(up).toEqual(range(0, 40));
    const { size } = await logOf(own).head();
    let stop = false;
    const writer = (async () => {
      for (let i = 0; i < 30 && !stop; i++) await grow();
    })();
    const parallel = (await walk("limit=3", own)).flatMap(seqs);
    stop = true;
    await writer;
    expect(parallel).toEqual(range(0, parallel.length - 1));
    expect(parallel.length).toBeGreaterThanOrEqual(size);
  });

  test("with consistency=latest holds what was committed a moment ago", async () => {
    const own = await newDomain(tenant);
    await logOf(own).flush();
    const release = await stallCopies(own);
    const [receipt] = await append(event(), own);
    expect(seqs(await read<Page>("entries", own))).toEqual([0]);
    await release();
    expect(seqs(await read<Page>("entries?consistency=latest", own))).toEqual([0, receipt?.seq]);
  });

  test("ends early rather than grow past its bound, and the walk loses nothing", async () => {
    const own = await newDomain(tenant);
    const large = { changes: Array.from({ length: 100 }, () => ({ path: `/${"x".repeat(500)}` })) };
    for (let i = 0; i < 4; i++) await append(Array.from({ length: 50 }, () => event(large)).slice(0, 48), own);
    await logOf(own).flush();
    const pages = await walk("limit=1000&payload=text", own);
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.flatMap(seqs)).toEqual(range(0, 4 * 48));
  });
});

describe("a cursor", () => {
  const cursorOf = async (query: string, domain?: string) =>
    (await read<Page>(`entries?${query}`, domain)).next_cursor as string;

  test("is opaque: safe in a URL, and carries no name of a person or a place", async () => {
    expect(await cursorOf("limit=1")).toMatch(/^[A-Za-z0-9_-]+$/);
  });

  test("keeps the direction and the range of its question", async () => {
    const cursor = await cursorOf("limit=3&from=2&to=9&order=desc");
    expect(seqs(await read<Page>(`entries?limit=100&cursor=${cursor}`))).toEqual(range(6, 2));
  });

  test("of another domain, another list, or nobody is a 422 that names it", async () => {
    const other = await newDomain(tenant);
    await append([event(), event()], other);
    await logOf(other).flush();
    const mine = await cursorOf("limit=1");
    const state = decodeCursor(mine, "entries", domainId, (value) => value as object);
    const forged = [
      await cursorOf("limit=1", other),
      encodeCursor("verify", domainId, state),
      ...[{ next: -1 }, { next: 0.5 }, { next: "1" }, { next: null }, { order: "up" }, { order: undefined }].map(
        (wrong) => encodeCursor("entries", domainId, { ...state, ...wrong }),
      ),
      encodeCursor("entries", domainId, "x"),
      encodeCursor("entries", domainId, []),
      mine.slice(0, -2),
      "x",
      "!",
      "",
      "%00",
    ];
    for (const cursor of forged) {
      const problem = await problemOf(await get(`entries?cursor=${cursor}`), "request.invalid");
      expect(pointersOf(problem), cursor).toEqual(["query:cursor"]);
    }
  });

  test.each(["order=desc", "from=1", "to=9"])(
    "beside %s, when it was made for another, is a 422",
    async (parameter) => {
      const cursor = await cursorOf("limit=1&order=asc&from=0&to=20");
      const problem = await problemOf(await get(`entries?cursor=${cursor}&${parameter}`), "request.invalid");
      expect(pointersOf(problem)).toEqual([`query:${parameter.slice(0, parameter.indexOf("="))}`]);
    },
  );

  test("may stand beside the question that it was made for", async () => {
    const question = "limit=2&order=desc&from=3&to=9";
    const page = await read<Page>(`entries?${question}&cursor=${await cursorOf(question)}`);
    expect(seqs(page)).toEqual([7, 6]);
  });
});

describe("a query that is not accepted is a 422 that names the parameter", () => {
  test.each<[string, string[]]>([
    ["limit=0", ["query:limit"]],
    ["limit=1001", ["query:limit"]],
    ["limit=many", ["query:limit"]],
    ["limit=1.5", ["query:limit"]],
    ["limit=1e2", ["query:limit"]],
    ["limit=", ["query:limit"]],
    ["limit=1&limit=2", ["query:limit"]],
    ["from=-1", ["query:from"]],
    ["from=", ["query:from"]],
    ["from=0x10", ["query:from"]],
    ["to=%201", ["query:to"]],
    ["to=9007199254740992", ["query:to"]],
    ["from=9&to=8", ["query:from"]],
    ["order=up", ["query:order"]],
    ["payload=xml", ["query:payload"]],
    ["consistency=eventual", ["query:consistency"]],
    [`cursor=${"x".repeat(1001)}`, ["query:cursor"]],
    ["limit=0&order=up", ["query:order", "query:limit"]],
  ])("%s", async (query, pointers) => {
    expect(pointersOf(await problemOf(await get(`entries?${query}`), "request.invalid"))).toEqual(pointers);
  });

  test("of the list of tenants and of one entry as well", async () => {
    const entry = await problemOf(await get("entries/0?payload=xml"), "request.invalid");
    expect(pointersOf(entry)).toEqual(["query:payload"]);
  });
});

describe("the head", () => {
  test("says how long the log is, how far its copies have come, and what waits", async () => {
    const own = await newDomain(tenant);
    await logOf(own).flush();
    const release = await stallCopies(own);
    const [receipt] = await append(event(), own);
    const answer = await get("head", own);
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    const genesis = await inLog(own, (log) => log.journal.identity()?.genesis);
    expect(await answer.json()).toEqual({
      domain_id: own,
      size: 2,
      entry_hash: receipt?.entry_hash,
      recorded_at: receipt?.recorded_at,
      genesis,
      copied_size: 1,
      oldest_unarchived_at: expect.any(String),
      first_hot_seq: 0,
      first_kept_seq: 0,
      indexed_size: expect.any(Number),
      archived_size: 0,
      signed_size: expect.any(Number),
      mirrored_size: expect.any(Number),
      witnesses: [],
      backlog_entries: 2,
      backlog_bytes: expect.any(Number),
      oldest_uncopied_at: receipt?.recorded_at,
      status: "running",
      stopped_reason: null,
    });
    await release();
    await logOf(own).flush();
    expect(await read("head", own)).toMatchObject({ copied_size: 2, oldest_uncopied_at: null });
  });

  test("of a stopped domain says so, and why", async () => {
    const own = await newDomain(tenant);
    await inLog(own, (log) => log.journal.stop("a test stopped it"));
    expect(await read("head", own)).toMatchObject({ status: "stopped", stopped_reason: "a test stopped it" });
    const answer = await call(at("entries", own), { key: tenant.key, body: event() });
    await problemOf(answer, "domain.stopped");
    expect(answer.headers.get("Retry-After")).toMatch(/^\d+$/);
  });
});
