/**
 * Telling of alerts: an entry in the platform's log for each, and a webhook to the operator (webhook.ts).
 *
 * Commit order of an entry, with the crash after each:
 *  1. alert and notices are stored, in one transaction      the alarm tells of them
 *  2. the entry is appended                                 appended again under the same idempotency key: the first receipt
 *  3. the notice is deleted                                 done
 * Entry and webhook do not wait for each other: a receiver that is away holds up no entry, and a platform log that is stopped no webhook.
 */
import type { ProductEvent } from "../../core/actions/product.ts";
import { SYSTEM_ACTOR_ID } from "../../core/event.ts";
import { LIMITS } from "../../core/limits.ts";
import type { AlertEvent, AlertRecord } from "./alert.ts";
import { tellReceiver, type WebhookDeps } from "./webhook.ts";

/** What of an alert is told where. */
export type NoticePart = "entry" | "webhook";

/** An entry that is to be appended. */
export interface Notice {
  notice: number;
  event: AlertEvent;
  alert: AlertRecord;
}

export interface NoticeBook {
  /** None while the log is given time. */
  due(nowMs: number, limit: number): Notice[];
  done(notice: number): void;
  /** It comes again at `dueMs`, and no other comes before. */
  failed(notice: number, fault: string, dueMs: number): void;
}

export interface TellDeps extends WebhookDeps {
  book: NoticeBook;
  /** Appends to the platform's log, once for each key. */
  record(event: ProductEvent, idempotencyKey: string): Promise<void>;
}

/** An entry is tried until it is there. */
const ENTRY_RETRY_MS = 60_000;
const ENTRIES_AT_A_TIME = 20;

/** Tells of what is due, a bounded part of it; what fails comes again. Never throws on account of log or receiver. */
export async function tellDue(deps: TellDeps): Promise<void> {
  await Promise.all([tellLog(deps), tellReceiver(deps)]);
}

/** The first that fails ends the turn: a log that takes one entry a minute later is asked once, not once for each. */
async function tellLog({ book, record, clock }: TellDeps): Promise<void> {
  const lastStartMs = clock() + LIMITS.alertTurnMs;
  for (const notice of book.due(clock(), ENTRIES_AT_A_TIME)) {
    if (clock() > lastStartMs) return;
    try {
      await record(alertEntry(notice), `alert:${notice.alert.id}:${notice.event}`);
    } catch {
      return book.failed(notice.notice, "log_unavailable", clock() + ENTRY_RETRY_MS);
    }
    book.done(notice.notice);
  }
}

function alertEntry({ event, alert }: Notice): ProductEvent {
  const { id, kind, domainId, job, codes } = alert;
  const metadata = { alert: id, kind, ...(job === undefined ? {} : { job }), codes };
  return {
    action: `cell.alert_${event}`,
    actor: { type: "system", id: SYSTEM_ACTOR_ID },
    outcome: event === "raised" ? "failure" : "success",
    ...(domainId === undefined
      ? {}
      : { targets: [{ type: domainId.startsWith("tnt_") ? "tenant" : "domain", id: domainId }] }),
    metadata,
    clear_metadata: Object.keys(metadata),
  };
}
