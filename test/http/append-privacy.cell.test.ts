/** What of an event is stored where: people as pseudonyms, private values only sealed, what must not stand in clear refused. */
import { beforeAll, describe, expect, test } from "vitest";
import type { Receipt } from "../../src/services/log/append.ts";
import { alarmLater, call, env, event, logOf, newDomain, newTenant, stubOf, type TestTenant } from "../support/cell.ts";
import { dumpCell, placesWith, type StoredText } from "../support/dump.ts";
import { pointersOf, problemOf } from "../support/problems.ts";

const TWO_HOURS_MS = 7_200_000;
let tenant: TestTenant;
let domainId: string;
let path: string;

beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
  path = `/v1/domains/${domainId}/audit/entries`;
});

const post = (body: object) => call(path, { key: tenant.key, body });
const sizeOf = async () => (await logOf(domainId).head()).size;

describe("S0-29 S4-17 what looks like a card number, an e-mail address or a secret", () => {
  const CARD = "4111 1111 1111 1111";
  const EMAIL = "jo.canary@example.org";
  const SECRET = `mso_eu_${"a".repeat(43)}`;
  const clear = (value: unknown) => ({ metadata: { note: value }, clear_metadata: ["note"] });

  test.each<[string, object, string, string]>([
    ["a card number in clear metadata", clear(CARD), "/metadata/note", CARD],
    ["a card number as a number", clear(4111111111111111), "/metadata/note", "4111111111111111"],
    ["a card number deep inside", clear({ a: [{ b: CARD }] }), "/metadata/note/a/0/b", CARD],
    ["an e-mail address in clear metadata", clear(`to ${EMAIL}`), "/metadata/note", EMAIL],
    ["an e-mail address as a key", clear({ [EMAIL]: 1 }), "/metadata/note", EMAIL],
    ["an e-mail address as a target's id", { targets: [{ type: "mailbox", id: EMAIL }] }, "/targets/0/id", EMAIL],
    ["an e-mail address as a service's id", { actor: { type: "service", id: EMAIL } }, "/actor/id", EMAIL],
    ["an e-mail address in a changed path", { changes: [{ path: `/${EMAIL}` }] }, "/changes/0/path", EMAIL],
    ["a secret in clear metadata", clear(SECRET), "/metadata/note", SECRET],
    ["a secret as request id", { context: { request_id: SECRET } }, "/context/request_id", SECRET],
  ])("%s is refused by its place, without its value, and nothing is stored", async (_, fields, pointer, value) => {
    const before = await sizeOf();
    for (const [body, at] of [
      [event(fields), pointer],
      [[event(), event(fields)], `/1${pointer}`],
    ] as const) {
      const answer = await post(body);
      expect(answer.status).toBe(422);
      const problem = await problemOf(answer, "entry.refused");
      expect(pointersOf(problem)).toEqual([at]);
      if (!pointer.includes(value)) expect(JSON.stringify(problem)).not.toContain(value);
    }
    expect(await sizeOf()).toBe(before);
    expect(placesWith(await dumpCell(), value)).toEqual([]);
  });

  test("is accepted in a private field, where it is sealed", async () => {
    const { receipts } = (await (await post(event({ metadata: { note: EMAIL } }))).json()) as { receipts: Receipt[] };
    expect(receipts[0]).not.toHaveProperty("dropped");
    expect(placesWith(await dumpCell(), EMAIL)).toEqual([]);
  });
});

describe("S4-15 S4-36 canaries in every private and pseudonymous field", () => {
  const canary = (field: string) => `canary-${field}-5b1d`;
  const FULL = {
    id: "full-event",
    actor: {
      type: "support",
      id: canary("actor-id"),
      name: canary("actor-name"),
      email: canary("actor-email"),
      via: { type: "api_key", id: canary("via") },
    },
    on_behalf_of: {
      type: "person",
      id: canary("behalf-id"),
      name: canary("behalf-name"),
      email: canary("behalf-mail"),
    },
    targets: [
      { type: "user", id: canary("target-person"), name: canary("target-name") },
      { type: "invoice", id: "clear-target-id", name: canary("invoice-name") },
    ],
    subjects: [{ type: "patient", id: canary("subject-id"), role: "clear_role" }],
    reason: canary("reason"),
    changes: [{ path: "/clear/path", from: canary("from"), to: { deep: [canary("to")] } }],
    context: {
      ip: "203.0.113.77",
      user_agent: canary("agent"),
      location: { city: canary("city") },
      session: canary("session"),
      request_id: "clear-request-id",
    },
    metadata: { secretly: { a: canary("metadata") }, openly: "clear-metadata-value" },
    clear_metadata: ["openly"],
    caveats: ["tenant_id"],
  };
  const HIDDEN = JSON.stringify(FULL).match(/canary-[a-z-]+-5b1d/g) ?? [];
  const CLEAR = [
    "clear-target-id",
    "clear_role",
    "/clear/path",
    "clear-request-id",
    "clear-metadata-value",
    "tenant_id",
  ];
  let receipt: Receipt | undefined;
  let dump: StoredText[];

  beforeAll(async () => {
    const answer = (await (await post(event(FULL))).json()) as { receipts: Receipt[] };
    receipt = answer.receipts[0];
    const waiting = await dumpCell();
    await logOf(domainId).flush();
    await alarmLater(domainId, TWO_HOURS_MS);
    expect(await logOf(domainId).head()).toMatchObject({ archivedSize: await sizeOf(), copiedSize: await sizeOf() });
    dump = [...waiting, ...(await dumpCell())];
  });

  test("the search would find them: what is clear stands in the object, in D1 and in the archive", () => {
    expect(HIDDEN).toHaveLength(18);
    for (const value of CLEAR) {
      const places = placesWith(dump, value);
      for (const store of [`object ${stubOf(domainId).id}`, "D1 LEDGER_00.audit_log", `R2 LOG audit/${domainId}/`]) {
        expect(
          places.some((place) => place.startsWith(store)),
          `${value} in ${store}`,
        ).toBe(true);
      }
    }
  });

  test("S4-15 S4-16 are in no table, no archive object, no object's storage in clear: neither in a chain row nor beside it", () => {
    for (const value of [...HIDDEN, "203.0.113.77"]) expect(placesWith(dump, value), value).toEqual([]);
  });

  test("nothing of them was dropped: each stands in the payload as a commitment, and a reveal gives it back", async () => {
    expect(receipt).not.toHaveProperty("dropped");
    const body = { reason: "a test", seqs: [receipt?.seq] };
    const { entries } = (await (await call(`${path}/reveal`, { key: tenant.key, body })).json()) as {
      entries: { payload: { private: object }; private: { pointer: string; value: unknown }[] }[];
    };
    const values = new Map(entries[0]?.private.map(({ pointer, value }) => [pointer, value]));
    expect(new Set(values.keys())).toEqual(new Set(Object.keys(entries[0]?.payload.private ?? {})));
    expect(new Set(values.keys())).toEqual(
      new Set([
        "/actor/name",
        "/actor/email",
        "/actor/via",
        "/on_behalf_of/name",
        "/on_behalf_of/email",
        "/targets/0/name",
        "/targets/1/name",
        "/reason",
        "/changes/0/from",
        "/changes/0/to",
        "/context/ip",
        "/context/user_agent",
        "/context/location",
        "/context/session",
        "/metadata/secretly",
      ]),
    );
    expect(values.get("/reason")).toBe(canary("reason"));
    expect(values.get("/changes/0/to")).toEqual({ deep: [canary("to")] });
    expect(values.get("/context/ip")).toBe("203.0.113.77");
  });

  test("S4-16 who somebody is stands only in the four sealed columns of audit_subject_pii, one row a person", async () => {
    const { results } = await env.LEDGER_00.prepare(
      "SELECT hex(pseudonym) AS pseudonym, hex(subject_plaintext) AS subject_plaintext, hex(email_claim) AS email_claim, hex(source_ip) AS source_ip, hex(idp_claim_names) AS idp_claim_names FROM audit_subject_pii WHERE domain_id = ?1",
    )
      .bind(domainId)
      .all<Record<string, string>>();
    // The four of FULL, and the user of the other events.
    expect(results).toHaveLength(5);
    // The header of a sealed value: format 1, then the slot of that column (docs/keys.md).
    for (const row of results) expect(row.subject_plaintext).toMatch(/^0101/);
    expect(results.filter(({ email_claim }) => email_claim?.startsWith("0102"))).toHaveLength(2);
    expect(results.filter(({ source_ip }) => source_ip?.startsWith("0103"))).toHaveLength(1);
    const columns = await env.LEDGER_00.prepare("SELECT name FROM pragma_table_info('audit_subject_pii')").all<{
      name: string;
    }>();
    expect(columns.results.map(({ name }) => name)).toEqual([
      "domain_id",
      "pseudonym",
      "first_seq",
      "subject_plaintext",
      "email_claim",
      "source_ip",
      "idp_claim_names",
    ]);
  });

  test("S4-25 people stand as 32-byte pseudonyms, the same one for the same person, another in another domain", async () => {
    const refsIn = async (domain: string, body: object) => {
      const entries = `/v1/domains/${domain}/audit/entries`;
      const answer = await call(entries, { key: tenant.key, body });
      const seq = ((await answer.json()) as { receipts: Receipt[] }).receipts[0]?.seq;
      const entry = (await (await call(`${entries}/${seq}`, { key: tenant.key })).json()) as {
        payload: Record<"actor" | "on_behalf_of", { ref: string }> & Record<"subjects" | "targets", { ref: string }[]>;
      };
      const { actor, on_behalf_of, subjects, targets } = entry.payload;
      return [actor.ref, on_behalf_of.ref, subjects[0]?.ref, targets[0]?.ref];
    };
    const { id: _, ...full } = event(FULL) as ReturnType<typeof event> & { id: string };
    const first = await refsIn(domainId, full);
    for (const ref of first) expect(ref).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(first).size).toBe(4);
    expect(await refsIn(domainId, full)).toEqual(first);
    const elsewhere = await refsIn(await newDomain(tenant), full);
    expect(new Set([...first, ...elsewhere]).size).toBe(8);
  });
});
