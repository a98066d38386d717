/**
 * Whom a verifier trusts: a file that the auditor keeps, not the operator. The whole format is in docs/verifying.md.
 *
 * A log is trusted by its exact origin, or with every other log of its cell by a prefix: a cell signs the checkpoints of all
 * its logs with one Ed25519 key, each under the log's origin as the key's name.
 */
import { fromBase64, fromHex, toBase64, toHex } from "../core/bytes.ts";
import { COSIGNATURE_V1, cosignerKeyHash } from "../core/cosignature.ts";
import { formatVerifierKey, noteKeyHash } from "../core/note.ts";
import { HASH_BYTES, type Sha256 } from "../core/sha256.ts";
import type { SignedHead } from "./report.ts";

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

export interface TrustedLog {
  /** Exact, or the beginning of one up to and with its last `/`. */
  origin: string;
  isPrefix: boolean;
  /** As they were written; under a prefix their names say nothing. */
  keys: TrustedKey[];
}

export interface TrustPolicy {
  logs: TrustedLog[];
  witnesses: TrustedWitness[];
  /** How many independent witnesses must have cosigned. */
  required: number;
  /** The last head that was verified of a log; one for each origin. */
  remembered: SignedHead[];
  /** The keys whose signature makes a note one of this origin, under that name. None: nobody is trusted for it. */
  keysOf(origin: string): TrustedKey[];
}

const ED25519 = 0x01;
const ORIGIN = /^[^\s\p{Cc}+]+$/u;
const isOrigin = (text: string): boolean => ORIGIN.test(text);
/** A policy is read by people. Entries of each list. */
const MOST = 1000;

/** Trusts nobody: with it nothing is ever verified. */
export const NO_TRUST: TrustPolicy = {
  logs: [],
  witnesses: [],
  required: 0,
  remembered: [],
  keysOf: () => [],
};

/**
 * Reads a policy: `{"logs": [{"origin" or "origin_prefix", "key" or "keys"}], "witnesses": [{"key", "independent"}],
 * "required": k, "remembered": [{"origin", "size", "root"}]}`. Returns what is wrong with it, and where, as a string.
 */
export function parsePolicy(sha256: Sha256, value: unknown): TrustPolicy | string {
  try {
    const { logs, witnesses, required, remembered } = object(
      value,
      "the policy",
      ["logs"],
      ["witnesses", "required", "remembered"],
    );
    const trusted = list(logs, "logs").map((log, i) => parseLog(sha256, log, `logs[${i}]`));
    if (trusted.length === 0) throw new PolicyFault("logs", "at least one log must be trusted");
    const seen = list(witnesses ?? [], "witnesses").map((each, i) => parseWitness(sha256, each, `witnesses[${i}]`));
    const heads = list(remembered ?? [], "remembered").map((head, i) => parseHead(head, `remembered[${i}]`));
    const twice = heads.find(({ origin }, i) => heads.findIndex((head) => head.origin === origin) !== i);
    if (twice) throw new PolicyFault("remembered", `${quoted(twice.origin)} is there twice`);
    return policyOf(sha256, trusted, seen, parseRequired(required ?? 0, seen), heads);
  } catch (error) {
    if (error instanceof PolicyFault) return error.message;
    throw error;
  }
}

/** Trust in these keys alone, without any witness: the short form on a command line. A string: what is wrong. */
export function policyOfKeys(sha256: Sha256, keys: readonly string[]): TrustPolicy | string {
  const logs = keys.map((key) => logOfKey(sha256, key));
  if (logs.includes(null)) return "a key is not a verifier key (name+hash+base64, Ed25519)";
  return parsePolicy(sha256, { logs });
}

export type LogOfKey = { origin: string; key: string } | { origin_prefix: string; key: string };

/**
 * What a verifier key is trusted for when nothing else is said. A key that is named like a log (`…/dom_eu_…`) for that log; a
 * cell's key (`log.example/eu`) for all logs of its host, since it signs each of them under that log's origin. Null: it is no verifier key.
 */
export function logOfKey(sha256: Sha256, key: string): LogOfKey | null {
  const name = parseTrustedKey(sha256, key, ED25519)?.name;
  if (name === undefined) return null;
  const slash = name.lastIndexOf("/");
  const isCell = slash > 0 && !name.slice(slash + 1).startsWith("dom_");
  return isCell ? { origin_prefix: name.slice(0, slash + 1), key } : { origin: name, key };
}

/** One log of a policy as it is written; null when the key cannot be read. The key of a cell is renamed to an exact origin. */
export function logOfOrigin(sha256: Sha256, origin: string, key: string): LogOfKey | null {
  const parsed = parseTrustedKey(sha256, key, ED25519);
  if (!parsed) return null;
  if (origin.endsWith("/")) return { origin_prefix: origin, key };
  return { origin, key: formatVerifierKey(sha256, origin, parsed.publicKey) };
}

/** The remembered head of this origin. */
export function rememberedHead({ remembered }: TrustPolicy, origin: string): SignedHead | null {
  return remembered.find((head) => head.origin === origin) ?? null;
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

function policyOf(
  sha256: Sha256,
  logs: TrustedLog[],
  witnesses: TrustedWitness[],
  required: number,
  remembered: SignedHead[],
): TrustPolicy {
  const keysOf = (origin: string): TrustedKey[] =>
    logs.flatMap((log) => {
      if (!log.isPrefix) return log.origin === origin ? log.keys : [];
      if (!isUnder(log.origin, origin)) return [];
      return log.keys.map(({ publicKey }) => ({
        name: origin,
        keyHash: noteKeyHash(sha256, origin, publicKey),
        publicKey,
      }));
    });
  return { logs, witnesses, required, remembered, keysOf };
}

/** One segment below the prefix, so that `log.example/` trusts `log.example/dom_eu_…` and nothing deeper. */
function isUnder(prefix: string, origin: string): boolean {
  return origin.startsWith(prefix) && origin.length > prefix.length && !origin.slice(prefix.length).includes("/");
}

function parseLog(sha256: Sha256, value: unknown, at: string): TrustedLog {
  const { origin, origin_prefix, key, keys } = object(value, at, [], ["origin", "origin_prefix", "key", "keys"]);
  const isPrefix = origin_prefix !== undefined;
  const named = isPrefix ? origin_prefix : origin;
  if ((origin === undefined) !== isPrefix) throw new PolicyFault(at, "must have either origin or origin_prefix");
  if (typeof named !== "string" || !isOrigin(named))
    throw new PolicyFault(at, "an origin is one line without spaces and +");
  if (isPrefix && !/^[^/]+\/(?:.*\/)?$/u.test(named)) {
    throw new PolicyFault(at, `origin_prefix must end with "/", as in "log.example/"`);
  }
  if ((key === undefined) === (keys === undefined)) throw new PolicyFault(at, "must have either key or keys");
  const given = key === undefined ? list(keys, `${at}.keys`) : [key];
  if (given.length === 0) throw new PolicyFault(at, "must have at least one key");
  const parsed = given.map((text) => {
    const trusted = parseTrustedKey(sha256, String(text), ED25519);
    if (trusted && !isPrefix && trusted.name !== named) {
      throw new PolicyFault(
        at,
        `the key is named ${quoted(trusted.name)}, the log ${quoted(named)}: for the logs of a cell use origin_prefix`,
      );
    }
    if (!trusted)
      throw new PolicyFault(at, `a key of ${quoted(named)} is not a verifier key (name+hash+base64, Ed25519)`);
    return trusted;
  });
  return { origin: named, isPrefix, keys: parsed };
}

function parseWitness(sha256: Sha256, value: unknown, at: string): TrustedWitness {
  const { key, independent } = object(value, at, ["key"], ["independent"]);
  const parsed = parseTrustedKey(sha256, String(key), COSIGNATURE_V1);
  if (!parsed) throw new PolicyFault(at, "the key is not a verifier key of a cosigner (type 4)");
  if (typeof independent !== "boolean") {
    throw new PolicyFault(at, `say whether ${quoted(parsed.name)} is independent: true or false`);
  }
  return { ...parsed, independent };
}

/** A witness with two names is one witness. */
function parseRequired(value: unknown, witnesses: TrustedWitness[]): number {
  const independent = witnesses.filter((witness) => witness.independent);
  const most = new Set(independent.map(({ publicKey }) => toHex(publicKey))).size;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new PolicyFault("required", "must be a whole number");
  }
  if (value > most) throw new PolicyFault("required", `only ${most} independent witnesses are trusted`);
  return value;
}

function parseHead(value: unknown, at: string): SignedHead {
  const { origin, size, root } = object(value, at, ["origin", "size", "root"]);
  if (typeof origin !== "string" || !isOrigin(origin))
    throw new PolicyFault(at, "origin is one line without spaces and +");
  if (typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    throw new PolicyFault(at, "size must be a whole number");
  }
  const bytes = typeof root === "string" ? fromBase64(root) : null;
  if (bytes?.length !== HASH_BYTES) throw new PolicyFault(at, "root must be 32 bytes in base64");
  return { origin, size, root: toBase64(bytes) };
}

class PolicyFault extends Error {
  constructor(at: string, what: string) {
    super(`${at}: ${what}`);
  }
}

function object(value: unknown, at: string, must: string[], may: string[] = []): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new PolicyFault(at, "must be an object");
  const unknown = Object.keys(value).find((name) => !must.includes(name) && !may.includes(name));
  if (unknown !== undefined) throw new PolicyFault(at, `${quoted(unknown)} is not a part of it`);
  const missing = must.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) throw new PolicyFault(at, `${missing} is missing`);
  return { ...value };
}

function list(value: unknown, at: string): unknown[] {
  if (!Array.isArray(value)) throw new PolicyFault(at, "must be a list");
  if (value.length > MOST) throw new PolicyFault(at, `may have ${MOST} entries`);
  return value;
}

const quoted = (text: string): string => JSON.stringify(text.slice(0, 200));
