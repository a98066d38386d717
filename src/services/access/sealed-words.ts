/** Words about nobody in particular, sealed under the tenant's key: why the operator's people asked for something. */
import { AppError } from "../../core/errors.ts";
import type { SlotName } from "../../crypto/key-registry.ts";
import { parseSealedHeader, type Sealed, type Sealer, type SealPlace } from "../../crypto/sealed.ts";
import type { TenantKeys } from "../keys/subject-vault.ts";

export interface SealedWordsDeps {
  tenantId: string;
  sealer: Pick<Sealer, "seal" | "open">;
  tenantKeys: TenantKeys;
}

/** Throws `keys.unavailable` when the tenant's own key service does not give its key. */
export async function sealWords<S extends SlotName>(
  slot: S,
  words: string,
  place: SealPlace,
  { tenantId, sealer, tenantKeys }: SealedWordsDeps,
): Promise<Sealed<S>> {
  const { version, key } = await tenantKeys.current();
  return sealer.seal(slot, words, place, { tenantId, tenantKeyVersion: version, subject: null, ikm: key });
}

/** Throws `keys.unavailable`, and `storage.unavailable` for what does not open. */
export async function openWords<S extends SlotName>(
  slot: S,
  sealed: Sealed<S>,
  place: SealPlace,
  { tenantId, sealer, tenantKeys }: SealedWordsDeps,
): Promise<string> {
  const version = parseSealedHeader(sealed)?.tenantKeyVersion ?? 0;
  const ikm = await tenantKeys.ofVersion(version);
  const owner = ikm && { tenantId, tenantKeyVersion: version, subject: null, ikm };
  const opened = owner && sealer.open(sealed, slot, place, owner);
  if (!opened) throw new AppError("storage.unavailable", { internal: "access: words do not open" });
  return new TextDecoder().decode(opened);
}
