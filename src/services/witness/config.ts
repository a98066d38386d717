/**
 * Whom a cell witnesses (`WITNESSED_LOGS`) and who witnesses its logs (`WITNESSES`): two settings, each a JSON list in a
 * string, empty by default. Both are strict: what is not understood refuses the cell's start and names the setting.
 */
import { toHex } from "../../core/bytes.ts";
import { parseDecimal } from "../../core/checkpoint.ts";
import { COSIGNATURE_V1 } from "../../core/cosignature.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Sha256 } from "../../core/sha256.ts";
import { parseStrictJson } from "../../core/strict-json.ts";
import { type CosignerKey, NO_TRUST, parseCosignerKey, parsePolicy, type TrustedKey } from "../../verifier/policy.ts";

/** A witness that the logs of this cell ask. */
export interface WitnessConfig {
  /** Of the key that it is known by. */
  name: string;
  /** All that it is asked to cosign with; each of its own type. At least one. */
  keys: readonly CosignerKey[];
  /** The same, as they were configured. */
  verifierKeys: readonly string[];
  /** The one of type 4, or else the first: what the witness is known by in a log's own storage. A second key changes nothing in it. */
  verifierKey: string;
  /** Submission prefix. */
  url: string;
  /** Monitoring prefix. */
  monitoringUrl: string;
  /** Run by somebody else than the operator of the log. Only these count in a policy. */
  independent: boolean;
  /** Null: every log of the cell. */
  origins: readonly string[] | null;
}

/** The keys whose signature makes a checkpoint one of this origin. None: the origin is unknown. */
export type KeysOf = (origin: string) => readonly TrustedKey[];

/**
 * `[{"origin_prefix", "key"} or {"origin", "key"}, …]`, as `logs` of a trust policy. A cell signs the checkpoints of all its
 * logs with one key, each under the log's origin as the key's name: a prefix goes by the public key. Throws a RangeError.
 */
export function parseWitnessedLogs(sha256: Sha256, setting: string): KeysOf {
  const logs = parseList("WITNESSED_LOGS", setting);
  if (logs.length === 0) return NO_TRUST.keysOf;
  const policy = parsePolicy(sha256, { logs });
  if (typeof policy === "string") throw fault("WITNESSED_LOGS", policy);
  return (origin) => policy.keysOf(origin);
}

/**
 * `[{"url", "key" or "keys", "independent", "monitoring_url"?, "origins"?}, …]`. `ours` is the cell's log host: a cosigner that is named
 * after it belongs to the operator of the log and cannot be independent. Throws a RangeError.
 */
export function parseWitnesses(sha256: Sha256, setting: string, ours: string): WitnessConfig[] {
  const witnesses = parseList("WITNESSES", setting).map((value, i) => parseWitness(sha256, value, `[${i}]`, ours));
  const keys = witnesses.flatMap((witness) => witness.keys);
  if (keys.length > LIMITS.witnessKeys)
    throw fault("WITNESSES", `there may be ${LIMITS.witnessKeys} keys of witnesses`);
  // One with two names would count as two, and readers tell signatures apart by name and key hash alone.
  for (const part of ["publicKey", "keyHash"] as const) {
    const parts = keys.map((key) => `${part === "keyHash" ? key.name : ""}${toHex(key[part])}`);
    if (new Set(parts).size !== parts.length) throw fault("WITNESSES", "a witness is there twice");
  }
  return witnesses;
}

/** `WITNESSES_REQUIRED`: k of n, n being the independent ones. Throws a RangeError. */
export function parseRequired(setting: string, witnesses: readonly WitnessConfig[]): number {
  const required = parseDecimal(setting === "" ? "0" : setting);
  const independent = witnesses.filter((witness) => witness.independent).length;
  if (required === null || required > independent) {
    throw new RangeError(`WITNESSES_REQUIRED: must be a number from 0 to ${independent}, as many as are independent`);
  }
  return required;
}

/** Those that are asked about this log. */
export const witnessesOf = (witnesses: readonly WitnessConfig[], origin: string): WitnessConfig[] =>
  witnesses.filter(({ origins }) => origins === null || origins.includes(origin));

const MEMBERS = ["url", "key", "keys", "independent", "monitoring_url", "origins"];

function parseWitness(sha256: Sha256, value: unknown, at: string, ours: string): WitnessConfig {
  const wrong = (what: string) => fault("WITNESSES", `${at}: ${what}`);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong("must be an object");
  const {
    url,
    key,
    keys,
    independent,
    monitoring_url: monitoring = url,
    origins = null,
  } = value as Record<string, unknown>;
  const unknown = Object.keys(value).find((name) => !MEMBERS.includes(name));
  if (unknown !== undefined) throw wrong(`${JSON.stringify(unknown)} is not a part of a witness`);
  if (!isPrefix(url) || !isPrefix(monitoring)) {
    throw wrong("url must be https://… without query, fragment, credentials and final slash (http on loopback only)");
  }
  if ((key === undefined) === (keys === undefined)) throw wrong("must have either key or keys");
  const verifierKeys = key === undefined ? keys : [key];
  if (!isTexts(verifierKeys)) throw wrong("keys must be a list of verifier keys, not empty");
  const cosigners = verifierKeys.map((each) => parseCosignerKey(sha256, each));
  if (!areKeys(cosigners)) throw wrong("key is not a verifier key of a cosigner (type 4 or 6)");
  if (new Set(cosigners.map(({ type }) => type)).size !== cosigners.length) {
    throw wrong("two keys of one type: a witness cosigns with one of each");
  }
  if (typeof independent !== "boolean") throw wrong("independent must be true or false");
  const ofCell = cosigners.find(({ name }) => name.startsWith(`${ours}/`));
  if (independent && ofCell) {
    throw wrong(`${ofCell.name} is a cell of this deployment: both have one operator, so independent must be false`);
  }
  if (origins !== null && !isTexts(origins)) throw wrong("origins must be a list of origins, not empty");
  const known = Math.max(
    0,
    cosigners.findIndex(({ type }) => type === COSIGNATURE_V1),
  );
  return {
    name: cosigners[known]?.name ?? "",
    keys: cosigners,
    verifierKeys,
    verifierKey: verifierKeys[known] ?? "",
    url,
    monitoringUrl: monitoring,
    independent,
    origins,
  };
}

const areKeys = (keys: readonly (CosignerKey | null)[]): keys is CosignerKey[] => !keys.includes(null);

/** What a path is appended to. */
function isPrefix(value: unknown): value is string {
  if (typeof value !== "string" || !URL.canParse(value)) return false;
  const { protocol, hostname, username, password, search, hash, href } = new URL(value);
  const loopback = /^(?:localhost|[^.]+\.localhost|127\.0\.0\.1|\[::1\])$/.test(hostname);
  const asWritten = href === value || href === `${value}/`;
  if (!asWritten || value.endsWith("/") || username + password + search + hash !== "") return false;
  return protocol === "https:" || (protocol === "http:" && loopback);
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === "string" && each !== "");
}

function parseList(name: Setting, setting: string): unknown[] {
  if (setting === "") return [];
  const parsed = parseStrictJson(setting, 4);
  if (!parsed.ok) throw fault(name, `is no JSON: ${parsed.detail}`);
  if (!Array.isArray(parsed.value)) throw fault(name, "must be a JSON list");
  return parsed.value;
}

type Setting = "WITNESSED_LOGS" | "WITNESSES";
const fault = (name: Setting, what: string) => new RangeError(`${name}: ${what}`);
