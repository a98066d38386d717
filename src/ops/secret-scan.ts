/** Finds keys that have no business in a repository. Real ones only: a key of ours carries a checksum. */
import { parseApiKey, parseOperatorSecret } from "../core/api-key.ts";
import { RAW_SECRETS } from "./secrets.ts";

const OURS = /\bms[ko]_(?:eu|us)_[0-9A-Za-z_]{49,}/g;
const PRIVATE_KEY = /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----\s*[A-Za-z0-9+/]/g;
/** An RSA key in PKCS #8, DER in base64: how a cell is given the key of its session tokens. */
const PRIVATE_DER = /\bMII[C-J][A-Za-z0-9+/]{3,6}IBADANBgkqhkiG9w0BAQ[A-Za-z0-9+/]{200,}/g;
const PRIVATE_JWK = /"d"\s*:\s*"[A-Za-z0-9_-]{40,}"/g;
/** A cell's secret set to 32 bytes in base64, in any of the ways files write that. */
const NAME = [...RAW_SECRETS, "SLOT_[A-Z_]+_V\\d+"].join("|");
const CELL_SECRET = new RegExp(`\\b(?:${NAME})\\b["']?\\s*[=:]\\s*["']?([A-Za-z0-9+/]{43}=)`, "g");

/** Every secret in a text, as it stands there. Pure. */
export function findSecrets(text: string): string[] {
  const all = (pattern: RegExp, group = 0) => [...text.matchAll(pattern)].map((match) => match[group] ?? "");
  return [
    ...all(OURS).filter((key) => parseApiKey(key) !== null || parseOperatorSecret(key) !== null),
    ...all(PRIVATE_KEY),
    ...all(PRIVATE_DER),
    ...all(PRIVATE_JWK),
    ...all(CELL_SECRET, 1),
  ];
}

/** Files that are secret by their name. */
export const SECRET_FILE =
  /(?:^|\/)(?:\.dev\.vars|\.env)(?:\.(?!example$)[^/]*)?$|\.(?:pem|p12|pfx|key)$|(?:^|\/)demo\.json$/;
