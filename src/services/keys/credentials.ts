/**
 * Credentials for a tenant's key service, sealed in the control database. The tenant's own keys cannot seal them, since the
 * service that they open is what unwraps those keys; so the key comes from the slot's secret and the tenant's *root*, which
 * is never wrapped. Whoever has the database and the bucket of keys still lacks the slot's secret. They are bound to the
 * settings beside them: whoever writes another address into the database gets neither credentials nor keys to wrap there.
 */
import { lengthPrefixed } from "../../core/bytes.ts";
import { canonicalJson } from "../../core/canonical.ts";
import { AppError } from "../../core/errors.ts";
import type { KeyServiceCredentials } from "../../core/key-service.ts";
import { parseSealedHeader, type Sealed, type Sealer, type SealOwner, type SealPlace } from "../../crypto/sealed.ts";
import type { KeyServiceRecord, KeyServiceStore, RootStore } from "../ports.ts";

/**
 * Stands where a value about nobody names its tenant key's version: the tenant's root. A header has no other room for it, and
 * no rotation ever counts this far. Rotation leaves these values alone.
 */
export const ROOT_AS_VERSION = 0xffff;

export interface CredentialDeps {
  tenantId: string;
  sealer: Pick<Sealer, "seal" | "open">;
  roots: Pick<RootStore, "get">;
}

/** Throws `storage.unavailable`. One read of R2 KEYS. */
export async function sealCredentials(
  its: Pick<KeyServiceRecord, "service" | "settings">,
  credentials: KeyServiceCredentials,
  deps: CredentialDeps,
): Promise<Sealed<"api_credentials">> {
  const owner = await ownerOf(deps);
  return deps.sealer.seal("api_credentials", JSON.stringify(credentials), placeOf(deps.tenantId, its), owner);
}

/** Throws `storage.unavailable`, also when they do not open: settings that somebody changed, or a slot without its old secret. */
export async function openCredentials(
  its: Pick<KeyServiceRecord, "service" | "settings" | "credentials">,
  deps: CredentialDeps,
): Promise<KeyServiceCredentials> {
  const owner = await ownerOf(deps);
  const opened = deps.sealer.open(its.credentials, "api_credentials", placeOf(deps.tenantId, its), owner);
  if (!opened)
    throw new AppError("storage.unavailable", { internal: "keys: credentials of a key service do not open" });
  return JSON.parse(new TextDecoder().decode(opened)) as KeyServiceCredentials;
}

/**
 * Seals every service's credentials under the newest version of the slot. A row that somebody replaces at this moment keeps
 * what they put: it is looked at again by the next walk. Resolves to how many were sealed anew, and how many do not open.
 */
export async function resealCredentials(
  newest: number,
  deps: CredentialDeps & { keyServices: Pick<KeyServiceStore, "list" | "put"> },
): Promise<{ values: number; unreadable: number }> {
  const done = { values: 0, unreadable: 0 };
  for (const row of await deps.keyServices.list(deps.tenantId)) {
    if ((parseSealedHeader(row.credentials)?.slotVersion ?? newest) >= newest) continue;
    const owner = await ownerOf(deps);
    const place = placeOf(deps.tenantId, row);
    const opened = deps.sealer.open(row.credentials, "api_credentials", place, owner);
    if (!opened) {
      done.unreadable++;
      continue;
    }
    await deps.keyServices.put({ ...row, credentials: deps.sealer.seal("api_credentials", opened, place, owner) });
    done.values++;
  }
  return done;
}

async function ownerOf({ tenantId, roots }: CredentialDeps): Promise<SealOwner> {
  const root = await roots.get(tenantId);
  if (!root) throw new AppError("storage.unavailable", { internal: "keys: the tenant has no root" });
  return { tenantId, tenantKeyVersion: ROOT_AS_VERSION, subject: null, ikm: root };
}

const placeOf = (
  tenantId: string,
  { service, settings }: Pick<KeyServiceRecord, "service" | "settings">,
): SealPlace => ({
  table: "tenant_key_service",
  column: "credentials",
  rowId: lengthPrefixed(tenantId, String(service), canonicalJson(settings)),
});
