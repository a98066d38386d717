/** `query` and what else finds and hands out: against a scripted server. */
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { Fetch } from "../../../src/client/index.ts";
import { type FakeIo, fakeIo, runCli, tempDir } from "../support/run-cli.ts";
import { KEY_EU, TENANT } from "../support/server-double.ts";

type Init = Parameters<Fetch>[1];
interface Scripted {
  status?: number;
  body?: unknown;
  bytes?: Uint8Array;
  headers?: { [name: string]: string };
}

const DOMAIN = "dom_eu_01jcy3x8e7f4s9m2k5n8q1r4tv";
let home: string;
beforeEach(async () => {
  home = await tempDir();
});

/** Answers in order; whatever is asked beyond it fails the command. */
function moonseal(argv: string[], script: Scripted[] = [], more: Partial<FakeIo> = {}) {
  const asked: { method: string; path: string; headers: Init["headers"]; json: unknown }[] = [];
  const fetch: Fetch = async (url, { method, body, headers }) => {
    const { pathname, search } = new URL(url);
    asked.push({
      method,
      path: pathname + search,
      headers,
      json: body === undefined ? null : JSON.parse(String(body)),
    });
    const next = script.shift();
    if (!next) throw new Error("one request too many");
    const { status = 200, body: answer = {}, bytes, headers: sent = {} } = next;
    async function* chunks() {
      if (bytes) yield bytes;
    }
    const header = { get: (name: string) => sent[name] ?? null };
    return { status, headers: header, body: chunks(), text: async () => JSON.stringify(answer) };
  };
  const env = { MOONSEAL_URL: "http://127.0.0.1:1", MOONSEAL_KEY: KEY_EU, MOONSEAL_DOMAIN: DOMAIN };
  const io = fakeIo(home, env, { fetch, ...more });
  return runCli(argv, io).then((result) => ({ ...result, asked }));
}

const entry = (seq: number, payload: object = {}) => ({
  ...{ seq, id: `id-${seq}`, entry_hash: "ab".repeat(32), prev_hash: "cd".repeat(32) },
  payload: {
    ...{ occurred_at: "2026-11-21T09:14:03.221Z", action: "invoice.paid", outcome: "denied" },
    ...{ actor: { type: "user", ref: "f".repeat(64) }, targets: [{ type: "invoice", id: "inv_9" }] },
    ...payload,
  },
});
const page = (entries: object[], next_cursor: string | null = null, searchable_through = 41): Scripted => ({
  body: { entries, next_cursor, has_more: next_cursor !== null, searchable_through },
});

describe("query", () => {
  test("a mistake is shown where it stands, and nothing is sent", async () => {
    const { code, stderr, asked } = await moonseal(["query", 'outcome:success actions:"x"']);
    const [first, query = "", carets = ""] = stderr.split("\n");
    expect(first).toBe("moonseal: the query is not understood");
    expect(query.slice(carets.indexOf("^"), carets.lastIndexOf("^") + 1)).toBe("actions");
    expect(stderr).toContain("did you mean action:?");
    expect([code, asked]).toEqual([2, []]);
  });

  test("words are one query, a term that excludes is no option, and an option that is none is refused", async () => {
    const { code, asked } = await moonseal(["query", "action:a.*", "-outcome:success", "late"], [page([entry(1)])]);
    expect(code).toBe(0);
    expect(asked[0]).toMatchObject({
      path: `/v1/domains/${DOMAIN}/audit/query`,
      json: { q: "action:a.* -outcome:success late" },
    });
    const refused = await moonseal(["query", "action:a.*", "--colour"]);
    expect([refused.code, refused.asked, refused.stderr]).toEqual([2, [], expect.stringContaining("--colour")]);
  });

  test("the table names its columns once for all pages, and nothing of an entry reaches the terminal as it is", async () => {
    const nasty = entry(2, {
      action: "\u001b[2Ja.b",
      targets: [
        { type: "x", id: "\u202e" },
        { type: "y", id: "z" },
      ],
    });
    const { stdout, stderr } = await moonseal(["query", "--all"], [page([entry(1)], "c1"), page([nasty])]);
    expect(stdout.match(/WHEN/g)).toHaveLength(1);
    expect(stdout).toMatch(/#1 +invoice\.paid +user:f+…f+ +denied +invoice:inv_9/);
    expect(stdout).toMatch(/and 1 more/);
    expect(stdout.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(stderr).toBe("");
  });

  test("what is found beyond the limit is not shown but said, and no page more is asked for", async () => {
    const { stdout, stderr, asked } = await moonseal(
      ["query", "--limit", "2", "--ndjson"],
      [page([entry(3), entry(2)], "c1")],
    );
    expect(
      stdout
        .trim()
        .split("\n")
        .map((text) => JSON.parse(text).seq),
    ).toEqual([3, 2]);
    expect(stderr).toMatch(/^2 entries; searched through #41; there are more/);
    expect(asked[0]?.json).toMatchObject({ limit: 2 });
  });

  test("nothing found says so, and how far was searched", async () => {
    const { code, stdout, stderr } = await moonseal(["query", "is:failed"], [page([])]);
    expect([code, stdout, stderr]).toEqual([
      0,
      "",
      expect.stringMatching(/^no entry matches; searched through #41; --latest/),
    ]);
    expect((await moonseal(["query"], [page([], null, -1)])).stderr).toMatch(/nothing is searchable yet/);
  });

  test("--json is one document of all pages, with how far was searched", async () => {
    const { stdout } = await moonseal(["query", "--all", "--json"], [page([entry(2)], "c1"), page([entry(1)])]);
    expect(JSON.parse(stdout)).toEqual({ entries: [entry(2), entry(1)], searchable_through: 41, has_more: false });
  });

  test("--csv is the table of an export: one header, and no cell that a spreadsheet would run", async () => {
    const text = (seq: number, action: string) => ({
      ...entry(seq),
      payload: JSON.stringify({ action, id: `=${seq}` }),
    });
    const { stdout, asked } = await moonseal(
      ["query", "--all", "--csv"],
      [page([text(2, "=1+1")], "c1"), page([text(1, "a,b")])],
    );
    const lines = stdout.trimEnd().split("\r\n");
    expect(lines.map((row) => row.split(",").slice(0, 1)[0])).toEqual(["seq", "2", "1"]);
    expect(lines[1]).toContain(",'=1+1,");
    expect(lines[2]).toContain('"a,b"');
    expect(asked.map(({ json }) => (json as { payload: string }).payload)).toEqual(["text", "text"]);
  });

  test("--tenant-wide asks the tenant, names each entry's domain and says which are behind", async () => {
    const domains = [
      { domain_id: DOMAIN, searchable_through: 3, behind: true },
      { domain_id: "dom_eu_2", searchable_through: 1, behind: false },
    ];
    const body = { entries: [{ ...entry(1), domain_id: DOMAIN }], next_cursor: "c", has_more: true, domains };
    const { stdout, stderr, asked } = await moonseal(
      ["query", "--tenant-wide", "--tenant", TENANT, "--limit", "1"],
      [{ body }],
    );
    expect(asked[0]?.path).toBe(`/v1/tenants/${TENANT}/audit/query`);
    expect(stdout).toContain(DOMAIN);
    expect(stderr).toMatch(/searched 2 domains, 1 of them not to their newest entry/);
  });

  test("--count and --facets say what they do not know", async () => {
    const counted = await moonseal(
      ["query", "--count"],
      [{ body: { count: 10000, exact: false, searchable_through: 9 } }],
    );
    expect(counted.stdout).toBe("at least 10000\n");
    const facet = [{ value: "iam.create_user", count: 7 }];
    const body = { actions: facet, actors: [], outcomes: [], categories: [], days: [{ day: "2026-11-01", count: 7 }] };
    const more = { complete: false, entries_looked_at: 5000, searchable_through: 9 };
    const { stdout, stderr } = await moonseal(["query", "is:failed", "--facets"], [{ body: { ...body, ...more } }]);
    expect(stdout).toMatch(/actions\n {2}iam\.create_user {2}7 {2}█+\ndays\n {2}2026-11-01/);
    expect(stderr).toMatch(/of the newest 5,000 entries only; searched through #9/);
  });

  test("forms that exclude each other are wrong usage", async () => {
    for (const flags of ["--csv --json", "--count --facets", "--count --all", "--all --limit 3", "--tenant t"]) {
      const { code, asked } = await moonseal(["query", ...flags.split(" ")]);
      expect([flags, code, asked]).toEqual([flags, 2, []]);
    }
  });
});

describe("export", () => {
  const EXPORT = "exp_eu_01jcy3x8e7f4s9m2k5n8q1r4tv";
  const view = (status: string, bytes = 8) => ({
    ...{ id: EXPORT, domain_id: DOMAIN, status, created_at: "2026-11-21T10:00:00.000Z", from: 0, to: 9, filter: null },
    ...{
      formats: ["ndjson"],
      progress: { entries: 5, scanned: 5, total: 10 },
      bytes,
      finished_at: null,
      expires_at: null,
    },
    ...{ failure: status === "failed" ? "storage.unavailable" : null, links: [] },
  });
  const LINK = { body: { url: `http://elsewhere.example/x?token=tok`, id: "lnk_eu_1", expires_at: "" }, status: 201 };
  const bytes = (text: string) => new TextEncoder().encode(text);

  test("create waits, downloads by a link of its own and writes the file whole", async () => {
    const out = join(home, "e.zip");
    const script = [
      { status: 202, body: { export: view("queued") } },
      { body: view("running") },
      { body: view("done") },
      LINK,
    ];
    const archive = { bytes: bytes("PK345678"), headers: { "content-length": "8" } };
    const argv = ["export", "create", "is:failed", "--format", "csv", "--out", out, "--no-verify"];
    const { code, stderr, asked } = await moonseal(argv, [...script, archive]);
    expect(asked[0]?.json).toEqual({ q: "is:failed", formats: ["csv"] });
    // By the token, at the server that is asked, and without the key.
    expect(asked.at(-1)?.path).toBe(`/v1/domains/${DOMAIN}/exports/${EXPORT}/download?token=tok`);
    expect(asked.at(-1)?.headers.authorization).toBeUndefined();
    expect(await readFile(out, "utf8")).toBe("PK345678");
    expect((await stat(out)).mode & 0o777).toBe(0o600);
    expect([code, stderr]).toEqual([0, expect.stringMatching(/making exp_eu_.*\n.*wrote 8 bytes/)]);
  });

  test("download goes on behind what is there, and verifies: what is no export is refuted", async () => {
    const out = join(home, "e.zip");
    await writeFile(`${out}.${EXPORT}.part`, "PK34");
    const rest = { status: 206, bytes: bytes("5678"), headers: { "content-range": "bytes 4-7/8" } };
    const { code, stderr, asked } = await moonseal(
      ["export", "download", EXPORT, "--out", out],
      [{ body: view("done") }, LINK, rest],
    );
    expect(asked.at(-1)?.headers.range).toBe("bytes=4-");
    expect(await readFile(out, "utf8")).toBe("PK345678");
    expect(stderr).toMatch(/going on behind byte 4/);
    expect(code).not.toBe(0);
  });

  test("a whole part is taken without a link, and a file that is there is not replaced", async () => {
    const out = join(home, "e.zip");
    await writeFile(`${out}.${EXPORT}.part`, "PK345678");
    const argv = ["export", "download", EXPORT, "--out", out, "--no-verify"];
    expect((await moonseal(argv, [{ body: view("done") }])).code).toBe(0);
    const again = await moonseal(argv, [{ body: view("done") }]);
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("--force")]);
  });

  test("an export that has failed says why, and one that was withdrawn is not waited for", async () => {
    const failed = await moonseal(["export", "download", EXPORT], [{ body: view("failed") }]);
    expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining("storage.unavailable")]);
    expect((await moonseal(["export", "download", EXPORT], [{ body: view("revoked") }])).code).toBe(1);
  });

  test("--private asks for private values with the reason, and neither goes without the other", async () => {
    const argv = ["export", "create", "--private", "--reason", "request DSR-17", "--no-wait"];
    const { code, asked } = await moonseal(argv, [{ status: 202, body: { export: view("queued") } }]);
    expect([code, asked[0]?.json]).toEqual([0, { include_private: { reason: "request DSR-17" } }]);
    for (const flags of [["--private"], ["--reason", "x"]]) {
      const half = await moonseal(["export", "create", "--no-wait", ...flags]);
      expect([half.code, half.asked, half.stderr]).toEqual([2, [], expect.stringContaining("--reason")]);
    }
  });

  test("a second factor that the server wants is asked for, and the export is then asked for again", async () => {
    const wanted = {
      status: 403,
      body: { code: "auth.step_up_required", title: "x", continue: "POST /v1/auth/eu/second-factor" },
    };
    const factors = { body: { totp_added_at: "2026-11-21T10:00:00.000Z", recovery_codes_left: 0, passkeys: [] } };
    const { code, asked } = await moonseal(
      ["export", "create", "--private", "--reason", "DSR-17", "--no-wait"],
      [wanted, factors, { body: {} }, { status: 202, body: { export: view("queued") } }],
      { ask: async () => "123456" },
    );
    expect(code).toBe(0);
    expect(asked.map(({ path }) => path.split("/").at(-1))).toEqual([
      "exports",
      expect.stringContaining("factor"),
      "second-factor",
      "exports",
    ]);
    expect(asked[3]?.json).toEqual(asked[0]?.json);
  });

  test("an id that is none becomes no file, whoever says it", async () => {
    const evil = "../../evil";
    const typed = await moonseal(["export", "download", evil]);
    expect([typed.code, typed.asked]).toEqual([2, []]);
    const out = join(home, "e.zip");
    const begun = { status: 202, body: { export: { ...view("queued"), id: evil } } };
    expect((await moonseal(["export", "create", "--out", out], [begun])).asked).toHaveLength(1);
    const other = { body: { ...view("done"), id: evil } };
    const told = await moonseal(["export", "download", EXPORT, "--out", out], [other]);
    expect([told.code, told.stderr]).toEqual([3, expect.stringContaining("another export")]);
    expect(told.asked).toHaveLength(1);
  });

  test("S0-21: a tier without exports is said, with the one that has them and who changes it", async () => {
    const detail = "exports come with the tier team";
    const body = { code: "tier.required", title: "The tenant's tier does not include this", detail };
    const { code, stderr } = await moonseal(["export", "create"], [{ status: 403, body }]);
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /exports come with the tier team \(tier\.required\); nothing was made.*the operator changes/,
    );
  });

  test("revoke ends the export, or only one link", async () => {
    const whole = await moonseal(["export", "revoke", EXPORT], [{ body: view("revoked") }]);
    const link = await moonseal(["export", "revoke", EXPORT, "--link", "lnk_eu_1"], [{ status: 204, body: null }]);
    expect([whole.asked[0]?.path, link.asked[0]?.path].map((path) => path?.split("/exports/")[1])).toEqual([
      EXPORT,
      `${EXPORT}/links/lnk_eu_1`,
    ]);
  });
});

describe("schemas and settings", () => {
  const TYPE = {
    ...{ action: "order.approved", description: "x", category: "billing", does: "write", sensitivity: "low" },
    metadata_schema: { type: "object", properties: { amount: { type: "integer", minimum: 1 } }, required: ["amount"] },
  };
  const files = async (type: object, ...events: string[]) => {
    await mkdir(home, { recursive: true });
    const [schema, file] = [join(home, "type.json"), join(home, "events.ndjson")];
    await writeFile(schema, JSON.stringify(type));
    await writeFile(file, events.join("\n"));
    return [file, "--schema", schema];
  };

  test("check names line, place and rule, never a value, and asks nobody", async () => {
    const good = '{"action":"order.approved","metadata":{"amount":1}}';
    const bad = '{"action":"order.approved","metadata":{"amount":"sekret"}}';
    const argv = await files(TYPE, good, bad, "", "{", '{"action":"other.thing"}');
    const { code, stdout, stderr, asked } = await moonseal(["schemas", "check", ...argv]);
    expect(stdout).toBe(
      'line 2: /metadata/amount: does not fit the rule "type" of the schema\nline 4: (event): is no JSON object\n',
    );
    expect(stderr).toBe("4 events checked, 2 refused; 1 event of actions without a schema\n");
    expect([code, asked]).toEqual([1, []]);
    expect((await moonseal(["schemas", "check", ...(await files(TYPE, good))])).code).toBe(0);
  });

  test("check refuses a schema that is none, with the place", async () => {
    const argv = await files({ ...TYPE, metadata_schema: { typ: "object" } }, "{}");
    const { code, stderr } = await moonseal(["schemas", "check", ...argv]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("/metadata_schema/typ")]);
  });

  test("a version is added to what was read, and a file of another type is not sent", async () => {
    const [, , schema = ""] = await files(TYPE);
    const read = { headers: { etag: '"1"' } };
    const added = { status: 201, body: { action: "order.approved", newest: 2, withdrawn_at: null } };
    const argv = ["schemas", "version", "order.approved", schema, "--tenant", TENANT];
    const { code, stdout, asked } = await moonseal(argv, [read, added]);
    expect(asked[1]?.headers["if-match"]).toBe('"1"');
    expect(asked[1]?.json).not.toHaveProperty("action");
    expect([code, stdout]).toEqual([0, expect.stringContaining("version 2 is in use")]);
    const other = await moonseal(["schemas", "version", "order.refused", schema, "--tenant", TENANT]);
    expect([other.code, other.asked]).toEqual([2, []]);
  });

  test("settings are changed as they were read; default sets one back, and others are wrong usage", async () => {
    const now = { domain_id: DOMAIN, personal_data_guard: "redact", require_schema: false, record_reads: true };
    const script = [{ headers: { etag: '"e"' }, body: now }, { body: now }];
    const argv = ["domains", "settings", "--set", "personal_data_guard=redact", "--set", "require_schema=default"];
    const { stdout, asked } = await moonseal(argv, script);
    expect(asked[1]).toMatchObject({ method: "PATCH", json: { personal_data_guard: "redact", require_schema: null } });
    expect(stdout).toMatch(/personal_data_guard +redact/);
    const numbers = ["domains", "settings", "--set", "segment_entries=512", "--set", "segment_flush_seconds=default"];
    const { asked: numbered } = await moonseal(numbers, [{ headers: { etag: '"e"' }, body: now }, { body: now }]);
    expect(numbered[1]).toMatchObject({ json: { segment_entries: 512, segment_flush_seconds: null } });
    const wrong = ["segment_entries=0", "segment_entries=4097", "segment_entries=1e2", "segment_flush_seconds=59"];
    for (const wish of ["x=1", "require_schema=yes", "constructor=1", ...wrong]) {
      expect((await moonseal(["domains", "settings", "--set", wish])).code).toBe(2);
    }
  });
});
