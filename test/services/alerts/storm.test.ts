/** One cause that many domains find: a real receiver on the loopback, and the book of the desk over a real SQLite. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { LIMITS } from "../../../src/core/limits.ts";
import { isSignedBy, parseWebhookKey } from "../../../src/crypto/webhook-signer.ts";
import { ALERT_KINDS } from "../../../src/services/alerts/alert.ts";
import { signer, TellingDesk } from "../../support/alert-books.ts";
import { Receiver } from "../../support/receiver.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DOMAINS = 500;
const about = (i: number) => ({ kind: "integrity.violation", domainId: `dom_${i}` }) as const;
const domains = (count = DOMAINS) => Array.from({ length: count }, (_, i) => about(i));

interface Told {
  id: string;
  type: string;
  data: { id?: string; domain_id?: string; codes: string[]; total?: number; alerts?: { domain_id: string }[] };
}

let receiver: Receiver;
let desk: TellingDesk;

beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  receiver = new Receiver();
  desk = new TellingDesk(`${await receiver.start()}/hook`);
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await receiver.stop();
});

/** What the receiver makes of it: of two with one id the first. */
const told = (): Told[] => {
  const all = receiver.received.map(({ headers, body }) => ({
    id: headers["webhook-id"] as string,
    ...JSON.parse(body),
  }));
  return all.filter(({ id }, i) => all.findIndex((other) => other.id === id) === i);
};
const totals = (event: string) =>
  told()
    .filter(({ type }) => type.endsWith(`.${event}`))
    .map(({ data }) => data.total ?? 1);
const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);

describe("S2-44 a storm of alerts that read alike", () => {
  test("that is there before anybody was told is one delivery, signed, with the first twenty and how many they are", async () => {
    for (const of of domains()) desk.raise(of);
    await desk.turn();
    expect(receiver.received).toHaveLength(1);
    const [{ headers, body }] = receiver.received as [(typeof receiver.received)[0]];
    const [id, timestampS] = [headers["webhook-id"] as string, Number(headers["webhook-timestamp"])];
    expect(id).toMatch(/^alerts_[0-9a-f-]{36}_raised$/);
    const signed = { id, timestampS, body, signatures: headers["webhook-signature"] as string };
    expect(isSignedBy(parseWebhookKey(signer.publicKeys[0] as string) as Uint8Array, signed)).toBe(true);
    const at = new Date(desk.nowMs).toISOString();
    const first = desk.book.open().slice(0, LIMITS.alertsNamed);
    expect(JSON.parse(body)).toEqual({
      ...{ type: "alerts.raised", timestamp: at },
      data: {
        ...{ cell: "eu", kind: "integrity.violation", says: ALERT_KINDS["integrity.violation"], job: null },
        ...{ codes: ["guard_missing"], opened_at: at, total: DOMAINS },
        alerts: first.map(({ id, domainId }) => ({ id, domain_id: domainId })),
      },
    });
    expect(new Set(first.map(({ domainId }) => domainId)).size).toBe(20);
    // Each is still an alert, and an entry, by itself.
    expect(await desk.run(desk.nowMs + MINUTE)).toBe(true);
    expect(desk.book.open()).toHaveLength(DOMAINS);
    expect(desk.entries.size).toBe(DOMAINS);
    expect(receiver.received).toHaveLength(1);
  });

  test("that comes over half an hour is told of at once by the first, then every five minutes, and none is left out of the count", async () => {
    const startMs = desk.nowMs;
    for (const [i, of] of domains().entries()) {
      await desk.run(startMs + (i * 30 * MINUTE) / DOMAINS);
      desk.nowMs = startMs + (i * 30 * MINUTE) / DOMAINS;
      desk.raise(of);
      if (i > 0) continue;
      await desk.turn();
      expect(told()).toMatchObject([{ type: "alert.raised", data: { domain_id: "dom_0", count: 1 } }]);
    }
    expect(await desk.run(startMs + HOUR)).toBe(true);
    expect(receiver.received).toHaveLength(7);
    expect(totals("raised")[0]).toBe(1);
    expect(sum(totals("raised"))).toBe(DOMAINS);
    const times = receiver.received.map(({ headers }) => Number(headers["webhook-timestamp"]) * 1000);
    for (const [i, atMs] of times.slice(1).entries())
      expect(atMs - (times[i] as number)).toBeGreaterThanOrEqual(LIMITS.alertPaceMs - 1000);
  });

  test("that is over is told of likewise, and of no alert before that it was raised", async () => {
    desk.raise(about(0));
    await desk.turn();
    for (const of of domains()) desk.raise(of);
    for (const of of domains()) desk.resolve(of);
    await desk.turn();
    // The first was told of: that it is over is told at once. The others wait for that they were raised.
    expect(told().map(({ type }) => type)).toEqual(["alert.raised", "alert.resolved"]);
    expect(await desk.run(desk.nowMs + HOUR)).toBe(true);
    expect(told().map(({ type, data }) => [type, data.total])).toEqual([
      ["alert.raised", undefined],
      ["alert.resolved", undefined],
      ["alerts.raised", DOMAINS - 1],
      ["alerts.resolved", DOMAINS - 1],
    ]);
    expect(desk.entries.size).toBe(2 * DOMAINS);
  });

  test("is one also where each domain found it at another entry, and a single one says at which", async () => {
    desk.raise(about(0), ["ledger:set_back", "seq:7"]);
    await desk.turn();
    for (const [i, of] of domains().entries()) desk.raise(of, ["stopped", `seq:${i}`, "ledger:set_back"]);
    for (const [i, of] of domains(DOMAINS + 9)
      .slice(DOMAINS)
      .entries())
      desk.raise(of, ["ledger:set_back", `seq:${i}`]);
    expect(await desk.run(desk.nowMs + HOUR)).toBe(true);
    expect(told().map(({ data }) => [data.total, data.codes])).toEqual([
      [undefined, ["ledger:set_back", "seq:7"]],
      [DOMAINS - 1, ["ledger:set_back", "stopped"]],
      [9, ["ledger:set_back"]],
    ]);
  });

  test("holds up no alert that reads otherwise", async () => {
    for (const of of domains()) desk.raise(of);
    await desk.turn();
    desk.raise(about(DOMAINS));
    desk.raise(about(DOMAINS + 1), ["segment_missing"]);
    desk.raise({ kind: "job.late", job: "wake_domains" }, ["no_success"]);
    desk.raise({ kind: "job.late", job: "watch_jobs" }, ["no_success"]);
    await desk.turn();
    expect(told().map(({ type, data }) => [type, data.codes[0]])).toEqual([
      ["alerts.raised", "guard_missing"],
      ...[["segment_missing"], ["no_success"], ["no_success"]].map(([code]) => ["alert.raised", code]),
    ]);
  });

  test("counts no domain that was deleted meanwhile, and is not told of when all were", async () => {
    receiver.answer = 503;
    for (const of of domains(30)) desk.raise(of);
    await desk.turn();
    receiver.answer = 200;
    desk.book.forget(domains(10).map(({ domainId }) => domainId));
    expect(await desk.run(desk.nowMs + MINUTE)).toBe(true);
    const last = receiver.received.at(-1)?.body ?? "";
    expect(JSON.parse(last).data).toMatchObject({ total: 20 });
    expect(last).not.toContain('"dom_5"');
    desk.raise({ kind: "task.late", domainId: "dom_x", job: "log.copy" });
    desk.book.forget(["dom_x"]);
    expect(await desk.run(desk.nowMs + HOUR)).toBe(true);
    expect(receiver.received).toHaveLength(2);
  });

  test("is told of although the clock was a year ahead meanwhile", async () => {
    const trueMs = desk.nowMs;
    desk.nowMs += 365 * 24 * HOUR;
    desk.raise(about(0));
    await desk.turn();
    desk.nowMs = trueMs;
    desk.raise(about(1));
    await desk.turn();
    expect(told().map(({ data }) => data.domain_id)).toEqual(["dom_0", "dom_1"]);
  });
});

describe("S2-44 a receiver", () => {
  test.each([["before"], ["after"]])(
    "that a crash comes %s is sent the same under the same id, and what came meanwhile under another",
    async (when) => {
      for (const of of domains(100)) desk.raise(of);
      const send = async (...args: Parameters<typeof fetch>) => {
        if (when === "after") await fetch(...args);
        throw new Error("crash");
      };
      const { book } = desk;
      // The object is gone before it notes anything.
      const gone = Object.assign(Object.create(book.webhooks), {
        next: book.webhooks.next.bind(book.webhooks),
        failed: () => {
          throw new Error("crash");
        },
      });
      await expect(desk.turn({ send: send as never, webhooks: gone })).rejects.toThrow("crash");
      desk.restart();
      for (const of of domains(130)) desk.raise(of);
      expect(await desk.run(desk.nowMs + HOUR)).toBe(true);
      expect(receiver.received).toHaveLength(when === "after" ? 3 : 2);
      expect(totals("raised")).toEqual([100, 30]);
      if (when === "before") return;
      const [first, again] = receiver.received;
      expect(again?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
      expect(again?.body).toBe(first?.body);
    },
  );

  test("that is down is asked once a turn and ever more rarely; when it is up again, nothing is lost", async () => {
    receiver.answer = 503;
    const startMs = desk.nowMs;
    for (const of of domains()) desk.raise(of);
    for (let i = 0; i < 30; i++)
      desk.raise({ kind: "task.late", domainId: `dom_${i}`, job: "log.copy" }, [`code_${i}`]);
    await desk.turn();
    expect(receiver.received).toHaveLength(1);
    expect(desk.book.undelivered()).toMatchObject({ fault: "answered_503" });
    await desk.run(startMs + HOUR);
    // After 5, 20 and 80 s, then every five minutes.
    expect(receiver.received.length).toBeLessThanOrEqual(4 + 12);
    expect(desk.book.undelivered().count).toBe(DOMAINS + 30);
    // It took none of these.
    receiver.received.length = 0;
    receiver.answer = 200;
    expect(await desk.run(startMs + 48 * HOUR)).toBe(true);
    expect(sum(totals("raised"))).toBe(DOMAINS + 30);
    expect(desk.book.undelivered()).toEqual({ count: 0, fault: null });
  });

  test("that hangs takes a turn 15 s and not longer, and is then left alone", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    let asked = 0;
    const send = () => {
      asked += 1;
      return new Promise<Response>(() => {});
    };
    for (let i = 0; i < 30; i++) desk.raise(about(i), [`code_${i}`]);
    const rests: number[] = [];
    for (let i = 1; i <= 6; i++) {
      let isOver = false;
      const turn = desk.turn({ send }).finally(() => (isOver = true));
      await vi.advanceTimersByTimeAsync(LIMITS.alertTimeoutMs - 1);
      expect([isOver, asked]).toEqual([false, i]);
      await vi.advanceTimersByTimeAsync(1);
      await turn;
      const { book, nowMs } = desk;
      const dueMs = book.webhooks.nextDueMs(nowMs) as number;
      rests.push((dueMs - nowMs) / 1000);
      // Not before.
      desk.nowMs = dueMs - 1;
      await desk.turn({ send });
      expect(asked).toBe(i);
      desk.nowMs = dueMs;
    }
    expect(rests).toEqual([5, 20, 80, 300, 300, 300]);
  });

  test("that is slow takes a turn of at most 20 s, and gets all of it in the turns after", async () => {
    for (let i = 0; i < 30; i++) desk.raise(about(i), [`code_${i}`]);
    const took: number[] = [];
    const send = async (...args: Parameters<typeof fetch>) => {
      const answer = await fetch(...args);
      desk.nowMs += 4000;
      return answer;
    };
    for (let i = 0; i < 15; i++) {
      const startMs = desk.nowMs;
      await desk.turn({ send: send as never });
      took.push(desk.nowMs - startMs);
    }
    expect(Math.max(...took)).toBeLessThanOrEqual(LIMITS.alertTurnMs);
    expect(sum(totals("raised"))).toBe(30);
    expect(receiver.received).toHaveLength(30);
  });
});

describe("S2-44 a platform log that takes nothing", () => {
  test("is asked once a minute, not once for each alert that waits; then it gets each of them, once, a bounded part a turn", async () => {
    const startMs = desk.nowMs;
    for (const of of domains(300)) desk.raise(of);
    let asked = 0;
    const record = async () => {
      asked += 1;
      throw new Error("the platform's log is away");
    };
    await desk.run(startMs + 10 * MINUTE, { record });
    expect(asked).toBe(11);
    expect(desk.book.undelivered()).toEqual({ count: 300, fault: "log_unavailable" });
    // A receiver does not wait for it.
    expect(totals("raised")).toEqual([300]);
    let [turn, most] = [0, 0];
    const counting: TellingDesk["record"] = async (event, key) => {
      [turn, most] = desk.turns === turn ? [turn, most + 1] : [desk.turns, 1];
      expect(most).toBeLessThanOrEqual(20);
      await desk.record(event, key);
    };
    expect(await desk.run(startMs + 12 * MINUTE, { record: counting })).toBe(true);
    expect(desk.entries.size).toBe(300);
  });
});
