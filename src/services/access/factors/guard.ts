/** Where a try of somebody counts, and whether one may be made now. */

import { AppError } from "../../../core/errors.ts";
import type { FactorBook, TryBook } from "./ports.ts";
import { type TryPolicy, waitMs } from "./tries.ts";

/** A place and what holds there. */
export interface CountedPlace {
  place: string;
  policy: TryPolicy;
}

type Policies = { network: TryPolicy; person?: TryPolicy | undefined; browser: TryPolicy };

/**
 * A browser that has logged in before counts for itself alone; everybody else for their network and, when there is such a policy, for the
 * person. `browser` is untrusted: the SHA-256 of what it keeps.
 */
export function placesOf(
  kind: "code" | "recovery" | "password",
  policies: Policies,
  asker: { personId: string; network: string; browser: string | null },
  book: Pick<FactorBook, "knowsBrowser">,
): CountedPlace[] {
  const { personId, network, browser } = asker;
  if (browser !== null && book.knowsBrowser(personId, browser)) {
    return [{ place: `${kind}:browser:${personId}:${browser}`, policy: policies.browser }];
  }
  const places = [{ place: `${kind}:network:${personId}:${network}`, policy: policies.network }];
  if (policies.person) places.push({ place: `${kind}:person:${personId}`, policy: policies.person });
  return places;
}

/** Throws `auth.too_many_tries` with the longest wait. Nothing is evaluated then, and nothing counts. */
export function demandMayTry(places: readonly CountedPlace[], tries: TryBook, nowMs: number): void {
  const waits = places.map(({ place, policy }) => waitMs(policy, tries.failures(place, nowMs), nowMs));
  const longest = Math.max(0, ...waits);
  if (longest > 0) throw new AppError("auth.too_many_tries", { retryAfterSeconds: Math.ceil(longest / 1000) });
}

/** Names what was written, for `TryBook.forgive`. */
export const countFailed = (places: readonly CountedPlace[], tries: TryBook, nowMs: number): number[] =>
  tries.failed(
    places.map(({ place }) => place),
    nowMs,
  );
