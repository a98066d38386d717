/** Rate limits that a tenant sets for itself: kept here, told to the object that counts. */
import { AppError } from "../../src/core/errors.ts";
import type { TenantRecord } from "../../src/services/ports.ts";
import { demandWithinTier } from "../../src/services/rates/limits.ts";
import type { RateLimitsView, RateLimitsWish } from "../../src/services/tenancy/calls.ts";
import { rateLimitsChanged } from "../../src/services/tenancy/key-jobs.ts";
import type { DeskJobs } from "./desk-jobs.ts";
import { RateBook } from "./rate-book.ts";

export class TenantRates {
  readonly #book: RateBook;

  constructor(storage: DurableObjectStorage) {
    this.#book = new RateBook(storage);
  }

  view({ tier, settings }: TenantRecord): RateLimitsView {
    return { ...this.#book.current(), tenant: { tier, settings } };
  }

  /** The row, its entry and the job that tells the object that counts: one transaction. Throws `limit.reached`, `precondition.failed`. */
  async set(
    { settings, of, by }: RateLimitsWish,
    tenant: TenantRecord,
    jobs: Pick<DeskJobs, "commit">,
  ): Promise<RateLimitsView> {
    demandWithinTier(tenant, settings);
    if (this.#book.current().version !== of) throw new AppError("precondition.failed");
    const { id: tenantId, tenantDomainId: domainId } = tenant;
    const version = of + 1;
    const event = rateLimitsChanged(tenantId, version, settings, by);
    await jobs.commit(
      () => this.#book.put(version, settings),
      () => [
        { kind: "entry", domainId, event, once: `${event.action}:${version}` },
        { kind: "rate_limits", tenantId, version, settings },
      ],
    );
    return this.view(tenant);
  }
}
