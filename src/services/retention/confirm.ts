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
import { effectivePolicy } from "./policy.ts";
import type { PolicyRow } from "./ports.ts";

/** Entries [fromSeq, toSeq) of a domain are older than its policy says, and no hold keeps them. */
export interface DomainDryRun {
  domainId: string;
  atMs: number;
  duration: string;
  /** Recorded before it; null: it is kept for ever. */
  beforeMs: number | null;
  fromSeq: number;
  toSeq: number;
  endsBecause: "policy" | "hold" | "newest";
  /** Null: there is nothing to see, so nothing to confirm. */
  token: string | null;
  tokenExpiresAtMs: number | null;
}

export interface Confirmation {
  domainId: string;
  /** The policy that was confirmed: a longer one is, too. */
  duration: string;
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

export type WaitingDryRun = Pick<DomainDryRun, "domainId" | "atMs" | "duration" | "toSeq">;

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
  ledger(domainId: string): Promise<Pick<LedgerStore, "rows" | "tip">>;
  random: RandomBytes;
  clock(): number;
  commit(change: () => void, entries: () => EntryJob[]): Promise<void>;
}

const TOKEN_BYTES = 32;
const hashOf = (token: string) => toHex(sha256(utf8(token)));

/** Whether the enforcer may prune at all. `duration`: the policy in force. */
export const mayPrune = (confirmation: Confirmation | null, duration: Duration): boolean =>
  confirmation !== null && nominalDays(duration) >= nominalDays(durationOf(confirmation.duration));

/** About 25 reads of one row each. Entries are recorded in order, so the expired ones are the first ones. */
export async function domainDryRun(domainId: string, deps: ConfirmDeps): Promise<DomainDryRun> {
  const { book, tenant, rows, clock, random } = deps;
  const atMs = clock();
  const { duration } = effectivePolicy(tenant, rows, domainId, "audit_entries", atMs);
  const beforeMs = expiredBefore(atMs, duration);
  const ledger = await deps.ledger(domainId);
  const size = (await ledger.tip())?.size ?? 0;
  const fromSeq = (await ledger.rows({ fromSeq: 0, toSeq: size, limit: 1 }))[0]?.seq ?? 0;
  const expired = beforeMs === null ? fromSeq : await firstSince(beforeMs, fromSeq, size, ledger);
  const heldFrom = firstHeld(domainId, fromSeq, deps.holds);
  const toSeq = Math.max(fromSeq, Math.min(expired, heldFrom));
  const endsBecause = heldFrom < expired ? "hold" : expired < size ? "policy" : "newest";
  const run = { domainId, atMs, duration: formatDuration(duration), toSeq };
  if (toSeq === fromSeq) return { ...run, beforeMs, fromSeq, endsBecause, token: null, tokenExpiresAtMs: null };
  const token = toHex(random(TOKEN_BYTES));
  book.addDryRun(hashOf(token), run);
  return { ...run, beforeMs, fromSeq, endsBecause, token, tokenExpiresAtMs: atMs + LIMITS.retentionDryRunMs };
}

/** Throws `precondition.failed` for a token that is unknown, of another domain or too old, or whose policy was shortened. */
export async function confirmPrune({ domainId, token, by }: ConfirmWish, deps: ConfirmDeps): Promise<Confirmation> {
  const { book, tenant, rows, clock } = deps;
  const run = book.dryRun(hashOf(token));
  const confirmedAtMs = clock();
  if (run?.domainId !== domainId) throw stale("no dry run of this domain gave this token");
  if (confirmedAtMs - run.atMs > LIMITS.retentionDryRunMs) throw stale("the dry run is too old");
  const { duration } = effectivePolicy(tenant, rows, domainId, "audit_entries", confirmedAtMs);
  if (nominalDays(duration) < nominalDays(durationOf(run.duration))) {
    throw stale("the policy is shorter than it was at the dry run");
  }
  const { duration: confirmed, toSeq, atMs: dryRunAtMs } = run;
  const confirmation = { domainId, duration: confirmed, toSeq, dryRunAtMs, confirmedAtMs, by };
  const target = { type: "domain", id: domainId };
  const event = clear("domain.retention_confirmed", by, target, { duration: confirmed, before_seq: toSeq });
  const once = `${event.action}:${hashOf(token)}`;
  await deps.commit(
    () => book.confirm(confirmation),
    () => [domainId, tenant.tenantDomainId].map((of) => ({ kind: "entry", domainId: of, event, once })),
  );
  return confirmation;
}

const stale = (detail: string) => new AppError("precondition.failed", { detail });

/** The first seq of [fromSeq, size) that was recorded at `beforeMs` or later; `size`: none. */
async function firstSince(
  beforeMs: number,
  fromSeq: number,
  size: number,
  ledger: Pick<LedgerStore, "rows">,
): Promise<number> {
  let [low, high] = [fromSeq, size];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const [row] = await ledger.rows({ fromSeq: middle, toSeq: middle, limit: 1 });
    if (!row) throw new AppError("storage.unavailable", { internal: "retention: the copy has a gap" });
    const { recorded_at } = JSON.parse(row.payload) as { recorded_at: string };
    if (Date.parse(recorded_at) < beforeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A hold that names people may keep any entry: while one is in force nothing goes that was not looked at one by one. */
function firstHeld(domainId: string, fromSeq: number, holds: readonly LegalHold[]): number {
  const starts = holds.filter(isInForce).flatMap(({ scope }) => {
    if (scope.allDomains || scope.domains.includes(domainId) || scope.people > 0) return [fromSeq];
    return scope.ranges
      .filter((range) => range.domainId === domainId && range.toSeq >= fromSeq)
      .map((range) => range.fromSeq);
  });
  return Math.min(Number.MAX_SAFE_INTEGER, ...starts);
}
