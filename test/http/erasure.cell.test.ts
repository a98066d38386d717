import { evictDurableObject } from "cloudflare:test";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { AppError } from "../../src/core/errors.ts";
import { platformDomainId } from "../../src/core/ids.ts";
import {
  call,
  env,
  inLog,
  jurisdiction,
  logOf,
  newDomain,
  newTenant,
  stubOf,
  type TestTenant,
} from "../support/cell.ts";
import { dumpCell, placesWith } from "../support/dump.ts";
import { erase, eventAbout, expectGone, NO_TRACES, pseudonymIn, tracesOf } from "../support/erasure.ts";
import { placeHold, releaseHold } from "../support/holds.ts";
import { problemOf } from "../support/problems.ts";
import { entriesOf, evictDesk, openJobs, runDeskAlarm } from "../support/tenancy.ts";
import { expectWholeLog } from "../support/verify.ts";

interface Shown {
  erasure_id: string;
  domain_id: string;
  status: string;
  pseudonym: string;
  correlation_id: string;
  known: boolean;
  entry: { seq: number } | null;
  certificate_url: string | null;
}

const eraseOver = (domainId: string, key: string, body: object) =>
  call(`/v1/domains/${domainId}/audit/erase-identity`, { key, body });
const eraseEverywhere = (tenant: TestTenant, body: object) =>
  call(`/v1/tenants/${tenant.tenantId}/audit/erase-identity`, { key: tenant.key, body });
const appendTo = async (domainId: string, key: string, body: object) =>
  expect((await call(`/v1/domains/${domainId}/audit/entries`, { key, body })).status).toBe(201);
const told = async (domainId: string, action: string) =>
  (await entriesOf(domainId)).filter((entry) => entry.action === action);

let tenant: TestTenant;
beforeAll(async () => {
  tenant = await newTenant();
});

describe("200", () => {
  test("S4-18 an erasure answers with a receipt, its state can be read, and its certificate fetched; S4-20 again: already_erased", async () => {
    const domainId = await newDomain(tenant);
    await appendTo(domainId, tenant.key, eventAbout("usr_1"));
    const answer = await eraseOver(domainId, tenant.key, { identity_id: "usr_1", request_reference: "DSR-17" });
    expect(answer.status).toBe(200);
    const erasure = (await answer.json()) as Shown;
    expect(erasure).toMatchObject({ status: "executed", known: true, domain_id: domainId });
    const head = await logOf(domainId).head();
    const again = await eraseOver(domainId, tenant.key, { identity_id: "usr_1", reason: "objection" });
    expect(again.status).toBe(200);
    expect(await again.json()).toEqual({ ...erasure, status: "already_erased" });
    expect((await logOf(domainId).head()).size).toBe(head.size);
    const state = await call(`/v1/domains/${domainId}/audit/erasures/${erasure.erasure_id}`, { key: tenant.key });
    expect(await state.json()).toEqual(erasure);
    const note = await call(erasure.certificate_url ?? "", { key: tenant.key });
    expect(note.headers.get("Content-Type")).toMatch(/^text\/plain/);
    const certificate = await note.text();
    expect(certificate).toMatch(/^moonseal\/erasure-certificate\/v1\n/);
    expect(certificate).toContain('"inclusion_proof":"c2sp.org/tlog-proof@v1');
    const entry = await call(`/v1/domains/${domainId}/audit/entries/${erasure.erasure_id}`, { key: tenant.key });
    expect(await entry.json()).toMatchObject({ seq: erasure.entry?.seq });
  });

  test("S1-20 after it no store of the cell holds the person's id, name, address or IP in any spelling", async () => {
    const domainId = await newDomain(tenant);
    const canary = "canary-5d21";
    await appendTo(domainId, tenant.key, eventAbout(canary, { context: { ip: "198.51.100.77" } }));
    await eraseOver(domainId, tenant.key, { identity_id: canary });
    await appendTo(domainId, tenant.key, eventAbout(canary, { context: { ip: "198.51.100.77" } }));
    const dump = await dumpCell();
    for (const text of [canary, "198.51.100.77"]) expect(placesWith(dump, text)).toEqual([]);
  });

  test("S4-35 the operator erases a person from the platform's log, and from no tenant's", async () => {
    const platform = platformDomainId(jurisdiction);
    expect((await eraseOver(platform, env.OPERATOR_SECRET, { identity_id: "staff_1" })).status).toBe(200);
    await problemOf(
      await eraseOver(tenant.tenantDomainId, env.OPERATOR_SECRET, { identity_id: "staff_1" }),
      "auth.forbidden",
    );
  });
});

describe("409", () => {
  test("a legal hold refuses it with its reference and review date, and the refusal is an entry", async () => {
    const other = await newTenant();
    const domainId = await newDomain(other);
    await appendTo(domainId, other.key, eventAbout("usr_1"));
    const hold = await placeHold(other, { people: ["usr_1"] });
    const problem = await problemOf(await eraseOver(domainId, other.key, { identity_id: "usr_1" }), "subject.held");
    expect(problem.detail).toContain(hold.id);
    expect(await told(domainId, "audit.erasure_refused")).toHaveLength(1);
    await releaseHold(other, hold.id);
    expect(await (await eraseOver(domainId, other.key, { identity_id: "usr_1" })).json()).toMatchObject({
      status: "executed",
    });
  });
});

const inDays = (days: number) => new Date(Date.now() + days * 24 * 60 * 60 * 1000).toISOString();

describe("422", () => {
  test.each([
    ["no identity", {}, "/identity_id"],
    ["an identity with a line feed", { identity_id: "Ana\nB" }, "/identity_id"],
    ["an e-mail address as reference", { identity_id: "u", request_reference: "a@example.com" }, "/request_reference"],
    ["a free text as reason", { identity_id: "u", reason: "because Ana asked" }, "/reason"],
    ["an unknown field", { identity_id: "u", name: "Ana" }, "/name"],
    ["a request of tomorrow's morrow", { identity_id: "u", requested_at: inDays(2) }, "/requested_at"],
    ["an identity made sure of then", { identity_id: "u", verified_at: inDays(2) }, "/verified_at"],
  ])("%s is refused, naming the field and never the value", async (_, body, pointer) => {
    const problem = await problemOf(await eraseOver(tenant.tenantDomainId, tenant.key, body), "request.invalid");
    expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer]);
    expect(JSON.stringify(problem)).not.toContain("Ana");
  });
});

describe("S4-32 erasing from every log of a tenant", () => {
  test("leaves one entry in each under one correlation id, and another pseudonym in each; again: nothing is appended", async () => {
    const own = await newTenant();
    const domains = [await newDomain(own), await newDomain(own), await newDomain(own)];
    for (const id of domains.slice(0, 2)) await appendTo(id, own.key, eventAbout("usr_1"));
    const answer = await eraseEverywhere(own, { identity_id: "usr_1" });
    expect(answer.status).toBe(200);
    const { erasures, correlation_id, status, decision } = (await answer.json()) as {
      erasures: Shown[];
      correlation_id: string;
      status: string;
      decision: string;
    };
    expect({ status, decision }).toEqual({ status: "executed", decision: "all" });
    expect(erasures.map(({ domain_id }) => domain_id).sort()).toEqual([...domains, own.tenantDomainId].sort());
    expect(new Set(erasures.map(({ pseudonym }) => pseudonym)).size).toBe(4);
    for (const { domain_id, pseudonym } of erasures) {
      const [entry, ...more] = await told(domain_id, "audit.identity_erased");
      expect(more).toEqual([]);
      expect(entry?.metadata).toMatchObject({ correlation_id, relation: "audit.erase-identity" });
      await expectGone(domain_id, pseudonym);
    }
    const sizes = () => Promise.all(domains.map(async (id) => (await logOf(id).head()).size));
    const before = await sizes();
    const again = (await (await eraseEverywhere(own, { identity_id: "usr_1" })).json()) as object;
    expect(again).toMatchObject({ status: "already_erased", correlation_id });
    expect(await sizes()).toEqual(before);
    expect(await openJobs(own.tenantId)).toBe(0);
  });

  test("a hold in one of them: nothing is erased in any, which is recorded once", async () => {
    const own = await newTenant();
    const [free, held] = [await newDomain(own), await newDomain(own)];
    for (const id of [free, held]) await appendTo(id, own.key, eventAbout("usr_1"));
    const hold = await placeHold(own, { domains: [held] });
    const problem = await problemOf(await eraseEverywhere(own, { identity_id: "usr_1" }), "subject.held");
    expect(problem.detail).toContain(hold.id);
    for (const id of [free, held]) {
      expect(await tracesOf(id, await pseudonymIn(id, "usr_1"))).not.toEqual(NO_TRACES);
      expect((await logOf(id).person("usr_1")).erased).toBe(false);
    }
    const [refusal] = await told(own.tenantDomainId, "audit.erasure_refused");
    expect(refusal?.metadata).toMatchObject({ holds: [{ domain: held, hold: hold.id }] });
    await releaseHold(own, hold.id);
    expect(await (await eraseEverywhere(own, { identity_id: "usr_1" })).json()).toMatchObject({ status: "executed" });
  });

  test("a log that does not answer when it is asked: none; one that fails after the decision: all, by the alarm", async () => {
    const own = await newTenant();
    const [a, b] = [await newDomain(own), await newDomain(own)];
    for (const id of [a, b]) await appendTo(id, own.key, eventAbout("usr_1"));
    await breakCall(b, "promise");
    await problemOf(await eraseEverywhere(own, { identity_id: "usr_1" }), "storage.unavailable");
    expect((await logOf(a).person("usr_1")).erased).toBe(false);
    await evictDurableObject(stubOf(b));
    await breakCall(b, "erase");
    await problemOf(await eraseEverywhere(own, { identity_id: "usr_1" }), "storage.unavailable");
    expect(await openJobs(own.tenantId)).toBe(1);
    await evictDurableObject(stubOf(b));
    // A hold that comes after all have agreed comes too late.
    await placeHold(own, { people: ["usr_1"] });
    await evictDesk(own.tenantId);
    await runDeskAlarm(own.tenantId);
    for (const id of [a, b]) {
      await vi.waitFor(async () => expectGone(id, await pseudonymIn(id, "usr_1")));
      await expectWholeLog(id);
    }
    expect(await openJobs(own.tenantId)).toBe(0);
    const ids = await Promise.all([a, b].map(async (id) => (await told(id, "audit.identity_erased"))[0]?.metadata));
    expect(ids[0]?.correlation_id).toBe(ids[1]?.correlation_id);
    expect((await erase(a, "usr_1")).already).toBe(true);
  });
});

/** One call of a domain's object fails in its transaction, until the object is evicted. */
function breakCall(domainId: string, name: "promise" | "erase"): Promise<void> {
  const fail = () => {
    throw new AppError("storage.unavailable", { internal: `a test broke ${name}` });
  };
  return inLog(domainId, (log) => {
    if (name === "promise") Object.defineProperty(log.holds, "blockingErasure", { value: fail });
    else Object.defineProperty(log.sealed, "suppress", { value: fail });
  });
}
