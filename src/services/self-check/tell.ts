/**
 * What follows from what a self-check found.
 *
 * Commit order, with the crash after each:
 *  1. the findings are in the keeper's storage               the next turn tells of them, before it reads anything
 *  2. alerts are raised and resolved at the cell's desk      again; an alert that is open only counts up
 *  3. the domain is stopped                                  again: stopped is stopped
 *  4. the keeper remembers that they were told, and the      done; the entries are appended by this turn or a later one (waiting.ts)
 *     entries for the platform's log, in one value
 */
import type { ProductEvent } from "../../core/actions/product.ts";
import { isAppError } from "../../core/errors.ts";
import { SYSTEM_ACTOR_ID } from "../../core/event.ts";
import {
  alertKindOf,
  CHECK_ALERTS,
  CHECK_NAMES,
  codesOf,
  type Finding,
  gravityOf,
  reasonOf,
  SET_BACK,
} from "./checks.ts";
import type { SelfCheckDeps } from "./deps.ts";
import type { CheckRecord } from "./record.ts";
import { awaitEntry } from "./waiting.ts";

/** Changes `raised`, `told` and `waiting` of the record. Throws where the desk or the log is away: tell again. */
export async function tell(record: CheckRecord, deps: SelfCheckDeps): Promise<void> {
  const findings = CHECK_NAMES.flatMap((name) => record.checks[name].findings);
  await tellDesk(record, findings, deps);
  const standing = new Set(findings.map(digest));
  const untold = findings.filter((finding) => !record.told.includes(digest(finding)));
  for (const finding of untold) await follow(finding, record, deps);
  record.told = [...standing];
}

/** What stands no more was told of once: should it come back, it is another finding, with an entry of its own. */
export function forgetGone(record: CheckRecord): void {
  const standing = new Set(CHECK_NAMES.flatMap((name) => record.checks[name].findings).map(digest));
  record.told = record.told.filter((told) => standing.has(told));
}

export const isTold = (record: CheckRecord): boolean => {
  const findings = CHECK_NAMES.flatMap((name) => record.checks[name].findings);
  const open = CHECK_ALERTS.every((kind) => same(record.raised[kind] ?? [], codesFor(kind, findings)));
  return open && findings.every((finding) => record.told.includes(digest(finding)));
};

async function tellDesk(
  { raised }: CheckRecord,
  findings: readonly Finding[],
  { alerts, domainId, clock, log }: SelfCheckDeps,
): Promise<void> {
  for (const kind of CHECK_ALERTS) {
    const codes = codesFor(kind, findings);
    if (same(raised[kind] ?? [], codes)) continue;
    // The log's own report of why it was stopped has codes of its own, and comes once: they stay.
    const adds = kind === "integrity.violation" && (await isStopped(log));
    if (codes.length > 0) await alerts.raise({ kind, domainId, codes, adds, atMs: clock() });
    // A domain that is stopped keeps its alert: only an operator says that it is over.
    else if (kind !== "integrity.violation" || (await log.head()).stoppedReason === null) {
      await alerts.resolve({ kind, domainId }, clock());
    }
    raised[kind] = codes;
  }
}

async function follow(finding: Finding, record: CheckRecord, deps: SelfCheckDeps): Promise<void> {
  const gravity = gravityOf(finding);
  if (gravity === "condition") return;
  const { log, domainId, onViolation, clock } = deps;
  const policy = gravity === "contradiction" ? await onViolation() : "flag";
  // The object of a stopped domain tells the platform's log itself, with what it holds and has signed.
  if (policy === "stop" && (await log.head()).stoppedReason === null) await log.stop(reasonOf(finding));
  else {
    const foundMs = clock();
    const key = `${domainId}:self_check:${digest(finding)}:${foundMs}`;
    awaitEntry(record, violation(finding, { domainId, policy, foundMs }), `integrity.violation:${key}`);
  }
  if (finding.store === "ledger" && finding.fault === SET_BACK) await compareAgain(log);
}

/** A log that does not answer may be. */
const isStopped = (log: SelfCheckDeps["log"]): Promise<boolean> =>
  log.head().then(
    ({ stoppedReason }) => stoppedReason !== null,
    () => true,
  );

/** A log whose database lacks a guard compares nothing before it is back; then it does, before it copies anything. */
async function compareAgain(log: SelfCheckDeps["log"]): Promise<void> {
  try {
    await log.compareAgain();
  } catch (error) {
    if (!isAppError(error) || error.code !== "ledger.guard_missing") throw error;
  }
}

interface Told {
  domainId: string;
  policy: string;
  foundMs: number;
}

function violation(finding: Finding, { domainId, policy, foundMs }: Told): ProductEvent {
  const { check, store, fault, seq } = finding;
  const metadata = {
    ...{ reason: reasonOf(finding), check, store, fault, first_bad_seq: seq, on_violation: policy },
    // The entry may come later than its finding.
    found_at: new Date(foundMs).toISOString(),
  };
  return {
    action: "integrity.violation",
    actor: { type: "system", id: SYSTEM_ACTOR_ID },
    outcome: "failure",
    targets: [{ type: "domain", id: domainId }],
    metadata,
    clear_metadata: Object.keys(metadata),
  };
}

const codesFor = (kind: string, findings: readonly Finding[]): string[] => [
  ...new Set(findings.filter((finding) => alertKindOf(finding) === kind).flatMap(codesOf)),
];

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((x, i) => x === b[i]);

const digest = ({ check, store, fault, seq }: Finding): string => `${check}:${store}:${fault}:${seq ?? ""}`;
