/**
 * Alerts of the system about itself: that something which should have happened did not, or that a store contradicts another.
 * They tell whoever runs the cell; they are no judgement of what events say (Moonseal is no SIEM, S0-35).
 *
 * An alert is about one thing: a kind, and the domain or the job that it concerns. While it is open, raising it again counts up
 * and opens no second one. Codes, ids and times only: no name of a tenant, no message of a store, nothing of an entry.
 */

export const ALERT_KINDS = {
  "job.late": "A scheduled job has not succeeded within its window",
  "job.failing": "The last run of a scheduled job failed",
  "task.late": "Work that an object does by its alarm is overdue or keeps failing",
  "probe.silent": "The probe outside has not reported within its window",
  "probe.failing": "The probe outside found something that does not answer as it should",
  "backup.unverified": "What could be restored was not verified within its window, or is incomplete",
  "integrity.violation": "A log and one of its copies, or two of its heads, contradict each other",
  "clock.jumped": "The clock is further from what the stores say than it may be; nothing is removed because of it",
  "check.failed": "A domain's self-check found keys, jurisdiction or backlog not as they must be",
  "retention.failed": "A retention run failed",
} as const;

export type AlertKind = keyof typeof ALERT_KINDS;

/** What an alert is about: at most one is open for each. */
export interface AlertOf {
  kind: AlertKind;
  /** A domain (or a tenant's desk) of this cell. */
  domainId?: string;
  /** A row of the table of jobs, or the name of a probe. */
  job?: string;
}

export interface Alert extends AlertOf {
  /** Words of the product's own, such as `storage.unavailable`: at most `MAX_CODES`, each of `CODE`. */
  codes: readonly string[];
  /** To an open alert its codes are added; else they take the place of those that it had. */
  adds?: boolean;
  atMs: number;
}

/** An alert as the cell keeps it. */
export interface AlertRecord extends AlertOf {
  id: string;
  codes: string[];
  openedMs: number;
  lastMs: number;
  /** How often it was raised while it was open. */
  count: number;
  resolvedMs: number | null;
}

export type AlertEvent = "raised" | "resolved";

export interface AlertCalls {
  /** True: it was not open before. Stored when this resolves; entry and webhook follow, and come again until they are done. */
  raise(alert: Alert): Promise<boolean>;
  /** True: it was open. */
  resolve(of: AlertOf, atMs: number): Promise<boolean>;
}

export const MAX_CODES = 8;
const CODE = /^[a-z0-9][a-z0-9_.:-]{0,63}$/;

/** What may be said of the codes: whatever is no code is replaced, never repeated, so an alert is not lost over a word. */
export function safeCodes(codes: readonly string[]): string[] {
  return codes.slice(0, MAX_CODES).map((code) => (CODE.test(code) ? code : "unnamed"));
}

/** One text for each thing that an alert can be about. */
export const alertKey = ({ kind, domainId, job }: AlertOf): string => `${kind}|${domainId ?? ""}|${job ?? ""}`;

/** What several alerts have in common that read alike: the codes, without the places (`seq:17`) where each found it, in one order. */
export const sharedCodes = (codes: readonly string[]): string[] =>
  [...new Set(codes.filter((code) => !code.startsWith("seq:")))].sort();
