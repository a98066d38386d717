/** S4-17, S0-29: what is refused, replaced or taken in clear fields by each setting of a domain, and what is stored of it. */
import { beforeAll, describe, expect, test } from "vitest";
import type { PersonalDataGuard } from "../../src/core/domain-settings.ts";
import type { Receipt } from "../../src/services/log/append.ts";
import { append, call, env, event, logOf, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { dumpCell, placesWith } from "../support/dump.ts";
import { pointersOf, problemOf } from "../support/problems.ts";

let tenant: TestTenant;
beforeAll(async () => {
  tenant = await newTenant();
});

/** A domain with the setting, written before any Worker reads it: it remembers settings for ten seconds. */
async function guarded(mode: PersonalDataGuard): Promise<string> {
  const domainId = await newDomain(tenant);
  const settings = JSON.stringify({ personal_data_guard: mode });
  await env.CONTROL.prepare("UPDATE domain SET settings = ? WHERE id = ?").bind(settings, domainId).run();
  return domainId;
}

const post = (domainId: string, body: object, query = "", headers: Record<string, string> = {}) =>
  call(`/v1/domains/${domainId}/audit/entries${query}`, { key: tenant.key, body, headers });
const receiptsOf = async (answer: Response) => ((await answer.json()) as { receipts: Receipt[] }).receipts;
const payloadsOf = async (domainId: string, from = 1) => {
  const rows = await logOf(domainId).waiting(from, 100);
  return rows.map(({ payload }) => JSON.parse(payload) as { metadata?: object; request_id?: string });
};
const clear = (value: unknown) => ({ metadata: { note: value }, clear_metadata: ["note"] });

/** Modes that store nothing of them come first: a dump is of the whole cell. */
const PERSONAL: [kind: string, value: string, redacted: string][] = [
  ["an e-mail address", "jo.canary@example.org", "email"],
  ["a telephone number", "+44 20 7946 0123", "phone"],
  ["an IP address", "203.0.113.199", "ip"],
  ["an IPv6 address", "2001:db8::cafe:199", "ip"],
  ["an IBAN", "GB29NWBK60161331926819", "iban"],
  ["a national identification number", "219-09-9999", "national_id"],
];
const ALWAYS: [kind: string, value: string][] = [
  ["a card number", "4111 1111 1111 1111"],
  ["a secret", `mso_eu_${"a".repeat(43)}`],
];

describe("refuse, which is what holds where nothing is set", () => {
  let domainId: string;
  beforeAll(async () => {
    domainId = await newDomain(tenant);
  });

  test.each([...PERSONAL, ...ALWAYS].map(([kind, value]) => [kind, value] as const))(
    "S4-17 %s is a 422 with its place and kind, never its value, and nothing is stored",
    async (kind, value) => {
      const { size } = await logOf(domainId).head();
      for (const [fields, pointer] of [
        [clear({ deep: [`see ${value} there`] }), "/metadata/note/deep/0"],
        [{ targets: [{ type: "thing", id: value }] }, "/targets/0/id"],
        [{ context: { request_id: value } }, "/context/request_id"],
      ] as const) {
        const answer = await post(domainId, [event(), event(fields)]);
        expect(answer.status).toBe(422);
        const problem = await problemOf(answer, "entry.refused");
        expect(pointersOf(problem)).toEqual([`/1${pointer}`]);
        const text = JSON.stringify(problem);
        expect(text).toContain(kind.replace("IPv6", "IP"));
        expect(text).not.toContain(value);
      }
      expect((await logOf(domainId).head()).size).toBe(size);
      expect(placesWith(await dumpCell(), value)).toEqual([]);
    },
  );

  test("in partial mode the others are stored, and the result names the place", async () => {
    const answer = await post(domainId, [event(clear("203.0.113.199")), event(clear("fine"))], "?mode=partial");
    expect(answer.status).toBe(207);
    const { results } = (await answer.json()) as { results: { status: string; errors?: { pointer: string }[] }[] };
    expect(results.map(({ status }) => status)).toEqual(["refused", "stored"]);
    expect(JSON.stringify(results)).toContain("/metadata/note");
    expect(JSON.stringify(results)).not.toContain("203.0.113.199");
  });
});

describe("redact", () => {
  let domainId: string;
  beforeAll(async () => {
    domainId = await guarded("redact");
  });

  test.each(PERSONAL)(
    "%s in clear metadata and in the request id is replaced, the receipt names both, and it is stored nowhere",
    async (_kind, value, redacted) => {
      const { size } = await logOf(domainId).head();
      const fields = { ...clear({ deep: [value, "fine"] }), context: { request_id: value } };
      const answer = await post(domainId, event(fields));
      expect(answer.status).toBe(201);
      const [receipt] = await receiptsOf(answer);
      expect([...(receipt?.redacted ?? [])].sort()).toEqual(["/context/request_id", "/metadata/note/deep/0"]);
      const [payload] = await payloadsOf(domainId, size);
      expect(payload?.metadata).toEqual({ note: { deep: [`[redacted:${redacted}]`, "fine"] } });
      expect(payload?.request_id).toBe(`[redacted:${redacted}]`);
      expect(placesWith(await dumpCell(), value)).toEqual([]);
    },
  );

  test("what cannot be replaced without meaning another thing refuses the event; so do card numbers and secrets anywhere", async () => {
    for (const fields of [
      { targets: [{ type: "mailbox", id: "jo.canary@example.org" }] },
      { actor: { type: "service", id: "203.0.113.199" } },
      { changes: [{ path: "/jo.canary@example.org" }] },
      clear({ "jo.canary@example.org": 1 }),
      ...ALWAYS.map(([, value]) => clear(value)),
    ]) {
      await problemOf(await post(domainId, event(fields)), "entry.refused");
    }
  });

  test("a retry, by id or by idempotency key, is answered with the first receipt, which names the places again", async () => {
    const body = event({ id: crypto.randomUUID(), ...clear("jo.canary@example.org") });
    for (const headers of [{}, { "Idempotency-Key": crypto.randomUUID() }] as Record<string, string>[]) {
      const [first] = await receiptsOf(await post(domainId, body, "", headers));
      const [again] = await receiptsOf(await post(domainId, body, "", headers));
      expect(again?.seq).toBe(first?.seq);
      expect([first?.redacted, again?.redacted]).toEqual([["/metadata/note"], ["/metadata/note"]]);
    }
  });

  test("line by line in a stream, too", async () => {
    const lines = [event(clear("jo.canary@example.org")), event(clear("fine"))].map((one) => JSON.stringify(one));
    const answer = await call(`/v1/domains/${domainId}/audit/entries?mode=partial`, {
      key: tenant.key,
      rawBody: lines.join("\n"),
      headers: { "Content-Type": "application/x-ndjson" },
    });
    const text = await answer.text();
    expect(text).toContain('"redacted":["/metadata/note"]');
    expect(placesWith(await dumpCell(), "jo.canary@example.org")).toEqual([]);
  });
});

describe("off", () => {
  let domainId: string;
  beforeAll(async () => {
    domainId = await guarded("off");
  });

  test.each(PERSONAL)("%s is taken as it is", async (_kind, value) => {
    const { size } = await logOf(domainId).head();
    const answer = await post(domainId, event(clear(value)));
    expect(answer.status).toBe(201);
    expect((await receiptsOf(answer))[0]).not.toHaveProperty("redacted");
    expect((await payloadsOf(domainId, size))[0]?.metadata).toEqual({ note: value });
  });

  test.each(ALWAYS)("S0-29 %s is refused all the same", async (_kind, value) => {
    const problem = await problemOf(await post(domainId, event(clear(value))), "entry.refused");
    expect(pointersOf(problem)).toEqual(["/metadata/note"]);
    expect(placesWith(await dumpCell(), value)).toEqual([]);
  });
});

describe("the object itself, whatever came past the door", () => {
  test.each([...ALWAYS, ["an e-mail address", "past.the.door@example.org"]])(
    "S0-29 refuses %s",
    async (_kind, value) => {
      const domainId = await newDomain(tenant);
      const { size } = await logOf(domainId).head();
      for (const personalData of [undefined, "refuse", "redact"] as const) {
        await expect(append(domainId, event(clear(value)), personalData ? { personalData } : {})).rejects.toMatchObject(
          {
            code: "entry.refused",
          },
        );
      }
      expect((await logOf(domainId).head()).size).toBe(size);
      if (value.includes("@")) await append(domainId, event(clear(value)), { personalData: "off" });
      else {
        await expect(append(domainId, event(clear(value)), { personalData: "off" })).rejects.toMatchObject({
          code: "entry.refused",
        });
      }
    },
  );
});
