/** Following a log with the client: what a stream says, and what a reader makes of one that is cut off, doubled or lies. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventsOf } from "../../src/client/event-stream.ts";
import { type Fetch, MoonsealClient, MoonsealProblem, type TailConnection } from "../../src/client/index.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
async function* pieces(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield bytes(text);
}
async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const item of items) seen.push(item);
  return seen;
}

describe("server-sent events (WHATWG HTML §9.2.6)", () => {
  test("comments and unknown fields are nothing, lines of data are joined, an id stays until the next", async () => {
    const text = ": hello\nid: 3\nwhat: ever\ndata: a\ndata:  b\n\nevent: end\ndata\n\nid: 4\n\ndata: cut off";
    expect(await all(eventsOf(pieces(text)))).toEqual([
      { type: "message", data: "a\n b", lastId: "3" },
      { type: "end", data: "", lastId: "3" },
      { type: "message", data: null, lastId: "4" },
    ]);
  });

  test("wherever the bytes are cut and however lines end, the same events come", async () => {
    const lines = ["id: 1", 'data: {"a":"ü€😀"}', "", ": x", "id: 2", "data: y", "", ""];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom("\n", "\r\n", "\r"), fc.array(fc.nat({ max: 60 })), async (end, cuts) => {
        const whole = bytes(`${lines.join(end)}\n`);
        const places = [0, ...cuts.map((cut) => cut % whole.length).sort((a, b) => a - b), whole.length];
        async function* cut() {
          for (const [i, place] of places.slice(1).entries()) yield whole.subarray(places[i], place);
        }
        const events = (await all(eventsOf(cut()))).filter(({ data }) => data !== null);
        expect(events.map(({ data, lastId }) => [data, lastId])).toEqual([
          ['{"a":"ü€😀"}', "1"],
          ["y", "2"],
        ]);
      }),
    );
  });

  test("an event without an end fills no memory", async () => {
    async function* endless() {
      for (;;) yield bytes("x".repeat(1024 * 1024));
    }
    await expect(all(eventsOf(endless()))).rejects.toThrow("too long");
  });
});

const entry = (seq: number) => `id: ${seq}\ndata: ${JSON.stringify({ seq, payload: {} })}\n\n`;
const opening = (next: number) => `retry: 1000\n${next > 0 ? `id: ${next - 1}\n` : ""}\n`;
type Scripted = { status?: number; code?: string; texts?: string[]; breaks?: boolean };

/** A server that answers each connection by the script; afterwards it refuses for good. */
function scripted(script: Scripted[]) {
  const asked: string[] = [];
  const fetch: Fetch = async (url) => {
    asked.push(new URL(url).search);
    const { status = 200, code = "auth.required", texts = [], breaks } = script.shift() ?? { status: 401 };
    async function* body() {
      yield* pieces(...texts);
      if (breaks) throw new Error("cut off");
    }
    return {
      status,
      headers: { get: () => null },
      text: async () => JSON.stringify({ code }),
      body: status === 200 ? body() : null,
    };
  };
  const states: TailConnection["state"][] = [];
  const client = new MoonsealClient({ baseUrl: "https://api.test", apiKey: "k", fetch, sleep: async () => {} });
  const follow = async (options: object = {}) => {
    const seqs: number[] = [];
    try {
      const onState = ({ state }: TailConnection) => states.push(state);
      for await (const { seq } of client.tail("dom", { onState, ...options })) seqs.push(seq);
    } catch (error) {
      return { seqs, error };
    }
    throw new Error("it ended without a word");
  };
  return { asked, follow, states };
}

describe("following", () => {
  test("a connection that breaks off is made again from behind the last entry, and what is doubled is dropped", async () => {
    const { asked, follow } = scripted([
      { texts: [opening(0), entry(0), entry(1), 'id: 2\ndata: {"se'], breaks: true },
      { status: 503, code: "storage.unavailable" },
      { texts: [opening(2), entry(1), entry(2)] },
      { texts: [opening(3), entry(3)] },
    ]);
    const { seqs, error } = await follow({ from: 0 });
    expect(seqs).toEqual([0, 1, 2, 3]);
    expect(asked).toEqual(["?from=0", "?from=2", "?from=2", "?from=3", "?from=4"]);
    expect((error as MoonsealProblem).code).toBe("auth.required");
  });

  test("without `from` it stays where the head was when it connected first", async () => {
    const { asked, follow, states } = scripted([
      { texts: [opening(7)], breaks: true },
      { texts: [opening(7), entry(7)] },
    ]);
    expect((await follow()).seqs).toEqual([7]);
    expect(asked).toEqual(["", "?from=7", "?from=8"]);
    expect(states).toEqual(["connected", "away", "connected"]);
  });

  test("a seq that a server leaves out is asked for again and never skipped", async () => {
    const { asked, follow } = scripted([{ texts: [entry(0), entry(2)] }, { texts: [entry(1), entry(2)] }]);
    expect((await follow({ from: 0 })).seqs).toEqual([0, 1, 2]);
    expect(asked).toEqual(["?from=0", "?from=1", "?from=3"]);
  });

  test("with a filter the place moves on with what the server says it has passed over", async () => {
    const { asked, follow } = scripted([{ texts: [opening(0), entry(4), "id: 9\n\n"], breaks: true }]);
    expect((await follow({ from: 0, action: ["a.*", "b.c"] })).seqs).toEqual([4]);
    expect(asked).toEqual(["?from=0&action=a.*&action=b.c", "?from=10&action=a.*&action=b.c"]);
  });

  test.each([
    [401, "auth.required"],
    [403, "auth.forbidden"],
    [404, "resource.not_found"],
    [422, "request.invalid"],
    [503, "domain.stopped"],
  ])("%s %s ends it: waiting does not change that", async (status, code) => {
    const { asked, follow } = scripted([{ status, code }]);
    const { error } = await follow();
    expect(error).toBeInstanceOf(MoonsealProblem);
    expect((error as MoonsealProblem).code).toBe(code);
    expect(asked).toHaveLength(1);
  });

  test("an abort ends it with its reason", async () => {
    const { follow } = scripted([{ texts: [opening(0), entry(0)], breaks: true }]);
    const stop = new AbortController();
    stop.abort(new DOMException("interrupted", "AbortError"));
    expect((await follow({ signal: stop.signal })).error).toBe(stop.signal.reason);
  });
});
