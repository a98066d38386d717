/**
 * How a tenant key that a key service wrapped stands in R2 KEYS: `v1.<service>.<what the service gave, base64>`. The number
 * says which of the tenant's services unwraps it, so keys of a service that was replaced open until rotation has freed it.
 */
import { AppError } from "../../core/errors.ts";
import { LIMITS } from "../../core/limits.ts";

export interface WrappedKey {
  service: number;
  ciphertext: string;
}

const STORED = /^v1\.([1-9]\d{0,4})\.([A-Za-z0-9+/]+={0,2})$/;

/** Throws when what the service gave is not base64 of a bounded length. */
export function formatWrappedKey({ service, ciphertext }: WrappedKey): string {
  const stored = `v1.${service}.${ciphertext}`;
  if (ciphertext.length > LIMITS.wrappedKeyChars || !STORED.test(stored)) throw new RangeError("no wrapped key");
  return stored;
}

/** Throws `storage.unavailable` for any other spelling: what is stored is damaged. */
export function parseWrappedKey(stored: string): WrappedKey {
  const [, service, ciphertext] = STORED.exec(stored) ?? [];
  if (!service || !ciphertext)
    throw new AppError("storage.unavailable", { internal: "keys: a wrapped key is damaged" });
  return { service: Number(service), ciphertext };
}
