/**
 * Deletes a tenant with everything that belongs to it (S3-44). A phase at a time, each written down before it begins, each
 * made of steps that may be made again: after a crash, an ambiguous answer or a store that was away, the alarm goes on in the
 * phase that stands in the object's SQLite, and cron wakes an object whose alarm was lost.
 *
 * Commit order, with the crash after each:
 *  0. the state is in the tenant's object, which from now on refuses every other change   crash: the alarm goes on
 *  1. closing           the cell's desk knows of it (operators' routes are closed); changes under way are finished; every domain
 *                       looks for holds and closes, in one piece: no append, no hold and no reveal begins behind it
 *                       a hold: refusing: the domains open again, the refusal is an entry, the state is forgotten
 *  2. recording         `tenant.deletion_requested` in the platform's log; the API keys are revoked      no way back from here
 *  3. stopping          each domain: what was under way ends, its final head is remembered here
 *  4. destroying_keys   subject keys, then tenant keys and the root: nothing that was sealed opens any more, in any copy
 *  5. deleting_rows     D1 ledger, all shards, bounded statements
 *  6. deleting_archive  R2 LOG
 *  7. deleting_records  D1 control
 *  8. emptying_objects  the storage of the domains' objects, then of the one that counts for the tenant
 *  9. verifying         every store is asked again; one that holds something sends the deletion back to 4
 * 10. certifying        the certificate is made once and kept here, is entries of the platform's log (idempotency keys), and
 *                       lies with the cell's desk; then the caller empties the tenant's own object. Crash before that: the same
 *                       certificate again, which both know already.
 */
import type { FinalHead } from "../../core/deletion-certificate.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Clock, ControlStore, TenantSweep } from "../ports.ts";
import { type CertifyDeps, certifyDeletion, recordDeleted, recordRefused, recordRequested } from "./record.ts";
import type { DeletionBook, DeletionPhase, DeletionState } from "./state.ts";

/** The objects of one domain, as a deletion needs them. Each call may be made again. */
export interface DyingDomain {
  /** Refuses everything new from now on, unless holds are in force: then nothing changes, and they are named. */
  close(): Promise<{ holds: string[] }>;
  /** As it was before `close`. */
  reopen(): Promise<void>;
  /** Nothing is under way any more, no key is in memory. Throws `storage.unavailable` while something is. */
  retire(): Promise<FinalHead>;
  /** For good: nothing is stored in the domain's objects. */
  empty(): Promise<void>;
}

/** The cell's desk, as a deletion needs it. Each call may be made again. */
export interface DeletionRegister {
  begin(tenantId: string, requestedAt: string): Promise<void>;
  /** The deletion was refused. */
  withdraw(tenantId: string): Promise<void>;
  finish(tenantId: string, note: string, heads: FinalHead[]): Promise<void>;
}

export interface DeletionDeps extends CertifyDeps {
  book: DeletionBook;
  control: Pick<ControlStore, "domainsOf">;
  sweep: TenantSweep;
  domain: (domainId: string) => DyingDomain;
  register: DeletionRegister;
  /** For good: nothing is stored in the object that counts for the tenant. May be called again. */
  emptyRates: (tenantId: string) => Promise<void>;
  /** Holds that the tenant's object was asked for and that were not released, whichever domains they have reached. */
  holdsInForce: () => string[];
  /** Resolves when no change of the tenant is under way. What a crash has left of one is not begun again. */
  finishJobs: () => Promise<void>;
  clock: Clock;
}

export type DeletionTurn = "more" | "refused" | "deleted";

/** Objects that are asked at the same time. */
const AT_ONCE = 10;

/** One bounded turn. Throws what a store throws; the next call goes on in the same phase. Without a state: `refused`. */
export async function deletionTurn(deps: DeletionDeps): Promise<DeletionTurn> {
  const state = deps.book.state();
  if (!state) return "refused";
  try {
    return await PHASES[state.phase](state, deps);
  } catch (error) {
    if (!(error instanceof SomethingLeft)) throw error;
    // Nothing writes for this tenant any more, so this ends; what was there meanwhile is counted too.
    deps.book.again(["destroying_keys", "deleting_rows", "deleting_archive", "emptying_objects", "verifying"]);
    return go(state, "destroying_keys", deps);
  }
}

type Phase = (state: DeletionState, deps: DeletionDeps) => Promise<DeletionTurn>;

const PHASES: Record<DeletionPhase, Phase> = {
  closing: async (state, deps) => {
    await deps.register.begin(state.tenantId, state.requestedAt);
    await deps.finishJobs();
    // Nobody adds a domain any more: the object refuses it.
    deps.book.addDomains((await deps.control.domainsOf(state.tenantId)).map(({ id }) => id));
    const holds = new Set(deps.holdsInForce());
    await inGroups(deps.book.waiting("closing", Number.MAX_SAFE_INTEGER), async (domainId) => {
      const found = (await deps.domain(domainId).close()).holds;
      for (const hold of found) holds.add(hold);
      if (found.length === 0) deps.book.over("closing", domainId);
    });
    return holds.size > 0 ? go({ ...state, holds: [...holds] }, "refusing", deps) : go(state, "recording", deps);
  },
  refusing: async (state, deps) => {
    await inGroups(deps.book.domainIds(), (domainId) => deps.domain(domainId).reopen());
    await recordRefused(state, deps);
    await deps.register.withdraw(state.tenantId);
    deps.book.clear();
    return "refused";
  },
  recording: async (state, deps) => {
    await recordRequested(state, deps.book.domainIds().length, deps);
    await deps.sweep.revokeKeys(state.tenantId, state.requestedAt);
    return go(state, "stopping", deps);
  },
  stopping: eachDomain("stopping", "destroying_keys", async (domainId, { book, domain }) => {
    book.setHead(await domain(domainId).retire());
    return true;
  }),
  destroying_keys: eachDomain(
    "destroying_keys",
    "deleting_rows",
    async (domainId, { book, sweep }) => {
      book.count(await sweep.destroySubjectKeys(domainId));
      return true;
    },
    async ({ tenantId }, { book, sweep }) => {
      book.count(await sweep.destroySubjectKeys(tenantId));
      book.count(await sweep.destroyTenantKeys(tenantId));
    },
  ),
  deleting_rows: eachDomain("deleting_rows", "deleting_archive", async (domainId, { book, sweep }) => {
    const { deleted, done } = await sweep.deleteRows(domainId);
    book.count(deleted);
    return done;
  }),
  deleting_archive: eachDomain("deleting_archive", "deleting_records", async (domainId, { book, sweep }) => {
    book.count(await sweep.deleteArchive(domainId));
    return true;
  }),
  deleting_records: async (state, deps) => {
    deps.book.count(await deps.sweep.deleteRecords(state.tenantId));
    return go(state, "emptying_objects", deps);
  },
  emptying_objects: eachDomain(
    "emptying_objects",
    "verifying",
    async (domainId, { book, domain }) => {
      await domain(domainId).empty();
      book.count({ domain_objects: 1 });
      return true;
    },
    ({ tenantId }, { emptyRates }) => emptyRates(tenantId),
  ),
  verifying: eachDomain(
    "verifying",
    "certifying",
    async (domainId, { sweep }) => demandNothing(await sweep.remainsOfDomain(domainId)),
    async ({ tenantId }, { sweep }) => void demandNothing(await sweep.remainsOfTenant(tenantId)),
  ),
  certifying: async (state, deps) => {
    const heads = deps.book.heads();
    const note = state.note ?? certifyDeletion(state, heads, deps.book.counts(), deps);
    deps.book.put({ ...state, note });
    await recordDeleted(state, note, heads, deps.book.counts(), deps);
    await deps.register.finish(state.tenantId, note, heads);
    return "deleted";
  },
};

/** A turn of a phase that sees to one domain after the other; `last` comes before the next phase begins. */
function eachDomain(
  phase: DeletionPhase,
  next: DeletionPhase,
  seeTo: (domainId: string, deps: DeletionDeps) => Promise<boolean>,
  last: (state: DeletionState, deps: DeletionDeps) => Promise<void> = async () => {},
): Phase {
  return async (state, deps) => {
    const waiting = deps.book.waiting(phase, LIMITS.deletionDomainsPerTurn);
    await inGroups(waiting, async (domainId) => {
      if (await seeTo(domainId, deps)) deps.book.over(phase, domainId);
    });
    if (deps.book.waiting(phase, 1).length > 0) return "more";
    await last(state, deps);
    return go(state, next, deps);
  };
}

function go(state: DeletionState, phase: DeletionPhase, { book, clock }: DeletionDeps): DeletionTurn {
  const at = new Date(clock()).toISOString();
  book.put({ ...state, phase, began: { ...state.began, [phase]: at } });
  return "more";
}

class SomethingLeft extends Error {}

function demandNothing(places: readonly string[]): true {
  if (places.length > 0) throw new SomethingLeft(places.join(", "));
  return true;
}

/** All of a group end before one that failed is heard of: nothing runs on behind the caller. */
async function inGroups<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  for (let from = 0; from < items.length; from += AT_ONCE) {
    const ends = await Promise.allSettled(items.slice(from, from + AT_ONCE).map(run));
    const failed = ends.find((end) => end.status === "rejected");
    if (failed) throw failed.reason;
  }
}
