/** `moonseal holds`: what is sent, what is asked first, and what the exit code says. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Io } from "../../../src/cli/io.ts";
import { HOLD } from "../support/holds-double.ts";
import { domainIdOf, LogDouble } from "../support/log-double.ts";
import { TENANT_EU } from "../support/people-answers.ts";
import { fakeIo, runCli, tempDir } from "../support/run-cli.ts";
import { KEY_EU, ServerDouble } from "../support/server-double.ts";

const DOMAIN = domainIdOf("eu");
const REVIEW = ["--review-at", "2027-06-30"];
const PLACE = ["place", "--all", ...REVIEW, "--reason", "3 O 112/26"];
const ESCAPE = "\u001b";
let home: string;
let server: ServerDouble;
let url: string;

beforeEach(async () => {
  home = await tempDir();
  server = new ServerDouble(new LogDouble(DOMAIN));
  url = await server.start();
});
afterEach(() => server.stop());

const holds = (argv: string[], more: Partial<Io> = {}) =>
  runCli(["holds", ...argv], fakeIo(home, { MOONSEAL_URL: url, MOONSEAL_KEY: KEY_EU }, more));
const sent = () =>
  server.seen.map(({ method, path }) => `${method} ${path.replace(`/v1/tenants/${TENANT_EU}/legal-holds`, "")}`);
const bodies = () => server.seen.flatMap(({ body }) => (body === "" ? [] : [JSON.parse(body)]));
const typed = (...lines: string[]): Partial<Io> => ({
  stdin: (async function* () {
    yield lines.join("\n");
  })(),
});
const answering = (...answers: (string | null)[]) => {
  const questions: string[] = [];
  const ask = async (question: string) => {
    questions.push(question);
    return answers.shift() ?? null;
  };
  return { questions, ask };
};

describe("holds place", () => {
  test.each<[string, string[], object]>([
    ["whole domains", ["--in", DOMAIN], { domains: [DOMAIN] }],
    ["every domain", ["--all"], { all_domains: true }],
    [
      "ranges, of which one has no end",
      ["--range", `${DOMAIN}:3-9`, "--range", `${DOMAIN}:20-`],
      {
        ranges: [
          { domain_id: DOMAIN, from: 3, to: 9 },
          { domain_id: DOMAIN, from: 20 },
        ],
      },
    ],
    ["people", ["--person", "usr_42", "--person", "usr_43"], { people: ["usr_42", "usr_43"] }],
    ["resources", ["--resource", "sessions", "--resource", "exports"], { resources: ["sessions", "exports"] }],
    [
      "a query in one domain",
      ["--query", "-is:failed", "--in", DOMAIN],
      { query: { q: "-is:failed", domains: [DOMAIN] } },
    ],
    [
      "a query in every domain, beside people",
      ["--query", "action:payment.*", "--all", "--person", "usr_42"],
      { query: { q: "action:payment.*", all_domains: true }, people: ["usr_42"] },
    ],
  ])("sends %s as they were named, and nothing else", async (_, flags, scope) => {
    const { code, stdout } = await holds(["place", ...flags, ...REVIEW, "--reason", "why", "--owner", "legal"]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(new RegExp(`^hold +${HOLD}\nstatus +active\n`))]);
    expect(bodies()).toEqual([{ reason: "why", owner: "legal", review_at: "2027-06-30T00:00:00Z", scope }]);
  });

  test("people may come from standard input, beside those that are named, and the reason from the terminal", async () => {
    const { questions, ask } = answering("  the case of Acme ");
    const flags = ["place", "--person", "usr_1", "--person", "-", ...REVIEW];
    expect((await holds(flags, { ...typed("usr_42", "", "usr_43\r", ""), ask })).code).toBe(0);
    expect(questions).toEqual(["The reason, on one line: "]);
    expect(bodies()).toMatchObject([{ reason: "the case of Acme", scope: { people: ["usr_1", "usr_42", "usr_43"] } }]);
  });

  test.each<[string, string[], RegExp]>([
    ["nothing is named", [], /say what to hold: --all, --in/],
    ["--domain is given, which says nothing about a hold", ["--domain", DOMAIN], /--domain does not say what is held/],
    ["--all and --in contradict each other", ["--all", "--in", DOMAIN], /--all and --in exclude each other/],
    ["a query has no place", ["--query", "is:failed"], /say where --query asks: --in DOMAIN or --all/],
    ["a query asks for nothing", ["--query", " ", "--all"], /--query asks for nothing/],
    ["a query is not understood", ["--query", "actions:iam.*", "--all"], /there is no such field/],
    ["a range names no domain", ["--range", "3-9"], /must be DOMAIN:FROM-TO/],
    ["a range is of a tenant", ["--range", `${TENANT_EU}:3-9`], /must be DOMAIN:FROM-TO/],
    ["a range ends before it begins", ["--range", `${DOMAIN}:9-3`], /must not end before it begins/],
    ["there is no such resource", ["--resource", "session"], /must be one of audit_entries/],
    ["standard input names nobody", ["--person", "-"], /no identity id on standard input/],
  ])("sends nothing when %s", async (_, flags, said) => {
    const { code, stderr } = await holds(["place", ...flags, ...REVIEW, "--reason", "why"]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(said)]);
    expect(sent()).toEqual([]);
  });

  test.each([201, 300])("takes no %d people, and sends nothing", async (many) => {
    const people = Array.from({ length: many }, (_, i) => `usr_${i}`);
    const { code, stderr } = await holds(["place", "--person", "-", ...REVIEW, "--reason", "why"], typed(...people));
    expect([code, stderr, sent()]).toEqual([2, "moonseal: at most 200 lines are taken\n", []]);
  });

  test("sends nothing without a reason where there is nobody to ask, or nobody answers", async () => {
    for (const answer of [null, "", "  "]) {
      const { code, stderr } = await holds(["place", "--all", ...REVIEW], { ask: async () => answer });
      expect([code, stderr]).toEqual([2, "moonseal: a reason is wanted: --reason\n"]);
    }
    expect(sent()).toEqual([]);
  });

  test("ends with 1 while a domain does not confirm, and says which, also as JSON", async () => {
    server.holds.confirms = false;
    const { code, stdout, stderr } = await holds(PLACE);
    expect(code).toBe(1);
    expect(stdout).toMatch(/status +placing\n[^]*not yet +dom_eu_[0-9a-z]+: not_confirmed\n/);
    expect(stderr).toBe(
      `moonseal: placing: 1 of 1 domains have not confirmed; it goes on by itself: moonseal holds show ${HOLD}\n`,
    );
    const json = await holds([...PLACE, "--json"]);
    expect([json.code, JSON.parse(json.stdout).status]).toEqual([1, "placing"]);
  });

  test("is not sent again when its answer is lost: there may be a hold", async () => {
    server.faults.push({ kind: "lose-answer" });
    const { code } = await holds([...PLACE, "--tenant", TENANT_EU]);
    expect([code, sent(), server.holds.holds.length]).toEqual([3, ["POST "], 1]);
  });
});

test("holds preview counts and places nothing", async () => {
  const { code, stdout } = await holds(["preview", "--query", "subject:usr_42", "--all"]);
  expect([code, stdout]).toEqual([
    0,
    expect.stringMatching(/at least 12 entries +counted up to 40\nat least 12 entries in 1 domain; nothing is held/),
  ]);
  expect(sent()).toEqual(["GET /v1/whoami", "POST /preview"]);
  expect(bodies()).toEqual([{ query: { q: "subject:usr_42", all_domains: true } }]);
  const json = await holds(["preview", "--query", "subject:usr_42", "--all", "--json"]);
  expect(JSON.parse(json.stdout)).toMatchObject({ entries: 12, exact: false });
  expect(server.holds.holds).toEqual([]);
});

describe("a hold that there is", () => {
  beforeEach(async () => {
    const scope = ["--person", "usr_42", "--query", "is:failed", "--all"];
    expect((await holds(["place", ...scope, ...REVIEW, "--reason", "why"])).code).toBe(0);
    server.seen.length = 0;
  });

  test("is listed and shown with what it covers; characters that move a cursor do nothing", async () => {
    const [hold] = server.holds.holds;
    if (hold) hold.reason = `why${ESCAPE}[2J`;
    const listed = await holds([]);
    expect(listed.stdout).toMatch(/^hld_eu_\w+ +active +review in 220 days +1 person, is:failed +why/);
    const { code, stdout } = await holds(["show", HOLD]);
    expect(stdout).toMatch(/holds +person usr_42\n +entries in every domain: is:failed\n/);
    expect(stdout + listed.stdout).not.toContain(ESCAPE);
    expect(code).toBe(0);
    const json = await holds(["show", HOLD, "--json"]);
    expect(JSON.parse(json.stdout)).toEqual(hold);
  });

  test("whose review is overdue says so", async () => {
    const now = () => Date.parse("2027-07-02T00:00:00Z");
    expect((await holds(["show", HOLD], { now })).stdout).toMatch(
      /review due +2027-06-30T00:00:00Z, OVERDUE, 2 days ago\n/,
    );
  });

  test("is reviewed with a note and the next date", async () => {
    const { code, stdout } = await holds(["review", HOLD, "--note", "goes on", "--review-at", "2028-01-01"]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/reviewed +.*: goes on\n/)]);
    expect(bodies()).toEqual([{ note: "goes on", review_at: "2028-01-01T00:00:00Z" }]);
  });

  test("is released when the person has seen it, says yes and gives a reason", async () => {
    const { questions, ask } = answering("yes", "settled");
    const { code, stdout, stderr } = await holds(["release", HOLD], { ask });
    expect(questions).toEqual(["Release it for good? Type yes: ", "The reason, on one line: "]);
    expect(stderr).toMatch(/person usr_42/);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/status +released\n[^]*people, not kept after the release/),
    ]);
    expect(bodies()).toEqual([{ reason: "settled" }]);
  });

  test.each([
    ["no", 1, /not confirmed: nothing was released/],
    ["y", 1, /not confirmed: nothing was released/],
    ["", 1, /not confirmed: nothing was released/],
    [null, 2, /there is nobody to ask whether it is meant; --yes says so/],
  ])("stays when the answer is %j", async (answer, wanted, said) => {
    const { code, stderr } = await holds(["release", HOLD, "--reason", "settled"], { ask: async () => answer });
    expect([code, stderr]).toEqual([wanted, expect.stringMatching(said)]);
    expect(sent()).toEqual(["GET /v1/whoami", `GET /${HOLD}`]);
  });

  test("is released by a script with --yes, without a look at it, and only once", async () => {
    const release = ["release", HOLD, "--yes", "--reason", "settled", "--json"];
    const { code, stdout } = await holds(release);
    expect([code, JSON.parse(stdout).status]).toEqual([0, "released"]);
    expect(sent()).toEqual(["GET /v1/whoami", `POST /${HOLD}/release`]);
    const again = await holds(release);
    expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/hold\.released/)]);
    const asked = await holds(["release", HOLD], { ask: async () => "yes" });
    expect([asked.code, asked.stderr]).toEqual([1, "moonseal: it was released already\n"]);
  });

  test("ends with 1 while a domain has not heard of its release", async () => {
    server.holds.confirms = false;
    const { code, stderr } = await holds(["release", HOLD, "--yes", "--reason", "settled"]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/^moonseal: releasing: 1 of 1 domains/)]);
  });
});

test("where there is none, the list says so and showing one is refused", async () => {
  expect((await holds(["list"])).stdout).toBe("there is no legal hold\n");
  expect(JSON.parse((await holds(["list", "--json"])).stdout)).toEqual({ legal_holds: [] });
  expect((await holds(["show", HOLD])).code).toBe(1);
});
