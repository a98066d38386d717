/** How a domain treats what comes to it. What is not set is as here. */
import { LIMITS } from "./limits.ts";

export const PERSONAL_DATA_GUARDS = ["refuse", "redact", "off"] as const;
/** What happens to personal data in clear fields. Card numbers and secrets are refused whatever it says. */
export type PersonalDataGuard = (typeof PERSONAL_DATA_GUARDS)[number];

export const ON_VIOLATIONS = ["stop", "flag"] as const;
/** What happens to a domain whose self-check finds that two accounts of its log contradict each other. */
export type OnViolation = (typeof ON_VIOLATIONS)[number];

export interface DomainSettings {
  personal_data_guard: PersonalDataGuard;
  /** Only actions that the tenant has a schema for are taken. */
  require_schema: boolean;
  /** Queries, lists and exports of the domain are themselves entries of the tenant's own log (S1-3). */
  record_reads: boolean;
  /** Entries of one archive object, at most; null: as many as the domain was made with. */
  segment_entries: number | null;
  /** An archive object that is not full is written at the latest so long after its first entry. */
  segment_flush_seconds: number;
  /** `stop`: nothing is appended until an operator has looked. `flag`: it goes on; alert, entry and health say so all the same. */
  on_violation: OnViolation;
}

export const DOMAIN_SETTINGS: Readonly<DomainSettings> = {
  personal_data_guard: "refuse",
  require_schema: false,
  record_reads: true,
  segment_entries: null,
  segment_flush_seconds: LIMITS.segmentFlushMs / 1000,
  on_violation: "stop",
};

/** What holds for a domain. */
export const settingsOf = (domain: { settings: Partial<DomainSettings> }): DomainSettings => ({
  ...DOMAIN_SETTINGS,
  ...domain.settings,
});
