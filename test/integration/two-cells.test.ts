/** The gateway and both cells together: one story from the tenant to the verdict, and what must not cross. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { JURISDICTIONS, type Jurisdiction, platformDomainId } from "../../src/core/ids.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { verifyNote } from "../../src/crypto/verify.ts";
import { openApiDocument } from "../../src/http/openapi.ts";
import { RESIDENCY_LABEL } from "../../src/services/residency.ts";
import { ChainVerifier } from "../../src/verifier/chain.ts";
import { testBindings } from "../support/bindings.ts";
import { dumpDeployedCell } from "../support/deployed-dump.ts";
import { deployment } from "../support/deployment.ts";
import { problemOf, withoutInstance } from "../support/problems.ts";

const { server, cells, start, stop, ask } = deployment();
const other = (jurisdiction: Jurisdiction) => (jurisdiction === "eu" ? "us" : "eu");
const canaryOf = (jurisdiction: Jurisdiction) => `canary-of-${jurisdiction}-8c1e`;

interface Story {
  tenantId: string;
  tenantDomainId: string;
  key: string;
  domainId: string;
}
const stories = {} as Record<Jurisdiction, Story>;

async function begin(jurisdiction: Jurisdiction): Promise<Story> {
  const key = testBindings(jurisdiction).OPERATOR_SECRET;
  const made = await ask("/v1/tenants", { key, body: { name: canaryOf(jurisdiction), jurisdiction, tier: "pro" } });
  expect(made.status).toBe(201);
  const { tenant, api_key } = (await made.json()) as {
    tenant: { id: string; tenant_domain_id: string };
    api_key: { key: string };
  };
  const path = `/v1/tenants/${tenant.id}/domains`;
  const domain = await ask(path, { key: api_key.key, body: { name: canaryOf(jurisdiction) } });
  const { id: domainId } = (await domain.json()) as { id: string };
  return { tenantId: tenant.id, tenantDomainId: tenant.tenant_domain_id, key: api_key.key, domainId };
}

const event = (jurisdiction: Jurisdiction, i: number) => ({
  id: `${canaryOf(jurisdiction)}-${i}`,
  action: "invoice.exported",
  actor: { type: "user", id: `person-${canaryOf(jurisdiction)}`, name: `name-${canaryOf(jurisdiction)}` },
  targets: [{ type: "invoice", id: canaryOf(jurisdiction) }],
});
const append = (jurisdiction: Jurisdiction, from: number, count: number) => {
  const { domainId, key } = stories[jurisdiction];
  const body = Array.from({ length: count }, (_, i) => event(jurisdiction, from + i));
  return ask(`/v1/domains/${domainId}/audit/entries`, { key, body });
};

beforeAll(async () => {
  await start();
  for (const jurisdiction of JURISDICTIONS) stories[jurisdiction] = await begin(jurisdiction);
});
afterAll(() => stop());

describe.each(JURISDICTIONS)("in the %s", (jurisdiction) => {
  test("S0-22 a tenant and its domain carry the jurisdiction in every id", () => {
    for (const id of Object.values(stories[jurisdiction])) expect(id).toMatch(new RegExp(`^[a-z]{3}_${jurisdiction}_`));
  });

  test("events are appended, read, and verified here and by a stranger", async () => {
    const { domainId, key } = stories[jurisdiction];
    const appended = await append(jurisdiction, 0, 5);
    expect(appended.status).toBe(201);
    const { receipts } = (await appended.json()) as { receipts: { seq: number; entry_hash: string }[] };
    expect(receipts.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);

    const page = await ask(`/v1/domains/${domainId}/audit/entries?consistency=latest&payload=text`, { key });
    const { entries } = (await page.json()) as {
      entries: { seq: number; id: string; prev_hash: string; entry_hash: string; payload: string }[];
    };
    const stranger = new ChainVerifier(sha256, domainId);
    for (const { seq, id, prev_hash, entry_hash, payload } of entries) {
      stranger.feed({ seq, id, prevHash: prev_hash, entryHash: entry_hash, payload });
    }
    expect(stranger.finding).toBeNull();
    expect(stranger.position).toEqual({ seq: 6, prevHash: receipts.at(-1)?.entry_hash });

    const verdict = await ask(`/v1/domains/${domainId}/audit/verify`, { key });
    expect(await verdict.json()).toMatchObject({ verdict: "verified", entries: 6, first_bad_seq: null });
    const head = await ask(`/v1/domains/${domainId}/audit/head`, { key });
    expect(await head.json()).toMatchObject({ size: 6, entry_hash: receipts.at(-1)?.entry_hash, status: "running" });
  });

  test("S2-20 the log goes on where it was after its objects were evicted", async () => {
    const { domainId, tenantId, key } = stories[jurisdiction];
    for (let i = 0; i < 3; i++) {
      const before = (await (await ask(`/v1/domains/${domainId}/audit/head`, { key })).json()) as {
        entry_hash: string;
      };
      await cells[jurisdiction].evictDurableObject("DOMAIN_LOG", { name: domainId });
      const { receipts } = (await (await append(jurisdiction, 100 + i, 1)).json()) as {
        receipts: { prev_hash: string }[];
      };
      expect(receipts[0]?.prev_hash).toBe(before.entry_hash);
    }
    await cells[jurisdiction].evictDurableObject("TENANT_DESK", { name: tenantId });
    const body = { name: "after eviction" };
    expect((await ask(`/v1/tenants/${tenantId}/domains`, { key, body })).status).toBe(201);
    const verdict = await ask(`/v1/domains/${domainId}/audit/verify`, { key });
    expect(await verdict.json()).toMatchObject({ verdict: "verified" });
  });

  test("S0-23 S4-34 an id of the other jurisdiction with one's own key is a 404 at the gateway; at the cells it names nothing or opens nothing", async () => {
    const mine = stories[jurisdiction];
    const theirs = stories[other(jurisdiction)];
    const nothing = await withoutInstance(await ask("/v1/no-such-thing"));
    for (const address of [
      `/v1/domains/${theirs.domainId}`,
      `/v1/domains/${theirs.domainId}/audit/entries`,
      `/v1/domains/${theirs.domainId}/audit/verify`,
      `/v1/tenants/${theirs.tenantId}`,
    ]) {
      expect(await withoutInstance(await ask(address, { key: mine.key })), address).toEqual(nothing);
      // Straight to the cell, past the gateway, there is no such thing either.
      const direct = await cells[jurisdiction].fetch(`http://cell.test${address}`, {
        headers: { Authorization: `Bearer ${mine.key}` },
      });
      await problemOf(direct as unknown as Response, "resource.not_found");
      const foreign = await cells[other(jurisdiction)].fetch(`http://cell.test${address}`, {
        headers: { Authorization: `Bearer ${mine.key}` },
      });
      await problemOf(foreign as unknown as Response, "auth.required");
    }
  });

  test("cron wakes the domains, and what waited is copied", async () => {
    const { domainId, key } = stories[jurisdiction];
    expect(await cells[jurisdiction].scheduled({ cron: "*/5 * * * *" })).toMatchObject({ outcome: "ok" });
    const head = (await (await ask(`/v1/domains/${domainId}/audit/head`, { key })).json()) as Record<string, number>;
    expect(head.copied_size).toBe(head.size);
  });
});

describe("S3-40 what is stored", () => {
  test.each(JURISDICTIONS)("for the %s stands in no store of the other cell", async (jurisdiction) => {
    const story = stories[jurisdiction];
    const words = [canaryOf(jurisdiction), story.tenantId, story.domainId, platformDomainId(jurisdiction)];
    const here = await dumpDeployedCell(cells[jurisdiction], Object.values(story).slice(0, 4));
    const there = await dumpDeployedCell(cells[other(jurisdiction)], Object.values(stories[other(jurisdiction)]));
    for (const word of words) {
      expect(here.filter(({ text }) => text.includes(word)).length, `${word} here`).toBeGreaterThan(0);
      expect(
        there.filter(({ text }) => text.includes(word)),
        `${word} there`,
      ).toEqual([]);
    }
    for (const store of ["D1 CONTROL", "D1 LEDGER_00", "R2 KEYS", "object DOMAIN_LOG"]) {
      expect(
        there.some(({ place }) => place.startsWith(store)),
        store,
      ).toBe(true);
    }
  });
});

describe("what belongs to no cell", () => {
  test("S0-23 the gateway's environment is exactly its two service bindings", async () => {
    const gateway = server.getWorker("moonseal-gateway");
    expect(Object.keys(await gateway.getEnv()).sort()).toEqual(["CELL_EU", "CELL_US"]);
  });

  test("the API description is served, and is what the routes declare", async () => {
    expect(await (await ask("/openapi.json")).json()).toEqual(JSON.parse(JSON.stringify(openApiDocument())));
  });

  test("S0-24 the residency report of both cells is signed, and says that nothing is pinned here", async () => {
    const { cells: reports } = (await (await ask("/v1/residency")).json()) as {
      cells: { jurisdiction: Jurisdiction; signer: string; note: string; durable_objects: { observed: string } }[];
    };
    expect(reports.map(({ jurisdiction }) => jurisdiction)).toEqual(JURISDICTIONS);
    for (const { signer, note, ...report } of reports) {
      const verdict = verifyNote(note, signer);
      if (!verdict.ok) throw new Error(verdict.fault);
      const [label, json = ""] = verdict.note.text.split("\n");
      expect(label).toBe(RESIDENCY_LABEL);
      const { at: _, ...signed } = JSON.parse(json) as { at: string };
      expect(signed).toEqual(report);
      expect(signer).toMatch(new RegExp(`^log\\.test/${report.jurisdiction}\\+`));
      expect(report).toMatchObject({
        durable_objects: { observed: "unpinned local" },
        databases: { CONTROL: { observed: "unpinned local" }, LEDGER_00: { observed: "unpinned local" } },
        buckets: { LOG: { observed: "unpinned local" }, KEYS: { observed: "unpinned local" } },
      });
      expect(verifyNote(note.replace("unpinned local", "eu"), signer)).toEqual({ ok: false, fault: "signature_wrong" });
    }
    expect(verifyNote(reports[0]?.note ?? "", reports[1]?.signer ?? "")).toEqual({ ok: false, fault: "key_not_found" });
  });

  test("S3-37 S2-46 every answer has HSTS and no cookie, whoever gives it", async () => {
    const { domainId, key } = stories.eu;
    const own = `/v1/domains/${domainId}`;
    for (const [address, options] of [
      ["/", {}],
      ["/healthz", {}],
      ["/openapi.json", {}],
      ["/problems/internal", {}],
      ["/v1/residency", {}],
      ["/v1/none", {}],
      ["/v1/whoami", { key }],
      [own, {}],
      [own, { key }],
      [`${own}/audit/entries`, { key, body: "not an event" }],
      [`${own}/none`, { key }],
    ] as const) {
      const { headers } = await ask(address, options);
      expect(headers.get("Strict-Transport-Security"), address).toMatch(/^max-age=63072000;/);
      expect(headers.get("X-Content-Type-Options"), address).toBe("nosniff");
      expect(headers.get("Content-Security-Policy"), address).toContain("default-src 'none'");
      expect(headers.get("Set-Cookie"), address).toBeNull();
    }
  });
});
