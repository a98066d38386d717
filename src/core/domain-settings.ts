/** How a domain treats what comes to it. What is not set is as here. */
export const PERSONAL_DATA_GUARDS = ["refuse", "redact", "off"] as const;
/** What happens to personal data in clear fields. Card numbers and secrets are refused whatever it says. */
export type PersonalDataGuard = (typeof PERSONAL_DATA_GUARDS)[number];

export interface DomainSettings {
  personal_data_guard: PersonalDataGuard;
  /** Only actions that the tenant has a schema for are taken. */
  require_schema: boolean;
  /** Queries, lists and exports of the domain are themselves entries of the tenant's own log (S1-3). */
  record_reads: boolean;
}

export const DOMAIN_SETTINGS: Readonly<DomainSettings> = {
  personal_data_guard: "refuse",
  require_schema: false,
  record_reads: true,
};

/** What holds for a domain. */
export const settingsOf = (domain: { settings: Partial<DomainSettings> }): DomainSettings => ({
  ...DOMAIN_SETTINGS,
  ...domain.settings,
});
