/**
 * The life of API keys and of service accounts, in the object of their tenant: made, replaced, revoked, found where they do
 * not belong. What adds a key and what ends an account run one after the other: no key comes to an account that has gone.
 */
import { AppError } from "../../core/errors.ts";
import { type Jurisdiction, makeId } from "../../core/ids.ts";
import type { ApiKeyRecord, Clock, ControlStore, ServiceAccountRecord, TenantRecord } from "../ports.ts";
import type {
  CreateKeyWish,
  CreateServiceAccountWish,
  IssuedKey,
  RotatedKey,
  RotateKeyWish,
  ServiceAccountWords,
} from "./calls.ts";
import type { AskedBy } from "./jobs.ts";
import type { KeyJob } from "./key-jobs.ts";
import { hasEnded, LAST_END_MS, lifeMsOf, makeRoom, makeRoomForAccount, newestOf } from "./key-room.ts";
import { type KeyWish, PLAIN_KEY } from "./keys.ts";

export interface KeyLifeDeps {
  jurisdiction: Jurisdiction;
  control: ControlStore;
  clock: Clock;
  uuid(): string;
  tenant(): Promise<TenantRecord>;
  /** Throws when the tier has no room for one more key. */
  demandRoom(tenant: TenantRecord): Promise<void>;
  mint(wish: KeyWish): IssuedKey;
  /** `change`: what is written in the same transaction as the job. */
  run(job: KeyJob, change?: () => void): Promise<unknown>;
  /** Finishes what a crash has left, so that it undoes nothing newer. */
  finishOlder(kinds: readonly KeyJob["kind"][]): Promise<void>;
  /** Runs when nothing else that was given here is under way. */
  inTurn<T>(run: () => Promise<T>): Promise<T>;
  /** Keys that the operator has made, and those that took their place. */
  operatorMade: { has(keyId: string): boolean; add(keyId: string): void };
}

/** Throws `limit.reached`, `tier.required`, `resource.not_found` for an account that is not there. */
export function createKey({ by, ...wish }: CreateKeyWish, deps: KeyLifeDeps): Promise<IssuedKey> {
  return deps.inTurn(async () => {
    const tenant = await deps.tenant();
    if (wish.serviceAccountId) await livingAccount(tenant, wish.serviceAccountId, deps);
    await makeRoom(tenant, await deps.control.keysOf(tenant.id), deps);
    const issued = deps.mint({ ...PLAIN_KEY, ...wish });
    markOperatorMade(issued, by, deps);
    await deps.run({ kind: "key", by, key: issued.record, tenantDomainId: tenant.tenantDomainId });
    return issued;
  });
}

/**
 * A new key with all that the old one had, which ends after the overlap. A key that was to end lives as long again. Throws
 * `resource.not_found`, `api_key.ended`, `limit.reached`.
 */
export function rotateKey({ keyId, overlapS, by }: RotateKeyWish, deps: KeyLifeDeps): Promise<RotatedKey> {
  return deps.inTurn(async () => {
    const tenant = await deps.tenant();
    await deps.finishOlder(["key_rotation", "revocation", "service_account_removal"]);
    const old = await ownKey(tenant, keyId, deps);
    const nowMs = deps.clock();
    if (old.revokedAt !== null || hasEnded(old, nowMs)) throw new AppError("api_key.ended");
    const keys = await deps.control.keysOf(tenant.id);
    await makeRoom(tenant, keys, deps);
    const lifeMs = lifeMsOf(newestOf(old, keys));
    const issued = deps.mint({
      name: old.name,
      description: old.description,
      permissions: old.permissions,
      allowedNetworks: old.allowedNetworks,
      serviceAccountId: old.serviceAccountId,
      expiresAt: lifeMs === null ? null : new Date(Math.min(nowMs + lifeMs, LAST_END_MS)).toISOString(),
      replaces: old.id,
    });
    if (deps.operatorMade.has(old.id)) deps.operatorMade.add(issued.record.id);
    markOperatorMade(issued, by, deps);
    const overlapEndsMs = nowMs + overlapS * 1000;
    const endsAtMs = old.expiresAt === null ? overlapEndsMs : Math.min(overlapEndsMs, Date.parse(old.expiresAt));
    const endsAt = new Date(endsAtMs).toISOString();
    const { tenantDomainId } = tenant;
    await deps.run({ kind: "key_rotation", by, key: issued.record, replaces: old.id, endsAt, tenantDomainId });
    return { issued, replaced: { ...old, expiresAt: endsAt } };
  });
}

/** A second revocation changes nothing and answers the first. Throws `resource.not_found`. */
export async function revokeKey(
  keyId: string,
  by: AskedBy,
  deps: KeyLifeDeps,
  leak?: { host: string | null; tellOwners: () => void },
): Promise<ApiKeyRecord> {
  const tenant = await deps.tenant();
  const key = await ownKey(tenant, keyId, deps);
  if (key.revokedAt !== null) return key;
  const revokedAt = new Date(deps.clock()).toISOString();
  const { id: tenantId, tenantDomainId } = tenant;
  const job = { kind: "revocation", by, tenantId, keyId, revokedAt, tenantDomainId } as const;
  if (leak) await deps.run({ ...job, leak: { host: leak.host } }, leak.tellOwners);
  else await deps.run(job);
  return { ...key, revokedAt };
}

/** Throws `limit.reached`. */
export function createServiceAccount(
  { by, ...words }: CreateServiceAccountWish,
  deps: KeyLifeDeps,
): Promise<ServiceAccountRecord> {
  return deps.inTurn(async () => {
    const tenant = await deps.tenant();
    await makeRoomForAccount(tenant, deps);
    const account = {
      ...words,
      id: makeId("serviceAccount", deps.jurisdiction, deps.uuid()),
      tenantId: tenant.id,
      createdAt: new Date(deps.clock()).toISOString(),
      removedAt: null,
    };
    await deps.run({ kind: "service_account", by, account, tenantDomainId: tenant.tenantDomainId });
    return account;
  });
}

/** Throws `resource.not_found`, also for an account that was removed. */
export function describeServiceAccount(
  id: string,
  words: Partial<ServiceAccountWords>,
  by: AskedBy,
  deps: KeyLifeDeps,
): Promise<ServiceAccountRecord> {
  return deps.inTurn(async () => {
    const tenant = await deps.tenant();
    await deps.finishOlder(["service_account_words", "service_account_removal"]);
    const account = await livingAccount(tenant, id, deps);
    const described = { ...account, ...words };
    const changed = (["name", "description"] as const).filter((word) => described[word] !== account[word]);
    if (changed.length === 0) return account;
    const { tenantDomainId } = tenant;
    await deps.run({
      kind: "service_account_words",
      by,
      account: described,
      changed,
      once: deps.uuid(),
      tenantDomainId,
    });
    return described;
  });
}

/** Its keys are revoked with it. A second removal changes nothing and answers the first. Throws `resource.not_found`. */
export function removeServiceAccount(id: string, by: AskedBy, deps: KeyLifeDeps): Promise<ServiceAccountRecord> {
  return deps.inTurn(async () => {
    const tenant = await deps.tenant();
    await deps.finishOlder(["key", "key_rotation", "service_account_removal"]);
    const account = await deps.control.serviceAccount(tenant.id, id);
    if (!account) throw new AppError("resource.not_found");
    if (account.removedAt !== null) return account;
    const removedAt = new Date(deps.clock()).toISOString();
    const { tenantDomainId } = tenant;
    await deps.run({ kind: "service_account_removal", by, account, removedAt, tenantDomainId });
    return { ...account, removedAt };
  });
}

/** Before the key is written: a crash leaves a mark without a key, never a key without its mark. */
function markOperatorMade({ record }: IssuedKey, by: AskedBy, { operatorMade }: KeyLifeDeps): void {
  if (by.type === "support" || by.id === "operator") operatorMade.add(record.id);
}

async function ownKey(tenant: TenantRecord, keyId: string, { control }: KeyLifeDeps): Promise<ApiKeyRecord> {
  const key = await control.key(keyId);
  if (key?.tenantId !== tenant.id) throw new AppError("resource.not_found");
  return key;
}

async function livingAccount(
  tenant: TenantRecord,
  id: string,
  { control }: KeyLifeDeps,
): Promise<ServiceAccountRecord> {
  const account = await control.serviceAccount(tenant.id, id);
  if (!account || account.removedAt !== null) throw new AppError("resource.not_found");
  return account;
}
