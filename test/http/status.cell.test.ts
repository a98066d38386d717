/** The status over HTTP: what strangers are told, what the operator is told, and what a probe may tell. */
import { describe, expect, test, vi } from "vitest";
import { cellDesk } from "../../durable-objects/gates.ts";
import { LIMITS } from "../../src/core/limits.ts";
import { signerOf } from "../../src/crypto/webhook-signer.ts";
import { statusSchema } from "../../src/http/schemas/status.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { PROBE_SEED } from "../support/bindings.ts";
import { call, env, jurisdiction, newDomain, newTenant } from "../support/cell.ts";
import { problemOf } from "../support/problems.ts";

const probe = signerOf([PROBE_SEED]);
const config = cellConfig(env);

interface Told {
  body?: object;
  signer?: typeof probe;
  timestampS?: number;
  headers?: Record<string, string>;
}

/** Sends a report; `at` differs each time, as it has to. */
let later = 0;
const reportOf = (own: object = {}) => {
  const at = new Date(Date.now() + ++later).toISOString();
  return { probe: "ams", jurisdiction, at, code: null, ms: 12, ...own };
};
function tell({
  body = reportOf(),
  signer = probe,
  timestampS = Math.floor(Date.now() / 1000),
  headers = {},
}: Told = {}) {
  const text = JSON.stringify(body);
  const signed = {
    "Content-Type": "text/plain",
    "webhook-id": "r1",
    "webhook-timestamp": String(timestampS),
    "webhook-signature": signer.sign("r1", timestampS, text),
    "CF-Connecting-IP": `192.0.2.${++later % 250}`,
  };
  return call("/v1/status/reports", { rawBody: text, headers: { ...signed, ...headers } });
}

describe("S2-45 GET /v1/status", () => {
  test("tells anybody, as the description has it, and names nobody", async () => {
    const tenant = await newTenant("Secret Customer Ltd");
    const domainId = await newDomain(tenant);
    await cellDesk(env, config).wakeDomains();
    await cellDesk(env, config).monitoring.raise({
      ...{ kind: "task.late", domainId, job: "log.copy", codes: ["overdue"], atMs: Date.now() },
    });
    const answer = await call("/v1/status");
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    const status = await answer.json();
    expect(statusSchema.parse(status)).toEqual(status);
    const text = JSON.stringify(status);
    for (const secret of [tenant.tenantId, domainId, "Secret Customer", tenant.keyId])
      expect(text).not.toContain(secret);
    expect(status).toMatchObject({ cells: [{ reachable: true, jurisdiction, state: "attention" }] });
  });

  test("is asked of the objects at most every ten seconds, whoever asks", async () => {
    await call("/v1/status");
    const first = await (await call("/v1/status")).text();
    expect(await (await call("/v1/status")).text()).toBe(first);
    expect(LIMITS.statusCacheMs).toBe(10_000);
  });

  test("tells the operator more: ids, codes, and whether anybody hears the pings", async () => {
    const answer = await call("/v1/status/cell", { key: env.OPERATOR_SECRET });
    expect(await answer.json()).toMatchObject({
      watched: { state: "attention" },
      alert_details: [{ kind: "task.late", object: expect.stringMatching(/^dom_/), codes: ["overdue"], count: 1 }],
      job_details: expect.arrayContaining([expect.objectContaining({ name: "wake_domains", ping_fault: null })]),
      notices_waiting: 0,
    });
  });
});

describe("S2-45 a probe's report", () => {
  test("is taken once, and shown", async () => {
    const body = reportOf({ code: "jobs_late", ms: 77 });
    expect(await (await tell({ body })).json()).toEqual({ taken: true });
    expect(await (await tell({ body })).json()).toEqual({ taken: false });
    const { probes, alerts } = await cellDesk(env, config).monitoring.view();
    expect(probes).toMatchObject([{ probe: "ams", state: "failing", last: { code: "jobs_late", ms: 77 } }]);
    expect(probes[0]?.days).toMatchObject([{ reports: 1, failed: 1 }]);
    expect(alerts.map(({ kind }) => kind)).toContain("probe.failing");
    await tell();
    expect((await cellDesk(env, config).monitoring.view()).alerts.map(({ kind }) => kind)).not.toContain(
      "probe.failing",
    );
  });

  test.each<[string, () => Told]>([
    ["by nobody", () => ({ headers: { "webhook-signature": "" } })],
    ["by a key that this cell does not know", () => ({ signer: signerOf([new Uint8Array(32)]) })],
    ["with another id", () => ({ headers: { "webhook-id": "r2" } })],
    ["six minutes ago", () => ({ timestampS: Math.floor(Date.now() / 1000) - 360 })],
    ["at no time", () => ({ headers: { "webhook-timestamp": "now" } })],
  ])("signed %s is refused", async (_, told) => {
    await problemOf(await tell(told()), "auth.required");
  });

  test.each<[string, object]>([
    ["of the other cell", { jurisdiction: jurisdiction === "eu" ? "us" : "eu" }],
    ["by another name", { probe: "zrh" }],
    ["with an unknown field", { more: 1 }],
    ["with words of its own", { code: "see https://elsewhere.example" }],
    ["of an hour ago", { at: new Date(Date.now() - 3_600_000).toISOString() }],
  ])("%s is refused", async (_, own) => {
    const before = (await cellDesk(env, config).monitoring.view()).probes;
    await problemOf(await tell({ body: reportOf(own) }), "request.malformed");
    expect((await cellDesk(env, config).monitoring.view()).probes).toEqual(before);
  });

  test("is counted by where it comes from", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const headers = { "CF-Connecting-IP": "198.51.100.7" };
    let status = 0;
    for (let i = 0; i < 200 && status !== 429; i++) status = (await tell({ headers })).status;
    expect(status).toBe(429);
  });
});
