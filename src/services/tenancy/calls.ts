/** What a cell's Worker asks of a tenant's object. Plain values: they cross RPC. */
import type { KeyServiceConfig } from "../../core/key-service.ts";
import type { SlotName } from "../../crypto/key-registry.ts";
import type { DeletionState } from "../deletion/state.ts";
import type { EraseEverywhereCall, EraseEverywhereResult } from "../erasure/calls.ts";
import type { DescribedHold, HoldWish } from "../holds/hold-desk.ts";
import type { KeyServiceDescription } from "../keys/description.ts";
import type { TenantKeysView } from "../keys/rotation/view.ts";
import type { KeyServiceObservation } from "../keys/unwrap.ts";
import type { Permission, Tier } from "../permissions.ts";
import type { ApiKeyRecord, DomainRecord, TenantRecord } from "../ports.ts";
import type { AskedBy } from "./jobs.ts";

export interface IssuedKey {
  record: ApiKeyRecord;
  /** The key itself: in this answer and never again. */
  key: string;
}

export interface CreateTenantWish {
  name: string;
  tier: Tier;
  by: AskedBy;
}

export interface CreateDomainWish {
  name: string;
  segmentEntries: number | null;
  by: AskedBy;
}

export interface CreateKeyWish {
  name: string;
  permissions: Permission[];
  expiresAt: string | null;
  by: AskedBy;
}

export interface DeleteTenantWish {
  requestReference: string | null;
  by: AskedBy;
}

export interface TenantDeskCalls {
  /** Erases a person from every domain of the tenant, or from none (S4-32). Throws `subject.held`. */
  eraseEverywhere(call: EraseEverywhereCall): Promise<EraseEverywhereResult>;
  createTenant(wanted: CreateTenantWish): Promise<{ tenant: TenantRecord; issued: IssuedKey }>;
  createDomain(wanted: CreateDomainWish): Promise<DomainRecord>;
  createKey(wanted: CreateKeyWish): Promise<IssuedKey>;
  revokeKey(keyId: string, by: AskedBy): Promise<ApiKeyRecord>;
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
  /** Throws `tenant.held`. Asked again while one runs: that one. */
  requestDeletion(wanted: DeleteTenantWish): Promise<DeletionState>;
  /** Null: the tenant is not being deleted, or not any more. */
  deletion(): Promise<DeletionState | null>;
  /** Cron's call: takes up what an alarm should have done. */
  continueDeletion(): Promise<void>;
}
