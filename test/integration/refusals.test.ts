/** Cells whose settings do not say for certain where they are, or whose secrets are wrong: nothing is served or stored. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CellEnv } from "../../src/env.ts";
import { testBindings } from "../support/bindings.ts";
import { deployment } from "../support/deployment.ts";
import { problemOf } from "../support/problems.ts";

/** The EU cell: unpinned without saying so. The US cell: a pepper of 31 bytes. */
const { cells, start, stop, ask } = deployment({
  eu: { UNPINNED_LOCAL: "" },
  us: { PSEUDONYM_PEPPER: Buffer.alloc(31, 3).toString("base64") },
});
beforeAll(() => start());
afterAll(() => stop());

describe.each([
  ["eu", "R1 R2 S4-34 unpinned without UNPINNED_LOCAL", "residency.unknown"],
  ["us", "S2-6 S4-29 with a pepper of 31 bytes", "internal"],
] as const)("the %s cell, %s", (jurisdiction, _, code) => {
  const key = testBindings(jurisdiction).OPERATOR_SECRET;

  test("refuses every request, health and residency included, and says nothing of the setting", async () => {
    const body = { name: "T", jurisdiction, tier: "pro" };
    for (const answer of [
      await ask("/v1/tenants", { key, body }),
      await ask("/v1/whoami", { key }),
      await ask("/v1/residency", { key }),
      (await cells[jurisdiction].fetch("http://cell.test/healthz")) as unknown as Response,
    ]) {
      const problem = await problemOf(answer, code);
      expect(JSON.stringify(problem)).not.toMatch(/PEPPER|JURISDICTION|UNPINNED/);
      expect(answer.headers.get("Strict-Transport-Security")).not.toBeNull();
    }
  });

  test("has written nothing", async () => {
    const env = (await cells[jurisdiction].getEnv()) as unknown as CellEnv;
    for (const table of ["tenant", "domain", "api_key"]) {
      expect(await env.CONTROL.prepare(`SELECT count(*) AS n FROM ${table}`).first("n")).toBe(0);
    }
    expect(await env.LEDGER_00.prepare("SELECT count(*) AS n FROM audit_log").first("n")).toBe(0);
    for (const bucket of [env.LOG, env.KEYS]) expect((await bucket.list()).objects).toEqual([]);
    for (const binding of ["DOMAIN_LOG", "TENANT_DESK", "CELL_DESK", "RATE_DESK"] as const) {
      expect(await cells[jurisdiction].listDurableObjectIds(binding)).toEqual([]);
    }
  });

  test("fails its cron, where an operator sees it", async () => {
    expect(await cells[jurisdiction].scheduled({ cron: "*/5 * * * *" })).toMatchObject({ outcome: "exception" });
  });
});

describe("without a credential", () => {
  test("the merged residency report is refused rather than left with one cell", async () => {
    await problemOf(await ask("/v1/residency"), "residency.unknown");
  });
});
