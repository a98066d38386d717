/** What `retention` takes from the command line, judged before anything is sent: a mistake is wrong usage, in words (exit code 2). */
import { InvalidArgumentError } from "commander";
import { parseId } from "../../core/ids.ts";
import { parseDuration } from "../../core/retention/duration.ts";
import { isResource, RESOURCE_NAMES, RESOURCES, type ResourceName } from "../../core/retention/resources.ts";
import { CliError } from "../io.ts";

const OF_DOMAIN = RESOURCE_NAMES.filter((name) => RESOURCES[name].scope === "domain" && !RESOURCES[name].fixed);

/** Which resources there are, and which a domain may have a policy of its own for. */
export const RESOURCES_SAID = `${RESOURCE_NAMES.join(", ")}; with --domain: ${OF_DOMAIN.join(", ")}`;

export function resourceName(text: string): ResourceName {
  if (isResource(text)) return text;
  throw new InvalidArgumentError(`It is one of ${RESOURCES_SAID}.`);
}

/** Null: as the tier says again. */
export function wantedDuration(text: string): string | null {
  if (text === "default") return null;
  if (parseDuration(text) !== null) return text;
  throw new InvalidArgumentError("It is years, months and days as in P7Y, P1Y6M or P90D, or forever, or default.");
}

/** `--domain` is an option of all commands, so it is judged here. Throws `CliError`. */
export function domainOf({ domain }: { domain?: string }): string | undefined {
  if (domain === undefined || parseId(domain)?.kind === "domain") return domain;
  throw new CliError("--domain must be a domain id: dom_eu_… or dom_us_…");
}

/** Throws `CliError` for what no domain has a policy of its own for. */
export function demandOfDomain(resource: ResourceName): void {
  if (OF_DOMAIN.includes(resource)) return;
  const whose = RESOURCES[resource].fixed ? "have an end of their own, each" : "are the tenant's";
  throw new CliError(`${resource} ${whose}: leave --domain out (with it: ${OF_DOMAIN.join(", ")})`);
}
