/**
 * Telling of alerts: an entry in the platform's log, and a webhook to the operator.
 *
 * Commit order, with the crash after each:
 *  1. alert and notices are stored, in one transaction      the alarm tells of them
 *  2. the entry is appended, or the webhook sent            it is done again: the entry under the same idempotency key gets its
 *     first receipt, the webhook has the same `webhook-id`, by which the receiver drops the second
 *  3. the notice is deleted                                 done
 * Notices do not wait for each other: a receiver that is away holds up no entry, and a platform log that is stopped no webhook.
 */
import type { ProductEvent } from "../../core/actions/product.ts";
import { SYSTEM_ACTOR_ID } from "../../core/event.ts";
import type { Jurisdiction } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import type { WebhookSigner } from "../../crypto/webhook-signer.ts";
import { type PostFault, post, type Send } from "../monitoring/post.ts";
import type { Clock } from "../ports.ts";
import { ALERT_KINDS, type AlertRecord } from "./alert.ts";

/** What of an alert is told where. */
export type NoticePart = "entry" | "webhook";

export interface Notice {
  notice: number;
  event: "raised" | "resolved";
  part: NoticePart;
  tries: number;
  /** When it was raised, or resolved. */
  atMs: number;
  alert: AlertRecord;
}

export interface NoticeBook {
  due(nowMs: number, limit: number): Notice[];
  done(notice: number): void;
  /** `dueMs` null: given up. */
  failed(notice: number, fault: string, dueMs: number | null): void;
}

export interface TellDeps {
  book: NoticeBook;
  jurisdiction: Jurisdiction;
  /** Null: nobody is to be told. */
  webhook: string | null;
  signer: WebhookSigner;
  /** Appends to the platform's log, once for each key. */
  record(event: ProductEvent, idempotencyKey: string): Promise<void>;
  send?: Send | undefined;
  clock: Clock;
}

/** Standard Webhooks 1.0, "Deliverability and reliability": after each of the first nine failures. Then it is given up. */
const RETRY_MS = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400].map((seconds) => seconds * 1000);
/** An entry is tried until it is there. */
const ENTRY_RETRY_MS = 60_000;
const NOTICES_AT_A_TIME = 20;

/** Tells of what is due; what fails comes again. Never throws. */
export async function tellDue(deps: TellDeps): Promise<void> {
  const { book, clock } = deps;
  for (const notice of book.due(clock(), NOTICES_AT_A_TIME)) {
    if (notice.part === "entry") await tellLog(notice, deps);
    else await tellOperator(notice, deps);
  }
}

async function tellLog(notice: Notice, { book, record, clock }: TellDeps): Promise<void> {
  try {
    await record(alertEntry(notice), `alert:${notice.alert.id}:${notice.event}`);
    book.done(notice.notice);
  } catch {
    book.failed(notice.notice, "log_unavailable", clock() + ENTRY_RETRY_MS);
  }
}

async function tellOperator(notice: Notice, { book, webhook, clock, ...deps }: TellDeps): Promise<void> {
  if (webhook === null) return book.done(notice.notice);
  const fault = await deliver(notice, webhook, { ...deps, nowMs: clock() });
  if (fault === null) return book.done(notice.notice);
  console.error(JSON.stringify({ at: "alerts", fault, alert: notice.alert.kind, tries: notice.tries + 1 }));
  const delayMs = fault === "answered_410" ? undefined : RETRY_MS[notice.tries];
  book.failed(notice.notice, fault, delayMs === undefined ? null : clock() + delayMs);
}

/** Null: the receiver took it. */
function deliver(
  notice: Notice,
  webhook: string,
  { jurisdiction, signer, send, nowMs }: Pick<TellDeps, "jurisdiction" | "signer" | "send"> & { nowMs: number },
): Promise<PostFault | null> {
  const id = `alert_${notice.alert.id}_${notice.event}`;
  const body = JSON.stringify(alertBody(notice, jurisdiction));
  const timestampS = Math.floor(nowMs / 1000);
  const headers = {
    "Content-Type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(timestampS),
    "webhook-signature": signer.sign(id, timestampS, body),
  };
  return post(webhook, { headers, body, timeoutMs: LIMITS.alertTimeoutMs }, send);
}

/** What a receiver is sent. */
export function alertBody({ event, alert, atMs }: Notice, jurisdiction: Jurisdiction) {
  const { id, kind, domainId = null, job = null, codes, openedMs, count } = alert;
  return {
    type: `alert.${event}`,
    timestamp: new Date(atMs).toISOString(),
    data: {
      ...{ id, cell: jurisdiction, kind, says: ALERT_KINDS[kind], domain_id: domainId, job, codes },
      ...{ opened_at: new Date(openedMs).toISOString(), count },
    },
  };
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
