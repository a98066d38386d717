/** CloudEvents and OCSF over HTTP: whole, in batches, in headers, in lines; what is refused is named in what was sent. */
import { beforeAll, describe, expect, test } from "vitest";
import { DATA_IS_EVENT } from "../../src/services/intake/cloudevents.ts";
import { call, copiedRows, event, logOf, newDomain, newTenant, type TestTenant } from "../support/cell.ts";
import { pointersOf, problemOf } from "../support/problems.ts";

let tenant: TestTenant;
let domainId: string;
let path: string;

beforeAll(async () => {
  tenant = await newTenant();
  domainId = await newDomain(tenant);
  path = `/v1/domains/${domainId}/audit/entries`;
});

const envelope = (fields: object = {}): { data?: unknown; [attribute: string]: unknown } => ({
  specversion: "1.0",
  id: crypto.randomUUID(),
  source: "/billing",
  type: "com.example.invoice.paid",
  ...fields,
});
const logon = (fields: object = {}) => ({
  class_uid: 3002,
  activity_id: 1,
  status_id: 1,
  metadata: { version: "1.9.0", uid: crypto.randomUUID() },
  user: { uid: "usr_7", name: "Ann Example", email_addr: "ann@example.com" },
  src_endpoint: { ip: "192.0.2.77" },
  ...fields,
});

const send = (type: string, body: unknown, { query = "", headers = {} }: { query?: string; headers?: object } = {}) =>
  call(path + query, {
    key: tenant.key,
    rawBody: typeof body === "string" ? body : JSON.stringify(body),
    headers: { "Content-Type": type, ...headers },
  });

async function stored(answer: Response): Promise<string[]> {
  const text = await answer.text();
  expect([200, 201], text).toContain(answer.status);
  const seqs = (JSON.parse(text) as { receipts: { seq: number }[] }).receipts.map(({ seq }) => seq);
  const rows = await copiedRows(domainId);
  return seqs.map((seq) => rows.find((row) => row.seq === seq)?.payload ?? "");
}

describe("CloudEvents 1.0", () => {
  test("structured, batch and binary make the same entry, and sent again it is a replay", async () => {
    const sent = envelope({ data: { total: 12, who: "Ann Example" }, subject: "inv 9" });
    const [payload = ""] = await stored(await send("application/cloudevents+json; charset=utf-8", sent));
    expect(JSON.parse(payload)).toMatchObject({
      action: "com.example.invoice.paid",
      actor: { type: "service", id: "/billing" },
      targets: [{ type: "subject", id: "inv 9" }],
    });
    expect(payload).not.toContain("Ann");
    const { size } = await logOf(domainId).head();
    const again = await send("application/cloudevents-batch+json", [sent]);
    expect(((await again.json()) as { receipts: object[] }).receipts).toMatchObject([{ replayed: true }]);
    const { data, ...attributes } = { ...sent, subject: "inv%209" };
    const headers = Object.fromEntries(
      Object.entries(attributes).map(([name, value]) => [`ce-${name}`, String(value)]),
    );
    const binary = await send("application/json", data, { headers });
    expect(((await binary.json()) as { receipts: object[] }).receipts).toMatchObject([{ replayed: true }]);
    expect((await logOf(domainId).head()).size).toBe(size);
  });

  test("in lines, each for itself", async () => {
    const lines = [
      envelope(),
      { ...envelope(), specversion: "2" },
      envelope({ dataschema: DATA_IS_EVENT, data: event() }),
    ];
    const body = lines.map((line) => JSON.stringify(line)).join("\n");
    const answer = await send("application/x-ndjson", body, { query: "?format=cloudevents&mode=partial" });
    const results = (await answer.text())
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(results).toMatchObject([
      { line: 1, status: "stored" },
      { line: 2, status: "refused", problem: { code: "request.invalid", errors: [{ pointer: "/specversion" }] } },
      { line: 3, status: "stored" },
      { summary: { stored: 2, refused: 1 } },
    ]);
  });

  test.each<[string, string, unknown, object, string[]]>([
    ["a batch that is no array", "application/cloudevents-batch+json", envelope(), {}, [""]],
    ["an array as one event", "application/cloudevents+json", [envelope()], {}, [""]],
    ["a time that is none", "application/cloudevents-batch+json", [envelope({ time: "noon" })], {}, ["/0/time"]],
    ["the second of two", "application/cloudevents-batch+json", [envelope(), envelope({ id: 5 })], {}, ["/1/id"]],
    [
      "a field of our event in it",
      "application/cloudevents+json",
      envelope({ dataschema: DATA_IS_EVENT, data: event({ colour: 1 }) }),
      {},
      ["/data/colour"],
    ],
    [
      "a header of a binary one",
      "application/json",
      {},
      { "ce-specversion": "1.0", "ce-id": "1", "ce-type": "a.b" },
      ["header:ce-source"],
    ],
    [
      "the body of a binary one",
      "application/json",
      event({ colour: 1 }),
      { "ce-specversion": "1.0", "ce-id": "1", "ce-type": "a.b", "ce-source": "s", "ce-dataschema": DATA_IS_EVENT },
      ["/colour"],
    ],
  ])("%s is refused by its place, and nothing is stored", async (_, type, body, headers, pointers) => {
    const { size } = await logOf(domainId).head();
    expect(pointersOf(await problemOf(await send(type, body, { headers }), "request.invalid"))).toEqual(pointers);
    expect((await logOf(domainId).head()).size).toBe(size);
  });

  test("what the log itself refuses is named where it stood", async () => {
    const sent = [envelope(), envelope({ subject: "4111 1111 1111 1111" })];
    const answer = await send("application/cloudevents-batch+json", sent);
    expect(pointersOf(await problemOf(answer, "entry.refused"))).toEqual(["/1/subject"]);
    const late = await send("application/cloudevents+json", envelope({ time: "2099-01-01T00:00:00Z" }));
    expect(pointersOf(await problemOf(late, "request.invalid"))).toEqual(["/time"]);
  });
});

describe("OCSF 1.x", () => {
  test("an authentication: nothing about the person in clear, an array and lines alike", async () => {
    const [payload = ""] = await stored(await send("application/json", [logon()], { query: "?format=ocsf" }));
    expect(JSON.parse(payload)).toMatchObject({
      action: "session.opened",
      outcome: "success",
      actor: { type: "user" },
    });
    for (const word of ["usr_7", "Ann", "ann@", "192.0.2.77"]) expect(payload).not.toContain(word);
    const answer = await send("application/x-ndjson", JSON.stringify(logon({ status_id: 2 })), {
      query: "?format=ocsf",
    });
    expect(await stored(answer)).toMatchObject([expect.stringContaining("session.refused")]);
  });

  test("in the data of a CloudEvent", async () => {
    const answer = await send("application/cloudevents+json", envelope({ data: logon() }), { query: "?format=ocsf" });
    expect(await stored(answer)).toMatchObject([expect.stringContaining("session.opened")]);
  });

  test("sent again it is a replay; another class is refused by its place", async () => {
    const sent = logon();
    await stored(await send("application/json", sent, { query: "?format=ocsf" }));
    const again = await send("application/json", sent, { query: "?format=ocsf" });
    expect(((await again.json()) as { receipts: object[] }).receipts).toMatchObject([{ replayed: true }]);
    const other = await send("application/json", [logon({ class_uid: 4001 })], { query: "?format=ocsf" });
    expect(pointersOf(await problemOf(other, "request.invalid"))).toEqual(["/0/class_uid"]);
  });
});
