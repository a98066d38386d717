/** Who is in entries, and what is private in them: for whoever may and says why, never without an entry. */
import { evictDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { canonicalJson } from "../../src/core/canonical.ts";
import { privateCommitment } from "../../src/core/commitment.ts";
import { AppError } from "../../src/core/errors.ts";
import { platformDomainId } from "../../src/core/ids.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { parsePayload } from "../../src/core/payload/payload.ts";
import { peopleOf } from "../../src/core/payload/people.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import type { Receipt } from "../../src/services/log/append.ts";
import {
  append,
  call,
  copiedRows,
  env,
  event,
  inLog,
  jurisdiction,
  logOf,
  newDomain,
  newTenant,
  stubOf,
  type TestTenant,
} from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { erasedFrom, pseudonymIn } from "../support/erased.ts";
import { pointersOf, problemOf } from "../support/problems.ts";
import { expectWholeLog } from "../support/verify.ts";

interface Value {
  pointer: string;
  subject: string | null;
  status: string;
  value: unknown;
  salt: string | null;
  commitment: string;
}
interface Entry {
  seq: number;
  id: string;
  payload: Record<string, unknown> & { action: string };
  people: Record<string, unknown>[];
  private: Value[];
}
interface Page {
  entries: Entry[];
  next_cursor: string | null;
  has_more: boolean;
}

let tenant: TestTenant;
let domainId: string;
let path: string;

beforeAll(async () => {
  tenant = await newTenant();
});

const REASON = "access request DSR-17";
const ask = (body: object, key = tenant.key) => call(`${path}/reveal`, { key, body: { reason: REASON, ...body } });
async function reveal(body: object, key?: string): Promise<Page> {
  const answer = await ask(body, key);
  expect(answer.status, await answer.clone().text()).toBe(200);
  return answer.json() as Promise<Page>;
}
async function post(...events: object[]): Promise<Receipt[]> {
  const answer = await call(path, { key: tenant.key, body: events });
  expect(answer.status, await answer.clone().text()).toBe(201);
  return ((await answer.json()) as { receipts: Receipt[] }).receipts;
}
async function freshDomain(settings: object = {}): Promise<void> {
  domainId = await newDomain(tenant, settings);
  path = `/v1/domains/${domainId}/audit/entries`;
}
const full = (n = 1) =>
  event({
    actor: { type: "user", id: `usr_${n}`, name: `Ana ${n}`, email: `ana${n}@example.org`, idp_claim_names: ["sub"] },
    context: { ip: "203.0.113.9" },
    reason: `because ${n}`,
    metadata: { note: { deep: [n, null] } },
  });

describe("a reveal", () => {
  beforeAll(async () => {
    await freshDomain();
    await post(full(1), full(2), event({ actor: { type: "service", id: "svc" }, reason: "nobody's" }));
  });

  test("shows who is in an entry and every private value as it was sent", async () => {
    const { entries } = await reveal({ seqs: [1] });
    const ref = await pseudonymIn(domainId, "usr_1");
    expect(entries).toHaveLength(1);
    expect(entries[0]?.people).toEqual([
      {
        ref,
        status: "revealed",
        identity_id_ref: "usr_1",
        email_claim: "ana1@example.org",
        source_ip: "203.0.113.9",
        idp_claim_names: ["sub"],
      },
    ]);
    const values = entries[0]?.private.map(({ pointer, subject, status, value }) => [pointer, subject, status, value]);
    expect(new Map(values?.map(([pointer, ...rest]) => [pointer, rest]))).toEqual(
      new Map<unknown, unknown>([
        ["/actor/name", [ref, "revealed", "Ana 1"]],
        ["/actor/email", [ref, "revealed", "ana1@example.org"]],
        ["/actor/idp_claim_names", [ref, "revealed", ["sub"]]],
        ["/context/ip", [ref, "revealed", "203.0.113.9"]],
        ["/reason", [ref, "revealed", "because 1"]],
        ["/metadata/note", [ref, "revealed", { deep: [1, null] }]],
      ]),
    );
  });

  test("gives each value with the salt that proves it against the commitment in the payload", async () => {
    const { entries } = await reveal({ from: 1, to: 3 });
    const values = entries.flatMap((entry) => entry.private.map((value) => ({ entry, value })));
    expect(values.length).toBeGreaterThan(12);
    for (const { entry, value } of values) {
      const place = { domain: domainId, entryId: entry.id, pointer: value.pointer };
      const salt = Uint8Array.from(Buffer.from(value.salt ?? "", "hex"));
      const computed = privateCommitment(sha256, salt, place, value.value as string);
      expect(Buffer.from(computed).toString("hex")).toBe(value.commitment);
      expect((entry.payload.private as Record<string, string>)[value.pointer]).toBe(value.commitment);
    }
    expect(new Set(values.map(({ value }) => value.salt)).size).toBe(values.length);
  });

  test("opens a value about nobody, and says that it is about nobody", async () => {
    const { entries } = await reveal({ seqs: [3] });
    expect(entries[0]?.people).toEqual([]);
    expect(entries[0]?.private).toMatchObject([
      { pointer: "/reason", subject: null, status: "revealed", value: "nobody's" },
    ]);
  });

  test("is itself an entry with the credential, the seqs and the count in clear, and the reason only sealed", async () => {
    const before = (await logOf(domainId).head()).size;
    await reveal({ seqs: [2, 1, 3, 1] });
    expect((await logOf(domainId).head()).size).toBe(before + 1);
    const { entries } = await reveal({ seqs: [before] });
    expect(entries[0]?.payload).toMatchObject({
      action: "audit.revealed",
      actor: { type: "service", id: tenant.keyId },
      metadata: { entries: 3, values: 13, people: 2, seqs: [[1, 3]] },
    });
    expect(JSON.stringify(entries[0]?.payload)).not.toContain("DSR-17");
    expect(entries[0]?.private).toMatchObject([{ pointer: "/reason", subject: null, value: REASON }]);
    await expectWholeLog(domainId);
  });

  test("of a person is among that person's own entries, and its reason is theirs", async () => {
    await reveal({ identity_id: "usr_2" });
    const { entries } = await reveal({ identity_id: "usr_2", order: "desc", limit: 1 });
    const ref = await pseudonymIn(domainId, "usr_2");
    expect(entries[0]?.payload).toMatchObject({
      action: "audit.revealed",
      subjects: [{ type: "person", ref, role: "revealed" }],
    });
    expect(entries[0]?.private).toMatchObject([{ pointer: "/reason", subject: ref, value: REASON }]);
  });

  test("of somebody whom the log does not know is empty, makes no entry and makes nobody known", async () => {
    const { size } = await logOf(domainId).head();
    expect(await reveal({ identity_id: "usr_unheard_of" })).toMatchObject({ entries: [], has_more: false });
    expect((await logOf(domainId).head()).size).toBe(size);
    expect((await inLog(domainId, (log) => log.person("usr_unheard_of"))).ok).toBe(true);
    const ref = await pseudonymIn(domainId, "usr_unheard_of");
    expect(await inLog(domainId, (log) => log.sealed.subjects([ref]))).toEqual([]);
  });

  test("goes on with a cursor to the entries that were there at its first page, and no further", async () => {
    const { size } = await logOf(domainId).head();
    const seen: number[] = [];
    let cursor: string | undefined;
    do {
      const page = await reveal({ limit: 2, ...(cursor ? { cursor } : {}) });
      seen.push(...page.entries.map(({ seq }) => seq));
      cursor = page.next_cursor ?? undefined;
    } while (cursor);
    expect(seen).toEqual(Array.from({ length: size }, (_, i) => i));
  });

  test("finds what was committed a moment ago, and gives the exact text that was hashed", async () => {
    const [receipt] = await post(full(7));
    const { entries } = await reveal({ identity_id: "usr_7", payload: "text" });
    expect(entries.map(({ seq }) => seq)).toEqual([receipt?.seq]);
    expect(canonicalJson(JSON.parse(entries[0]?.payload as unknown as string))).toBe(entries[0]?.payload);
  });

  test("plain reading shows none of it: neither the mapping nor values nor salts", async () => {
    const listed = await (await call(`${path}?consistency=latest`, { key: tenant.key })).text();
    const read = await (await call(`${path}/1`, { key: tenant.key })).text();
    for (const text of [listed, read]) {
      for (const secret of ["usr_1", "Ana 1", "example.org", "203.0.113.9", "identity_id_ref", "because"]) {
        expect(text).not.toContain(secret);
      }
    }
  });
});

describe("what a reveal refuses", () => {
  beforeAll(async () => {
    await freshDomain();
    await post(full(1));
  });

  test("a key that may read entries but not reveal them gets a 403 naming the permission, and no entry is made", async () => {
    const { key } = await storedKey(tenant.tenantId, ["entry.read", "entry.append"]);
    const problem = await problemOf(await ask({ seqs: [1] }, key), "auth.forbidden");
    expect(problem.detail).toBe("this needs the permission entry.reveal");
    expect((await logOf(domainId).head()).size).toBe(2);
  });

  test("the operator's secret reveals nothing, in a tenant's log or in the platform's: it could not say who has looked", async () => {
    const platform = platformDomainId(jurisdiction);
    for (const id of [domainId, platform]) {
      const path = `/v1/domains/${id}/audit/entries`;
      const body = { reason: "r", seqs: [1] };
      const problem = await problemOf(
        await call(`${path}/reveal`, { key: env.OPERATOR_SECRET, body }),
        "auth.forbidden",
      );
      expect(problem.detail).toBe("this needs the permission entry.reveal");
      // Nor does it write there what somebody would have to reveal.
      await problemOf(await call(path, { key: env.OPERATOR_SECRET, body: event() }), "auth.forbidden");
    }
    expect((await logOf(domainId).head()).size).toBe(2);
  });

  test.each<[string, object, string]>([
    ["no reason", { reason: undefined }, "/reason"],
    ["an empty reason", { reason: "" }, "/reason"],
    ["a reason of spaces", { reason: "   " }, "/reason"],
    ["too many seqs", { seqs: Array.from({ length: LIMITS.revealEntries + 1 }, (_, i) => i) }, "/seqs"],
    ["a page that is too long", { limit: LIMITS.revealEntries + 1 }, "/limit"],
    ["a person with a control character", { identity_id: "usr_\u009f1" }, "/identity_id"],
    ["seqs and a person", { seqs: [1], identity_id: "usr_1" }, "/identity_id"],
    ["seqs and a range", { seqs: [1], from: 0 }, "/from"],
    ["a range that ends before it begins", { from: 2, to: 1 }, "/from"],
    ["a cursor that is none", { cursor: "abc" }, "/cursor"],
    ["an unknown field", { everything: true }, "/everything"],
  ])("%s: 422, naming the field, and no entry is made", async (_, body, pointer) => {
    const problem = await problemOf(await ask(body), "request.invalid");
    expect(pointersOf(problem)).toEqual([pointer]);
    expect((await logOf(domainId).head()).size).toBe(2);
  });

  test("a cursor of one person does not go on with another, nor with everybody", async () => {
    await post(full(1), full(1), full(2), full(2));
    const { next_cursor: cursor } = await reveal({ identity_id: "usr_1", limit: 1 });
    await problemOf(await ask({ identity_id: "usr_2", limit: 1, cursor }), "request.invalid");
    await problemOf(await ask({ limit: 1, cursor }), "request.invalid");
    expect((await reveal({ identity_id: "usr_1", limit: 1, cursor })).entries).toHaveLength(1);
  });

  test("T3 when its entry cannot be written nothing is shown, whether or not it was written after all", async () => {
    for (const persisted of [false, true]) {
      const { size } = await logOf(domainId).head();
      await inLog(domainId, (log) => {
        const { journal } = log;
        const transaction = journal.transaction.bind(journal);
        vi.spyOn(journal, "transaction").mockImplementationOnce((run) => {
          if (persisted) transaction(run);
          throw new Error("the disk");
        });
      });
      const answer = await ask({ seqs: [1] });
      expect(answer.status).toBeGreaterThanOrEqual(500);
      expect(await answer.text()).not.toContain("Ana 1");
      expect((await logOf(domainId).head()).size).toBe(persisted ? size + 1 : size);
    }
  });
});

describe("S4-23 after an erasure", () => {
  let ref: string;
  let before: unknown[];
  const rowsOf = async () =>
    ((await (await call(`${path}?to=3&consistency=latest`, { key: tenant.key })).json()) as { entries: unknown[] })
      .entries;

  beforeAll(async () => {
    await freshDomain();
    await post(full(1), full(2), { ...full(1), on_behalf_of: { type: "user", id: "usr_2", name: "Bo" } });
    before = await rowsOf();
    ref = await erasedFrom(domainId, "usr_1");
  });

  test("S4-23 S4-24 the rows are still listed, byte for byte, with the pseudonym as it was", async () => {
    expect(await rowsOf()).toEqual(before);
    expect(JSON.stringify(before)).toContain(ref);
  });

  test("S4-23 a reveal shows identity_id_ref and every value about the erased person as null, and the others still", async () => {
    const { entries } = await reveal({ from: 1, to: 3 });
    const [first, second, third] = entries;
    expect(first?.people).toEqual([
      { ref, status: "erased", identity_id_ref: null, email_claim: null, source_ip: null, idp_claim_names: null },
    ]);
    for (const value of first?.private ?? []) {
      expect(value).toMatchObject({ subject: ref, status: "erased", value: null, salt: null });
      expect(value.commitment).toMatch(/^[0-9a-f]{64}$/);
    }
    expect(second?.people).toMatchObject([{ status: "revealed", identity_id_ref: "usr_2" }]);
    expect(third?.private.filter(({ status }) => status === "revealed")).toMatchObject([
      { pointer: "/on_behalf_of/name", value: "Bo" },
    ]);
  });

  test("S4-27 rows group by subject from the chain alone, erased or not, with nothing in the table that says who it is", async () => {
    await env.LEDGER_00.prepare("DELETE FROM audit_subject_pii WHERE domain_id = ?1").bind(domainId).run();
    const rows = await copiedRows(domainId);
    const groups = new Map<string, number[]>();
    for (const { seq, payload } of rows) {
      const parsed = parsePayload(payload);
      for (const person of parsed.ok ? peopleOf(parsed.payload) : []) {
        groups.set(person, [...(groups.get(person) ?? []), seq]);
      }
    }
    const other = await pseudonymIn(domainId, "usr_2");
    expect(groups.get(ref)?.filter((seq) => seq <= 3)).toEqual([1, 3]);
    expect(groups.get(other)?.filter((seq) => seq <= 3)).toEqual([2, 3]);
    await expectWholeLog(domainId);
  });

  test("a question by the erased person's identity id answers subject.erased", async () => {
    const { size } = await logOf(domainId).head();
    await problemOf(await ask({ identity_id: "usr_1" }), "subject.erased");
    expect((await logOf(domainId).head()).size).toBe(size);
  });

  test("a later entry about them keeps the pseudonym, stores nothing, and says so in its receipt", async () => {
    const [receipt] = await post(full(1));
    expect(receipt?.suppressed).toBe(true);
    expect(receipt?.dropped?.length).toBe(6);
    const { entries } = await reveal({ seqs: [receipt?.seq as number] });
    expect(entries[0]?.people).toMatchObject([{ ref, status: "erased" }]);
    expect(entries[0]?.private).toEqual([]);
  });

  test("a row that was read before the erasure began is not opened after it began", async () => {
    const answer = await inLog(domainId, async (log) => {
      const other = await log.person("usr_2");
      const pseudonym = other.ok ? other.value.pseudonym : "";
      const [row] = await log.stores.sealedRows.entriesOf(pseudonym, { fromSeq: 2, toSeq: 2, limit: 1 });
      const id = (await log.stores.ledger.rows({ fromSeq: 2, toSeq: 2, limit: 1 }))[0]?.id ?? "";
      const sealed = row?.sealed as Uint8Array;
      const call = { privates: [{ seq: 2, entryId: id, subject: pseudonym, sealed }], mappings: [], people: [] };
      const opening = log.openSealed(call);
      log.sealed.suppress(pseudonym, Date.now());
      return opening;
    });
    expect(answer).toMatchObject({ ok: true, value: { privates: [null], erased: [expect.any(String)] } });
  });
});

describe("what is lost or damaged", () => {
  beforeAll(async () => {
    await freshDomain();
    await post(full(1), full(2));
    await logOf(domainId).flush();
  });

  const statuses = (page: Page, i: number) => new Set(page.entries[i]?.private.map(({ status }) => status));

  test("a row that is gone or does not open is unreadable, and everything else is shown", async () => {
    const sql = (text: string) => env.LEDGER_00.prepare(text).bind(domainId).run();
    await sql("DELETE FROM audit_private_value WHERE domain_id = ?1 AND seq = 1");
    await sql("UPDATE audit_subject_pii SET email_claim = subject_plaintext WHERE domain_id = ?1 AND first_seq = 1");
    const page = await reveal({ from: 1, to: 2 });
    expect(statuses(page, 0)).toEqual(new Set(["unreadable"]));
    expect(page.entries[0]?.people).toMatchObject([
      { status: "unreadable", identity_id_ref: "usr_1", email_claim: null },
    ]);
    expect(statuses(page, 1)).toEqual(new Set(["revealed"]));
  });

  test("a page of keys that is gone makes its people unreadable, not the page of entries", async () => {
    await env.KEYS.list().then(({ objects }) =>
      Promise.all(objects.filter(({ key }) => key.includes(domainId)).map(({ key }) => env.KEYS.delete(key))),
    );
    await inLog(domainId, (_, state) => state.abort("evicted")).catch(() => {});
    const page = await reveal({ from: 1, to: 2 });
    expect(statuses(page, 1)).toEqual(new Set(["unreadable"]));
    expect(page.entries[1]?.people).toMatchObject([{ status: "unreadable", identity_id_ref: null }]);
  });
});

describe("while keys cannot be had", () => {
  beforeAll(async () => {
    await freshDomain();
    await post(full(1));
    await logOf(domainId).flush();
  });

  test.each(["keys.unavailable", "storage.unavailable"] as const)(
    "S3-41 a reveal answers %s, shows nothing and makes no entry; reading what is clear goes on",
    async (code) => {
      const { size } = await logOf(domainId).head();
      await evictDurableObject(stubOf(domainId));
      await inLog(domainId, (log) => {
        const refuse = () => Promise.reject(new AppError(code, { internal: "injected" }));
        log.stores = { ...log.stores, tenantKeys: new Proxy(log.stores.tenantKeys, { get: () => refuse }) };
      });
      const answer = await ask({ seqs: [1] });
      expect(answer.status).toBe(503);
      expect(JSON.stringify(await problemOf(answer, code))).not.toContain("Ana");
      expect((await logOf(domainId).head()).size).toBe(size);
      expect((await call(`${path}/1`, { key: tenant.key })).status).toBe(200);
    },
  );
});

test("entries with much in them come in several pages, and none is left out", async () => {
  await freshDomain();
  const note = "x".repeat(15_000);
  const big = event({ metadata: Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`k${i}`, note])) });
  for (let i = 0; i < 10; i++) await append(domainId, big);
  const first = await reveal({ from: 1 });
  expect(first.entries.length).toBeLessThan(10);
  expect(first.has_more).toBe(true);
  const rest = await reveal({ from: 1, cursor: first.next_cursor });
  expect([...first.entries, ...rest.entries].map(({ seq }) => seq)).toEqual(
    Array.from({ length: 10 }, (_, i) => i + 1),
  );
  const single = await reveal({ seqs: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] });
  expect(single).toMatchObject({ has_more: true, next_cursor: null });
});
