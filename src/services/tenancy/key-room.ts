/** How long keys last, and what makes room for more of them: rows of keys and accounts that are over go, the newest stay. */
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";
import type { ApiKeyRecord, TenantRecord } from "../ports.ts";
import type { KeyLifeDeps } from "./key-life.ts";

export const hasEnded = ({ expiresAt }: Pick<ApiKeyRecord, "expiresAt">, nowMs: number): boolean =>
  expiresAt !== null && Date.parse(expiresAt) <= nowMs;

/** Ends compare as they are spelled: in years of four digits. */
export const LAST_END_MS = Date.parse("9999-12-31T23:59:59.999Z");

/** A rotation ends the key that it replaces, so only the last that has taken its place says how long it was to live. */
export function newestOf(key: ApiKeyRecord, keys: readonly ApiKeyRecord[]): ApiKeyRecord {
  const next = keys.find(({ replaces }) => replaces === key.id);
  return next ? newestOf(next, keys) : key;
}

export const lifeMsOf = ({ createdAt, expiresAt }: ApiKeyRecord): number | null =>
  expiresAt === null ? null : Date.parse(expiresAt) - Date.parse(createdAt);

/**
 * Throws when the tier has no room for one more. Keys that have ended take up none: beyond the newest of them their rows go,
 * once nothing is left to be done that would write or read them. The log keeps what became of each.
 */
export async function makeRoom(tenant: TenantRecord, keys: readonly ApiKeyRecord[], deps: KeyLifeDeps): Promise<void> {
  const nowMs = deps.clock();
  const endMs = ({ revokedAt, expiresAt }: ApiKeyRecord) => Date.parse(revokedAt ?? expiresAt ?? "");
  const ended = keys.filter((key) => key.revokedAt !== null || hasEnded(key, nowMs));
  if (ended.length > LIMITS.endedKeysKept) {
    await deps.finishOlder(["key", "key_rotation", "revocation", "service_account_removal"]);
    const oldest = ended.toSorted((a, b) => endMs(b) - endMs(a)).slice(LIMITS.endedKeysKept);
    await deps.control.dropKeys(
      tenant.id,
      oldest.map(({ id }) => id),
    );
  }
  await deps.demandRoom(tenant);
}

/** The same for service accounts. A row stays as long as one of a key that belongs to it. */
export async function makeRoomForAccount({ id: tenantId }: TenantRecord, deps: KeyLifeDeps): Promise<void> {
  const accounts = await deps.control.serviceAccountsOf(tenantId);
  const removed = accounts.filter(({ removedAt }) => removedAt !== null);
  if (accounts.length - removed.length >= LIMITS.serviceAccountsPerTenant) {
    const detail = `a tenant has at most ${LIMITS.serviceAccountsPerTenant} service accounts`;
    throw new AppError("limit.reached", { detail });
  }
  if (removed.length <= LIMITS.removedAccountsKept) return;
  await deps.finishOlder(["key", "key_rotation", "service_account", "service_account_removal"]);
  const used = new Set((await deps.control.keysOf(tenantId)).map(({ serviceAccountId }) => serviceAccountId));
  const oldest = removed
    .toSorted((a, b) => Date.parse(b.removedAt ?? "") - Date.parse(a.removedAt ?? ""))
    .slice(LIMITS.removedAccountsKept)
    .filter(({ id }) => !used.has(id));
  await deps.control.dropServiceAccounts(
    tenantId,
    oldest.map(({ id }) => id),
  );
}
