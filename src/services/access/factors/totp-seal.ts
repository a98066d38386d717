/** TOTP secrets at rest: sealed in slot `totp_secrets` under the tenant's key, bound to the person. */
import { AppError } from "../../../core/errors.ts";
import { parseSealedHeader, type Sealed, type SealOwner, type SealPlace } from "../../../crypto/sealed.ts";
import type { SealedWordsDeps } from "../sealed-words.ts";

const placeOf = (personId: string): SealPlace => ({ table: "totp", column: "sealed", rowId: personId });

/** Throws what `TenantKeys.current` throws. */
export async function sealTotp(
  personId: string,
  secret: Uint8Array,
  { tenantId, tenantKeys, sealer }: SealedWordsDeps,
): Promise<Sealed<"totp_secrets">> {
  const { version, key } = await tenantKeys.current();
  const owner: SealOwner = { tenantId, tenantKeyVersion: version, subject: null, ikm: key };
  return sealer.seal("totp_secrets", secret, placeOf(personId), owner);
}

/** Throws `storage.unavailable` for one that does not open, and what `TenantKeys.ofVersion` throws. */
export async function openTotp(
  personId: string,
  sealed: Uint8Array,
  { tenantId, tenantKeys, sealer }: SealedWordsDeps,
): Promise<Uint8Array> {
  const version = parseSealedHeader(sealed)?.tenantKeyVersion ?? 0;
  const key = await tenantKeys.ofVersion(version);
  const owner = key && { tenantId, tenantKeyVersion: version, subject: null, ikm: key };
  const opened = owner && sealer.open(sealed, "totp_secrets", placeOf(personId), owner);
  if (!opened) throw new AppError("storage.unavailable", { internal: "factors: a TOTP secret does not open" });
  return opened;
}
