/** Live connections of a tenant, by domain, as their keepers tell. In memory. */
import { LIMITS } from "../../src/core/limits.ts";

export class TailCount {
  readonly #domains = new Map<string, { listening: number; toldAtMs: number }>();

  /** Takes what one domain tells; the sum of all that have told lately. */
  count(domainId: string, listening: number, nowMs: number): number {
    this.#domains.set(domainId, { listening, toldAtMs: nowMs });
    let sum = 0;
    for (const [id, { listening, toldAtMs }] of this.#domains) {
      if (listening === 0 || Math.abs(nowMs - toldAtMs) > LIMITS.tailInterestMs) this.#domains.delete(id);
      else sum += listening;
    }
    return sum;
  }
}
