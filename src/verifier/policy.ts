/**
 * Whom a verifier trusts: a file that the auditor keeps, not the operator. The whole format is in docs/verifying.md.
 *
 * A log is trusted by its exact origin, or with every other log of its cell by a prefix: a cell signs the checkpoints of all
 * its logs with one Ed25519 key, each under the log's origin as the key's name.
 */
import { formatVerifierKey, noteKeyHash } from "../core/note.ts";
import type { Sha256 } from "../core/sha256.ts";
import {
  joined,
  list,
  object,
  PolicyFault,
  parseHead,
  parseLog,
  parseRequired,
  parseWitness,
  quoted,
} from "./policy-parts.ts";
import type { SignedHead } from "./report.ts";
import { ED25519, parseTrustedKey, type TrustedKey, type TrustedLog, type TrustedWitness } from "./trusted-key.ts";

export {
  type CosignerKey,
  parseCosignerKey,
  parseTrustedKey,
  type TrustedKey,
  type TrustedLog,
  type TrustedWitness,
} from "./trusted-key.ts";

export interface TrustPolicy {
  logs: TrustedLog[];
  /** Each once, with all its keys. */
  witnesses: TrustedWitness[];
  /** How many independent witnesses must have cosigned. */
  required: number;
  /** The last head that was verified of a log; one for each origin. */
  remembered: SignedHead[];
  /** The keys whose signature makes a note one of this origin, under that name. None: nobody is trusted for it. */
  keysOf(origin: string): TrustedKey[];
}

/** Trusts nobody: with it nothing is ever verified. */
export const NO_TRUST: TrustPolicy = {
  logs: [],
  witnesses: [],
  required: 0,
  remembered: [],
  keysOf: () => [],
};

/**
 * Reads a policy: `{"logs": [{"origin" or "origin_prefix", "key" or "keys"}], "witnesses": [{"key" or "keys", "independent"}],
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
    const named = list(witnesses ?? [], "witnesses").map((each, i) => parseWitness(sha256, each, `witnesses[${i}]`));
    const seen = joined(named);
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
