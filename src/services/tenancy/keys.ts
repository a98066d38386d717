/** Making and checking API keys. */
import { formatApiKey, parseApiKey } from "../../core/api-key.ts";
import { ID_KINDS, idSuffix, type Jurisdiction, makeId } from "../../core/ids.ts";
import { apiKeyMac } from "../../crypto/api-key-mac.ts";
import { equalSecrets } from "../../crypto/compare.ts";
import { isWithin } from "../access/networks.ts";
import type { Permission } from "../permissions.ts";
import type { ApiKeyRecord, ControlStore, RandomBytes } from "../ports.ts";

const SECRET_BYTES = 32;

/** What a key is to be. */
export type KeyWish = Omit<ApiKeyRecord, "id" | "tenantId" | "secretMac" | "createdAt" | "revokedAt">;

/** What a key has that nobody asked anything for. */
export const PLAIN_KEY = { description: null, allowedNetworks: null, serviceAccountId: null, replaces: null } as const;

/** A new key: the record to store, and the key itself, which nobody can show again. */
export function mintKey(
  wanted: { tenantId: string } & Pick<KeyWish, "name" | "permissions" | "expiresAt"> & Partial<KeyWish>,
  context: { jurisdiction: Jurisdiction; uuid: string; pepper: Uint8Array; random: RandomBytes; nowMs: number },
): { record: ApiKeyRecord; key: string } {
  const id = makeId("apiKey", context.jurisdiction, context.uuid);
  const key = formatApiKey(context.jurisdiction, idSuffix(id), context.random(SECRET_BYTES));
  const secret = parseApiKey(key)?.secret ?? "";
  return {
    key,
    record: {
      ...PLAIN_KEY,
      ...wanted,
      id,
      secretMac: apiKeyMac(context.pepper, id, secret),
      createdAt: new Date(context.nowMs).toISOString(),
      revokedAt: null,
    },
  };
}

export interface VerifiedKey {
  keyId: string;
  tenantId: string;
  permissions: Permission[];
  serviceAccountId: string | null;
}

/**
 * The key's record when an untrusted key is right, unexpired, not revoked and comes from where it may; else null. `address`:
 * where the request comes from; unknown is nowhere. Form and checksum are tested
 * before anything is looked up (S2-15); an unknown key id costs the same work as a wrong secret.
 */
export async function verifyKey(
  key: string,
  jurisdiction: Jurisdiction,
  pepper: Uint8Array,
  lookUp: (keyId: string) => Promise<ApiKeyRecord | null>,
  nowMs: number,
  address: string | null,
): Promise<VerifiedKey | null> {
  const record = await rightKey(key, jurisdiction, pepper, lookUp, nowMs);
  if (!record || (record.allowedNetworks !== null && !isWithin(address, record.allowedNetworks))) return null;
  const { id: keyId, tenantId, permissions, serviceAccountId } = record;
  return { keyId, tenantId, permissions, serviceAccountId };
}

/** The record of a key that works, wherever it is used from. What was said of `verifyKey` holds. */
export async function rightKey(
  key: string,
  jurisdiction: Jurisdiction,
  pepper: Uint8Array,
  lookUp: (keyId: string) => Promise<ApiKeyRecord | null>,
  nowMs: number,
): Promise<ApiKeyRecord | null> {
  const parsed = parseApiKey(key);
  if (!parsed || parsed.jurisdiction !== jurisdiction) return null;
  const keyId = `${ID_KINDS.apiKey}_${jurisdiction}_${parsed.keySuffix}`;
  const record = await lookUp(keyId);
  const right = equalSecrets(apiKeyMac(pepper, keyId, parsed.secret), record?.secretMac ?? NO_MAC);
  if (!record || !right || record.revokedAt !== null) return null;
  if (record.expiresAt !== null && Date.parse(record.expiresAt) <= nowMs) return null;
  return record;
}

/** Compared with when there is no record; no MAC equals it, and it would not matter if one did. */
const NO_MAC = new Uint8Array(32);

/**
 * Look-ups answered from memory for `freshMs`, so that a warm request costs no read, and for `staleMs` when the store does
 * not answer: keys in use outlive a short outage, and revocation is effective within `staleMs` at the latest.
 */
export function cachedLookUp(
  control: Pick<ControlStore, "key">,
  clock: () => number,
  { freshMs, staleMs, maxEntries }: { freshMs: number; staleMs: number; maxEntries: number },
): (keyId: string) => Promise<ApiKeyRecord | null> {
  const cache = new Map<string, { record: ApiKeyRecord; readAtMs: number }>();
  return async (keyId) => {
    const hit = cache.get(keyId);
    const readAtMs = clock();
    // A clock that was set back must not stretch the bound.
    const ageMs = hit && readAtMs >= hit.readAtMs ? readAtMs - hit.readAtMs : Number.POSITIVE_INFINITY;
    if (hit && ageMs < freshMs) return hit.record;
    let record: ApiKeyRecord | null;
    try {
      record = await control.key(keyId);
    } catch (error) {
      if (hit && ageMs < staleMs) return hit.record;
      throw error;
    }
    cache.delete(keyId);
    // Unknown ids are not kept: anybody could fill the memory with them.
    if (record) {
      if (cache.size >= maxEntries) cache.clear();
      cache.set(keyId, { record, readAtMs });
    }
    return record;
  };
}
