/** A key service over HTTPS, on sockets of this machine: the protocol, and everything that a service could do to us. */
import type { RequestListener } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { LIMITS } from "../../src/core/limits.ts";
import { connectKeyService } from "../../src/storage/key-services/connect.ts";
import { WIRE } from "../../src/storage/key-services/exchange.ts";
import { failureOf, KEY, keepsTheContract, TENANT } from "./support/contract.ts";
import { HttpsDouble, TOKEN } from "./support/https-double.ts";
import { type Served, serve, serveRaw } from "./support/serve.ts";

const open: Served[] = [];
let double: HttpsDouble;
let url: string;

const opened = async (server: Promise<Served>) => {
  open.push(await server);
  return (open.at(-1) as Served).url;
};

beforeEach(async () => {
  double = new HttpsDouble();
  url = await opened(serve(double.handle));
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

function client(at = url, { token = TOKEN, timeoutMs = 2000 } = {}) {
  const wire = { ...WIRE, timeoutMs };
  return connectKeyService({ kind: "https", url: at }, { kind: "https", token }, { local: true, wire });
}

/** What an unwrap meets at a server that does this. */
async function unwrapAt(listener: RequestListener, timeoutMs = 2000) {
  return failureOf(client(await opened(serveRaw(listener)), { timeoutMs }).unwrap(TENANT, "AAAA", 1));
}

describe("a key service over HTTPS", () => {
  keepsTheContract(() => ({
    service: client(),
    revoke: () => {
      double.revoked = true;
    },
    restore: () => {
      double.revoked = false;
    },
  }));

  test("is called below its address, whether that ends with a slash or not", async () => {
    for (const at of [`${url}/below`, `${url}/below/`]) await client(at).wrap(TENANT, KEY, 2);
    expect(double.trail).toEqual([`/below/v1/wrap ${TENANT} 2`, `/below/v1/wrap ${TENANT} 2`]);
  });

  test.each<[number, "refused" | "no_answer", string]>([
    [400, "refused", "it does not accept the request (status 400)"],
    [403, "refused", "the key is revoked there (status 403)"],
    [404, "refused", "it does not know the tenant or the key (status 404)"],
    [410, "refused", "it does not accept the request (status 410)"],
    [429, "no_answer", "it is too busy (status 429)"],
    [500, "no_answer", "it has a fault of its own (status 500)"],
    [503, "no_answer", "it has a fault of its own (status 503)"],
    [201, "no_answer", "its status 201 means nothing"],
  ])("S3-41 a status %i is told as %s, in our own words", async (status, fault, words) => {
    double.status = status;
    expect(await failureOf(client().unwrap(TENANT, "AAAA", 1))).toMatchObject({ fault, words });
  });

  test("S3-41 a wrong token is refused, and neither it nor the answer is repeated", async () => {
    const failure = await failureOf(client(url, { token: "canary-of-a-wrong-token" }).wrap(TENANT, KEY, 1));
    expect(failure).toMatchObject({ fault: "refused", words: "it does not accept the token (status 401)" });
    const { message, detail, internal, stack, cause } = failure;
    expect(JSON.stringify({ message, detail, internal, stack, cause })).not.toMatch(/canary/);
  });
});

describe("S3-41 a key service that does not answer as one", () => {
  test("in time: nothing at all", async () => {
    const failure = await unwrapAt(() => {}, 100);
    expect(failure).toMatchObject({ fault: "no_answer", words: "it did not answer within 0.1 s" });
  });

  test("in time: the head at once, and the body never", async () => {
    const failure = await unwrapAt((_, outgoing) => {
      outgoing.writeHead(200, { "Content-Type": "application/json" });
      outgoing.write('{"key":');
    }, 100);
    expect(failure.words).toBe("it did not answer within 0.1 s");
  });

  test("in time: a byte now and then", async () => {
    const failure = await unwrapAt((_, outgoing) => {
      const timer = setInterval(() => outgoing.write(" "), 10);
      outgoing.on("close", () => clearInterval(timer));
    }, 150);
    expect(failure.words).toBe("it did not answer within 0.15 s");
  });

  test("at all: nobody listens", async () => {
    const gone = await serve(double.handle);
    await gone.close();
    const failure = await failureOf(client(gone.url).unwrap(TENANT, "AAAA", 1));
    expect(failure).toMatchObject({ fault: "no_answer", words: "no connection to it could be made" });
  });

  test("at all: the connection is cut in the middle", async () => {
    const failure = await unwrapAt((_, outgoing) => {
      outgoing.writeHead(200, { "Content-Length": "100" });
      outgoing.write("{");
      setTimeout(() => outgoing.destroy(), 10);
    });
    expect(failure.words).toBe("no connection to it could be made");
  });

  test.each([301, 302, 303, 307, 308])(
    "but with a redirect (%i): nobody follows, so no token goes elsewhere",
    async (status) => {
      let visits = 0;
      const elsewhere = await opened(
        serveRaw((_, outgoing) => {
          visits++;
          outgoing.end();
        }),
      );
      const failure = await unwrapAt((_, outgoing) => void outgoing.writeHead(status, { Location: elsewhere }).end());
      expect(failure).toMatchObject({
        fault: "no_answer",
        words: "it answered with a redirect, which is not followed",
      });
      expect(visits).toBe(0);
    },
  );

  test("but with more than an answer may have: it is read no further than the limit", async () => {
    let sent = 0;
    const failure = await unwrapAt((_, outgoing) => {
      const chunk = Buffer.alloc(64 * 1024, " ");
      const more = () => {
        while (!outgoing.destroyed && sent < 200 * 1024 * 1024) {
          sent += chunk.length;
          if (!outgoing.write(chunk)) return void outgoing.once("drain", more);
        }
        outgoing.end();
      };
      more();
    });
    expect(failure.words).toBe(`its answer has more than ${LIMITS.keyServiceAnswerBytes} bytes`);
    expect(sent).toBeLessThan(20 * 1024 * 1024);
  });

  test.each([
    ["no JSON", "key", "its answer is not a JSON object"],
    ["an array", "[]", "its answer is not a JSON object"],
    ["no key", "{}", "it gave no key of 32 bytes"],
    ["a short key", '{"key":"AAAA"}', "it gave no key of 32 bytes"],
    ["a key in another spelling", `{"key":"${"A".repeat(43)}"}`, "it gave no key of 32 bytes"],
    ["a key that is a number", '{"key":1}', "it gave no key of 32 bytes"],
    ["no text", "\u00ff\u00fe", "its answer is not text"],
  ])("but with %s", async (_, body, words) => {
    const failure = await unwrapAt((_, outgoing) => void outgoing.end(Buffer.from(body, "latin1")));
    expect(failure).toMatchObject({ fault: "no_answer", words });
  });

  test.each([
    ["nothing", "{}"],
    ["no base64", '{"wrapped":"a b"}'],
    ["more than is kept", `{"wrapped":"${"A".repeat(LIMITS.wrappedKeyChars + 4)}"}`],
  ])("when it wraps: %s", async (_, body) => {
    const at = await opened(serveRaw((_, outgoing) => void outgoing.end(body)));
    expect((await failureOf(client(at).wrap(TENANT, KEY, 1))).words).toBe("it gave no wrapped key");
  });

  test("within the product's promise: a call takes at most 5 s", () => {
    expect(WIRE.timeoutMs).toBe(5000);
  });
});

describe("S3-41 a cell that is pinned", () => {
  test.each(["http://keys.acme.example", "http://127.0.0.1:1", "https://localhost", "https://10.0.0.1"])(
    "calls no %s",
    (address) => {
      const connect = () =>
        connectKeyService({ kind: "https", url: address }, { kind: "https", token: TOKEN }, { local: false });
      expect(connect).toThrow(expect.objectContaining({ code: "request.invalid" }));
    },
  );
});
