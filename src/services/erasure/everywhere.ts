/**
 * One decision over all domains of a tenant (S4-32): **all or none**. Every domain is asked for its word first; a legal hold in
 * one of them, or one that does not answer, and nothing is erased anywhere. Once all have given it, all erase, however long a
 * domain is away.
 *
 * Commit order, with the crash after each:
 *  1. each domain, in one transaction: holds asked, its promise and the pseudonym    crash: promises that nobody redeems; they
 *                                                                                    change nothing and are forgotten after a month
 *  2. the job is in the tenant's object, with pseudonyms only                        crash: the alarm runs it
 *  3. each domain begins its erasure, and finishes it by its own alarm               crash: again; one that began answers that
 *  4. the job is deleted                                                             done
 * A hold that is placed between 1 and 3 comes too late, as it does after any erasure. A domain that is made later knows
 * nothing of it.
 */
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { EraseCall, EraseEverywhereCall, EraseEverywhereResult, EraseResult, ErasurePromise } from "./calls.ts";
import type { ErasureRequest } from "./erasure.ts";
import { erasureRefused } from "./events.ts";

export interface ErasureJob {
  kind: "erasure";
  request: ErasureRequest;
  domains: { domainId: string; pseudonym: string; erasureId: string }[];
}

/** The domains, as the decision asks them. */
export interface ErasureGate {
  promiseErasure(domainId: string, call: { identityId: string; erasureId: string }): Promise<ErasurePromise>;
  erase(domainId: string, call: EraseCall): Promise<EraseResult>;
}

export interface EverywhereDeps {
  domainIds: string[];
  tenantDomainId: string;
  gate: ErasureGate;
  uuid: () => string;
  record: (domainId: string, event: ReturnType<typeof erasureRefused>, idempotencyKey: string) => Promise<void>;
  run: (job: ErasureJob) => Promise<unknown>;
}

/** Throws `subject.held` with every hold, after it was recorded in the tenant's domain; `storage.unavailable`. */
export async function eraseEverywhere(call: EraseEverywhereCall, deps: EverywhereDeps): Promise<EraseEverywhereResult> {
  const { domainIds, gate, uuid } = deps;
  const request = { ...call.request, correlationId: uuid() };
  const asked = await eachOf(domainIds, async (domainId) => {
    const erasureId = uuid();
    const promise = await gate.promiseErasure(domainId, { identityId: call.identityId, erasureId });
    return { domainId, erasureId, ...promise };
  });
  const holds = asked.flatMap(({ domainId, hold }) => (hold ? [{ domainId, holdId: hold.holdId }] : []));
  if (holds.length > 0) {
    const refusal = erasureRefused(request, null, holds);
    await deps.record(deps.tenantDomainId, refusal, `audit.erasure_refused:${request.correlationId}`);
    const ids = [...new Set(holds.map(({ holdId }) => holdId))].join(", ");
    throw new AppError("subject.held", { detail: `nothing was erased in any domain; legal holds: ${ids}` });
  }
  const fresh = asked.filter(({ erasure }) => erasure === null);
  if (fresh.length > 0) {
    const domains = fresh.map(({ domainId, pseudonym, erasureId }) => ({ domainId, pseudonym, erasureId }));
    await deps.run({ kind: "erasure", request, domains });
  }
  const domains = await eachOf(asked, async ({ domainId, pseudonym, erasureId, erasure }) => {
    if (erasure) return { domainId, erasure, already: true };
    const begun = await gate.erase(domainId, { person: { pseudonym }, erasureId, request });
    return { domainId, ...begun, already: false };
  });
  const correlationId = fresh.length > 0 ? request.correlationId : domains[0]?.erasure.correlationId;
  return { correlationId: correlationId ?? request.correlationId, domains };
}

/** Step 3. */
export async function runErasureJob({ request, domains }: ErasureJob, gate: ErasureGate): Promise<void> {
  await eachOf(domains, ({ domainId, pseudonym, erasureId }) =>
    gate.erase(domainId, { person: { pseudonym }, erasureId, request }),
  );
}

/** A few at a time; rejects with the first failure. */
async function eachOf<T, R>(items: readonly T[], ask: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += LIMITS.erasureDomainsAtOnce) {
    results.push(...(await Promise.all(items.slice(at, at + LIMITS.erasureDomainsAtOnce).map(ask))));
  }
  return results;
}
