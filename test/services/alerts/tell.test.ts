/** Telling of alerts: a real receiver on the loopback, and a book in memory that is as strict as the one of the desk. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { isSignedBy, parseWebhookKey, webhookSigner } from "../../../src/crypto/webhook-signer.ts";
import { ALERT_KINDS, type AlertRecord, alertKey, safeCodes } from "../../../src/services/alerts/alert.ts";
import { type Notice, type NoticeBook, tellDue } from "../../../src/services/alerts/tell.ts";
import { Receiver } from "../../support/receiver.ts";

const MINUTE = 60_000;
const signer = webhookSigner("log.test/eu", [new Uint8Array(32).fill(7)]);
const ALERT: AlertRecord = {
  ...{ id: "01890a5d-ac96-774b-bcce-b302099a8057", kind: "job.late", job: "wake_domains", codes: ["no_success"] },
  ...{ openedMs: 1_000_000, lastMs: 1_000_000, count: 1, resolvedMs: null },
};

class Book implements NoticeBook {
  readonly waiting = new Map<number, { notice: Notice; dueMs: number; fault: string | null }>();
  constructor(...parts: Notice["part"][]) {
    parts.forEach((part, notice) => {
      const it: Notice = { notice, event: "raised", part, tries: 0, atMs: ALERT.openedMs, alert: ALERT };
      this.waiting.set(notice, { notice: it, dueMs: 0, fault: null });
    });
  }
  due(nowMs: number, limit: number): Notice[] {
    const due = [...this.waiting.values()].filter(({ dueMs }) => dueMs <= nowMs);
    return due.slice(0, limit).map(({ notice }) => notice);
  }
  done(notice: number): void {
    this.waiting.delete(notice);
  }
  failed(notice: number, fault: string, dueMs: number | null): void {
    const it = this.waiting.get(notice);
    if (!it) throw new Error("it does not wait");
    if (dueMs === null) this.waiting.delete(notice);
    else this.waiting.set(notice, { notice: { ...it.notice, tries: it.notice.tries + 1 }, dueMs, fault });
  }
}

let receiver: Receiver;
let webhook: string;
let nowMs: number;
let entries: Map<string, unknown>;

beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  receiver = new Receiver();
  webhook = `${await receiver.start()}/hook`;
  nowMs = 1_000_000;
  entries = new Map();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await receiver.stop();
});

const deps = (book: NoticeBook, own: object = {}) => ({
  ...{ book, webhook, signer, jurisdiction: "eu" as const, clock: () => nowMs },
  // As the log: the first entry under a key stays.
  record: async (event: unknown, key: string) => void (entries.has(key) || entries.set(key, event)),
  ...own,
});

describe("S2-44 an alert", () => {
  test("becomes an entry and a webhook that whoever has the cell's public key can verify", async () => {
    const book = new Book("entry", "webhook");
    await tellDue(deps(book));
    expect(book.waiting.size).toBe(0);
    expect([...entries]).toEqual([
      [
        `alert:${ALERT.id}:raised`,
        expect.objectContaining({
          action: "cell.alert_raised",
          metadata: { alert: ALERT.id, kind: "job.late", job: "wake_domains", codes: ["no_success"] },
        }),
      ],
    ]);
    const [{ headers, body }] = receiver.received as [(typeof receiver.received)[0]];
    const id = headers["webhook-id"] as string;
    const timestampS = Number(headers["webhook-timestamp"]);
    expect({ id, timestampS }).toEqual({ id: `alert_${ALERT.id}_raised`, timestampS: 1000 });
    const signatures = headers["webhook-signature"] as string;
    const key = parseWebhookKey(signer.publicKeys[0] as string) as Uint8Array;
    expect(isSignedBy(key, { id, timestampS, body, signatures })).toBe(true);
    for (const wrong of [
      { body: body.replace("job.late", "job.lame") },
      { id: `${id}x` },
      { timestampS: timestampS + 1 },
      { signatures: signatures.replace("v1a,", "v1,") },
    ]) {
      expect(isSignedBy(key, { id, timestampS, body, signatures, ...wrong })).toBe(false);
    }
    expect(JSON.parse(body)).toEqual({
      type: "alert.raised",
      timestamp: new Date(1_000_000).toISOString(),
      data: {
        ...{ id: ALERT.id, cell: "eu", kind: "job.late", says: ALERT_KINDS["job.late"], domain_id: null },
        ...{ job: "wake_domains", codes: ["no_success"], opened_at: new Date(1_000_000).toISOString(), count: 1 },
      },
    });
  });

  test("comes again after the times of Standard Webhooks, ten times in all, and is then given up", async () => {
    receiver.answer = 503;
    const book = new Book("webhook");
    const triedAt: number[] = [];
    for (let i = 0; i < 20 && book.waiting.size > 0; i++) {
      nowMs = Math.max(nowMs, book.waiting.get(0)?.dueMs ?? 0);
      triedAt.push(nowMs);
      await tellDue(deps(book));
    }
    const waits = triedAt.slice(1).map((atMs, i) => (atMs - (triedAt[i] as number)) / MINUTE);
    expect(waits).toEqual([5 / 60, 5, 30, 120, 300, 600, 840, 1200, 1440]);
    expect(receiver.received).toHaveLength(10);
    // The receiver knows by it that it is the same.
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  });

  test("to an address that is gone (410) is given up at once; to none, is told nobody", async () => {
    receiver.answer = 410;
    const gone = new Book("webhook");
    await tellDue(deps(gone));
    expect(gone.waiting.size).toBe(0);
    const none = new Book("webhook");
    await tellDue(deps(none, { webhook: null }));
    expect(none.waiting.size).toBe(0);
    expect(receiver.received).toHaveLength(1);
  });

  test.each([["before"], ["after"]])(
    "whose entry fails %s it is written becomes one entry, and the webhook does not wait for it",
    async (when) => {
      const book = new Book("entry", "webhook");
      const record = async (event: unknown, key: string) => {
        if (when === "after") await deps(book).record(event, key);
        throw new Error("the platform's log is away");
      };
      await tellDue(deps(book, { record }));
      expect(receiver.received).toHaveLength(1);
      expect([...book.waiting.keys()]).toEqual([0]);
      nowMs += MINUTE;
      await tellDue(deps(book));
      expect(book.waiting.size).toBe(0);
      expect(entries.size).toBe(1);
    },
  );

  test("says codes only: whatever is none is replaced, never repeated", () => {
    expect(safeCodes(["storage.unavailable", "Jane Doe", "", "a".repeat(65), "x\ny"])).toEqual([
      ...["storage.unavailable", "unnamed", "unnamed", "unnamed", "unnamed"],
    ]);
    expect(safeCodes(Array.from({ length: 20 }, () => "a"))).toHaveLength(8);
    expect(alertKey({ kind: "job.late", job: "a" })).not.toBe(alertKey({ kind: "job.late", domainId: "a" }));
  });
});

test("a cell's webhook key is no key of its log, differs between cells, and both keys sign while one replaces the other", () => {
  const [old, fresh] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const keys = new Set([webhookSigner("a/eu", [old]), webhookSigner("a/us", [old])].flatMap((it) => it.publicKeys));
  expect(keys.size).toBe(2);
  const both = webhookSigner("a/eu", [fresh, old]);
  const signatures = both.sign("id", 1, "{}");
  for (const text of both.publicKeys) {
    const key = parseWebhookKey(text) as Uint8Array;
    expect(isSignedBy(key, { id: "id", timestampS: 1, body: "{}", signatures })).toBe(true);
  }
  expect(parseWebhookKey("whpk_AAAA")).toBeNull();
  expect(parseWebhookKey("whsec_AAAA")).toBeNull();
});
