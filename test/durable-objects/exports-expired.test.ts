/** Exports of a log whose beginning is gone by policy: what is there is verified, and the log's own word about the rest lies beside. */
import { beforeAll, describe, expect, it } from "vitest";
import { EXPIRED_ATTACHMENT } from "../../src/core/bundle.ts";
import { readZip, sourceOf } from "../../src/core/zip.ts";
import { append, call, event, logOf, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { exported, pathOf, verified } from "../support/exports.ts";
import { problemOf } from "../support/problems.ts";
import { retain, settled } from "../support/prune.ts";

let tenant: TestTenant;
let domainId: string;
let firstKept: number;

beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant, { segment_entries: 4 });
  await append(
    domainId,
    Array.from({ length: 10 }, () => event()),
  );
  await settled(domainId);
  await retain(domainId, { hot: "P1D", whole: "P1D" });
  await settled(domainId);
  ({ firstKept } = await logOf(domainId).head());
});

function namesOf(zip: Uint8Array): string[] {
  const read = readZip(sourceOf(zip), 100);
  return read.ok ? read.files.map(({ name }) => name) : [read.fault];
}

describe("S4-2 S4-1 an export of a log whose beginning is gone by policy", () => {
  it.each([
    ["of all of it", {}],
    ["of a selection", { q: "action:invoice.exported" }],
  ])("%s is verified, and names what is gone with the log's own entry", async (_, body) => {
    const zip = await exported(tenant, domainId, body);
    const report = verified(zip);
    expect(report).toMatchObject({ verdict: "verified" });
    expect(namesOf(zip)).toContain(EXPIRED_ATTACHMENT);
    const step = report.steps.find(({ step: name }) => name === "expired");
    expect(step).toMatchObject({ status: "ok", detail: expect.stringContaining(`entries 0 to ${firstKept - 1} `) });
    expect(report.export?.manifest.content).toMatchObject({ from: firstKept });
  });

  it("from what is kept on needs no such word", async () => {
    const zip = await exported(tenant, domainId, { from: firstKept });
    expect(verified(zip)).toMatchObject({ verdict: "verified" });
    expect(namesOf(zip)).not.toContain(EXPIRED_ATTACHMENT);
  });

  it("of what is gone alone is refused", async () => {
    const answer = await call(pathOf(domainId), { key: tenant.key, body: { from: 0, to: firstKept - 1 } });
    await problemOf(answer, "entry.expired");
  });
});
