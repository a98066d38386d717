/** A stream of events in one request, against a server that speaks HTTP. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { createGunzip } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { type IngestOptions, MoonsealClient, MoonsealProblem, MoonsealUnreachable } from "../../src/client/index.ts";

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<unknown> | unknown;
async function clientOf(answer: Answer): Promise<MoonsealClient> {
  const listening = createServer((request, response) => void answer(request, response));
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return new MoonsealClient({ baseUrl: `http://127.0.0.1:${(listening.address() as AddressInfo).port}`, apiKey: "k" });
}

const SUMMARY = { events: 2, stored: 2, replayed: 0, refused: 0, complete: true };
async function sent(client: MoonsealClient, lines: AsyncIterable<string> | string[], options: IngestOptions = {}) {
  const results = client.ingest("dom", lines, { idempotencyKey: "k1", ...options });
  const seen: unknown[] = [];
  for (;;) {
    const { done, value } = await results.next();
    if (done) return { seen, summary: value };
    seen.push(value);
  }
}
async function textOf(bytes: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of bytes) parts.push(part);
  return Buffer.concat(parts).toString();
}

test.each([false, true])(
  "lines arrive as they are (gzip: %s), with the key, and the summary comes back",
  async (gzip) => {
    let got = "";
    let request: IncomingMessage | undefined;
    const client = await clientOf(async (asked, response) => {
      request = asked;
      got = await textOf(gzip ? asked.pipe(createGunzip()) : asked);
      response.end(`{"index":0,"line":1,"status":"stored"}\n{"summary":${JSON.stringify(SUMMARY)}}\n`);
    });
    const lines = ['{"a":1}', '{"b":"ü"}'];
    expect(await sent(client, lines, { gzip, format: "ocsf", results: "refused" })).toEqual({
      seen: [{ index: 0, line: 1, status: "stored" }],
      summary: SUMMARY,
    });
    expect(got).toBe('{"a":1}\n{"b":"ü"}\n');
    expect(request?.url).toBe("/v1/domains/dom/audit/entries?mode=partial&format=ocsf&results=refused");
    expect(request?.headers).toMatchObject({ "idempotency-key": "k1", "content-type": "application/x-ndjson" });
  },
);

test("a line is sent without waiting for the next one, and its result comes while the stream is open", async () => {
  const client = await clientOf(async (request, response) => {
    for await (const chunk of request) response.write(`{"index":0,"line":1,"got":${JSON.stringify(String(chunk))}}\n`);
    response.end(`{"summary":{}}\n`);
  });
  const first = Promise.withResolvers<void>();
  async function* slow() {
    yield "one";
    await first.promise;
    yield "two";
  }
  const results = client.ingest("dom", slow());
  expect((await results.next()).value).toMatchObject({ got: "one\n" });
  first.resolve();
  expect((await results.next()).value).toMatchObject({ got: "two\n" });
  expect((await results.next()).done).toBe(true);
});

test("an answer without its summary is no success, whatever results came before", async () => {
  const client = await clientOf((_, response) => response.end('{"index":0,"line":1,"status":"stored"}\n'));
  await expect(sent(client, ["{}"])).rejects.toThrow(MoonsealUnreachable);
});

test("a refusal of the whole stream is the problem that it is", async () => {
  const client = await clientOf((_, response) => response.writeHead(429).end('{"code":"rate.limited"}'));
  const refused = sent(client, ["{}"]);
  await expect(refused).rejects.toThrow(MoonsealProblem);
  await expect(refused).rejects.toMatchObject({ code: "rate.limited" });
});

test("what the caller's own lines fail with is thrown as it is", async () => {
  const client = await clientOf((request) => request.on("error", () => {}).resume());
  async function* broken() {
    yield "{}";
    throw new RangeError("no such file");
  }
  await expect(sent(client, broken())).rejects.toThrow("no such file");
});
