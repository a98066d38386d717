/** Telling of alerts: a real receiver on the loopback, and the book of the desk over a real SQLite. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { isSignedBy, parseWebhookKey, webhookSigner } from "../../../src/crypto/webhook-signer.ts";
import { ALERT_KINDS, alertKey, safeCodes } from "../../../src/services/alerts/alert.ts";
import { signer, TellingDesk } from "../../support/alert-books.ts";
import { Receiver } from "../../support/receiver.ts";

const MINUTE = 60_000;
const ABOUT = { kind: "job.late", job: "wake_domains" } as const;

let receiver: Receiver;
let desk: TellingDesk;
/** Of the only alert. */
let id: string;

beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  receiver = new Receiver();
  desk = new TellingDesk(`${await receiver.start()}/hook`);
  desk.raise(ABOUT, ["no_success"]);
  id = desk.book.open()[0]?.id as string;
});
afterEach(async () => {
  vi.restoreAllMocks();
  await receiver.stop();
});

const waiting = () => ["alert_notice", "alert_webhook"].flatMap((table) => desk.rows(table));

describe("S2-44 an alert", () => {
  test("becomes an entry and a webhook that whoever has the cell's public key can verify", async () => {
    await desk.turn();
    expect(waiting()).toEqual([]);
    expect([...desk.entries]).toEqual([
      [
        `alert:${id}:raised`,
        expect.objectContaining({
          action: "cell.alert_raised",
          metadata: { alert: id, kind: "job.late", job: "wake_domains", codes: ["no_success"] },
        }),
      ],
    ]);
    const [{ headers, body }] = receiver.received as [(typeof receiver.received)[0]];
    const webhookId = headers["webhook-id"] as string;
    const timestampS = Number(headers["webhook-timestamp"]);
    expect({ webhookId, timestampS }).toEqual({ webhookId: `alert_${id}_raised`, timestampS: 1000 });
    const signatures = headers["webhook-signature"] as string;
    const key = parseWebhookKey(signer.publicKeys[0] as string) as Uint8Array;
    const told = { id: webhookId, timestampS, body, signatures };
    expect(isSignedBy(key, told)).toBe(true);
    for (const wrong of [
      { body: body.replace("job.late", "job.lame") },
      { id: `${webhookId}x` },
      { timestampS: timestampS + 1 },
      { signatures: signatures.replace("v1a,", "v1,") },
    ]) {
      expect(isSignedBy(key, { ...told, ...wrong })).toBe(false);
    }
    expect(JSON.parse(body)).toEqual({
      type: "alert.raised",
      timestamp: new Date(1_000_000).toISOString(),
      data: {
        ...{ id, cell: "eu", kind: "job.late", says: ALERT_KINDS["job.late"], domain_id: null },
        ...{ job: "wake_domains", codes: ["no_success"], opened_at: new Date(1_000_000).toISOString(), count: 1 },
      },
    });
  });

  test("comes again after the times of Standard Webhooks, ten times in all, and is then given up", async () => {
    receiver.answer = 503;
    const triedAt: number[] = [];
    const send = (...args: Parameters<typeof fetch>) => {
      triedAt.push(desk.nowMs);
      return fetch(...args);
    };
    expect(await desk.run(Number.MAX_SAFE_INTEGER, { send: send as never })).toBe(true);
    const waits = triedAt.slice(1).map((atMs, i) => (atMs - (triedAt[i] as number)) / MINUTE);
    expect(waits).toEqual([5 / 60, 5, 30, 120, 300, 600, 840, 1200, 1440]);
    expect(receiver.received).toHaveLength(10);
    // The receiver knows by it that it is the same.
    expect(new Set(receiver.received.map(({ headers }) => headers["webhook-id"])).size).toBe(1);
  });

  test("to an address that is gone (410) is given up at once; to none, is told nobody", async () => {
    receiver.answer = 410;
    await desk.turn();
    expect(waiting()).toEqual([]);
    desk.resolve(ABOUT);
    await desk.turn({ webhook: null });
    expect(waiting()).toEqual([]);
    expect(receiver.received).toHaveLength(1);
  });

  test.each([["before"], ["after"]])(
    "whose entry fails %s it is written becomes one entry, and the webhook does not wait for it",
    async (when) => {
      const record: TellingDesk["record"] = async (event, key) => {
        if (when === "after") await desk.record(event, key);
        throw new Error("the platform's log is away");
      };
      await desk.turn({ record });
      expect(receiver.received).toHaveLength(1);
      expect([desk.rows("alert_notice").length, desk.rows("alert_webhook").length]).toEqual([1, 0]);
      desk.nowMs += MINUTE;
      await desk.turn();
      expect(waiting()).toEqual([]);
      expect(desk.entries.size).toBe(1);
    },
  );

  test("whose webhook hangs is an entry meanwhile", async () => {
    let answer: (response: Response) => void = () => {};
    const send = () => new Promise<Response>((resolve) => (answer = resolve));
    const telling = desk.turn({ send });
    await vi.waitFor(() => expect(desk.rows("alert_notice")).toEqual([]));
    expect(desk.entries.size).toBe(1);
    expect(desk.rows("alert_webhook")).toHaveLength(1);
    answer(new Response("OK"));
    await telling;
    expect(waiting()).toEqual([]);
  });

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
