/**
 * API keys and operator secrets: `msk_eu_<key id>_<secret><checksum>`.
 * The key id is the suffix of the `key_…` id, the secret 256 random bits in base62, the checksum CRC-32 (IEEE) of
 * everything before it in base62, so that a mistyped or invented key is refused before anything is looked up and secret
 * scanners find real ones only. Published pattern: `API_KEY_PATTERN`.
 */
import { utf8 } from "./bytes.ts";
import { crc32 } from "./crc32.ts";
import { isJurisdiction, type Jurisdiction } from "./ids.ts";

export const API_KEY_PREFIX = "msk";
export const OPERATOR_SECRET_PREFIX = "mso";
const SECRET_BYTES = 32;
const SECRET_CHARS = 43;
const CHECKSUM_CHARS = 6;

export const API_KEY_PATTERN = /^msk_(eu|us)_([0-7][0-9a-hjkmnp-tv-z]{25})_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/;
export const OPERATOR_SECRET_PATTERN = /^mso_(eu|us)_([0-9A-Za-z]{43})([0-9A-Za-z]{6})$/;

/** Formats a key from 32 random bytes. */
export function formatApiKey(jurisdiction: Jurisdiction, keySuffix: string, secret: Uint8Array): string {
  return withChecksum(`${API_KEY_PREFIX}_${jurisdiction}_${keySuffix}_${encodeSecret(secret)}`);
}

/** The bootstrap secret of a cell, from 32 random bytes. It carries its jurisdiction so that the gateway can route it. */
export function formatOperatorSecret(jurisdiction: Jurisdiction, secret: Uint8Array): string {
  return withChecksum(`${OPERATOR_SECRET_PREFIX}_${jurisdiction}_${encodeSecret(secret)}`);
}

/** Takes an untrusted key apart; `null` unless its form and checksum are right. */
export function parseApiKey(key: string): { jurisdiction: Jurisdiction; keySuffix: string; secret: string } | null {
  const [, jurisdiction, keySuffix, secret] = API_KEY_PATTERN.exec(key) ?? [];
  if (!isJurisdiction(jurisdiction) || !keySuffix || !secret || !hasChecksum(key)) return null;
  return { jurisdiction, keySuffix, secret };
}

export function parseOperatorSecret(text: string): { jurisdiction: Jurisdiction } | null {
  const [, jurisdiction] = OPERATOR_SECRET_PATTERN.exec(text) ?? [];
  return isJurisdiction(jurisdiction) && hasChecksum(text) ? { jurisdiction } : null;
}

function withChecksum(body: string): string {
  return body + base62(BigInt(crc32(utf8(body))), CHECKSUM_CHARS);
}

function hasChecksum(text: string): boolean {
  return withChecksum(text.slice(0, -CHECKSUM_CHARS)) === text;
}

function encodeSecret(secret: Uint8Array): string {
  if (secret.length !== SECRET_BYTES) throw new RangeError("a secret has 32 bytes");
  let value = 0n;
  for (const byte of secret) value = value * 256n + BigInt(byte);
  return base62(value, SECRET_CHARS);
}

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

function base62(value: bigint, chars: number): string {
  let rest = value;
  let out = "";
  while (rest > 0n) {
    out = BASE62[Number(rest % 62n)] + out;
    rest /= 62n;
  }
  return out.padStart(chars, "0");
}
