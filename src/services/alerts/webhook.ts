/**
 * The operator's webhook. Alerts that read alike (raised or resolved, kind, job, `sharedCodes`) go as one delivery, and of what reads alike
 * one delivery begins in `LIMITS.alertPaceMs`: the first goes at once, what comes meanwhile goes together with the next. So one
 * cause that ten thousand domains find is a few deliveries, none of the alerts is left out of a count, and one alert alone does not
 * wait. That an alert is over is told after that it was raised.
 *
 * Commit order, with the crash after each:
 *  1. alert and notice are stored, in one transaction         the alarm tells of it
 *  2. what reads alike becomes a delivery with an id of its   the next turn sends it, under the same id
 *     own, in one transaction
 *  3. it is sent                                              sent again under the same id, by which the receiver drops the second
 *  4. delivery and notices are deleted, in one transaction    done
 */
import type { Jurisdiction } from "../../core/ids.ts";
import { LIMITS } from "../../core/limits.ts";
import type { WebhookSigner } from "../../crypto/webhook-signer.ts";
import { type PostFault, post, type Send } from "../monitoring/post.ts";
import type { Clock } from "../ports.ts";
import { ALERT_KINDS, type AlertEvent, type AlertRecord } from "./alert.ts";

/** What goes to the receiver under one id, at every try. */
export interface Delivery {
  delivery: number;
  webhookId: string;
  event: AlertEvent;
  tries: number;
  /** Of one alert only. */
  alone: boolean;
  /** How many alerts it tells of; a domain that was deleted meanwhile counts no more. At least 1. */
  total: number;
  /** The first of them, at most `LIMITS.alertsNamed`, oldest first. */
  alerts: AlertRecord[];
  /** What all of them said when they were raised, or resolved. */
  codes: string[];
  /** When the last of them was raised, or resolved. */
  atMs: number;
}

export interface WebhookBook {
  /**
   * A delivery that is to be tried again, or what waits and may go: from then on it is a delivery. Null: there is none, or the
   * receiver is given time.
   */
  next(nowMs: number): Delivery | null;
  taken(delivery: number): void;
  /** Comes again at `dueMs`; null: given up. */
  failed(delivery: number, fault: string, dueMs: number | null): void;
  /** How often in a row the receiver has failed. */
  failures(): number;
  /** The receiver gets nothing before this time. */
  rest(untilMs: number, failures: number): void;
}

export interface WebhookDeps {
  webhooks: WebhookBook;
  jurisdiction: Jurisdiction;
  /** Null: nobody is to be told. */
  webhook: string | null;
  signer: WebhookSigner;
  send?: Send | undefined;
  clock: Clock;
}

/** Standard Webhooks 1.0, "Deliverability and reliability": after each of the first nine failures. Then it is given up. */
const RETRY_MS = [5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400].map((seconds) => seconds * 1000);
const DELIVERIES_AT_A_TIME = 20;

/**
 * Sends what is due, one after the other. The first that fails ends the turn, and the receiver is left alone for a while; a turn takes
 * at most `LIMITS.alertTurnMs`, whatever the receiver does.
 */
export async function tellReceiver(deps: WebhookDeps): Promise<void> {
  const { webhooks, clock } = deps;
  const lastStartMs = clock() + LIMITS.alertTurnMs - LIMITS.alertTimeoutMs;
  for (let count = 0; count < DELIVERIES_AT_A_TIME && clock() <= lastStartMs; count++) {
    const next = webhooks.next(clock());
    if (!next || !(await tellOf(next, deps))) return;
  }
}

/** Whether the receiver may be sent another. */
async function tellOf(next: Delivery, deps: WebhookDeps): Promise<boolean> {
  const { webhooks, clock } = deps;
  const fault = await deliver(next, deps);
  if (fault === null) webhooks.taken(next.delivery);
  if (fault === null) return true;
  const [alert] = next.alerts;
  console.error(JSON.stringify({ at: "alerts", fault, alert: alert?.kind, alerts: next.total, tries: next.tries + 1 }));
  const delayMs = fault === "answered_410" ? undefined : RETRY_MS[next.tries];
  webhooks.failed(next.delivery, fault, delayMs === undefined ? null : clock() + delayMs);
  if (fault === "answered_410") return true;
  const failures = webhooks.failures() + 1;
  webhooks.rest(clock() + restMs(failures), failures);
  return false;
}

/** 5, 20, 80 seconds, then five minutes each time: never later than a single delivery's own next try. */
const restMs = (failures: number): number => Math.min(5000 * 4 ** Math.min(failures - 1, 10), LIMITS.alertPaceMs);

/** Null: the receiver took it, or there is none. */
async function deliver(
  delivery: Delivery,
  { jurisdiction, webhook, signer, send, clock }: WebhookDeps,
): Promise<PostFault | null> {
  if (webhook === null) return null;
  const id = delivery.webhookId;
  const body = JSON.stringify(alertBody(delivery, jurisdiction));
  const timestampS = Math.floor(clock() / 1000);
  const headers = {
    "Content-Type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(timestampS),
    "webhook-signature": signer.sign(id, timestampS, body),
  };
  return post(webhook, { headers, body, timeoutMs: LIMITS.alertTimeoutMs }, send);
}

/** What a receiver is sent: `alert.raised` of one alert, `alerts.raised` of several (docs/status.md). */
export function alertBody(delivery: Delivery, cell: Jurisdiction) {
  const { event, alone, alerts, atMs } = delivery;
  const type = `${alone ? "alert" : "alerts"}.${event}`;
  const [first] = alerts as [AlertRecord];
  return {
    ...{ type, timestamp: new Date(atMs).toISOString() },
    data: alone ? ofOne(first, cell) : ofSeveral(first, delivery, cell),
  };
}

function ofOne({ id, kind, domainId, job, codes, openedMs, count }: AlertRecord, cell: Jurisdiction) {
  return {
    ...{ id, cell, kind, says: ALERT_KINDS[kind], domain_id: domainId ?? null, job: job ?? null, codes },
    ...{ opened_at: new Date(openedMs).toISOString(), count },
  };
}

function ofSeveral({ kind, job, openedMs }: AlertRecord, { codes, total, alerts }: Delivery, cell: Jurisdiction) {
  return {
    ...{ cell, kind, says: ALERT_KINDS[kind], job: job ?? null, codes },
    ...{ opened_at: new Date(openedMs).toISOString(), total },
    alerts: alerts.map(({ id, domainId }) => ({ id, domain_id: domainId ?? null })),
  };
}
