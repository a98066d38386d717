/** The parts of a policy file, read strictly. What is wrong is thrown as a `PolicyFault`, with its place. */
import { fromBase64, toBase64, toHex } from "../core/bytes.ts";
import { HASH_BYTES, type Sha256 } from "../core/sha256.ts";
import type { SignedHead } from "./report.ts";
import {
  type CosignerKey,
  ED25519,
  parseCosignerKey,
  parseTrustedKey,
  type TrustedLog,
  type TrustedWitness,
} from "./trusted-key.ts";

const ORIGIN = /^[^\s\p{Cc}+]+$/u;
const isOrigin = (text: string): boolean => ORIGIN.test(text);
/** A policy is read by people. Entries of each list. */
const MOST = 1000;

export function parseLog(sha256: Sha256, value: unknown, at: string): TrustedLog {
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

export function parseWitness(sha256: Sha256, value: unknown, at: string): TrustedWitness {
  const { key, keys, independent } = object(value, at, [], ["key", "keys", "independent"]);
  if ((key === undefined) === (keys === undefined)) throw new PolicyFault(at, "must have either key or keys");
  const parsed = (key === undefined ? list(keys, `${at}.keys`) : [key]).map((text) => {
    const cosigner = parseCosignerKey(sha256, String(text));
    if (!cosigner) throw new PolicyFault(at, "the key is not a verifier key of a cosigner (type 4 or 6)");
    return cosigner;
  });
  const [first] = parsed;
  if (!first) throw new PolicyFault(at, "must have at least one key");
  if (typeof independent !== "boolean") {
    throw new PolicyFault(at, `say whether ${quoted(first.name)} is independent: true or false`);
  }
  return { name: first.name, keys: parsed, independent };
}

/**
 * Each witness once: entries that have a public key or the name of one in common are one witness with all their keys. Throws
 * where one of them calls it independent and another does not.
 */
export function joined(witnesses: readonly TrustedWitness[]): TrustedWitness[] {
  let apart: TrustedWitness[] = [];
  for (const witness of witnesses) {
    const same = apart.filter((each) => shareKey(each, witness));
    if (same.some(({ independent }) => independent !== witness.independent)) {
      throw new PolicyFault("witnesses", `${quoted(witness.name)} is called independent and not independent`);
    }
    const keys = [...same, witness].flatMap((each) => each.keys);
    const all = { name: (keys[0] as CosignerKey).name, keys: withoutTwins(keys), independent: witness.independent };
    apart = [...apart.filter((each) => !same.includes(each)), all];
  }
  return apart;
}

const shareKey = (one: TrustedWitness, other: TrustedWitness): boolean =>
  one.keys.some((a) => other.keys.some((b) => a.name === b.name || toHex(a.publicKey) === toHex(b.publicKey)));

function withoutTwins(keys: readonly CosignerKey[]): CosignerKey[] {
  return [...new Map(keys.map((key) => [`${key.name} ${toHex(key.publicKey)}`, key])).values()];
}

export function parseRequired(value: unknown, witnesses: readonly TrustedWitness[]): number {
  const most = witnesses.filter((witness) => witness.independent).length;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw new PolicyFault("required", "must be a whole number");
  }
  if (value > most) throw new PolicyFault("required", `only ${most} independent witnesses are trusted`);
  return value;
}

export function parseHead(value: unknown, at: string): SignedHead {
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

export class PolicyFault extends Error {
  constructor(at: string, what: string) {
    super(`${at}: ${what}`);
  }
}

export function object(value: unknown, at: string, must: string[], may: string[] = []): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new PolicyFault(at, "must be an object");
  const unknown = Object.keys(value).find((name) => !must.includes(name) && !may.includes(name));
  if (unknown !== undefined) throw new PolicyFault(at, `${quoted(unknown)} is not a part of it`);
  const missing = must.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) throw new PolicyFault(at, `${missing} is missing`);
  return { ...value };
}

export function list(value: unknown, at: string): unknown[] {
  if (!Array.isArray(value)) throw new PolicyFault(at, "must be a list");
  if (value.length > MOST) throw new PolicyFault(at, `may have ${MOST} entries`);
  return value;
}

export const quoted = (text: string): string => JSON.stringify(text.slice(0, 200));
