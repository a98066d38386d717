import { hmacSha256 } from "./hmac.ts";

/**
 * What is stored of an API key (decision 13): HMAC-SHA-256 under the cell's pepper. The key id is part of the message, so
 * a stored MAC moved to another row matches nothing.
 */
export function apiKeyMac(pepper: Uint8Array, keyId: string, secret: string): Uint8Array {
  return hmacSha256(pepper, `moonseal/api-key/v1\n${keyId}\n${secret}`);
}
