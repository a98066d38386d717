/**
 * "May this go?" for what a tenant has beside its logs: asked here, before each batch that retention removes. For entries the
 * same is asked of the domain's object and, in the last place, of the guard of the ledger (`ledger_hold`).
 */
import { AppError } from "../../core/errors.ts";
import type { ResourceName } from "../../core/retention/resources.ts";
import type { Held } from "../ports.ts";
import type { DescribedHold } from "./hold-desk.ts";
import { type LegalHold, lastChange } from "./legal-hold.ts";

/** A release that has still to reach a domain does not hold any more; a placement that has still to reach one does. */
export const isInForce = (hold: LegalHold): boolean => lastChange(hold).kind !== "released";

/** Changes whenever what is held may have changed. Synchronous, so that it can be asked right before something goes. */
export const heldKey = (holds: readonly LegalHold[]): string =>
  holds
    .filter(isInForce)
    .map(({ id }) => id)
    .join();

/** Throws `storage.unavailable` when it is not known whom a hold names: then nothing goes. */
export function heldBy(described: readonly DescribedHold[], tenantDomainId: string): Held {
  const inForce = described.filter(({ hold }) => isInForce(hold));
  const scopes = inForce.map(({ hold }) => hold.scope);
  const people = inForce.flatMap(({ hold, words }) => {
    const named = words[0]?.people ?? [];
    if (named.length < hold.scope.people) {
      throw new AppError("storage.unavailable", { internal: "holds: whom it names is lost" });
    }
    return named;
  });
  return {
    key: heldKey(inForce.map(({ hold }) => hold)),
    everything: scopes.some(({ allDomains, domains }) => allDomains || domains.includes(tenantDomainId)),
    resources: new Set(scopes.flatMap(({ resources = [] }) => resources)),
    domains: new Set(scopes.flatMap(({ domains }) => domains)),
    people: new Set(people),
  };
}

/** Placed, and the domain has not confirmed it: until then it may keep anything there. */
export const hasToReach = (hold: LegalHold, domainId: string): boolean =>
  isInForce(hold) && hold.domains.some((of) => of.domainId === domainId && of.confirmed === 0);

/** Whether all of a resource is held. */
export const holdsAllOf = (held: Held, resource: ResourceName): boolean =>
  held.everything || held.resources.has(resource);
