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
      drill: null,
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

  test("says nothing of domains that nobody has looked at, in the JSON as on the page; what was looked at has its numbers", async () => {
    const unseen = spiedGateway(answering());
    const { cells } = (await (await unseen.ask("/v1/status")).json()) as { cells: { backlog: unknown }[] };
    expect(cells.map(({ backlog }) => backlog)).toEqual([null, null]);
    const page = await (await unseen.ask("/status")).text();
    expect(page).toMatch(/the archive<\/th><td>not looked at yet<.*\n.*stopped for writes<\/th><td>not looked at yet</);
    expect(page).not.toContain("nothing");

    const backlog = { domains: 2, entries: 0, bytes: 0, oldestUncopiedAt: null, stopped: 0 };
    const seen = spiedGateway(answering({ backlog }));
    expect(await (await seen.ask("/v1/status")).json()).toMatchObject({
      cells: [{ backlog: { domains: 2, entries: 0, stopped_domains: 0 } }, {}],
    });
    expect(await (await seen.ask("/status")).text()).toMatch(
      /the archive<\/th><td>nothing, in 2 domains as last seen<.*\n.*stopped for writes<\/th><td>0</,
    );
  });

  test("has alerts that read alike once, with how many and since when the first is open; the JSON has each", async () => {
    const of = (id: string, job: string, openedMs: number) => ({
      ...{ id, kind: "task.late" as const, domainId: `dom_eu_${id}`, job, codes: ["overdue"] },
      ...{ openedMs, lastMs: openedMs, count: 1, resolvedMs: null as number | null },
    });
    const alerts = [of("1", "log.copy", NOW - 180_000), of("2", "log.sign", NOW - 120_000), of("3", "log.copy", NOW)];
    const over = { ...of("4", "log.copy", NOW - 180_000), resolvedMs: NOW };
    const { ask } = spiedGateway(
      answering({ alerts, incidents: [over, { ...over, id: "5" }, of("6", "log.copy", NOW)] }),
    );
    const { cells } = (await (await ask("/v1/status")).json()) as { cells: { alerts: unknown[] }[] };
    expect(cells[0]?.alerts).toHaveLength(3);
    const [, open = "", past = ""] =
      (await (await ask("/status")).text()).match(/Open alerts<\/h3>\n(.*)[^]*?Incidents of[^]*?\n(.*)/) ?? [];
    const lines = (list: string) =>
      [...list.matchAll(/<li>(.*?)<\/li>/g)].map(([, line]) => line?.replaceAll(/<.*?>/g, ""));
    const late = "Work that an object does by its alarm is overdue or keeps failing";
    expect(lines(open)).toEqual([
      `${late}: log.copy ×2, since 2026-11-21 11:57 UTC`,
      `${late}: log.sign, since 2026-11-21 11:58 UTC`,
    ]);
    expect(lines(past)).toEqual([
      `2026-11-21 11:57 UTC to 2026-11-21 12:00 UTC: ${late}: log.copy ×2`,
      `2026-11-21 12:00 UTC to now: ${late}: log.copy`,
    ]);
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
