/**
 * What is kept, how long unless somebody says otherwise, and who lets it go: one table, from which the answers of the API and
 * docs/retention.md are made (GDPR Art. 5(1)(e), Art. 30(1)(f)).
 */
import { type Duration, durationOf } from "./duration.ts";

/** As the tiers of src/services/permissions.ts. */
export type RetentionTier = "free" | "pro" | "team" | "enterprise";

export interface RetainedResource {
  about: string;
  /** From when it is counted. */
  from: string;
  personal: string;
  /** Why it may be kept that long. */
  basis: string;
  /** `domain`: a domain may have a policy of its own. */
  scope: "domain" | "tenant";
  /** What runs by its alarm and lets it go. Null: nothing does yet, or nothing of it is stored yet; its policy is kept for then. */
  enforcer: "keeper" | "desk" | null;
  defaults: Readonly<Record<RetentionTier, string>>;
  /** No policy may be shorter, none longer. Null: none is. */
  least: string | null;
  most: string | null;
  /** The longest time is what `retention_days` of the tier says; `forever` needs the tier that may set limits of its own. */
  byTier?: true;
  /** No policy changes it. */
  fixed?: true;
}

const everywhere = (duration: string) => ({ free: duration, pro: duration, team: duration, enterprise: duration });
const MINIMISED = "GDPR Art. 6(1)(f), no longer than it helps (Art. 5(1)(e))";

const TABLE = {
  audit_entries: {
    about: "What the entries of a domain say, in every store. Their hashes, proofs and checkpoints stay for ever",
    from: "when the entry was recorded",
    personal: "Pseudonyms; sealed beside them who they are, addresses and every other private value",
    basis: "GDPR Art. 6(1)(c) and (f), Art. 32: to show who did what; the tenant decides how long",
    scope: "domain",
    enforcer: "keeper",
    defaults: { free: "P90D", pro: "P1Y", team: "P1Y", enterprise: "P7Y" },
    least: "P1D",
    most: null,
    byTier: true,
  },
  hot_entries: {
    about:
      "Entries of a domain in the hot store, where `audit_entries` is longer. After it the archive alone has them, and they are read from there",
    from: "when the entry was recorded",
    personal: "As `audit_entries`",
    basis: "None is needed: nothing is deleted",
    scope: "domain",
    enforcer: "keeper",
    defaults: everywhere("forever"),
    least: "P1D",
    most: null,
  },
  exports: {
    about: "Archives that somebody asked for. Each has an end of its own, said when it is asked for",
    from: "when the archive was ready",
    personal: "What the exported entries hold, without their private values",
    basis: MINIMISED,
    scope: "domain",
    enforcer: "keeper",
    defaults: everywhere("P30D"),
    least: null,
    most: "P30D",
    fixed: true,
  },
  sessions: {
    about: "Sessions of members and the links that opened them, after their end",
    from: "when it ends by itself",
    personal: "Ids of members, and the words for their browsers",
    basis: MINIMISED,
    scope: "tenant",
    enforcer: "desk",
    defaults: everywhere("P7D"),
    least: "P1D",
    most: "P1Y",
  },
  invitations: {
    about: "Invitations, accepted, withdrawn or forgotten, after their end",
    from: "when it ends by itself",
    personal: "The sealed address of somebody who never answered; who invited",
    basis: MINIMISED,
    scope: "tenant",
    enforcer: "desk",
    defaults: everywhere("P7D"),
    least: "P1D",
    most: "P1Y",
  },
  rejected_events: {
    about: "Counts of events that were refused, and why. Never the events",
    from: "when the last one was refused",
    personal: "None: actions, field names and ids of credentials",
    basis: "None is needed",
    scope: "tenant",
    enforcer: "desk",
    defaults: everywhere("P90D"),
    least: "P1D",
    most: "P1Y",
  },
  retention_runs: {
    about: "Records of what retention did, and when",
    from: "when the run was over",
    personal: "None: counts and times",
    basis: "GDPR Art. 5(2): to show that retention ran",
    scope: "tenant",
    enforcer: "desk",
    defaults: everywhere("P7Y"),
    least: "P1Y",
    most: null,
  },
  connector_cache: {
    about: "Raw answers of connected systems",
    from: "when it was fetched",
    personal: "Whatever the connected system tells of people",
    basis: MINIMISED,
    scope: "tenant",
    enforcer: null,
    defaults: everywhere("P90D"),
    least: "P1D",
    most: "P90D",
  },
  requests: {
    about: "Requests of people for their own, and how they were answered",
    from: "when the request was closed",
    personal: "Who asked for what, sealed",
    basis: "GDPR Art. 5(2) and 12(3): to show that it was answered in time",
    scope: "tenant",
    enforcer: null,
    defaults: everywhere("P3Y"),
    least: "P1Y",
    most: "P7Y",
  },
  invoices: {
    about: "Invoices and what they were made from",
    from: "the end of the year of the invoice",
    personal: "Who paid, with address and tax id",
    basis: "Tax law (GDPR Art. 6(1)(c)); erasure leaves them (Art. 17(3)(b))",
    scope: "tenant",
    enforcer: null,
    defaults: everywhere("P7Y"),
    least: "P7Y",
    most: null,
  },
} as const satisfies Record<string, RetainedResource>;

export type ResourceName = keyof typeof TABLE;
export const RESOURCES: Readonly<Record<ResourceName, RetainedResource>> = TABLE;
export const RESOURCE_NAMES = Object.keys(TABLE) as [ResourceName, ...ResourceName[]];

export const isResource = (name: string): name is ResourceName => Object.hasOwn(TABLE, name);

/** What holds where nobody has said anything. */
export const defaultOf = (resource: ResourceName, tier: RetentionTier): Duration =>
  durationOf(RESOURCES[resource].defaults[tier]);
