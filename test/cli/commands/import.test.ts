import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { allKinds, cloudTrailRecord, gzipped, logFile } from "../support/cloudtrail-records.ts";
import { domainIdOf, LogDouble } from "../support/log-double.ts";
import { fakeIo, runCli, tempDir } from "../support/run-cli.ts";
import { KEY_EU, ServerDouble } from "../support/server-double.ts";

let folder: string;
let log: LogDouble;
let server: ServerDouble;
let env: { [name: string]: string };

beforeEach(async () => {
  folder = await tempDir();
  log = new LogDouble(domainIdOf("eu"));
  server = new ServerDouble(log);
  env = { MOONSEAL_URL: await server.start(), MOONSEAL_KEY: KEY_EU, MOONSEAL_DOMAIN: log.domainId };
});
afterEach(() => server.stop());

const importCloudTrail = async (...argv: string[]) => {
  const result = await runCli(["import", "cloudtrail", "--json", ...argv], fakeIo(folder, env));
  return { ...result, summary: result.stdout.startsWith("{") ? JSON.parse(result.stdout) : null };
};

async function writeLogs() {
  const logs = join(folder, "AWSLogs");
  await mkdir(join(logs, "deep"), { recursive: true });
  await writeFile(join(logs, "a.json"), logFile(allKinds()));
  await writeFile(join(logs, "deep", "b.json.gz"), gzipped(logFile([cloudTrailRecord(), cloudTrailRecord()])));
  await writeFile(join(logs, "deep", "digest.json"), JSON.stringify({ digestStartTime: "2023-07-10T12:00:00Z" }));
  await writeFile(join(logs, "LICENSE"), "text");
  return logs;
}

test("folders are searched, plain and gzip files read, every kind of identity goes in, other JSON is skipped with a note", async () => {
  const { code, summary, stderr } = await importCloudTrail(await writeLogs());
  expect(summary).toMatchObject({ files: 2, records: 17, appended: 17, already_there: 0, bad_records: 0 });
  expect(stderr).toMatch(/digest\.json: skipped/);
  expect([code, log.rows.length]).toEqual([0, 18]);
});

test("importing twice adds nothing, and the summary says so", async () => {
  const logs = await writeLogs();
  await importCloudTrail(logs);
  const { code, summary } = await importCloudTrail(logs);
  expect(summary).toMatchObject({ appended: 0, already_there: 17 });
  expect([code, log.rows.length]).toEqual([0, 18]);
});

test("the same file named twice adds nothing either, within one batch", async () => {
  const file = join(folder, "a.json");
  await writeFile(file, logFile([cloudTrailRecord()]));
  expect((await importCloudTrail(file, file)).summary).toMatchObject({ appended: 1, already_there: 1 });
});

test("a bad record is reported with file and position, and the rest goes on", async () => {
  const file = join(folder, "a.json");
  const refused = cloudTrailRecord({ eventTime: "9999-12-31T23:59:60Z" });
  await writeFile(file, logFile([cloudTrailRecord(), { eventID: null }, refused, cloudTrailRecord()]));
  const { code, summary, stderr } = await importCloudTrail(file);
  expect(stderr).toContain(`${file}: record 1: eventID is missing`);
  expect(summary).toMatchObject({
    records: 4,
    appended: 2,
    bad_records: 2,
    bad: [
      { file, index: 1 },
      { file, index: 2 },
    ],
  });
  expect([code, log.rows.length]).toEqual([1, 3]);
});

test("a record that the server refuses is reported like one that is bad here, and the rest of its batch goes in", async () => {
  const file = join(folder, "a.json");
  const good = cloudTrailRecord();
  await writeFile(
    file,
    logFile([good, cloudTrailRecord({ eventName: "DeleteObject" }, good.eventID as string), cloudTrailRecord()]),
  );
  const { code, summary, stderr } = await importCloudTrail(file);
  expect(stderr).toMatch(/record 1: .*\/id: another event has this id.*entry\.id_conflict/);
  expect(summary).toMatchObject({ appended: 2, bad_records: 1 });
  expect(code).toBe(1);
});

test("a damaged file is reported and the files after it go in", async () => {
  await writeFile(join(folder, "a.json"), logFile([cloudTrailRecord(), cloudTrailRecord()]).slice(0, -100));
  const gz = gzipped(logFile(Array.from({ length: 300 }, () => cloudTrailRecord())));
  await writeFile(join(folder, "b.json.gz"), gz.subarray(0, gz.length - 20));
  await writeFile(join(folder, "c.json"), logFile([cloudTrailRecord()]));
  const { code, summary } = await importCloudTrail(
    join(folder, "a.json"),
    join(folder, "b.json.gz"),
    join(folder, "c.json"),
  );
  expect(summary.bad).toMatchObject([
    { index: null, why: "it ends in the middle of record 1" },
    { index: null, why: expect.stringMatching(/cannot be read/) },
  ]);
  expect(summary.appended).toBeGreaterThanOrEqual(2);
  expect(code).toBe(1);
});

test("an answer that was lost doubles nothing", async () => {
  server.faults.push(
    { kind: "lose-answer" },
    { kind: "hang-up" },
    { kind: "refuse", status: 503, headers: { "retry-after": "1" } },
  );
  const { code, summary } = await importCloudTrail(await writeLogs());
  expect(summary).toMatchObject({ appended: 17 });
  expect([code, log.rows.length]).toEqual([0, 18]);
});

test("a server that cannot be reached ends the import with 3, and what went in is said", async () => {
  await server.stop();
  const { code, summary, stderr } = await importCloudTrail(await writeLogs());
  expect(summary).toMatchObject({ appended: 0 });
  expect(stderr).toMatch(/moonseal: no answer from .*ECONNREFUSED/);
  expect(code).toBe(3);
});

test("a key that the server does not know ends the import with 3 at the first batch", async () => {
  server.faults.push({ kind: "refuse", status: 401, code: "auth.required" });
  const { code } = await importCloudTrail(await writeLogs());
  expect([code, server.seen.length]).toEqual([3, 1]);
});

test("the summary counts what was left out here, by pointer pattern; what is private is kept", async () => {
  const file = join(folder, "a.json");
  await writeFile(
    file,
    logFile([cloudTrailRecord({ requestParameters: { a: "x".repeat(20_000) } }), cloudTrailRecord()]),
  );
  const { summary } = await importCloudTrail(file);
  expect(summary.left_out).toEqual({ "/requestParameters": 1 });
  expect(summary.dropped).toEqual({});
  expect(log.values.get(2)?.map(({ pointer }) => pointer)).toContain("/metadata/user_identity");
});

test("the summary counts what the server did not store because its people were erased, by pointer pattern", async () => {
  const file = join(folder, "a.json");
  await writeFile(file, logFile([cloudTrailRecord(), cloudTrailRecord()]));
  const { stdout } = await runCli(["import", "cloudtrail", "--dry-run", "--show", "1", file], fakeIo(folder, {}));
  log.erase(JSON.parse(stdout.trim()).event.actor.id);
  const { summary } = await importCloudTrail(file);
  expect(summary.dropped).toMatchObject({ "/context/ip": 2, "/metadata/user_identity": 2 });
});

test("a dry run shows the first events and sends nothing", async () => {
  const logs = await writeLogs();
  const { code, stdout, stderr } = await runCli(
    ["import", "cloudtrail", "--dry-run", "--show", "2", logs],
    fakeIo(folder, {}),
  );
  const shown = stdout
    .trim()
    .split("\n")
    .map((text) => JSON.parse(text));
  expect(shown).toMatchObject([{ index: 0, event: { action: "s3.put_object" } }, { index: 1 }]);
  expect(stderr).toMatch(/would be sent +17/);
  expect([code, server.seen.length]).toEqual([0, 0]);
});

test("a path that does not exist is a usage error and nothing is sent", async () => {
  const { code, stderr } = await importCloudTrail(join(folder, "nowhere"));
  expect(stderr).toMatch(/^moonseal: cannot read .*nowhere: ENOENT\n$/);
  expect([code, server.seen.length]).toEqual([2, 0]);
});

test("control characters in a file's records never reach the terminal", async () => {
  const file = join(folder, "a.json");
  await writeFile(
    file,
    `{"Records":[{"eventID":"x","eventTime":"2023-07-10T12:00:00Z","eventSource":"s3","a\\u001b[31m":1,"a\\u001b[31m":2}]}`,
  );
  const { stderr } = await importCloudTrail(file);
  expect(stderr).toContain("\\u{1b}[31m");
  expect(stderr).not.toContain("\u001b");
});
