/** Every reader over entries that are hot, that were pruned from the queryable copy, and whose payloads are gone by policy. */
import { beforeAll, describe, expect, it } from "vitest";
import { verifyLog } from "../../src/cli/verify/verify-log.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { verifyBundle } from "../../src/verifier/bundle.ts";
import { ChainVerifier } from "../../src/verifier/chain.ts";
import {
  append,
  call,
  copiedRows,
  event,
  inLog,
  keeperOf,
  logOf,
  newDomain,
  newTenant,
  ORIGIN,
  type TestTenant,
  workerFetch,
} from "../support/cell.ts";
import { exported as madeExport, PLATFORM, trusted, verified } from "../support/exports.ts";
import { expireTo, pruneTo, settled } from "../support/pruned.ts";

const SIZE = 40;
const FIRST_HOT = 25;
const FIRST_KEPT = 8;

interface Answer {
  entries: { seq: number; id: string; payload: unknown }[];
  next_cursor: string | null;
  first_seq?: number;
  searchable_from?: number;
}

let tenant: TestTenant;
let domainId: string;
const path = (rest: string) => `/v1/domains/${domainId}/${rest}`;

async function get<T>(rest: string): Promise<T> {
  const answer = await call(path(rest), { key: tenant.key });
  expect(answer.status, await answer.clone().text()).toBe(200);
  return (await answer.json()) as T;
}

async function post<T>(rest: string, body: object): Promise<T> {
  const answer = await call(path(rest), { key: tenant.key, body });
  expect(answer.status, await answer.clone().text()).toBe(200);
  return (await answer.json()) as T;
}

/** Every page to the last. */
async function listed(query: string): Promise<{ entries: Answer["entries"]; firstSeqs: (number | undefined)[] }> {
  const entries: Answer["entries"] = [];
  const firstSeqs: (number | undefined)[] = [];
  let page = await get<Answer>(`audit/entries?payload=text&${query}`);
  for (;;) {
    entries.push(...page.entries);
    firstSeqs.push(page.first_seq);
    if (page.next_cursor === null) return { entries, firstSeqs };
    page = await get<Answer>(`audit/entries?payload=text&cursor=${page.next_cursor}`);
  }
}

async function queried(rest: string, asked: object): Promise<Answer["entries"]> {
  const entries: Answer["entries"] = [];
  let page = await post<Answer>(rest, asked);
  for (;;) {
    entries.push(...page.entries);
    if (page.next_cursor === null) return entries;
    page = await post<Answer>(rest, { ...asked, cursor: page.next_cursor });
  }
}

/** An export from beginning to end, which verifies; its files as text, which are stored as they are. */
async function exported(body: object): Promise<string> {
  const zip = await madeExport(tenant, domainId, body);
  expect(verified(zip).steps.filter(({ status }) => status === "failed")).toEqual([]);
  return new TextDecoder().decode(zip);
}

const seqsOf = (entries: { seq: number }[]) => entries.map(({ seq }) => seq);
const between = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** What a reader says, as text, so that it can be compared byte for byte. */
const READERS: Record<string, () => Promise<string>> = {
  "the list, oldest first": async () =>
    JSON.stringify((await listed(`from=${FIRST_KEPT}&to=${SIZE - 1}&limit=7`)).entries),
  "the list, newest first": async () =>
    JSON.stringify((await listed(`order=desc&from=${FIRST_KEPT}&to=${SIZE - 1}&limit=7`)).entries),
  "one entry by its seq": async () => JSON.stringify(await get("audit/entries/20?payload=text")),
  "one entry by an id that the log made": async () => {
    const { id } = await get<{ id: string }>("audit/entries/11");
    return JSON.stringify(await get(`audit/entries/${id}?payload=text`));
  },
  "the entries of a person": async () => {
    const asked = { identity_id: "usr_7", payload: "text", limit: 3, from: FIRST_KEPT, to: SIZE - 1 };
    const asc = await queried("audit/entries/search", { ...asked, order: "asc" });
    const desc = await queried("audit/entries/search", { ...asked, order: "desc" });
    expect(seqsOf(desc)).toEqual(seqsOf(asc).reverse());
    return JSON.stringify(asc);
  },
  "a query, in the order of seq": async () => {
    const found = await queried("audit/query", { q: "action:wanted.event", payload: "text", limit: 3 });
    return JSON.stringify(found.filter(({ seq }) => seq >= FIRST_KEPT).toSorted((a, b) => a.seq - b.seq));
  },
  "a reveal of a range": async () => {
    const body = { reason: "an audit of the archive", from: 18, to: 30, limit: 5 };
    const pages: { entries: object[]; next_cursor: string | null }[] = [];
    for (let next: object = {}; ; ) {
      const page = await post<{ entries: object[]; next_cursor: string | null }>("audit/entries/reveal", {
        ...body,
        ...next,
      });
      pages.push(page);
      if (page.next_cursor === null) break;
      next = { cursor: page.next_cursor };
    }
    return JSON.stringify(pages.flatMap(({ entries }) => entries));
  },
  "the tiles of the entries": async () => {
    const answer = await call(path("log/tile/entries/000.p/40"), { key: tenant.key });
    expect(answer.status).toBe(200);
    return Buffer.from(await answer.arrayBuffer()).toString("hex");
  },
};

const before = new Map<string, string>();

beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant, { segment_entries: 4 });
  const events = between(1, SIZE - 1).map((n) =>
    event({
      action: n % 3 === 0 ? "wanted.event" : "other.event",
      actor: { type: "user", id: `usr_${n % 2 === 0 ? 7 : 8}`, name: `Name ${n}` },
      ...(n === 12 ? { id: "client-12" } : {}),
      ...(n === 30 ? { id: "client-30" } : {}),
    }),
  );
  await append(domainId, events);
  await settled(domainId);
  await keeperOf(domainId).catchUp({ size: null, withinMs: 10_000 });
  for (const [name, read] of Object.entries(READERS)) before.set(name, await read());
  await pruneTo(domainId, FIRST_HOT);
}, 60_000);

describe("a log with a pruned beginning", () => {
  it("S4-2 has its rows in the archive alone, and says where each part begins", async () => {
    expect((await copiedRows(domainId))[0]?.seq).toBe(FIRST_HOT);
    expect(await get("audit/head")).toMatchObject({ first_hot_seq: FIRST_HOT, first_kept_seq: 0 });
  });

  for (const [name, read] of Object.entries(READERS)) {
    it(`S4-2 is read as before, byte for byte: ${name}`, async () => {
      expect(await read()).toBe(before.get(name));
    });
  }

  it("is listed whole, once each, in both orders, with pages over the border", async () => {
    await logOf(domainId).flush();
    const { size } = await logOf(domainId).head();
    for (const limit of [1, 3, 1000]) {
      if (limit === 1) expect(seqsOf((await listed("from=22&to=27&limit=1")).entries)).toEqual(between(22, 27));
      else {
        expect(seqsOf((await listed(`to=${size - 1}&limit=${limit}`)).entries)).toEqual(between(0, size - 1));
        const back = await listed(`order=desc&to=${size - 1}&limit=${limit}`);
        expect(seqsOf(back.entries)).toEqual(between(0, size - 1).reverse());
      }
    }
    expect((await listed(`from=${size + 5}`)).entries).toEqual([]);
    expect((await listed("from=3&to=6")).firstSeqs).toEqual([undefined]);
  });

  it("S0-15 every row that is read, wherever from, follows the one before by its hash", async () => {
    const { entries } = await listed("limit=1000");
    const { genesis } = await logOf(domainId).head();
    const verifier = new ChainVerifier(sha256, domainId, { seq: 0, prevHash: genesis });
    for (const { seq, id, prev_hash, entry_hash, payload } of entries as never as Record<string, string & number>[]) {
      verifier.feed({ seq, id, prevHash: prev_hash, entryHash: entry_hash, payload } as never);
    }
    expect(verifier.finding).toBeNull();
    expect(verifier.entries).toBeGreaterThan(SIZE);
  });

  it("is verified by the server over both parts", async () => {
    expect(await get("audit/verify")).toMatchObject({ verdict: "verified", from: 0, first_seq: 0 });
    expect(await get("audit/verify?from=10&to=30")).toMatchObject({ verdict: "verified", entries: 21 });
  });

  it("answers queries by the index first, then out of the archive, and says where the index begins", async () => {
    const asked = { q: "action:wanted.event", limit: 100 };
    const page = await post<Answer>("audit/query", asked);
    const wanted = between(1, SIZE - 1).filter((n) => n % 3 === 0);
    expect(page.searchable_from).toBe(FIRST_HOT);
    expect(seqsOf(page.entries)).toEqual(wanted.filter((seq) => seq >= FIRST_HOT).reverse());
    expect(seqsOf(await queried("audit/query", asked))).toEqual([...wanted].reverse());
    const skipped = await post<Answer>("audit/query", { ...asked, archived: "skip" });
    expect(skipped).toMatchObject({ next_cursor: null, searchable_from: FIRST_HOT });
    const tenantWide = `/v1/tenants/${tenant.tenantId}/audit/query`;
    const all = await call(tenantWide, { key: tenant.key, body: { ...asked, domain_ids: [domainId] } });
    const first = (await all.json()) as Answer;
    const rest = await call(tenantWide, {
      key: tenant.key,
      body: { ...asked, domain_ids: [domainId], cursor: first.next_cursor },
    });
    expect(seqsOf([...first.entries, ...((await rest.json()) as Answer).entries])).toEqual([...wanted].reverse());
  });

  it("is not counted as exact, nor its facets as complete, while entries are in the archive alone", async () => {
    const wanted = between(FIRST_HOT, SIZE - 1).filter((n) => n % 3 === 0);
    const count = await post<object>("audit/query/count", { q: "action:wanted.event" });
    expect(count).toMatchObject({ count: wanted.length, exact: false, searchable_from: FIRST_HOT });
    expect(await post<object>("audit/query/facets", {})).toMatchObject({ complete: false, searchable_from: FIRST_HOT });
  });

  it("gives evidence, for one entry and for many, of entries in the archive", async () => {
    const one = await call(path("audit/entries/9/evidence"), { key: tenant.key });
    expect(one.status).toBe(200);
    expect(await one.text()).toMatch(/^c2sp\.org\/tlog-proof@v1\n/);
    const many = await call(path("audit/evidence"), { key: tenant.key, body: { selection: [5, 24, 25, 39] } });
    expect(many.status, await many.clone().text()).toBe(200);
  });

  it("finds a client's id as long as its row is hot; sent again after that, it is a new entry", async () => {
    expect(await get("audit/entries/client-30")).toMatchObject({ seq: 30 });
    expect((await call(path("audit/entries/client-12"), { key: tenant.key })).status).toBe(404);
    expect(await get("audit/entries/12")).toMatchObject({ id: "client-12" });
  });
});

describe("exports of a log with a pruned beginning", () => {
  it("a bundle over both parts verifies", async () => {
    const answer = await call(path("audit/bundle?from=3&to=30"), { key: tenant.key });
    expect(answer.status).toBe(200);
    const report = verifyBundle(new Uint8Array(await answer.arrayBuffer()), trusted(), PLATFORM);
    expect(report.steps.filter(({ status }) => status === "failed")).toEqual([]);
    expect(report.bundle?.manifest.content).toEqual({ kind: "range", from: 3, to: 30 });
  });

  it("an export with private values holds those of archived entries too", async () => {
    const names = await exported({
      from: FIRST_KEPT,
      to: 30,
      formats: ["json", "csv"],
      include_private: { reason: "an audit of the archive" },
    });
    expect(names).toContain("Name 9");
    expect(names).toContain("Name 30");
  });

  it("a live connection replays from the archive on", async () => {
    const headers = { Authorization: `Bearer ${tenant.key}`, Accept: "text/event-stream" };
    const answer = await workerFetch(`${ORIGIN}${path("audit/tail?from=4&payload=text")}`, { headers });
    const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
    let text = "";
    while (!text.includes(`id: ${FIRST_HOT + 1}\n`)) {
      const { value, done } = await reader.read();
      if (done) break;
      text += new TextDecoder().decode(value);
    }
    await reader.cancel();
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    expect(ids.slice(0, FIRST_HOT)).toEqual(between(3, FIRST_HOT + 2));
  });

  it("the id of a pruned entry, sent again, makes a new entry: ids are unique as long as their rows are hot", async () => {
    // The object remembers ids for 90 days and D1 as long as the row is hot: here the first is made to forget.
    const again = event({ id: "client-12", action: "other.event" });
    const remembered = await call(path("audit/entries"), { key: tenant.key, body: again });
    expect(remembered.status).toBe(409);
    await inLog(domainId, (log) => log.journal.forget(Date.now() + 200 * 86_400_000));
    const { receipts } = await append(domainId, again);
    expect(receipts[0]).toMatchObject({ id: "client-12" });
    expect(receipts[0]?.seq).toBeGreaterThan(SIZE);
    expect(await get("audit/entries/client-12")).toMatchObject({ seq: receipts[0]?.seq });
    expect(await get("audit/entries/12")).toMatchObject({ seq: 12, id: "client-12" });
  });
});

describe("a log whose oldest payloads are gone by policy", () => {
  beforeAll(async () => {
    await expireTo(domainId, FIRST_KEPT);
    await settled(domainId);
  }, 60_000);

  for (const [name, read] of Object.entries(READERS)) {
    if (name.startsWith("a query")) continue;
    it(`S4-2 what is kept is read as before, byte for byte: ${name}`, async () => {
      expect(await read()).toBe(before.get(name));
    });
  }

  it("lists begin at the first entry that is kept, and say so", async () => {
    await logOf(domainId).flush();
    const { size } = await logOf(domainId).head();
    const { entries, firstSeqs } = await listed(`to=${size - 1}&limit=1000`);
    expect(seqsOf(entries)).toEqual(between(FIRST_KEPT, size - 1));
    expect(firstSeqs[0]).toBe(FIRST_KEPT);
    const back = await listed("order=desc&to=20&limit=1000");
    expect(seqsOf(back.entries)).toEqual(between(FIRST_KEPT, 20).reverse());
    expect(back.firstSeqs.at(-1)).toBe(FIRST_KEPT);
    expect(await listed("from=1&to=5")).toEqual({ entries: [], firstSeqs: [FIRST_KEPT] });
    expect(await get("audit/head")).toMatchObject({ first_hot_seq: FIRST_HOT, first_kept_seq: FIRST_KEPT });
  });

  it("an entry that is gone is 410 entry.expired to every reader of single entries, and names the first that is left", async () => {
    const { id } = await (async () => ({ id: "00000000-0000-8000-8000-000000000003" }))();
    const refused = [
      await call(path("audit/entries/3"), { key: tenant.key }),
      await call(path(`audit/entries/${id}`), { key: tenant.key }),
      await call(path("audit/entries/3/evidence"), { key: tenant.key }),
      await call(path("audit/evidence"), { key: tenant.key, body: { selection: [3, 30] } }),
      await call(path("audit/evidence"), { key: tenant.key, body: { range: { from: 3, to: 30 } } }),
      await call(path("audit/entries/reveal"), { key: tenant.key, body: { reason: "an audit", seqs: [3] } }),
      await call(path("audit/bundle?from=1&to=5"), { key: tenant.key }),
      await call(path("audit/tail?from=3"), { key: tenant.key, headers: { Accept: "text/event-stream" } }),
    ];
    for (const answer of refused) {
      const problem = (await answer.json()) as { code: string; detail: string };
      expect([answer.url, answer.status, problem.code]).toEqual([answer.url, 410, "entry.expired"]);
      expect(problem.detail).toContain(`is ${FIRST_KEPT}`);
    }
  });

  it("a bundle from before begins with what is kept, and proves by the log's own entry why", async () => {
    await keeperOf(domainId).catchUp({ size: null, withinMs: 10_000 });
    const bundle = await call(path("audit/bundle?from=0&to=30"), { key: tenant.key });
    expect(bundle.status).toBe(200);
    const bytes = new Uint8Array(await bundle.arrayBuffer());
    const report = verifyBundle(bytes, trusted(), PLATFORM);
    expect(report.steps.filter(({ status }) => status === "failed")).toEqual([]);
    expect(report.bundle?.manifest.content).toEqual({ kind: "range", from: FIRST_KEPT, to: 30 });
    const step = report.steps.find(({ step }) => step === "expired");
    expect(step?.detail).toContain(`entries 0 to ${FIRST_KEPT - 1}`);
    expect(new TextDecoder().decode(bytes)).toContain(`What the entries before ${FIRST_KEPT} said is gone`);
  });

  it("an export from before begins with what is kept, and says so", async () => {
    const text = await exported({ from: 0, to: 30, formats: ["json"] });
    expect(text).toContain("It was asked for from entry 0 on");
    expect(text).toContain(`What the entries before ${FIRST_KEPT} said is gone`);
    const gone = await call(path("exports"), { key: tenant.key, body: { from: 0, to: 5, formats: ["json"] } });
    expect([gone.status, ((await gone.json()) as { code: string }).code]).toEqual([410, "entry.expired"]);
  });

  it("is verified by the server, which says what it could not recompute", async () => {
    const answer = await get<{ not_checked: string[] }>("audit/verify");
    expect(answer).toMatchObject({ verdict: "verified", from: 0, first_seq: FIRST_KEPT });
    expect(answer.not_checked.join()).toContain(`entries 0 to ${FIRST_KEPT - 1}`);
  });

  it("S4-2 is verified by the command line, which finds the claim in the log and the hashes of what is gone in its tiles", async () => {
    await settled(domainId);
    const fetchTile = async (at: string) => {
      const answer = await call(path(`log/${at}`), { key: tenant.key });
      return answer.status === 200 ? new Uint8Array(await answer.arrayBuffer()) : null;
    };
    const query = (asked: object) =>
      new URLSearchParams(Object.entries(asked).map(([name, value]) => [name, `${value}`])).toString();
    const client = {
      head: () => get("audit/head"),
      entries: (_: string, asked: object) => get(`audit/entries?${query(asked)}`),
    } as unknown as Parameters<typeof verifyLog>[0];
    const request = {
      ...{ domainId, full: true, remembered: null, policy: trusted(), policyNamed: true, fetchTile },
      checkpoint: async () => (await call(path("log/checkpoint"), { key: tenant.key })).text(),
    };
    const report = await verifyLog(client, sha256, request, new AbortController().signal);
    expect(report.finding).toBeNull();
    expect(report).toMatchObject({ verdict: "verified", first: FIRST_KEPT, headProved: true });
    expect(report.gone).toMatchObject({ from: 0, through: FIRST_KEPT - 1, underRoot: true });
    expect(report.checkpoint.steps.find(({ step }) => step === "root")).toMatchObject({ status: "ok" });
  });

  it("queries find what is kept, and counts are not exact while some of it is archived", async () => {
    const wanted = between(FIRST_KEPT, SIZE - 1).filter((n) => n % 3 === 0);
    expect(seqsOf(await queried("audit/query", { q: "action:wanted.event" }))).toEqual([...wanted].reverse());
  });
});
