/** What is asked of a tenant's key service (S3-41) besides unwrapping: that it proves itself, and a next key. */
import { equalBytes } from "../../core/bytes.ts";
import { AppError } from "../../core/errors.ts";
import type { KeyServiceCredentials, KeyServiceSettings } from "../../core/key-service.ts";
import { KeyServiceFailure } from "../../core/key-service.ts";
import { MAX_VERSION } from "../../crypto/slot-keys.ts";
import type { KeyService, KeyServiceStore, RandomBytes, TenantKeyRecord, TenantKeyStore } from "../ports.ts";
import { type CredentialDeps, openCredentials } from "./credentials.ts";
import { formatWrappedKey } from "./wrapped-key.ts";

export const TENANT_KEY_BYTES = 32;

/** Makes the client of a service. Nothing is called yet. Wired to `src/storage/key-services`. */
export type ConnectKeyService = (settings: KeyServiceSettings, credentials: KeyServiceCredentials) => KeyService;

/**
 * Lets the service wrap and unwrap 32 random bytes. Throws `key_service.unproven` with the service's failure in words when
 * it cannot, or gives other bytes back.
 */
export async function proveKeyService(
  service: KeyService,
  tenantId: string,
  version: number,
  random: RandomBytes,
): Promise<void> {
  const probe = random(TENANT_KEY_BYTES);
  try {
    const wrapped = await service.wrap(tenantId, probe, version);
    if (!equalBytes(await service.unwrap(tenantId, wrapped, version), probe)) {
      throw new KeyServiceFailure("no_answer", "it unwrapped other bytes than it had wrapped");
    }
  } catch (error) {
    if (!(error instanceof KeyServiceFailure)) throw error;
    throw new AppError("key_service.unproven", { detail: error.detail, internal: error.internal });
  }
}

/** Who wraps a new key; null: nobody, it stands raw in R2 KEYS. */
export type Wrapping = { service: number; client: KeyService } | null;

/** The service that wraps new keys, ready to be asked. Throws `storage.unavailable`. */
export async function activeWrapping(
  deps: CredentialDeps & { keyServices: Pick<KeyServiceStore, "list">; connect: ConnectKeyService },
): Promise<Wrapping> {
  const active = (await deps.keyServices.list(deps.tenantId)).find(({ retiredAt }) => retiredAt === null);
  if (!active) return null;
  const client = deps.connect(active.settings, await openCredentials(active, deps));
  return { service: active.service, client };
}

export interface NextKeyDeps {
  tenantId: string;
  keys: Pick<TenantKeyStore, "list" | "create">;
  random: RandomBytes;
}

/** A new key for the version after all that there are, ready to be stored. Throws `keys.unavailable`, `storage.unavailable`. */
export async function mintTenantKey(
  wrapping: Wrapping,
  createdAt: string,
  deps: NextKeyDeps,
): Promise<TenantKeyRecord> {
  const version = newestVersion(await deps.keys.list(deps.tenantId)) + 1;
  if (version >= MAX_VERSION)
    throw new AppError("limit.reached", { detail: "a tenant has at most 65534 key versions" });
  const key = deps.random(TENANT_KEY_BYTES);
  if (!wrapping) return { version, createdAt, retiredAt: null, material: { kind: "raw", key } };
  const ciphertext = await wrapping.client.wrap(deps.tenantId, key, version);
  const wrapped = formatWrappedKey({ service: wrapping.service, ciphertext });
  return { version, createdAt, retiredAt: null, material: { kind: "wrapped", wrapped } };
}

/**
 * Makes the tenant's next key version and stores it; for the rotation of keys. Versions before it stay as they are: the
 * caller retires them. Each call makes one. Throws `keys.unavailable`, `storage.unavailable`.
 */
export async function makeNextVersion(
  wrapping: Wrapping,
  createdAt: string,
  deps: NextKeyDeps,
): Promise<TenantKeyRecord> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const record = await mintTenantKey(wrapping, createdAt, deps);
    if (await deps.keys.create(deps.tenantId, record)) return record;
  }
  throw new AppError("storage.unavailable", {
    internal: "keys: others make versions of this tenant's key all the time",
  });
}

export function newestVersion(records: readonly TenantKeyRecord[]): number {
  return records.reduce((newest, { version }) => Math.max(newest, version), 0);
}

const ATTEMPTS = 3;
