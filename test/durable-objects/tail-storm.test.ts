/**
 * Nothing is skipped and nothing is doubled across reconnects: readers of both kinds lose their connections at random while entries
 * are appended, and while the keeper and the log lose their memory. What each has read is the log.
 */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import fc from "fast-check";
import { expect, test } from "vitest";
import { append, event, logOf, newDomain, newTenant, stubOf } from "../support/cell.ts";
import { keeperOf, lookNow, openSocket, openStream, soon } from "../support/tail.ts";

type Step =
  | { kind: "append"; count: number }
  | { kind: "cut"; reader: number }
  | { kind: "evict"; what: "keeper" | "log" }
  | { kind: "look" }
  | { kind: "wait"; ms: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant("append" as const), count: fc.integer({ min: 1, max: 40 }) }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("cut" as const), reader: fc.nat({ max: 3 }) }) },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant("evict" as const), what: fc.constantFrom("keeper", "log") }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: "look" as const }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 60 }) }) },
  ),
  { minLength: 5, maxLength: 25 },
) as fc.Arbitrary<Step[]>;

/** Connects again whenever it is cut off, from behind what it has. It keeps everything that it was sent, doubled or not. */
class Follower {
  readonly seqs: number[] = [];
  #connection: { seqs: number[]; gone: () => boolean; cut: () => unknown } | null = null;
  #taken = 0;
  #stopped = false;
  readonly #domainId: string;
  readonly #key: string;
  readonly #kind: "socket" | "stream";
  readonly running: Promise<void>;

  constructor(domainId: string, key: string, kind: "socket" | "stream") {
    this.#domainId = domainId;
    this.#key = key;
    this.#kind = kind;
    this.running = this.#run();
  }

  cut(): void {
    this.#take();
    void this.#connection?.cut();
    this.#connection = null;
  }

  stop(): void {
    this.#stopped = true;
    this.cut();
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#take();
      if (!this.#connection || this.#connection.gone()) {
        this.#connection = null;
        this.#taken = 0;
        this.#connection = await this.#connect().catch(() => null);
      }
      await scheduler.wait(3);
    }
    this.cut();
  }

  async #connect() {
    const query = `?from=${this.seqs.length}`;
    if (this.#kind === "socket") {
      const reader = await openSocket(this.#domainId, this.#key, { query });
      return {
        get seqs() {
          return reader.seqs;
        },
        gone: () => reader.closed !== null,
        cut: () => reader.socket.close(1000),
      };
    }
    const reader = await openStream(this.#domainId, this.#key, { query });
    return {
      get seqs() {
        return reader.seqs;
      },
      gone: () => reader.done,
      cut: () => reader.leave().catch(() => undefined),
    };
  }

  /** What came on this connection since it was last looked at. */
  #take(): void {
    const seqs = this.#connection?.seqs ?? [];
    this.seqs.push(...seqs.slice(this.#taken));
    this.#taken = seqs.length;
  }
}

/** One that nobody has called since has nothing to forget. */
const evict = (stub: Parameters<typeof evictDurableObject>[0]) =>
  evictDurableObject(stub).catch((error: Error) => {
    if (!error.message.includes("not currently running")) throw error;
  });

/** An object that writes a stream is never evicted; it ends with all its connections. */
const crash = (domainId: string) =>
  runInDurableObject(keeperOf(domainId), (_, state) => state.abort("a crash in a test")).catch(() => undefined);

async function storm(plan: Step[], kinds: readonly ("socket" | "stream")[], key: string, domainId: string) {
  const hasStreams = kinds.includes("stream");
  const followers = kinds.map((kind) => new Follower(domainId, key, kind));
  for (const step of plan) {
    if (step.kind === "append") {
      const events = Array.from({ length: step.count }, () => event());
      await append(domainId, events);
    } else if (step.kind === "cut") followers[step.reader % followers.length]?.cut();
    else if (step.kind === "look") await lookNow(domainId).catch(() => undefined);
    else if (step.kind === "wait") await scheduler.wait(step.ms);
    else if (step.what === "log") await evict(stubOf(domainId));
    else if (hasStreams) await crash(domainId);
    else await evict(keeperOf(domainId));
  }
  const { size } = await logOf(domainId).head();
  const whole = Array.from({ length: size }, (_, seq) => seq);
  for (const follower of followers) {
    // As the alarm would: what was told of in the wrong moment is found at the next look.
    for (let looks = 0; follower.seqs.length < size && looks < 20; looks++) {
      await lookNow(domainId).catch(() => undefined);
      await soon(() => follower.seqs.length >= size, "caught up", 500).catch(() => undefined);
    }
    expect(follower.seqs).toEqual(whole);
  }
  for (const follower of followers) follower.stop();
  await Promise.all(followers.map(({ running }) => running));
}

test.each([
  ["WebSockets, evictions of both objects", ["socket", "socket", "socket"]],
  ["both kinds, crashes of the keeper", ["socket", "stream", "socket", "stream"]],
] as const)(
  "what readers have read across cuts and appends is the log, each entry once: %s",
  async (_, kinds) => {
    const tenant = await newTenant();
    const run = async (plan: Step[]) =>
      storm(plan, kinds, tenant.key, await newDomain(tenant, { segment_entries: 16 }));
    await fc.assert(fc.asyncProperty(steps, run), { numRuns: 10, endOnFailure: true });
  },
  180_000,
);
