/**
 * Changes of how a domain treats what comes to it. The entries stand in the domain's own log, where its readers see what it did
 * when, and in the tenant's, where its administration is looked up.
 *
 * Commit order, as a job (jobs.ts):
 *  1. the domain's row                      crash: the job runs again, the same row
 *  2. the domain's log is told              crash: it is told again
 *  3. the entry in the domain's log         crash: the same receipt
 *  4. the entry in the tenant's log         crash: the same receipts
 */
import type { ProductEvent } from "../../core/actions/product.ts";
import { DOMAIN_SETTINGS, type DomainSettings, settingsOf } from "../../core/domain-settings.ts";
import { AppError } from "../../core/errors.ts";
import type { ControlStore, DomainRecord, TenantRecord } from "../ports.ts";
import { clear } from "./clear-entry.ts";
import type { AskedBy } from "./jobs.ts";

/** What is not there stays; null: as every domain has it again. */
export type DomainSettingsChange = { [Name in keyof DomainSettings]?: DomainSettings[Name] | null | undefined };

export interface DomainSettingsWish {
  domainId: string;
  change: DomainSettingsChange;
  /** The settings in force that are to be changed. */
  of: DomainSettings;
  by: AskedBy;
}

export interface DomainSettingsJob {
  kind: "domain_settings";
  tenantId: string;
  tenantDomainId: string;
  domainId: string;
  settings: Partial<DomainSettings>;
  event: ProductEvent;
  once: string;
}

export interface DomainSettingsDeps {
  control: Pick<ControlStore, "domain">;
  tenant(): Promise<TenantRecord>;
  uuid(): string;
  finishOlder(): Promise<void>;
  run(job: DomainSettingsJob): Promise<unknown>;
}

/** One after the other (the caller's turn). Throws `precondition.failed`, `auth.forbidden` for a reserved domain. */
export async function changeDomainSettings(
  { domainId, change, of, by }: DomainSettingsWish,
  deps: DomainSettingsDeps,
): Promise<DomainRecord> {
  await deps.finishOlder();
  const { id: tenantId, tenantDomainId } = await deps.tenant();
  const domain = await deps.control.domain(domainId);
  if (domain?.tenantId !== tenantId) throw new AppError("resource.not_found");
  if (domain.kind !== "client") {
    throw new AppError("auth.forbidden", { detail: "this domain is reserved: how it works is not to be changed" });
  }
  const before = settingsOf(domain);
  if (namesOf(before).some((name) => before[name] !== of[name])) throw new AppError("precondition.failed");
  const settings = set({ ...domain.settings, ...change });
  const after = settingsOf({ settings });
  const changed = namesOf(after).filter((name) => after[name] !== before[name]);
  if (changed.length === 0) return domain;
  const metadata = { changed, settings: { ...after } };
  const event = clear("domain.settings_changed", by, { type: "domain", id: domainId }, metadata);
  const once = `${event.action}:${deps.uuid()}`;
  await deps.run({ kind: "domain_settings", tenantId, tenantDomainId, domainId, settings, event, once });
  return { ...domain, settings };
}

const namesOf = (settings: DomainSettings) => Object.keys(settings) as (keyof DomainSettings)[];

/** Without what is as every domain has it. */
function set(settings: DomainSettingsChange): Partial<DomainSettings> {
  const own = Object.entries(settings).filter(
    ([name, value]) => value !== null && value !== undefined && value !== DOMAIN_SETTINGS[name as keyof DomainSettings],
  );
  return Object.fromEntries(own);
}
