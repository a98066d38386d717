/** The gateway's status: both cells side by side, one that is away shown as such. */
import { describe, expect, test } from "vitest";
import { statusOfCells } from "../../src/gateway/status.ts";
import { publicStatus } from "../../src/http/status-json.ts";
import { cronStates, taskStates } from "../../src/services/dead-man/lateness.ts";
import { backupStates } from "../../src/services/monitoring/backups.ts";
import { spiedGateway } from "../support/gateway.ts";

const NOW = Date.UTC(2026, 10, 21, 12);
type Overrides = Partial<Parameters<typeof publicStatus>[0]>;
const statusOf = (cell: string, own: Overrides = {}) =>
  publicStatus(
    {
      ...{ nowMs: NOW, sinceMs: NOW, jobs: cronStates(new Map(), NOW, NOW), tasks: taskStates(new Map(), new Map()) },
      ...{
        probes: [],
        alerts: [],
        incidents: [],
        undelivered: { count: 0, fault: null },
        log: null,
        alertKeys: ["whpk_x"],
      },
      backlog: { domains: 0, entries: 0, bytes: 0, oldestUncopiedAt: null, stopped: 0 },
      backups: backupStates(null, NOW),
      ...own,
    },
    cell as "eu",
  );
const answering =
  (own: Overrides = {}) =>
  (_: Request, cell: string) =>
    Response.json({ cells: [statusOf(cell, own)] });

describe("S2-45 the status of the deployment", () => {
  test("is both cells', asked without anything that the caller sent", async () => {
    const { ask, reached } = spiedGateway(answering());
    const answer = await ask("/v1/status", { headers: { Authorization: "Bearer x", Cookie: "a=b" } });
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    const { cells } = (await answer.json()) as { cells: { jurisdiction: string; state: string }[] };
    expect(cells.map(({ jurisdiction, state }) => [jurisdiction, state])).toEqual([
      ["eu", "ok"],
      ["us", "ok"],
    ]);
    expect(reached.map(({ url, authorization, cookie }) => [new URL(url).pathname, authorization, cookie])).toEqual([
      ["/v1/status", null, null],
      ["/v1/status", null, null],
    ]);
  });

  test.each([
    ["answers with an error", () => new Response("no", { status: 500 })],
    ["answers no JSON", () => new Response("<html>")],
    ["throws", () => Promise.reject(new Error("away"))],
    ["speaks for the other cell alone", () => Response.json({ cells: [statusOf("eu")] })],
  ])("shows a cell that %s as away, beside the one that answers", async (_, broken) => {
    const { ask } = spiedGateway((request, cell) => (cell === "us" ? broken() : answering()(request, cell)));
    const { cells } = (await (await ask("/v1/status")).json()) as { cells: { state: string }[] };
    expect(cells.map(({ state }) => state)).toEqual(["ok", "away"]);
    const page = await (await ask("/status")).text();
    expect(page).toContain("Does not answer");
    expect(page).toContain("All is well");
  });

  test("does not wait for a cell that never answers", async () => {
    const silent = { fetch: () => new Promise(() => {}) } as unknown as Fetcher;
    const cells = await statusOfCells({ CELL_EU: silent, CELL_US: silent }, "https://log.test", 20);
    expect(cells.map(({ state }) => state)).toEqual(["away", "away"]);
  });

  test("is a page without script or inline style, with every job, alert and backup, escaped", async () => {
    const openedMs = NOW - 60_000;
    const alert = {
      id: "1",
      kind: "task.late",
      domainId: "dom_eu_secret",
      job: "log.<copy>",
      codes: ["overdue"],
    } as const;
    const alerts = [{ ...alert, codes: [...alert.codes], openedMs, lastMs: openedMs, count: 1, resolvedMs: null }];
    const probes = [
      {
        probe: "ams",
        state: "ok",
        last: { atMs: NOW, code: null, ms: 42 },
        days: [{ day: "2026-11-21", reports: 4, failed: 1 }],
      },
    ] as const;
    const own = { alerts, incidents: alerts, probes: probes.map((one) => ({ ...one, days: [...one.days] })) };
    const answer = await spiedGateway(answering(own)).ask("/status");
    expect(answer.headers.get("Content-Security-Policy")).toContain("default-src 'none'");
    const page = await answer.text();
    expect(page).not.toMatch(/<script|style=|<copy>|dom_eu_secret/);
    for (const text of [
      "Needs attention",
      "wake_domains",
      "log.archive",
      "R2 KEYS",
      "ams",
      "75.00 %",
      "2026-11-21 11:59 UTC",
    ]) {
      expect(page).toContain(text);
    }
  });

  test("takes a probe's report to the cell that it names, with its signature and nothing else", async () => {
    const { ask, reached } = spiedGateway(() => Response.json({ taken: true }));
    const headers = { "webhook-id": "1", "webhook-signature": "v1a,x", Authorization: "Bearer x", Cookie: "a=b" };
    expect((await ask("/v1/status/reports/us", { method: "POST", body: "{}", headers })).status).toBe(200);
    expect(reached).toMatchObject([{ cell: "us", method: "POST", authorization: null, cookie: null, body: "{}" }]);
    expect(new URL(reached[0]?.url ?? "").pathname).toBe("/v1/status/reports");
    expect((await ask("/v1/status/reports/xx", { method: "POST", body: "{}" })).status).toBe(404);
    expect(reached).toHaveLength(1);
  });
});
