import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AppendResult,
  type AuditEvent,
  BatchingAppender,
  type BatchingOptions,
  MoonsealClient,
  MoonsealProblem,
  MoonsealUnreachable,
  type Receipt,
} from "../../src/client/index.ts";

const receiptOf = (seq: number): Receipt => ({ seq, id: String(seq), entry_hash: "", prev_hash: "", recorded_at: "" });
const event = (n: number): AuditEvent => ({ action: "test.done", actor: { type: "system" }, metadata: { n } });
const numberOf = (sent: unknown) => (sent as AuditEvent).metadata?.n as number;

/** An appender over a function that plays the server, and a clock that only `tick` moves. */
function setUp(server: (events: AuditEvent[]) => Receipt[] | Promise<Receipt[]>, options: BatchingOptions = {}) {
  const requests: number[][] = [];
  const timers = new Set<() => void>();
  const client = {
    appendJson: async (_domainId: string, body: string) => {
      const events = JSON.parse(body) as AuditEvent[];
      requests.push(events.map(numberOf));
      return { receipts: await server(events) } as AppendResult;
    },
  };
  const schedule = (_ms: number, callback: () => void) => {
    timers.add(callback);
    return () => timers.delete(callback);
  };
  const tick = () => {
    for (const callback of [...timers]) {
      timers.delete(callback);
      callback();
    }
  };
  return { appender: new BatchingAppender(client, "dom_eu_1", { schedule, ...options }), requests, tick, timers };
}

/** Appends all in order; refuses events whose number is in `bad` the way the API does. */
function strictServer(bad: ReadonlySet<number> = new Set(), pointers = true) {
  const stored: number[] = [];
  const server = (events: AuditEvent[]) => {
    const errors = events.flatMap((sent, i) =>
      bad.has(numberOf(sent)) ? [{ pointer: `/${i}/action`, detail: "bad" }] : [],
    );
    if (errors.length) {
      throw new MoonsealProblem({ status: 422, code: "request.invalid", title: "T", errors: pointers ? errors : [] });
    }
    return events.map((sent) => receiptOf(stored.push(numberOf(sent)) - 1));
  };
  return { stored, server };
}

describe("when a batch is sent", () => {
  test("at the number of events", async () => {
    const { appender, requests } = setUp(strictServer().server, { maxEvents: 2 });
    await Promise.all([1, 2].map((n) => appender.append(event(n))));
    expect(requests).toEqual([[1, 2]]);
  });

  test("before the bytes would be exceeded", async () => {
    const bytes = JSON.stringify(event(1)).length;
    const { appender, requests } = setUp(strictServer().server, { maxBytes: 2 * bytes + 3 });
    const receipts = [1, 2, 3].map((n) => appender.append(event(n)));
    await appender.close();
    await Promise.all(receipts);
    expect(requests).toEqual([[1, 2], [3]]);
  });

  test("when its first event has waited long enough, and not before", async () => {
    const { appender, requests, tick } = setUp(strictServer().server);
    const { receipt } = await appender.enqueue(event(1));
    expect(requests).toEqual([]);
    tick();
    await receipt;
    expect(requests).toEqual([[1]]);
  });

  test("no timer is left when everything is sent", async () => {
    const { appender, timers } = setUp(strictServer().server);
    void appender.append(event(1));
    await appender.close();
    expect(timers.size).toBe(0);
  });
});

describe("a refused batch", () => {
  test("loses its bad events only, each with the problem that is its own", async () => {
    const { stored, server } = strictServer(new Set([2]));
    const { appender } = setUp(server);
    const outcomes = Promise.allSettled([1, 2, 3].map((n) => appender.append(event(n))));
    await appender.flush();
    expect(await outcomes).toMatchObject([
      { value: { seq: 0 } },
      { reason: { code: "request.invalid", errors: [{ pointer: "/action", detail: "bad" }] } },
      { value: { seq: 1 } },
    ]);
    expect(stored).toEqual([1, 3]);
  });

  test("is halved when the server does not say which events are bad, and keeps the order", async () => {
    const { stored, server } = strictServer(new Set([3]), false);
    const { appender } = setUp(server);
    const outcomes = Promise.allSettled([1, 2, 3, 4, 5].map((n) => appender.append(event(n))));
    await appender.flush();
    expect((await outcomes).map(({ status }) => status === "fulfilled")).toEqual([true, true, false, true, true]);
    expect(stored).toEqual([1, 2, 4, 5]);
  });

  test("is not split when the refusal is about the request: each event gets that very problem", async () => {
    const { appender, requests } = setUp(() => {
      throw new MoonsealProblem({ status: 422, code: "limit.reached", title: "T" });
    });
    const outcomes = Promise.allSettled([1, 2].map((n) => appender.append(event(n))));
    await appender.flush();
    expect(await outcomes).toMatchObject([
      { reason: { code: "limit.reached" } },
      { reason: { code: "limit.reached" } },
    ]);
    expect(requests).toHaveLength(1);
  });
});

test("two different events under one id never share a batch, so the first is not refused for the second's sake", async () => {
  const { appender, requests } = setUp(strictServer().server);
  const withId = (n: number) => ({ ...event(n), id: "same" });
  const all = [withId(1), withId(1), event(2), withId(3), event(4)].map((each) => appender.append(each));
  await appender.close();
  await Promise.all(all);
  expect(requests).toEqual([
    [1, 1, 2],
    [3, 4],
  ]);
});

test("past its bound enqueue waits, in order, until there is room", async () => {
  let release = () => {};
  const gate = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { stored, server } = strictServer();
  const slow = async (events: AuditEvent[]) => {
    await gate;
    return server(events);
  };
  const { appender } = setUp(slow, { maxEvents: 2, maxPending: 3 });
  const admitted: number[] = [];
  const all = [1, 2, 3, 4, 5].map((n) =>
    appender.enqueue(event(n)).then(({ receipt }) => {
      admitted.push(n);
      return receipt;
    }),
  );
  await Promise.resolve().then(() => {});
  expect(appender.pending).toBe(5);
  await new Promise((resolve) => setImmediate(resolve));
  expect(admitted).toEqual([1, 2, 3]);
  release();
  await appender.close();
  await Promise.all(all);
  expect(stored).toEqual([1, 2, 3, 4, 5]);
});

test("what JSON cannot say is refused at once and disturbs nothing", async () => {
  const { stored, server } = strictServer();
  const { appender } = setUp(server);
  await expect(appender.enqueue({ ...event(1), metadata: { n: 1n as unknown as number } })).rejects.toThrow(TypeError);
  void appender.append(event(2));
  await appender.close();
  expect(stored).toEqual([2]);
});

test("after close nothing is taken", async () => {
  const { appender } = setUp(strictServer().server);
  await appender.close();
  await expect(appender.append(event(1))).rejects.toThrow("closed");
});

test("changing an event after enqueueing does not change what is sent", async () => {
  const { stored, server } = strictServer();
  const { appender } = setUp(server);
  const mine = event(1);
  await appender.enqueue(mine);
  mine.metadata = { n: 99 };
  await appender.close();
  expect(stored).toEqual([1]);
});

/** What one request meets: carried out, carried out with the answer lost, refused for now, or never arrived. */
type Weather = "fine" | "answer-lost" | "busy" | "not-arrived";

test("no event is lost or doubled, whatever the network does and however batches fall", async () => {
  const weather = fc.array(fc.constantFrom<Weather>("fine", "answer-lost", "busy", "not-arrived"), { maxLength: 40 });
  const shape = fc.record({ maxEvents: fc.integer({ min: 1, max: 9 }), maxPending: fc.integer({ min: 1, max: 20 }) });
  await fc.assert(
    fc.asyncProperty(weather, shape, fc.uniqueArray(fc.nat(29), { maxLength: 6 }), async (days, bounds, badList) => {
      const bad = new Set(badList);
      const { stored, server } = strictServer(bad);
      const answers = new Map<string, Receipt[]>();
      const client = new MoonsealClient({
        baseUrl: "https://api.example.com",
        retry: { attempts: 4 },
        sleep: async () => {},
        fetch: async (_url, { headers, body = "" }) => {
          const key = headers["idempotency-key"] as string;
          const day = days.shift() ?? "fine";
          if (day === "not-arrived") throw new TypeError("fetch failed");
          const answer = (status: number, json: unknown) => ({
            status,
            headers: { get: () => null },
            text: async () => JSON.stringify(json),
          });
          if (day === "busy") return answer(503, {});
          try {
            const receipts = answers.get(key) ?? server(JSON.parse(String(body)));
            answers.set(key, receipts);
            if (day === "answer-lost") throw new TypeError("fetch failed");
            return answer(201, { receipts });
          } catch (error) {
            if (!(error instanceof MoonsealProblem)) throw error;
            return answer(error.status, { code: error.code, errors: error.errors });
          }
        },
      });
      const appender = new BatchingAppender(client, "dom_eu_1", { ...bounds, schedule: () => () => {} });
      const receipts = Array.from({ length: 30 }, (_, n) => appender.append(event(n)));
      await appender.close();
      const outcomes = await Promise.allSettled(receipts);
      outcomes.forEach((outcome, n) => {
        const times = stored.filter((m) => m === n).length;
        if (outcome.status === "fulfilled") expect(times).toBe(1);
        else if (outcome.reason instanceof MoonsealProblem && outcome.reason.status === 422) expect(times).toBe(0);
        else {
          // Never an answer: the outcome is unknown, but doubled it is not.
          expect(outcome.reason).toSatisfy(
            (e) => e instanceof MoonsealUnreachable || (e as MoonsealProblem).status === 503,
          );
          expect(times).toBeLessThanOrEqual(1);
        }
        if (bad.has(n)) expect(outcome.status).toBe("rejected");
      });
      expect(stored).toEqual([...stored].sort((a, b) => a - b));
      if (days.length === 0 && outcomes.every(({ status }) => status === "fulfilled")) expect(stored).toHaveLength(30);
    }),
    { numRuns: 150 },
  );
});
