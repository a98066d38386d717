/**
 * Counts what the clients of one tenant ask for, in leases: isolates of the Worker take tokens ahead and spend them by
 * themselves, so most requests come by without a call. Also remembers when each key was last used, which the leases tell.
 * An object that is named `askers-…` counts for those who show no credential, and stores nothing.
 */
import { DurableObject } from "cloudflare:workers";
import { LIMITS } from "../src/core/limits.ts";
import type { CellEnv } from "../src/env.ts";
import { cellConfig } from "../src/services/cell-config.ts";
import { type Outcome, outcomeOf } from "../src/services/outcome.ts";
import type { Clock, ControlStore } from "../src/services/ports.ts";
import type { AskerCall, Lease, LeaseCall } from "../src/services/rates/calls.ts";
import { RateCounter } from "../src/services/rates/counter.ts";
import { ASKER_QUOTAS, clientQuota, quotasOf, type RateSettings, rateOf } from "../src/services/rates/limits.ts";
import type { Tiered } from "../src/services/tiers.ts";
import { D1ControlStore } from "../src/storage/control-store.ts";
import { demandPinned } from "./pinning.ts";
import { TailCount } from "./rate-desk/tail-count.ts";
import { type KnownLimits, UseBook } from "./rate-desk/use-book.ts";

/** While nobody can say what tier a tenant has: too much rather than too little. */
const UNKNOWN: Tiered = { tier: "enterprise", settings: {} };
/** Uses wait so long for each other before they are written: behind the answers, one write for all. */
const GATHER_USES_MS = 1000;

export class RateDesk extends DurableObject<CellEnv> {
  /** Replaced by tests. */
  clock: Clock = Date.now;
  /** Replaced by tests that make the store fail. */
  control: Pick<ControlStore, "tenant">;
  readonly #book: UseBook;
  readonly #counter: RateCounter;
  #known: KnownLimits;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | null = null;
  /** The tenant is not there: nothing is stored for it. */
  #gone = false;
  readonly #uses: Map<string, number>;
  readonly #written: Map<string, number>;
  readonly #unwritten = new Map<string, number>();
  readonly #tails = new TailCount();
  #writes = false;

  constructor(ctx: DurableObjectState, env: CellEnv) {
    super(ctx, env);
    this.#book = new UseBook(ctx.storage);
    this.#counter = new RateCounter(() => this.clock());
    this.#known = this.#book.limits();
    this.#uses = this.#book.uses();
    this.#written = new Map(this.#uses);
    this.control = new D1ControlStore(env.CONTROL);
  }

  lease({ clientId, bucket, ...wanted }: LeaseCall): Promise<Outcome<Lease>> {
    return outcomeOf(async () => {
      this.#demandPinned();
      // The first one waits for the tier; after that it is looked up behind the answers.
      const look = this.#lookForTier();
      if (this.#known.tenant === null) await look;
      const { settings } = this.#known;
      const tenant = this.#known.tenant ?? UNKNOWN;
      const rate = rateOf(clientQuota(clientId, bucket, tenant, settings));
      const above = { bucket, rate: rateOf(quotasOf(tenant, settings).tenant[bucket]) };
      if (clientId.startsWith("key_")) this.#used(clientId);
      return this.#counter.lease(`${clientId}/${bucket}`, rate, wanted, above);
    });
  }

  leaseForAsker({ asker, policy, ...wanted }: AskerCall): Promise<Outcome<Lease>> {
    return outcomeOf(async () => {
      this.#demandPinned();
      return this.#counter.lease(`${policy}/${asker}`, rateOf(ASKER_QUOTAS[policy]), wanted, null);
    });
  }

  /** Settings of an older version than those it has change nothing. */
  setLimits(version: number, settings: RateSettings): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      this.#demandPinned();
      if (version > this.#known.version) this.#keep({ ...this.#known, version, settings });
    });
  }

  lastUses(): Promise<Outcome<Record<string, number>>> {
    return outcomeOf(async () => Object.fromEntries(this.#uses));
  }

  countTails(domainId: string, listening: number): Promise<Outcome<number>> {
    return outcomeOf(async () => {
      this.#demandPinned();
      return this.#tails.count(domainId, listening, this.clock());
    });
  }

  /** For good: of a tenant that is deleted nothing is written again. */
  empty(): Promise<Outcome<void>> {
    return outcomeOf(async () => {
      this.#demandPinned();
      this.#gone = true;
      this.#uses.clear();
      this.#unwritten.clear();
      await this.#book.empty();
    });
  }

  /** Never throws: while the database is away the tier stays what it was. */
  #lookForTier(): Promise<void> {
    // A clock that is set back puts no look off.
    const isFresh = Math.abs(this.clock() - this.#lookedAtMs) < LIMITS.rateTierMs;
    if (this.#looking || isFresh) return this.#looking ?? Promise.resolve();
    this.#looking = this.control
      .tenant(this.ctx.id.name ?? "")
      .then((tenant) => {
        this.#lookedAtMs = this.clock();
        if (!tenant) this.#gone = true;
        else if (!this.#gone) this.#see({ tier: tenant.tier, settings: tenant.settings });
      })
      .catch(() => undefined)
      .finally(() => {
        this.#looking = null;
      });
    return this.#looking;
  }

  #see(tenant: Tiered): void {
    if (JSON.stringify(tenant) !== JSON.stringify(this.#known.tenant)) this.#keep({ ...this.#known, tenant });
  }

  #keep(known: KnownLimits): void {
    if (!this.#gone) this.#book.putLimits(known);
    this.#known = known;
  }

  #used(keyId: string): void {
    const nowMs = this.clock();
    this.#uses.set(keyId, nowMs);
    if (nowMs - (this.#written.get(keyId) ?? 0) < LIMITS.keyUseMs) return;
    this.#unwritten.set(keyId, nowMs);
    this.#written.set(keyId, nowMs);
    if (this.#writes) return;
    this.#writes = true;
    setTimeout(() => this.#writeUses(), GATHER_USES_MS);
  }

  #writeUses(): void {
    this.#writes = false;
    if (!this.#gone) this.#book.putUses(this.#unwritten);
    this.#unwritten.clear();
    this.#forgetOldest();
  }

  /** Rows of keys that ended go one day, and what is remembered here of them goes too. */
  #forgetOldest(): void {
    if (this.#gone || this.#uses.size <= LIMITS.keyUsesKept) return;
    const newestFirst = [...this.#uses].sort(([, a], [, b]) => b - a);
    const oldest = newestFirst.slice(LIMITS.keyUsesKept).map(([keyId]) => keyId);
    for (const keyId of oldest) {
      this.#uses.delete(keyId);
      this.#written.delete(keyId);
    }
    this.#book.forgetUses(oldest);
  }

  #demandPinned(): void {
    demandPinned(this.ctx, cellConfig(this.env));
  }
}
