/** Evidence for many entries and export bundles of a running cell: what a stranger gets verifies without it. */
import { beforeAll, describe, expect, test, vi } from "vitest";
import { BUNDLE, decode, readBundle } from "../../src/core/bundle.ts";
import type { ErrorCode } from "../../src/core/errors.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import { verifyEd25519, verifyMlDsa44 } from "../../src/crypto/verify.ts";
import { VERIFY_PAGE } from "../../src/services/bundle/verify-page.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { verifyBundle } from "../../src/verifier/bundle.ts";
import { verifyEvidenceSet } from "../../src/verifier/evidence-set.ts";
import { NO_TRUST, policyOfKeys, type TrustPolicy } from "../../src/verifier/policy.ts";
import {
  alarmLater,
  append,
  call,
  env,
  event,
  inLog,
  ledgerOf,
  logOf,
  newDomain,
  newTenant,
  type TestTenant,
} from "../support/cell.ts";
import { withFault } from "../support/faults.ts";
import { problemOf } from "../support/problems.ts";
import { tamper } from "../support/tamper.ts";

const ENTRIES = 300;
const PLATFORM = { sha256, verify: verifyEd25519, verifyMlDsa44 };

let tenant: TestTenant;
let domainId: string;
let policy: TrustPolicy;
const ask = (body: unknown, key = tenant.key) => call(`/v1/domains/${domainId}/audit/evidence`, { key, body });
const bundle = (query = "", key = tenant.key) => call(`/v1/domains/${domainId}/audit/bundle${query}`, { key });

beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
  await append(
    domainId,
    Array.from({ length: ENTRIES - 1 }, (_, i) => event({ id: `e-${i}` })),
  );
  policy = policyOfKeys(sha256, [cellConfig(env).signer.verifierKey]) as TrustPolicy;
});

describe("evidence for many entries", () => {
  test("of a range is verified offline, with the entries that were appended a moment ago", async () => {
    await append(domainId, [event(), event()]);
    const answer = await ask({ range: { from: 250, to: ENTRIES + 1 } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-disposition")).toBe(
      `attachment; filename="${domainId}-250-${ENTRIES + 1}.evidence-set"`,
    );
    const report = verifyEvidenceSet(await answer.text(), policy, PLATFORM);
    expect(report).toMatchObject({
      verdict: "verified",
      set: { proof: { kind: "range", from: 250, to: ENTRIES + 1 } },
    });
  });

  test("of a selection, in any order and doubled, is verified and ascends", async () => {
    const text = await (await ask({ selection: [255, 3, 256, 0, 3] })).text();
    const report = verifyEvidenceSet(text, policy, PLATFORM);
    expect(report.verdict).toBe("verified");
    expect(report.set?.proof).toMatchObject({ entries: [{ seq: 0 }, { seq: 3 }, { seq: 255 }, { seq: 256 }] });
    expect(verifyEvidenceSet(text, NO_TRUST, PLATFORM).verdict).toBe("could_not_check");
  });

  test.each<[string, unknown, number, ErrorCode]>([
    ["neither kind", {}, 422, "request.invalid"],
    ["both kinds", { range: { from: 0, to: 1 }, selection: [1] }, 422, "request.invalid"],
    ["a range the wrong way round", { range: { from: 2, to: 1 } }, 422, "request.invalid"],
    ["a seq below 0", { selection: [-1] }, 422, "request.invalid"],
    ["half a seq", { selection: [0.5] }, 422, "request.invalid"],
    ["nothing selected", { selection: [] }, 422, "request.invalid"],
    ["a filter", { selection: [1], filter: "all logins" }, 422, "request.invalid"],
    ["too many", { range: { from: 0, to: LIMITS.evidenceSetEntries } }, 422, "limit.reached"],
    ["entries that are not there", { range: { from: 0, to: 900 } }, 404, "resource.not_found"],
    ["one that is not there", { selection: [1, 900] }, 404, "resource.not_found"],
  ])("%s is refused", async (_, body, status, code) => {
    expect((await problemOf(await ask(body), code)).status).toBe(status);
  });
});

describe("an export bundle", () => {
  test.each([
    ["", 0, null],
    ["?from=0&to=0", 0, 0],
    ["?from=17&to=280", 17, 280],
    ["?from=299", 299, null],
  ])("of %j is streamed as one archive that is verified offline", async (query, from, to) => {
    const answer = await bundle(query);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/x-tar");
    const report = verifyBundle(new Uint8Array(await answer.arrayBuffer()), policy, PLATFORM);
    expect(report.steps.filter(({ status }) => status === "failed")).toEqual([]);
    expect(report.verdict).toBe("verified");
    const last = (report.bundle?.proof as { to: number }).to;
    expect(report.bundle?.proof).toMatchObject({ kind: "range", from });
    if (to === null) expect(last).toBeGreaterThanOrEqual(ENTRIES - 1);
    else expect(last).toBe(to);
    expect(answer.headers.get("content-disposition")).toBe(`attachment; filename="${domainId}-${from}-${last}.tar"`);
  });

  test("S0-33 holds the script and the page that verify it, named in its manifest and its readme", async () => {
    const opened = readBundle(new Uint8Array(await (await bundle("?from=0&to=1")).arrayBuffer()));
    if (!opened.ok) throw new Error(opened.fault);
    const names = opened.manifest.files.map(({ name }) => name);
    expect(names.slice(0, 3)).toEqual([BUNDLE.readme, BUNDLE.script, BUNDLE.page]);
    expect(decode(opened.files.get(BUNDLE.page)) === VERIFY_PAGE).toBe(true);
    expect(decode(opened.files.get(BUNDLE.readme))).toContain(BUNDLE.page);
  });

  test("is whole where the queryable copy lost archived entries, and where it takes no more", async () => {
    const tenant = await newTenant("Lossy");
    const domainId = await newDomain(tenant, { segment_entries: 256 });
    const events = (count: number) => Array.from({ length: count }, () => event());
    await append(domainId, events(600));
    await logOf(domainId).flush();
    await vi.waitFor(
      async () => {
        await alarmLater(domainId);
        expect((await logOf(domainId).head()).archivedSize).toBeGreaterThanOrEqual(512);
      },
      { timeout: 20_000 },
    );
    await tamper(domainId, "DELETE FROM audit_log WHERE domain_id = ?1 AND seq BETWEEN 3 AND 500");
    const store = { method: "insert" as const, form: "lost" as const, times: Number.POSITIVE_INFINITY };
    await inLog(domainId, (log) => {
      log.stores = { ...log.stores, ledger: withFault(log.stores.ledger, store).store };
    });
    await append(domainId, events(10));
    expect(await ledgerOf(domainId).tip()).toMatchObject({ size: 601 });

    const answer = await call(`/v1/domains/${domainId}/audit/bundle`, { key: tenant.key });
    const report = verifyBundle(new Uint8Array(await answer.arrayBuffer()), policy, PLATFORM);
    expect(report.steps.filter(({ status }) => status === "failed")).toEqual([]);
    expect(report).toMatchObject({ verdict: "verified", bundle: { proof: { kind: "range", from: 0, to: 610 } } });
  });

  test.each<[string, number, ErrorCode]>([
    ["?from=2&to=1", 422, "request.invalid"],
    ["?from=-1", 422, "request.invalid"],
    ["?from=", 422, "request.invalid"],
    ["?from=900", 404, "resource.not_found"],
    ["?from=0&to=900", 404, "resource.not_found"],
    [`?from=0&to=${LIMITS.bundleEntries}`, 422, "limit.reached"],
  ])("%s is refused before the first byte", async (query, status, code) => {
    expect((await problemOf(await bundle(query), code)).status).toBe(status);
  });
});

test("neither is given to another tenant", async () => {
  const stranger = await newTenant("Other");
  expect((await ask({ selection: [1] }, stranger.key)).status).toBe(404);
  expect((await bundle("", stranger.key)).status).toBe(404);
});
