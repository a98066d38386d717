/**
 * Legal holds, as the tenant's object handles them: written down, then brought to every domain concerned.
 *
 * Commit order of a change, with the crash after each step:
 *  1. its words are sealed into D1                    words of a change that never came: nobody reads them
 *  2. the change is in the object's SQLite            the alarm goes on from here
 *  3. in each domain: in force or released, confirmed the alarm asks again: the objects answer the same
 *  4. in each domain: the entry, once for each change the same receipt
 *  5. the domain is marked as confirmed               as after 3
 *  6. in the tenant's own domain: the entry           the same receipt
 *  7. of a release: the words lose people and query   again
 *  8. the change is marked as told                    done
 * A domain that does not confirm keeps the hold `placing` (or `releasing`) and is named with its fault; the others go on, and
 * what they hold is in force (S4-32: in the end all, never silently some).
 */
import type { ProductEvent } from "../../core/actions/product.ts";
import { utf8 } from "../../core/bytes.ts";
import { AppError, isAppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { AskedFilter } from "../../core/query/asked.ts";
import type { ResourceName } from "../../core/retention/resources.ts";
import { parseSealedHeader, type Sealed, type Sealer, type SealOwner, type SealPlace } from "../../crypto/sealed.ts";
import type { TenantKeys } from "../keys/subject-vault.ts";
import type { DomainLogCalls } from "../log/calls.ts";
import type { Clock, HoldWordsStore } from "../ports.ts";
import { readAsked } from "../query/resolve.ts";
import type { AskedBy } from "../tenancy/jobs.ts";
import type { HoldCall } from "./hold.ts";
import {
  domainsConcerned,
  type HoldChange,
  type HoldScope,
  type HoldWords,
  holdEvent,
  isOpen,
  type LegalHold,
  lastChange,
} from "./legal-hold.ts";

/** Holds in the object's own storage: synchronous. */
export interface HoldBook {
  add(id: string, scope: HoldScope, placed: HoldChange, domains: readonly string[]): void;
  addChange(id: string, change: HoldChange): void;
  /** Domains that it did not concern before. */
  addDomains(id: string, domains: readonly string[]): void;
  confirm(id: string, domainId: string, change: number): void;
  fail(id: string, domainId: string, fault: string): void;
  tell(id: string, change: number): void;
  get(id: string): LegalHold | null;
  /** Oldest first. */
  all(): LegalHold[];
}

export interface HoldDeskDeps {
  tenantId: string;
  tenantDomainId: string;
  book: HoldBook;
  words: HoldWordsStore;
  sealer: Pick<Sealer, "seal" | "open">;
  tenantKeys: TenantKeys;
  domainsOfTenant: () => Promise<string[]>;
  log: (domainId: string) => Pick<DomainLogCalls, "placeHold" | "releaseHold" | "head">;
  /** Once for each key. */
  record: (domainId: string, event: ProductEvent, idempotencyKey: string) => Promise<void>;
  clock: Clock;
  uuid: () => string;
  /** The alarm has to go on. */
  plan: () => void;
}

/** What a client asks for. `toSeq` null: through the newest entry. */
export interface HoldWish {
  id: string;
  reason: string;
  owner: string | null;
  reviewAt: string;
  allDomains: boolean;
  domains: readonly string[];
  ranges: readonly { domainId: string; fromSeq: number; toSeq: number | null }[];
  people: readonly string[];
  resources: readonly ResourceName[];
  /** Found valid. */
  query: { asked: AskedFilter; allDomains: boolean; domains: readonly string[] } | null;
  by: AskedBy;
}

export interface DescribedHold {
  hold: LegalHold;
  /** By change; null: they are lost. */
  words: (HoldWords | null)[];
}

export class HoldDesk {
  /** What has to be over before the next pass begins. */
  #turn: Promise<unknown> = Promise.resolve();

  /** Throws `request.invalid` naming what is no domain of the tenant or past its newest entry, `limit.reached`. */
  async place(wish: HoldWish, deps: HoldDeskDeps): Promise<DescribedHold> {
    const { book } = deps;
    const unreleased = book.all().filter((hold) => lastChange(hold).kind !== "released");
    if (unreleased.length >= LIMITS.holdsPerTenant) {
      throw new AppError("limit.reached", { detail: `a tenant has at most ${LIMITS.holdsPerTenant} legal holds` });
    }
    const ofTenant = await deps.domainsOfTenant();
    const scope = await scopeOf(wish, ofTenant, deps);
    const words: HoldWords = {
      reason: wish.reason,
      ...(wish.owner === null ? {} : { owner: wish.owner }),
      ...(wish.people.length > 0 ? { people: [...new Set(wish.people)] } : {}),
      ...(wish.query ? { query: wish.query.asked } : {}),
    };
    const placed = newChange(1, "placed", wish, deps);
    await putWords(wish.id, 1, words, deps);
    const concerned = domainsConcerned({ scope } as LegalHold, ofTenant);
    book.add(wish.id, scope, placed, concerned);
    return this.#run(wish.id, deps);
  }

  /** Throws `resource.not_found`, `hold.released`, `limit.reached`. */
  review(
    id: string,
    wish: { note: string; reviewAt: string; by: AskedBy },
    deps: HoldDeskDeps,
  ): Promise<DescribedHold> {
    return this.#change(id, "reviewed", { ...wish, reason: wish.note }, deps);
  }

  release(id: string, wish: { reason: string; by: AskedBy }, deps: HoldDeskDeps): Promise<DescribedHold> {
    return this.#change(id, "released", wish, deps);
  }

  async #change(
    id: string,
    kind: HoldChange["kind"],
    wish: { reason: string; reviewAt?: string; by: AskedBy },
    deps: HoldDeskDeps,
  ): Promise<DescribedHold> {
    const next = () => {
      const hold = deps.book.get(id);
      if (!hold) throw new AppError("resource.not_found");
      const last = lastChange(hold);
      if (last.kind === "released") throw new AppError("hold.released");
      // A release is always possible.
      if (kind === "reviewed" && last.change > LIMITS.holdReviews) {
        throw new AppError("limit.reached", { detail: `a hold is reviewed at most ${LIMITS.holdReviews} times` });
      }
      return newChange(last.change + 1, kind, { reviewAt: last.reviewAt, ...wish }, deps);
    };
    const change = next();
    await putWords(id, change.change, { reason: wish.reason }, deps);
    // Somebody else may have changed it meanwhile, and these would be the words of their change.
    if (next().change !== change.change)
      throw new AppError("storage.unavailable", { internal: "holds: changed twice" });
    deps.book.addChange(id, change);
    return this.#run(id, deps);
  }

  async describe(id: string, deps: HoldDeskDeps): Promise<DescribedHold> {
    const hold = deps.book.get(id);
    if (!hold) throw new AppError("resource.not_found");
    const words: (HoldWords | null)[] = [];
    for (const { change } of hold.changes) words.push(await wordsOf(id, change, deps));
    return { hold, words };
  }

  /** Goes on with everything that is open; also meets domains that are new. Resolves to whether something is left. */
  async goOn(deps: HoldDeskDeps): Promise<boolean> {
    const lasting = deps.book.all().filter((hold) => lastChange(hold).kind !== "released");
    if (lasting.length > 0) {
      const ofTenant = await deps.domainsOfTenant();
      for (const hold of lasting) {
        const known = new Set(hold.domains.map(({ domainId }) => domainId));
        const added = domainsConcerned(hold, ofTenant).filter((domainId) => !known.has(domainId));
        if (added.length > 0) deps.book.addDomains(hold.id, added);
      }
    }
    for (const hold of deps.book.all().filter(isOpen)) await this.#inTurn(() => pass(hold.id, deps));
    return deps.book.all().some(isOpen);
  }

  /** Brings words under the present keys. Resolves to how many were sealed anew. */
  resealWords(isStale: (sealed: Uint8Array) => boolean, deps: HoldDeskDeps): Promise<number> {
    return this.#inTurn(() => resealWords(isStale, deps));
  }

  async #run(id: string, deps: HoldDeskDeps): Promise<DescribedHold> {
    deps.plan();
    await this.#inTurn(() => pass(id, deps));
    return this.describe(id, deps);
  }

  #inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(run);
    this.#turn = turn.catch(() => {});
    return turn;
  }
}

/** Takes the hold through a bounded number of domains. Failures stay in the book. */
async function pass(id: string, deps: HoldDeskDeps): Promise<void> {
  const { book } = deps;
  const hold = book.get(id);
  if (!hold) return;
  const last = lastChange(hold);
  try {
    const words = new Map<number, HoldWords | null>();
    for (const { change } of hold.changes) {
      const isNew = change > hold.told || hold.domains.some(({ confirmed }) => confirmed < change);
      if (isNew || change === 1) words.set(change, await wordsOf(id, change, deps));
    }
    const waiting = hold.domains.filter(({ confirmed }) => confirmed < last.change);
    for (const { domainId, confirmed } of waiting.slice(0, LIMITS.holdDomainsPerPass)) {
      await bring(hold, domainId, confirmed, words, deps);
    }
    if (book.get(id)?.domains.some(({ confirmed }) => confirmed < last.change)) return;
    for (const change of hold.changes.filter(({ change }) => change > hold.told)) {
      await tell(deps.tenantDomainId, hold, change, words, deps);
    }
    const first = words.get(1);
    if (last.kind === "released" && (first?.people || first?.query)) {
      const { people: _, query: __, ...kept } = first;
      await putWords(id, 1, kept, deps);
    }
    book.tell(id, last.change);
  } catch (error) {
    console.warn(JSON.stringify({ at: "holds", hold: id, fault: faultOf(error) }));
  }
}

async function bring(
  hold: LegalHold,
  domainId: string,
  confirmed: number,
  words: ReadonlyMap<number, HoldWords | null>,
  deps: HoldDeskDeps,
): Promise<void> {
  const last = lastChange(hold);
  try {
    const log = deps.log(domainId);
    const isThere =
      last.kind === "released" ? await log.releaseHold(hold.id) : await log.placeHold(callFor(hold, domainId, words));
    if (!isThere) {
      deps.book.fail(hold.id, domainId, "not_confirmed");
      return;
    }
    for (const change of hold.changes.filter(({ change }) => change > confirmed)) {
      await tell(domainId, hold, change, words, deps);
    }
    deps.book.confirm(hold.id, domainId, last.change);
  } catch (error) {
    deps.book.fail(hold.id, domainId, faultOf(error));
  }
}

function callFor(hold: LegalHold, domainId: string, words: ReadonlyMap<number, HoldWords | null>): HoldCall {
  const people = words.get(1)?.people ?? [];
  if (people.length < hold.scope.people) {
    throw new AppError("storage.unavailable", { internal: "holds: whom it names is lost" });
  }
  return {
    holdId: hold.id,
    reviewAt: lastChange(hold).reviewAt,
    whole: hold.scope.allDomains || hold.scope.domains.includes(domainId),
    ranges: hold.scope.ranges.filter((range) => range.domainId === domainId),
    people,
    query: queryFor(hold, domainId, words),
  };
}

function queryFor(hold: LegalHold, domainId: string, words: ReadonlyMap<number, HoldWords | null>): HoldCall["query"] {
  const { query } = hold.scope;
  if (!query || !(query.allDomains || query.domains.includes(domainId))) return null;
  const asked = words.get(1)?.query;
  if (!asked) throw new AppError("storage.unavailable", { internal: "holds: what it asks for is lost" });
  return readAsked(asked, Date.parse(hold.changes[0]?.at ?? ""));
}

async function tell(
  domainId: string,
  hold: LegalHold,
  change: HoldChange,
  words: ReadonlyMap<number, HoldWords | null>,
  deps: HoldDeskDeps,
): Promise<void> {
  const event = holdEvent(hold, change, words.get(change.change) ?? null);
  try {
    await deps.record(domainId, event, `hold:${hold.id}:${change.change}`);
  } catch (error) {
    // Told already, with words that are lost since.
    if (!isAppError(error) || error.code !== "idempotency.key_reused") throw error;
  }
}

async function scopeOf(wish: HoldWish, ofTenant: readonly string[], deps: HoldDeskDeps): Promise<HoldScope> {
  const named = [
    ...wish.domains.map((id, i) => ({ id, pointer: `/scope/domains/${i}` })),
    ...wish.ranges.map(({ domainId: id }, i) => ({ id, pointer: `/scope/ranges/${i}/domain_id` })),
    ...(wish.query?.domains ?? []).map((id, i) => ({ id, pointer: `/scope/query/domains/${i}` })),
  ];
  const errors = named
    .filter(({ id }) => !ofTenant.includes(id))
    .map(({ pointer }) => ({ pointer, detail: "is no domain of this tenant" }));
  if (errors.length > 0) throw new AppError("request.invalid", { errors });
  const ranges = await Promise.all(
    wish.ranges.map(async ({ domainId, fromSeq, toSeq }, i) => {
      const newest = (await deps.log(domainId).head()).size - 1;
      const to = toSeq ?? newest;
      if (to <= newest && fromSeq <= to) return { domainId, fromSeq, toSeq: to };
      const detail =
        fromSeq > to && to < newest
          ? "must not begin behind its end"
          : `must be within the entries that are there: the newest is ${newest}`;
      throw new AppError("request.invalid", { errors: [{ pointer: `/scope/ranges/${i}`, detail }] });
    }),
  );
  return {
    allDomains: wish.allDomains,
    domains: [...new Set(wish.domains)],
    ranges,
    people: new Set(wish.people).size,
    ...(wish.resources.length > 0 ? { resources: [...new Set(wish.resources)] } : {}),
    ...(wish.query ? { query: { allDomains: wish.query.allDomains, domains: [...new Set(wish.query.domains)] } } : {}),
  };
}

function newChange(
  change: number,
  kind: HoldChange["kind"],
  { reviewAt, by }: { reviewAt: string; by: AskedBy },
  { clock, uuid }: HoldDeskDeps,
): HoldChange {
  return { change, kind, at: new Date(clock()).toISOString(), by, reviewAt, correlationId: uuid() };
}

const placeOf = (id: string, change: number): SealPlace => ({
  table: "legal_hold_words",
  column: "sealed",
  rowId: utf8(`${id}#${change}`),
});

async function putWords(id: string, change: number, words: HoldWords, deps: HoldDeskDeps): Promise<void> {
  const { version, key } = await deps.tenantKeys.current();
  const owner: SealOwner = { tenantId: deps.tenantId, tenantKeyVersion: version, subject: null, ikm: key };
  const sealed = deps.sealer.seal("records", JSON.stringify(words), placeOf(id, change), owner);
  await deps.words.put(deps.tenantId, id, change, sealed);
}

async function wordsOf(id: string, change: number, deps: HoldDeskDeps): Promise<HoldWords | null> {
  const sealed = await deps.words.get(deps.tenantId, id, change);
  return sealed && JSON.parse(new TextDecoder().decode(await openWords(id, change, sealed, deps)));
}

async function openWords(
  id: string,
  change: number,
  sealed: Sealed<"records">,
  { tenantId, tenantKeys, sealer }: HoldDeskDeps,
): Promise<Uint8Array> {
  const version = parseSealedHeader(sealed)?.tenantKeyVersion ?? 0;
  const key = await tenantKeys.ofVersion(version);
  const owner = key && { tenantId, tenantKeyVersion: version, subject: null, ikm: key };
  const opened = owner && sealer.open(sealed, "records", placeOf(id, change), owner);
  if (!opened) throw new AppError("storage.unavailable", { internal: "holds: words do not open" });
  return opened;
}

async function resealWords(isStale: (sealed: Uint8Array) => boolean, deps: HoldDeskDeps): Promise<number> {
  const stale = (await deps.words.list(deps.tenantId)).filter(({ sealed }) => isStale(sealed));
  for (const { holdId, change, sealed } of stale) {
    const words = JSON.parse(new TextDecoder().decode(await openWords(holdId, change, sealed, deps)));
    await putWords(holdId, change, words, deps);
  }
  return stale.length;
}

const faultOf = (error: unknown): string => (isAppError(error) ? error.code : "internal");
