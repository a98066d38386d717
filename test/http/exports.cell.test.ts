/** Exports of a running cell: made by the alarm, fetched by a link, verified by a stranger. */
import { beforeAll, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { readZip, sourceOf } from "../../src/core/zip.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { append, call, env, event, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import {
  download,
  exported,
  inRoom,
  newLink,
  pathOf,
  readExport,
  startExport,
  untilStatus,
  verified,
} from "../support/exports.ts";
import { problemOf } from "../support/problems.ts";
import { entriesOf } from "../support/tenancy.ts";

const ENTRIES = 120;

let tenant: TestTenant;
let domainId: string;

beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
  const events = Array.from({ length: ENTRIES - 1 }, (_, i) =>
    event({ action: i % 10 === 0 ? "secret.read" : "invoice.exported", outcome: i % 20 === 0 ? "denied" : "success" }),
  );
  await append(domainId, events);
});

describe("an export", () => {
  test("S0-20: of a range is verified offline, and provably complete", async () => {
    const zip = await exported(tenant, domainId, { formats: ["ndjson", "json", "csv"] });
    const report = verified(zip);
    expect(report.steps.filter(({ status }) => status === "failed")).toEqual([]);
    expect(report).toMatchObject({ verdict: "verified", export: { manifest: { entries: ENTRIES } } });
    const found = readZip(sourceOf(zip), 100);
    expect(found.ok && found.files.map(({ name }) => name)).toEqual([
      ...["readme.txt", "verify.mjs", "verify.html", "policy.json", "checkpoint.txt", "proof.txt"],
      ...["jsonl", "json", "csv", "csv.note"].map((ending) => `entries-${"0".repeat(20)}.${ending}`),
      ...["manifest.json", "manifest.note"],
    ]);
  });

  test("of a filter holds what matches, and says that its completeness is not proved", async () => {
    const { id } = await startExport(tenant, domainId, { q: "action:secret.read outcome:denied", formats: ["csv"] });
    const { progress, filter } = await untilStatus(tenant, domainId, id);
    expect(progress).toEqual({ entries: 6, scanned: ENTRIES, total: ENTRIES });
    expect(filter).toBe("action:secret.read outcome:denied");
    const { path } = await newLink(tenant, domainId, id);
    const report = verified(new Uint8Array(await (await download(path)).arrayBuffer()));
    expect(report.verdict).toBe("verified");
    expect(report.notChecked.join()).toContain("matches the filter");
  });

  test("of a filter that nothing matches is an export without entries", async () => {
    const report = verified(await exported(tenant, domainId, { filter: { actions: ["nobody.did"] } }));
    expect(report).toMatchObject({ verdict: "verified", export: { manifest: { entries: 0 } } });
  });

  test("S3-31: with a PDF for each group, made and signed in the pinned object, is verified", async () => {
    const zip = await exported(tenant, domainId, { q: "action:secret.read", formats: ["pdf"] });
    const report = verified(zip);
    expect(report).toMatchObject({ verdict: "verified", export: { manifest: { entries: 12 } } });
    const { fingerprint } = cellConfig(env).documents ?? {};
    expect(report.export?.manifest.pdf).toEqual({ certificate_sha256: fingerprint });
    const found = readZip(sourceOf(zip), 100);
    const pdf = found.ok ? found.files.find(({ name }) => name.endsWith(".pdf")) : undefined;
    const start = pdf?.start ?? 0;
    expect(new TextDecoder().decode(zip.slice(start, start + 5))).toBe("%PDF-");
  });

  test("S3-31: 422 for a PDF of a range of more entries than the limit, which it names, or in a cell without a key", async () => {
    const big = await newDomain(tenant);
    for (let i = 0; i < LIMITS.pdfEntries / 100; i++)
      await append(
        big,
        Array.from({ length: 100 }, () => event()),
      );
    const ask = (body: object) => call(pathOf(big), { key: tenant.key, body });
    const tooMany = await problemOf(await ask({ formats: ["pdf"] }), "request.invalid");
    expect(JSON.stringify(tooMany)).toContain(`at most ${LIMITS.pdfEntries} entries, and this range has 1001`);
    expect((await ask({ formats: ["pdf"], from: 1 })).status).toBe(202);
    await inRoom(big, (room) => {
      const { deps } = room;
      room.deps = () => ({ ...deps(), documents: null });
    });
    const keyless = await problemOf(await ask({ formats: ["pdf"], from: 1 }), "request.invalid");
    expect(JSON.stringify(keyless)).toContain("DOCUMENT_SIGNING_KEY");
  });

  test("S0-20: by the tenant's own key at /v1/audit/export, and of no other tenant's domain", async () => {
    const body = { domain_id: domainId, from: 3, to: 5 };
    const answer = await call("/v1/audit/export", { key: tenant.key, body });
    expect(answer.status).toBe(202);
    const stranger = await newTenant();
    const refused = await call("/v1/audit/export", { key: stranger.key, body });
    await problemOf(refused, "resource.not_found");
  });

  test.each(["free", "pro"])("S0-21: is refused to the tier %s, with what it lacks", async (tier) => {
    const poor = await newTenant();
    await call(`/v1/tenants/${poor.tenantId}/tier`, { method: "PUT", key: env.OPERATOR_SECRET, body: { tier } });
    const its = await newDomain(poor);
    for (const [path, body] of [
      ["/v1/audit/export", { domain_id: its }],
      [pathOf(its), {}],
    ] as const) {
      const answer = await call(path, { key: poor.key, body });
      expect(answer.status).toBe(403);
      expect(await problemOf(answer, "tier.required")).toMatchObject({
        needs: { tier: "team", feature: "exports" },
      });
    }
  });

  test.each([
    [{ from: 9, to: 3 }, "/from"],
    [{ from: 10_000 }, "/from"],
    [{ to: 10_000 }, "/to"],
    [{ q: "action:" }, "/q"],
    [{ formats: ["xlsx"] }, "/formats/0"],
    [{ include_private: true }, "/include_private"],
  ])("that asks for %j is refused, and nothing is made", async (body, pointer) => {
    const other = await newDomain(tenant);
    const answer = await call(pathOf(other), { key: tenant.key, body });
    expect(answer.status).toBe(422);
    expect((await problemOf(answer, "request.invalid")).errors?.[0]?.pointer).toBe(pointer);
    expect(await (await call(pathOf(other), { key: tenant.key })).json()).toEqual({ exports: [] });
  });

  test("S3-32: leaves one entry each of being made, finished, downloaded and withdrawn", async () => {
    const own = await newTenant();
    const its = await newDomain(own);
    const { id } = await startExport(own, its);
    await untilStatus(own, its, id);
    const { path } = await newLink(own, its, id);
    for (const range of ["bytes=0-9", "bytes=10-"]) await (await download(path, { Range: range })).arrayBuffer();
    await call(pathOf(its, `/${id}`), { method: "DELETE", key: own.key });
    await call(pathOf(its, `/${id}`), { method: "DELETE", key: own.key });
    const told = (await entriesOf(own.tenantDomainId)).filter(({ action }) => action.startsWith("audit.export_"));
    expect(told.map(({ action }) => action)).toEqual([
      "audit.export_created",
      "audit.export_finished",
      "audit.export_downloaded",
      "audit.export_revoked",
    ]);
    expect(told.every(({ targets }) => JSON.stringify(targets) === JSON.stringify([{ id, type: "export" }]))).toBe(
      true,
    );
  });
});

describe("a link", () => {
  let id: string;
  beforeAll(async () => {
    ({ id } = await startExport(tenant, domainId, { from: 0, to: 9 }));
  });

  test("is refused while the export is not there, and for one that is not", async () => {
    const other = await newDomain(tenant);
    const answer = await call(pathOf(other, `/${id}/link`), { key: tenant.key, body: {} });
    await problemOf(answer, "resource.not_found");
  });

  test("gives the whole, and any part of it, without a credential", async () => {
    await untilStatus(tenant, domainId, id);
    const { path } = await newLink(tenant, domainId, id);
    const whole = new Uint8Array(await (await download(path)).arrayBuffer());
    const part = await download(path, { Range: "bytes=100-199" });
    expect([part.status, part.headers.get("Content-Range")]).toEqual([206, `bytes 100-199/${whole.length}`]);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(whole.subarray(100, 200));
    const other = await download(path, { Range: "bytes=100-199", "If-Range": '"another"' });
    expect([other.status, (await other.arrayBuffer()).byteLength]).toEqual([200, whole.length]);
    const behind = await download(path, { Range: `bytes=${whole.length}-` });
    await problemOf(behind, "request.range_unsatisfiable");
  });

  test("with a wrong token, one of another export, or a revoked one gets the answer of what never was", async () => {
    await untilStatus(tenant, domainId, id);
    const { path, id: linkId } = await newLink(tenant, domainId, id);
    const { id: otherId } = await startExport(tenant, domainId, { from: 0, to: 9 });
    const wrong = path.replace(/.$/, (last) => (last === "A" ? "E" : "A"));
    const others = path.replace(id, otherId);
    const answers = [wrong, others].map(async (each) => problemOf(await download(each), "resource.not_found"));
    await call(pathOf(domainId, `/${id}/links/${linkId}`), { method: "DELETE", key: tenant.key });
    answers.push(download(path).then((answer) => problemOf(answer, "resource.not_found")));
    await Promise.all(answers);
  });

  test("that is revoked with its export is dead at once, and the file is gone", async () => {
    const { id: doomed } = await startExport(tenant, domainId, { from: 0, to: 9 });
    await untilStatus(tenant, domainId, doomed);
    const { path } = await newLink(tenant, domainId, doomed);
    const answer = await call(pathOf(domainId, `/${doomed}`), { method: "DELETE", key: tenant.key });
    expect(((await answer.json()) as { status: string }).status).toBe("revoked");
    await problemOf(await download(path), "resource.not_found");
    expect(await env.LOG.head(`exports/${domainId}/${doomed}.zip`)).toBeNull();
    expect((await readExport(tenant, domainId, doomed)).status).toBe("revoked");
    const again = await call(pathOf(domainId, `/${doomed}/link`), { key: tenant.key, body: {} });
    await problemOf(again, "export.not_ready");
  });
});
