/** S1-3: who read what of a domain stands in the tenant's own log before the answer leaves, and people stand there as pseudonyms. */
import { beforeAll, describe, expect, test } from "vitest";
import { decodeCursor, encodeCursor } from "../../src/http/cursor.ts";
import type { AppendCall } from "../../src/services/log/calls.ts";
import { append, call, env, event, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { storedKey } from "../support/credentials.ts";
import { FAULT_FORMS, type FaultForm } from "../support/faults.ts";
import { bearer, freshWorker } from "../support/fresh-worker.ts";
import { problemOf } from "../support/problems.ts";

interface Page {
  entries: object[];
  next_cursor: string | null;
}

const DAY = (day: number) => `2026-11-${String(day).padStart(2, "0")}T09:00:00.000Z`;
const path = (domainId: string) => `/v1/domains/${domainId}/audit/query`;
async function answer<T>(asked: Promise<Response>): Promise<T> {
  const response = await asked;
  expect(response.status, await response.clone().text()).toBe(200);
  return response.json() as Promise<T>;
}

describe("S1-3 reading is itself an entry of the tenant's own log", () => {
  interface ReadEntry {
    seq: number;
    payload: { action: string; actor: object; targets: object[]; metadata: Record<string, unknown> };
  }
  const reads = async (of: TestTenant) => {
    const body = { q: "action:audit.read", order: "asc", consistency: "latest" };
    const asked = call(path(of.tenantDomainId), { key: of.key, body });
    return (await answer<{ entries: ReadEntry[] }>(asked)).entries.map(({ payload }) => payload);
  };
  let own: TestTenant;
  let log: string;
  const get = (rest: string) => call(`/v1/domains/${log}/audit/entries${rest}`, { key: own.key });
  const post = (rest: string, body: object) => call(`/v1/domains/${log}/audit/${rest}`, { key: own.key, body });

  beforeAll(async () => {
    own = await newTenant("Reader");
    log = await newDomain(own);
    await append(
      log,
      [1, 2, 3, 4].map((day) => event({ occurred_at: DAY(day) })),
    );
  });

  test.each<[string, () => Promise<Response>, object]>([
    ["a list", () => get("?from=1&to=2"), { read: "list", order: "asc", from: 1, to: 2 }],
    ["one entry", () => get("/1"), { read: "entry", seq: 1 }],
    [
      "a query",
      () => post("query", { q: "-outcome:success action:iam.*" }),
      { read: "query", order: "desc", filter: "action:iam.* is:failed" },
    ],
    [
      "a count",
      () => post("query/count", { q: "on:2026-11-01" }),
      { read: "count", filter: "after:2026-11-01T00:00:00.000Z before:2026-11-02T00:00:00.000Z" },
    ],
    ["facets", () => post("query/facets", {}), { read: "facets", filter: "" }],
  ])("%s: one entry with who, what domain and what was asked", async (_, read, metadata) => {
    const before = (await reads(own)).length;
    await answer(read());
    const after = await reads(own);
    expect(after).toHaveLength(before + 1);
    expect(after.at(-1)).toMatchObject({
      action: "audit.read",
      actor: { type: "service", id: own.keyId },
      targets: [{ type: "domain", id: log }],
      metadata,
    });
  });

  test("people stand in it as pseudonyms, whatever they were asked for by", async () => {
    await answer(post("query", { q: "actor:usr_42 subject:usr_42 target:user:usr_42" }));
    await answer(post("entries/search", { identity_id: "usr_42" }));
    const told = JSON.stringify(await reads(own));
    expect(told).not.toContain("usr_42");
    expect(told).toMatch(/actor:@[0-9a-f]{64} target:@[0-9a-f]{64} subject:@[0-9a-f]{64}/);
  });

  test("words, and what may not stand in clear, are private values of it", async () => {
    await answer(post("query", { q: 'action:iam.* "Zoraida Quintanilla"' }));
    const named = (await reads(own)).at(-1);
    expect(named).toMatchObject({
      metadata: { read: "query", filter: "action:iam.*" },
      private: { "/metadata/words": expect.any(String) },
    });
    expect(JSON.stringify(named).toLowerCase()).not.toContain("zoraida");
    await answer(post("query", { q: 'target:mailbox:"ana@example.org"' }));
    const told = (await reads(own)).at(-1);
    expect(told).toMatchObject({ metadata: { read: "query" }, private: { "/metadata/filter": expect.any(String) } });
    expect(JSON.stringify(told)).not.toContain("example.org");
  });

  test("pages behind the first are no entries of their own; a cursor that somebody made up is", async () => {
    const counted = async (read: () => Promise<unknown>) => {
      const before = (await reads(own)).length;
      await read();
      return (await reads(own)).length - before;
    };
    let listed = "";
    let queried = "";
    expect(
      await counted(async () => {
        listed = (await answer<Page>(get("?limit=1"))).next_cursor as string;
        queried = (await answer<Page>(post("query", { limit: 1 }))).next_cursor as string;
      }),
    ).toBe(2);
    const turn = async (list: string, q: string) => {
      await answer(get(`?limit=1&cursor=${list}`));
      await answer(post("query", { limit: 1, cursor: q }));
    };
    expect(await counted(() => turn(listed, queried))).toBe(0);
    const forged = (kind: string, cursor: string) => {
      const state = decodeCursor(cursor, kind, log, (known) => known as Record<string, unknown>);
      return encodeCursor(kind, log, {
        ...state,
        mark: String(state.mark).replace(/.$/, (x) => (x === "0" ? "1" : "0")),
      });
    };
    expect(await counted(() => turn(forged("entries", listed), forged("query", queried)))).toBe(2);
    // Another reader with the same cursor is another read.
    const { key } = await storedKey(own.tenantId, ["entry.read"]);
    expect(await counted(() => call(`/v1/domains/${log}/audit/entries?limit=1&cursor=${listed}`, { key }))).toBe(1);
  });

  test("a tenant-wide query is one entry that names every domain", async () => {
    const second = await newDomain(own);
    const before = (await reads(own)).length;
    await answer(call(`/v1/tenants/${own.tenantId}/audit/query`, { key: own.key, body: { q: "is:failed" } }));
    const after = await reads(own);
    expect(after).toHaveLength(before + 1);
    expect(after.at(-1)?.targets).toEqual(
      expect.arrayContaining([
        { type: "domain", id: log },
        { type: "domain", id: second },
      ]),
    );
  });

  test("never recursive: reading the tenant's own log is none; refused reads are none", async () => {
    const before = (await reads(own)).length;
    await answer(call(`/v1/domains/${own.tenantDomainId}/audit/entries`, { key: own.key }));
    await answer(call("/admin/compliance/audit", { key: own.key }));
    await problemOf(await get("/no-such-entry"), "resource.not_found");
    await problemOf(await post("query", { q: "colour:red" }), "request.invalid");
    expect(await reads(own)).toHaveLength(before);
  });

  describe.each(FAULT_FORMS)("while the tenant's log cannot take the entry (%s)", (form) => {
    test("nothing leaves: neither a list, nor an entry, nor what a query found", async () => {
      const before = (await reads(own)).length;
      const asked = freshWorker({ DOMAIN_LOG: withoutAppends(own.tenantDomainId, form) });
      const answers = [
        await asked(`/v1/domains/${log}/audit/entries`, bearer(own.key)),
        await asked(`/v1/domains/${log}/audit/entries/1`, bearer(own.key)),
        await asked(path(log), {
          method: "POST",
          body: "{}",
          headers: { ...bearer(own.key).headers, "Content-Type": "application/json" },
        }),
      ];
      for (const refused of answers) {
        expect(refused.status).toBeGreaterThanOrEqual(500);
        expect(await refused.text()).not.toContain("invoice.exported");
      }
      // In doubt there is an entry too many, and never one too few.
      expect((await reads(own)).length - before).toBe(form === "lost" ? 0 : answers.length);
    });
  });

  test("people of a tenant-wide query stand there as a domain knows them that the entry names", async () => {
    const other = await newTenant("Reader of two");
    const quiet = await newDomain(other);
    const named = await newDomain(other);
    await env.CONTROL.prepare("UPDATE domain SET settings = ? WHERE id = ?")
      .bind('{"record_reads":false}', quiet)
      .run();
    const body = { q: "subject:usr_42" };
    await answer(call(`/v1/domains/${named}/audit/query`, { key: other.key, body }));
    await answer(call(`/v1/tenants/${other.tenantId}/audit/query`, { key: other.key, body }));
    const [alone, together] = await reads(other);
    expect(together?.targets).toEqual([{ type: "domain", id: named }]);
    expect(together?.metadata.filter).toMatch(/^subject:@[0-9a-f]{64}$/);
    expect(together?.metadata.filter).toBe(alone?.metadata.filter);
  });

  test("a domain can switch it off", async () => {
    const quiet = await newDomain(own);
    await env.CONTROL.prepare(
      "UPDATE domain SET settings = json_set(coalesce(settings, '{}'), '$.record_reads', json('false')) WHERE id = ?",
    )
      .bind(quiet)
      .run();
    const before = (await reads(own)).length;
    await answer(call(`/v1/domains/${quiet}/audit/entries`, { key: own.key }));
    expect(await reads(own)).toHaveLength(before);
  });
});

/** The logs of this cell, of which one takes no entries, or takes them without an answer. */
function withoutAppends(name: string, form: FaultForm): typeof env.DOMAIN_LOG {
  const lost = () => Promise.reject(new Error(`injected: ${form}`));
  return new Proxy(env.DOMAIN_LOG, {
    get(namespace, member) {
      if (member !== "getByName") return Reflect.get(namespace, member);
      return (asked: string) => {
        const stub = namespace.getByName(asked);
        if (asked !== name) return stub;
        return new Proxy(stub, {
          get(target, method) {
            if (method !== "append") return Reflect.get(target, method);
            return async (call: AppendCall) => {
              if (form === "answer_lost") await target.append(call);
              return lost();
            };
          },
        });
      };
    },
  });
}
