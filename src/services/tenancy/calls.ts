/** What a cell's Worker asks of a tenant's object. Plain values: they cross RPC. */
import type { KeyServiceConfig } from "../../core/key-service.ts";
import type { SlotName } from "../../crypto/key-registry.ts";
import type { FactorCalls } from "../access/factors/calls.ts";
import type { AccessCalls } from "../access/grants/calls.ts";
import type { PeopleCalls } from "../access/people/calls.ts";
import type { Contact } from "../access/people/records.ts";
import type { Holding } from "../access/people/roles.ts";
import type { SessionPrincipal } from "../access/principal.ts";
import type { RecoveryCalls } from "../access/recovery/desk.ts";
import type { SsoCalls } from "../access/sso/calls.ts";
import type { DeletionState } from "../deletion/state.ts";
import type { EraseEverywhereCall, EraseEverywhereResult } from "../erasure/calls.ts";
import type { EventTypeView, EventTypeWish } from "../event-types/changes.ts";
import type { DescribedHold, HoldWish } from "../holds/hold-desk.ts";
import type { KeyServiceDescription } from "../keys/description.ts";
import type { TenantKeysView } from "../keys/rotation/view.ts";
import type { KeyServiceObservation } from "../keys/unwrap.ts";
import type { Permission, Tier } from "../permissions.ts";
import type { ApiKeyRecord, DomainRecord, ServiceAccountRecord, TenantRecord } from "../ports.ts";
import type { RateSettings } from "../rates/limits.ts";
import type { RetentionCalls } from "../retention/calls.ts";
import type { Tiered } from "../tiers.ts";
import type { DomainSettingsWish } from "./domain-settings.ts";
import type { AskedBy } from "./jobs.ts";
import type { KeyWish } from "./keys.ts";
import type { Counted } from "./room.ts";
import type { UpdateTenantWish } from "./tenant-changes.ts";

export interface IssuedKey {
  record: ApiKeyRecord;
  /** The key itself: in this answer and never again. */
  key: string;
}

export interface CreateTenantWish {
  name: string;
  tier: Tier;
  /** Is invited as the first owner. */
  owner?: Contact | null;
  by: AskedBy;
}

export interface CreateDomainWish {
  name: string;
  segmentEntries: number | null;
  by: AskedBy;
}

/** What is not said is as in `PLAIN_KEY`. */
export interface CreateKeyWish
  extends Pick<KeyWish, "name" | "permissions" | "expiresAt">,
    Partial<Pick<KeyWish, "description" | "allowedNetworks" | "serviceAccountId">> {
  by: AskedBy;
}

export interface RotateKeyWish {
  keyId: string;
  /** How long both work. Seconds. */
  overlapS: number;
  by: AskedBy;
}

export interface RotatedKey {
  issued: IssuedKey;
  /** The old one, with the end that it has now. */
  replaced: ApiKeyRecord;
}

export interface ServiceAccountWords {
  name: string;
  description: string | null;
}

export interface CreateServiceAccountWish extends ServiceAccountWords {
  by: AskedBy;
}

export interface RateLimitsWish {
  settings: RateSettings;
  /** The version that is to be replaced. */
  of: number;
  by: AskedBy;
}

export interface RateLimitsView {
  /** 0: nothing was ever set. */
  version: number;
  settings: RateSettings;
  tenant: Tiered;
}

export interface DeleteTenantWish {
  requestReference: string | null;
  by: AskedBy;
}

export interface TenantDeskCalls extends AccessCalls, RecoveryCalls {
  /** Erases a person from every domain of the tenant, or from none (S4-32). Throws `subject.held`. */
  eraseEverywhere(call: EraseEverywhereCall): Promise<EraseEverywhereResult>;
  createTenant(wanted: CreateTenantWish): Promise<{ tenant: TenantRecord; issued: IssuedKey }>;
  /** Throws `tier.required`, `limit.reached`. */
  updateTenant(wanted: UpdateTenantWish): Promise<TenantRecord>;
  /** Throws `limit.reached` for what the new tier has no room for. */
  changeTier(tier: Tier, by: AskedBy): Promise<TenantRecord>;
  /** How much of what its tier counts is there. */
  counted(): Promise<Counted>;
  createDomain(wanted: CreateDomainWish): Promise<DomainRecord>;
  /** Throws `precondition.failed`, `auth.forbidden` for a reserved domain, `resource.not_found`. */
  changeDomainSettings(wish: DomainSettingsWish): Promise<DomainRecord>;
  /** Throws `event_type.exists`, `limit.reached`, `precondition.failed`, `resource.not_found`. */
  changeEventType(wish: EventTypeWish): Promise<EventTypeView>;
  createKey(wanted: CreateKeyWish): Promise<IssuedKey>;
  revokeKey(keyId: string, by: AskedBy): Promise<ApiKeyRecord>;
  /** Throws `resource.not_found`, `api_key.ended`, `limit.reached`. */
  rotateApiKey(wish: RotateKeyWish): Promise<RotatedKey>;
  /** Revokes a key that was found where it does not belong. `host`: where that was, as somebody says. */
  keyLeaked(keyId: string, host: string | null): Promise<void>;
  createServiceAccount(wish: CreateServiceAccountWish): Promise<ServiceAccountRecord>;
  /** Throws `resource.not_found`, also for an account that was removed. */
  describeServiceAccount(id: string, words: Partial<ServiceAccountWords>, by: AskedBy): Promise<ServiceAccountRecord>;
  /** With its keys. Throws `resource.not_found`. */
  removeServiceAccount(id: string, by: AskedBy): Promise<ServiceAccountRecord>;
  rateLimits(): Promise<RateLimitsView>;
  /** Throws `precondition.failed`, `tier.required`, `limit.reached`, `request.invalid`. */
  setRateLimits(wish: RateLimitsWish): Promise<RateLimitsView>;
  /** Throws `request.invalid`, `limit.reached`, `keys.unavailable`. */
  placeHold(wish: HoldWish): Promise<DescribedHold>;
  /** These throw `resource.not_found`, the changes also `hold.released`. */
  hold(holdId: string): Promise<DescribedHold>;
  reviewHold(holdId: string, wish: { note: string; reviewAt: string; by: AskedBy }): Promise<DescribedHold>;
  releaseHold(holdId: string, wish: { reason: string; by: AskedBy }): Promise<DescribedHold>;
  /** Oldest first. */
  holds(): Promise<DescribedHold[]>;
  /** Cron's call: begins what is due by the clock. */
  wake(): Promise<void>;
  /** Seals the tenant's own values of a slot under its newest secret. */
  resealSlot(slot: SlotName): Promise<{ values: number; unreadable: number }>;
  keys(): Promise<TenantKeysView>;
  rotateKey(by: AskedBy): Promise<TenantKeysView>;
  keyService(): Promise<KeyServiceDescription>;
  setKeyService(config: KeyServiceConfig, by: AskedBy): Promise<KeyServiceDescription>;
  removeKeyService(by: AskedBy): Promise<KeyServiceDescription>;
  keyServiceObserved(observation: KeyServiceObservation): Promise<void>;
  /** Whose session it is, while it is open; null otherwise. */
  session(sessionId: string, memberId: string): Promise<SessionPrincipal | null>;
  /** What a member may do by their role; null: they are none, or not any more. */
  memberPermissions(memberId: string): Promise<readonly Permission[] | null>;
  people: PeopleCalls;
  /** The tenant's own identity provider. */
  sso: SsoCalls;
  /** Second factors of members. */
  factors: FactorCalls;
  /** How long what is kept, and what was removed. */
  retention: RetentionCalls;
  /** Takes all of a member's factors away and ends their sessions. Throws `resource.not_found`, `auth.forbidden`. */
  resetFactors(memberId: string, by: AskedBy, holding: Holding): Promise<void>;
  /** Throws `tenant.held`. Asked again while one runs: that one. */
  requestDeletion(wanted: DeleteTenantWish): Promise<DeletionState>;
  /** Null: the tenant is not being deleted, or not any more. */
  deletion(): Promise<DeletionState | null>;
  /** Cron's call: takes up what an alarm should have done. */
  continueDeletion(): Promise<void>;
}
