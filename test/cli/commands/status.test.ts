/** `moonseal status`: what a cell says of itself, in lines, and by the exit code. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { domainIdOf, LogDouble } from "../support/log-double.ts";
import { fakeIo, runCli, tempDir } from "../support/run-cli.ts";
import { KEY_EU, ServerDouble } from "../support/server-double.ts";

const AT = "2026-11-21T09:00:00.000Z";
const well = {
  ...{ reachable: true, jurisdiction: "eu", state: "ok", at: AT, watched_since: AT, last_drill: null, alert_keys: [] },
  jobs: [
    {
      name: "wake_domains",
      says: "",
      every_s: 300,
      grace_s: 600,
      state: "ok",
      last_success_at: AT,
      took_ms: 1,
      due_by: AT,
    },
  ],
  tasks: [{ name: "log.copy", says: "", grace_s: 900, state: "ok", late: 0 }],
  backlog: { domains: 2, entries: 3, bytes: 9, oldest_uncopied_at: null, stopped_domains: 0 },
  ...{ log: null, backups: [], alerts: [], incidents: [], probes: [] },
};
let server: ServerDouble;
let home: string;
let url: string;

beforeEach(async () => {
  home = await tempDir();
  server = new ServerDouble(new LogDouble(domainIdOf("eu")));
  url = await server.start();
});
afterEach(() => server.stop());
const status = (argv: string[] = []) =>
  runCli(["status", ...argv], fakeIo(home, { MOONSEAL_URL: url, MOONSEAL_KEY: KEY_EU }));

test("S2-45 status says how each cell is, sends no credential, and ends with 0 when all is well", async () => {
  server.statuses = [well];
  const { code, stdout } = await status();
  expect(stdout).toMatch(/^cell eu: all is well\n {2}wake_domains +ok, succeeded /);
  expect(stdout).toMatch(/work of objects +none is late\n +waiting +3 entries in 2 domains, 0 domains stopped\n/);
  expect(code).toBe(0);
  expect(server.seen.filter(({ headers }) => headers.authorization)).toEqual([]);
});

test("S2-45 status says of what nobody has looked at yet that nobody has, never that nothing waits or is late", async () => {
  server.statuses = [{ ...well, backlog: null, tasks: [{ ...well.tasks[0], state: "waiting" }] }];
  const { stdout } = await status();
  expect(stdout).toMatch(/work of objects +not looked at yet\n +waiting +not looked at yet\n/);
  expect(stdout).not.toContain("none is late");
});

test("S2-45 status ends with 1 when a cell is away or has an open alert, also as JSON", async () => {
  const alert = { kind: "job.late", says: "", job: "wake_domains", opened_at: AT, resolved_at: null };
  server.statuses = [
    { ...well, state: "attention", alerts: [alert] },
    { reachable: false, jurisdiction: "us", state: "away" },
  ];
  const { code, stdout } = await status();
  expect(stdout).toMatch(/^cell eu: NEEDS ATTENTION\n/);
  expect(stdout).toMatch(/ALERT +job\.late wake_domains, opened /);
  expect(stdout).toMatch(/^cell us: DOES NOT ANSWER\n/m);
  expect(code).toBe(1);
  const json = await status(["--json"]);
  expect(JSON.parse(json.stdout).cells).toEqual(server.statuses);
  expect(json.code).toBe(1);
});
