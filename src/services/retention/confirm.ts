/**
 * The first prune of a domain needs somebody who has seen what it would take (decision 3 of the product's requirements; S4-3):
 * a dry run names the range and gives a token, and the token confirms it. Nothing is pruned from a domain without it. A policy
 * that became shorter than what was confirmed needs another.
 */
import { toHex, utf8 } from "../../core/bytes.ts";
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import {
  type Duration,
  durationOf,
  expiredBefore,
  formatDuration,
  nominalDays,
} from "../../core/retention/duration.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { isInForce } from "../holds/held.ts";
import type { LegalHold } from "../holds/legal-hold.ts";
import type { LedgerStore, RandomBytes, TenantRecord } from "../ports.ts";
import { clear } from "../tenancy/clear-entry.ts";
import type { AskedBy, EntryJob } from "../tenancy/jobs.ts";
import type { LogRetentionCalls } from "./log-calls.ts";
import { entryTimes } from "./policy.ts";
import type { PolicyRow } from "./ports.ts";
import { type PrunePlan, planPrune } from "./prune.ts";

/** Entries [fromSeq, toSeq) of a domain are older than its policy says, and no hold keeps them. */
export interface DomainDryRun {
  domainId: string;
  atMs: number;
  /** How long entries are in the hot store, and how long they are kept at all. */
  duration: string;
  keptFor: string;
  /** Recorded before it; null: it is kept for ever. */
  beforeMs: number | null;
  /** What these entries say goes from every store, segment by segment; null: nothing does. */
  expiredBeforeMs: number | null;
  fromSeq: number;
  toSeq: number;
  endsBecause: PrunePlan["endsBecause"];
  /** Null: there is nothing to see, so nothing to confirm. */
  token: string | null;
  tokenExpiresAtMs: number | null;
}

export interface Confirmation {
  domainId: string;
  /** The policies that were confirmed, of the hot store and of every store: longer ones are, too. */
  duration: string;
  /** Absent: as `duration`. */
  keptFor?: string;
  /** What the dry run named. */
  toSeq: number;
  dryRunAtMs: number;
  confirmedAtMs: number;
  by: AskedBy;
}

export interface ConfirmWish {
  domainId: string;
  token: string;
  by: AskedBy;
}

export type WaitingDryRun = Pick<DomainDryRun, "domainId" | "atMs" | "duration" | "keptFor" | "toSeq">;

/** In the object's own storage: synchronous. Of a token only its hash. */
export interface ConfirmationBook {
  addDryRun(tokenHash: string, run: WaitingDryRun): void;
  dryRun(tokenHash: string): WaitingDryRun | null;
  confirm(confirmation: Confirmation): void;
  confirmation(domainId: string): Confirmation | null;
}

export interface ConfirmDeps {
  book: ConfirmationBook;
  tenant: TenantRecord;
  rows: readonly PolicyRow[];
  holds: readonly LegalHold[];
  ledger(domainId: string): Promise<Pick<LedgerStore, "rows">>;
  log(domainId: string): Pick<LogRetentionCalls, "keeping" | "heldFrom">;
  random: RandomBytes;
  clock(): number;
  commit(change: () => void, entries: () => EntryJob[]): Promise<void>;
}

const TOKEN_BYTES = 32;
const hashOf = (token: string) => toHex(sha256(utf8(token)));

/** Whether the enforcer may prune at all. `duration`: the policy in force. */
export const mayPrune = (confirmation: Confirmation | null, duration: Duration): boolean =>
  confirmation !== null && nominalDays(duration) >= nominalDays(durationOf(confirmation.duration));

/** What the next run takes, unless something changes before it. About 25 reads of one row each. */
export async function domainDryRun(domainId: string, deps: ConfirmDeps): Promise<DomainDryRun> {
  const { book, tenant, rows, clock, random } = deps;
  const atMs = clock();
  const { hot, whole } = entryTimes(tenant, rows, domainId, atMs);
  const beforeMs = expiredBefore(atMs, hot);
  const log = deps.log(domainId);
  const keeping = await log.keeping();
  const heldFrom = firstHeld(domainId, keeping.firstHot, await log.heldFrom(keeping.firstHot), deps.holds);
  const plan = await planPrune({ keeping, heldFrom, beforeMs, ledger: await deps.ledger(domainId) });
  const { fromSeq, toSeq, endsBecause } = plan;
  const run = { domainId, atMs, duration: formatDuration(hot), keptFor: formatDuration(whole), toSeq };
  const range = { beforeMs, expiredBeforeMs: expiredBefore(atMs, whole), fromSeq, endsBecause };
  if (toSeq === fromSeq) return { ...run, ...range, token: null, tokenExpiresAtMs: null };
  const token = toHex(random(TOKEN_BYTES));
  book.addDryRun(hashOf(token), run);
  return { ...run, ...range, token, tokenExpiresAtMs: atMs + LIMITS.retentionDryRunMs };
}

/** Throws `precondition.failed` for a token that is unknown, of another domain or too old, or whose policy was shortened. */
export async function confirmPrune({ domainId, token, by }: ConfirmWish, deps: ConfirmDeps): Promise<Confirmation> {
  const { book, tenant, rows, clock } = deps;
  const run = book.dryRun(hashOf(token));
  const confirmedAtMs = clock();
  if (run?.domainId !== domainId) throw stale("no dry run of this domain gave this token");
  if (confirmedAtMs - run.atMs > LIMITS.retentionDryRunMs) throw stale("the dry run is too old");
  const { hot, whole } = entryTimes(tenant, rows, domainId, confirmedAtMs);
  const isShorter = nominalDays(hot) < nominalDays(durationOf(run.duration));
  if (isShorter || nominalDays(whole) < nominalDays(durationOf(run.keptFor))) {
    throw stale("the policy is shorter than it was at the dry run");
  }
  const { duration: confirmed, keptFor, toSeq, atMs: dryRunAtMs } = run;
  const confirmation = { domainId, duration: confirmed, keptFor, toSeq, dryRunAtMs, confirmedAtMs, by };
  const target = { type: "domain", id: domainId };
  const event = clear("domain.retention_confirmed", by, target, {
    duration: confirmed,
    kept_for: keptFor,
    before_seq: toSeq,
  });
  const once = `${event.action}:${hashOf(token)}`;
  await deps.commit(
    () => book.confirm(confirmation),
    () => [domainId, tenant.tenantDomainId].map((of) => ({ kind: "entry", domainId: of, event, once })),
  );
  return confirmation;
}

const stale = (detail: string) => new AppError("precondition.failed", { detail });

/** Of what the log knows and of holds that have still to reach it; null: none. One that names people may keep any entry. */
function firstHeld(
  domainId: string,
  fromSeq: number,
  known: number | null,
  holds: readonly LegalHold[],
): number | null {
  const starts = holds.filter(isInForce).flatMap(({ scope }) => {
    const resources = scope.resources ?? [];
    const entries = resources.includes("audit_entries") || resources.includes("hot_entries");
    if (scope.allDomains || entries || scope.domains.includes(domainId) || scope.people > 0) return [fromSeq];
    return scope.ranges
      .filter((range) => range.domainId === domainId && (range.toSeq ?? Number.MAX_SAFE_INTEGER) >= fromSeq)
      .map((range) => Math.max(range.fromSeq, fromSeq));
  });
  const first = Math.min(known ?? Number.POSITIVE_INFINITY, ...starts);
  return Number.isFinite(first) ? first : null;
}
