/** Whom a verifier trusts: a file that the auditor keeps, not the operator. */
import { fromBase64, fromHex, toHex } from "../core/bytes.ts";
import { COSIGNATURE_V1, cosignerKeyHash } from "../core/cosignature.ts";
import { noteKeyHash } from "../core/note.ts";
import type { Sha256 } from "../core/sha256.ts";

export interface TrustedKey {
  name: string;
  keyHash: Uint8Array;
  /** Ed25519, 32 bytes. */
  publicKey: Uint8Array;
}

export interface TrustedWitness extends TrustedKey {
  /** Run by somebody else than the log's operator. Only these count. */
  independent: boolean;
}

export interface TrustPolicy {
  logs: { origin: string; keys: TrustedKey[] }[];
  witnesses: TrustedWitness[];
  /** How many independent witnesses must have cosigned. */
  required: number;
}

const ED25519 = 0x01;

/**
 * Reads a policy: `{"logs": [{"origin", "keys": [verifier key, …]}], "witnesses": [{"key", "independent"}], "required": k}`.
 * Returns what is wrong with it as a string.
 */
export function parsePolicy(sha256: Sha256, value: unknown): TrustPolicy | string {
  const { logs, witnesses = [], required = 0, ...others } = (value ?? {}) as Record<string, unknown>;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) return `${JSON.stringify(unknown)} is not a part of a policy`;
  if (!Array.isArray(logs) || logs.length === 0) return "logs: at least one log must be trusted";
  if (!Array.isArray(witnesses)) return "witnesses: must be a list";
  const policy: TrustPolicy = { logs: [], witnesses: [], required: 0 };
  for (const { origin, keys } of logs as { origin: unknown; keys: unknown }[]) {
    if (typeof origin !== "string" || origin === "" || !Array.isArray(keys) || keys.length === 0) {
      return "logs: each has an origin and at least one key";
    }
    const parsed = keys.map((key) => parseTrustedKey(sha256, String(key), ED25519));
    if (parsed.includes(null)) return `logs: a key of ${origin} is not a verifier key`;
    policy.logs.push({ origin, keys: parsed as TrustedKey[] });
  }
  for (const { key, independent } of witnesses as { key: unknown; independent: unknown }[]) {
    const parsed = parseTrustedKey(sha256, String(key), COSIGNATURE_V1);
    if (!parsed) return "witnesses: a key is not a verifier key of a cosigner (type 4)";
    if (typeof independent !== "boolean") return `witnesses: say whether ${parsed.name} is independent: true or false`;
    policy.witnesses.push({ ...parsed, independent });
  }
  const most = new Set(
    policy.witnesses.filter(({ independent }) => independent).map(({ publicKey }) => toHex(publicKey)),
  );
  if (!Number.isSafeInteger(required) || (required as number) < 0) return "required: must be a whole number";
  if ((required as number) > most.size) return `required: only ${most.size} independent witnesses are trusted`;
  policy.required = required as number;
  return policy;
}

/** `<name>+<hex key hash>+<base64 of type and key>` of signed-note; null unless all of it fits. */
export function parseTrustedKey(sha256: Sha256, text: string, type: number): TrustedKey | null {
  const [, name, hex, base64] = /^([^\s\u0085+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u.exec(text) ?? [];
  const bytes = base64 ? fromBase64(base64) : null;
  const keyHash = hex ? fromHex(hex) : null;
  if (!name || !keyHash || bytes?.length !== 33 || bytes[0] !== type) return null;
  const publicKey = bytes.slice(1);
  const hash = type === ED25519 ? noteKeyHash : cosignerKeyHash;
  return toHex(hash(sha256, name, publicKey)) === hex ? { name, keyHash, publicKey } : null;
}
