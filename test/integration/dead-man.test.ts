/** Both cells and the gateway with a real receiver of pings and alerts on the loopback, and a probe that asks from outside. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { toBase64 } from "../../src/core/bytes.ts";
import { isSignedBy, parseWebhookKey } from "../../src/crypto/webhook-signer.ts";
import { writePrivateFile } from "../../src/ops/private-file.ts";
import { probe } from "../../src/ops/probe.ts";
import { look } from "../../src/ops/probe-look.ts";
import { CRON_JOB_NAMES, CRON_JOBS, TASK_NAMES } from "../../src/services/dead-man/table.ts";
import { slugOf } from "../../src/services/monitoring/settings.ts";
import { PROBE_SEED } from "../support/bindings.ts";
import { type Deployment, deployment } from "../support/deployment.ts";
import { Receiver } from "../support/receiver.ts";

const FREQUENT = "*/5 * * * *";
const receiver = new Receiver();
const folder = mkdtempSync(path.join(tmpdir(), "probe-"));
const keyFile = path.join(folder, "key");
let base: string;
let it: Deployment;

beforeAll(async () => {
  base = await receiver.start();
  const vars = { HEALTHCHECKS_BASE: `${base}/key`, ALERT_WEBHOOK: `${base}/alerts` };
  it = deployment({ eu: vars, us: vars });
  await it.start();
  writePrivateFile(keyFile, toBase64(PROBE_SEED));
});
afterAll(async () => {
  await it.stop();
  await receiver.stop();
  rmSync(folder, { recursive: true });
});

const statusOf = async (jurisdiction: string) => {
  const { cells } = (await (await it.ask("/v1/status")).json()) as { cells: { jurisdiction: string }[] };
  return cells.find((cell) => cell.jurisdiction === jurisdiction) as never as {
    state: string;
    alert_keys: string[];
    jobs: { name: string; state: string }[];
    probes: { name: string; state: string; last_at: string | null; code: string | null }[];
  };
};

describe("S2-42 S2-43 S2-44 the dead-man switches of a deployment", () => {
  test("every job of cron pings start and success, and every task of an object its own check, in each cell", async () => {
    for (const jurisdiction of ["eu", "us"] as const) {
      receiver.received.length = 0;
      expect(await it.cells[jurisdiction].scheduled({ cron: FREQUENT })).toMatchObject({ outcome: "ok" });
      expect(await it.cells[jurisdiction].scheduled({ cron: "23 3 * * *" })).toMatchObject({ outcome: "ok" });
      const paths = receiver.paths("/key/");
      for (const job of CRON_JOB_NAMES) {
        const slug = slugOf(jurisdiction, job);
        expect(paths.filter((each) => each.startsWith(slug))).toEqual([`${slug}/start`, slug]);
      }
      for (const task of TASK_NAMES) expect(paths).toContain(slugOf(jurisdiction, task));
      expect(paths).toHaveLength(2 * CRON_JOB_NAMES.length + TASK_NAMES.length);
      // A run's pings share its id.
      const runs = new Map(receiver.received.map(({ path, search }) => [path.replace(/\/start$/, ""), search]));
      for (const { path, search } of receiver.received) expect(search).toBe(runs.get(path.replace(/\/start$/, "")));
    }
  });

  test("what the receiver is told bears no name, id or address of anybody", async () => {
    for (const { headers, body } of receiver.received) {
      expect(body).toBe("");
      expect(Object.keys(headers).filter((name) => /cookie|authorization|x-request-id/.test(name))).toEqual([]);
    }
  });

  test("a receiver that is away disturbs no job", async () => {
    receiver.answer = 500;
    expect(await it.cells.eu.scheduled({ cron: FREQUENT })).toMatchObject({ outcome: "ok" });
    receiver.answer = 200;
    expect((await statusOf("eu")).jobs.filter(({ state }) => state !== "ok")).toEqual([]);
  });
});

describe("S2-45 a probe outside", () => {
  const ports = (own: object = {}) => ({
    fetch: (url: URL, init: RequestInit) =>
      it.server.fetch(url.pathname, init as never) as unknown as Promise<Response>,
    ...{ clock: Date.now, wait: sleep, say: () => {} },
    ...own,
  });
  const argv = ["--url", "https://gateway.test", "--name", "ams", "--key-file", keyFile];

  test("tells both cells that all is well, and they show it", async () => {
    const lines: string[] = [];
    expect(await probe(argv, ports({ say: (text: string) => lines.push(text) })), lines.join("\n")).toBe(0);
    for (const jurisdiction of ["eu", "us"]) {
      await vi.waitFor(async () => {
        expect((await statusOf(jurisdiction)).probes).toMatchObject([{ name: "ams", state: "ok", code: null }]);
      }, 15_000);
    }
  });

  test("with a key that the cells do not know is refused, and says so", async () => {
    const lines: string[] = [];
    const strange = path.join(folder, "strange");
    const said = ports({ say: (text: string) => lines.push(text) });
    expect(await probe([...argv.slice(0, 4), "--key-file", strange], said)).toBe(1);
    expect(lines.join("\n")).toMatch(/ams=whpk_.*\n.*not reported: the cell does not know this probe's key/);
  });

  test("finds jobs late by its own clock, whatever the cell says; and a failing probe is an alert, signed, at the operator's address", async () => {
    const later = Date.now() + 4 * 60_000;
    expect((await look("https://gateway.test", ports({ clock: () => later }))).map(({ code }) => code)).toEqual([
      null,
      null,
    ]);
    const late = Date.now() + CRON_JOBS.wake_domains.everyMs + CRON_JOBS.wake_domains.graceMs;
    const answer = (await (await it.ask("/v1/status")).json()) as { cells: { at: string }[] };
    const cells = answer.cells.map((cell) => ({ ...cell, at: new Date(late).toISOString() }));
    const claiming = async (url: URL, init: RequestInit) =>
      url.pathname === "/v1/status" ? Response.json({ cells }) : await ports().fetch(url, init);
    let asked = 0;
    // The status is judged by a clock that is ahead; the report is of now.
    const clock = () => (asked++ < 4 ? late : Date.now());
    receiver.received.length = 0;
    expect(await probe(argv, ports({ fetch: claiming, clock }))).toBe(1);
    const alert = await vi.waitFor(() => {
      const found = receiver.received.find(({ path, body }) => path === "/alerts" && body.includes("probe.failing"));
      expect(found).toBeDefined();
      return found as (typeof receiver.received)[0];
    }, 15_000);
    const { cell } = (JSON.parse(alert.body) as { data: { cell: string } }).data;
    const { alert_keys } = await statusOf(cell);
    const signed = {
      ...{ id: alert.headers["webhook-id"] as string, timestampS: Number(alert.headers["webhook-timestamp"]) },
      ...{ body: alert.body, signatures: alert.headers["webhook-signature"] as string },
    };
    expect(isSignedBy(parseWebhookKey(alert_keys[0] as string) as Uint8Array, signed)).toBe(true);
    expect(JSON.parse(alert.body)).toMatchObject({
      type: "alert.raised",
      data: { kind: "probe.failing", job: "ams", codes: ["jobs_late"] },
    });
  });
});
