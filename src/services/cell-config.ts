/** What a cell is told by its environment, checked once: a cell with a wrong setting refuses to serve. */
import { formatOperatorSecret, parseOperatorSecret } from "../core/api-key.ts";
import { fromBase64, toBase64 } from "../core/bytes.ts";
import { AppError } from "../core/errors.ts";
import { isJurisdiction, type Jurisdiction } from "../core/ids.ts";
import { LIMITS } from "../core/limits.ts";
import { type Cosigner, cosigner } from "../crypto/cosigner.ts";
import { type DocumentSigner, documentSigner } from "../crypto/document-signer.ts";
import { SLOT_NAMES } from "../crypto/key-registry.ts";
import { type MlDsaCosigner, mlDsaCosigner } from "../crypto/ml-dsa-cosigner.ts";
import { Sealer } from "../crypto/sealed.ts";
import { sha256 } from "../crypto/sha256.ts";
import { type NoteSigner, noteSigner } from "../crypto/signer.ts";
import { readSlotKeys, type SlotKeys } from "../crypto/slot-keys.ts";
import { readTokenKeys, type TokenSettings } from "./access/token-settings.ts";
import type { TokenKeys } from "./access/tokens.ts";
import { type MonitoringConfig, type MonitoringSettings, monitoringConfig } from "./monitoring/settings.ts";
import {
  type KeysOf,
  parseRequired,
  parseWitnessedLogs,
  parseWitnesses,
  type WitnessConfig,
} from "./witness/config.ts";

/** The settings and secrets of a cell's environment. */
export interface CellSettings extends TokenSettings, MonitoringSettings {
  JURISDICTION: string;
  /** Equal to JURISDICTION; empty only together with UNPINNED_LOCAL. */
  DO_JURISDICTION: string;
  /** "true" on a machine without jurisdictions. Refused by the deploy gate. */
  UNPINNED_LOCAL?: string;
  /** Host name in the names of signing keys and in the origins of logs. */
  LOG_HOST: string;
  /** Where people reach the product, for the links of mails: `https://…` without a path. Unless it is said: LOG_HOST. */
  PUBLIC_ORIGIN?: string;
  /** Sender of the product's mails. Without it, or without the binding MAIL, no mail is sent. */
  MAIL_FROM?: string;
  /** A k-anonymity list of stolen passwords, such as `https://api.pwnedpasswords.com/range/`. Unless it is said: none is asked. */
  BREACH_RANGE_URL?: string;
  /** Operator's override of `LIMITS.backlogBytes`. Bytes. */
  BACKLOG_BYTES?: string;
  /** Operator's override of `LIMITS.shardBytes`. Bytes. */
  SHARD_LIMIT_BYTES?: string;
  /** Operator's override of `LIMITS.retentionIntervalS`: from one retention run of a tenant to the next. Seconds. */
  RETENTION_INTERVAL_S?: string;
  /** Operator's override of `LIMITS.retentionBatch`: rows that one batch removes. */
  RETENTION_BATCH?: string;
  /** Operator's override of `LIMITS.selfCheckIntervalS`: from one self-check of a domain to the next. Seconds. */
  SELF_CHECK_INTERVAL_S?: string;
  /** Logs that this cell witnesses: JSON list, src/services/witness/config.ts. */
  WITNESSED_LOGS?: string;
  /** Witnesses of this cell's own logs: JSON list, likewise. */
  WITNESSES?: string;
  /** How many independent witnesses make a checkpoint a witnessed one; 0, the default: any one witness. */
  WITNESSES_REQUIRED?: string;
  OPERATOR_SECRET: string;
  API_KEY_PEPPER: string;
  PSEUDONYM_PEPPER: string;
  LOG_SIGNING_KEY: string;
  /** The key that LOG_SIGNING_KEY replaces: both sign until everybody who pinned it has the new one. */
  LOG_SIGNING_KEY_PREVIOUS?: string;
  /** Public keys that have signed and sign no more, base64, between commas: what they signed stays valid. */
  LOG_RETIRED_KEYS?: string;
  /** What this cell cosigns with as a witness of others. Never the log key. */
  WITNESS_SIGNING_KEY: string;
  /** The seed of the ML-DSA-44 key that it cosigns with beside that one. A cell from before it works without. */
  WITNESS_ML_DSA_KEY?: string;
  /** What the key is made of that PDFs are signed with. A cell without it makes none. */
  DOCUMENT_SIGNING_KEY?: string;
  /** `SLOT_CONTACT_V1`: the key of a slot of KEY_REGISTRY, one secret a version. */
  [slot: `SLOT_${string}_V${number}`]: string | undefined;
}

export interface CellConfig {
  jurisdiction: Jurisdiction;
  /** What objects are pinned to; null only on a machine without jurisdictions. */
  pinnedTo: Jurisdiction | null;
  logHost: string;
  /** `https://moonseal.example`; without a path. */
  publicOrigin: string;
  /** Null: no mail is sent. */
  mailFrom: string | null;
  backlogBytes: number;
  shardLimitBytes: number;
  retentionIntervalMs: number;
  retentionBatch: number;
  selfCheckIntervalMs: number;
  operatorSecret: string;
  apiKeyPepper: Uint8Array;
  pseudonymPepper: Uint8Array;
  signer: NoteSigner;
  /** Ed25519 public keys that sign no more. */
  retiredKeys: Uint8Array[];
  cosigner: Cosigner;
  /** Null: this cell cosigns with Ed25519 alone. */
  mlDsaCosigner: MlDsaCosigner | null;
  /** Null: this cell makes no PDF. */
  documents: DocumentSigner | null;
  /** Keys of the logs that this cell witnesses. */
  witnessedKeysOf: KeysOf;
  /** Who witnesses the logs of this cell. */
  witnesses: readonly WitnessConfig[];
  /** How many independent ones are waited for; 0: any one. */
  witnessesRequired: number;
  /** What session tokens are signed with and how they read. */
  tokens: TokenKeys;
  /** Who is told of jobs and alerts, and by whom. */
  monitoring: MonitoringConfig;
  slots: SlotKeys;
  sealer: Sealer;
}

const SECRET_BYTES = 32;
const known = new WeakMap<CellSettings, CellConfig>();

/**
 * The configuration of this cell. Throws `AppError("internal")` naming the setting, never its value: missing, short or
 * doubled secrets, a slot without a key (S2-6), an unknown jurisdiction, objects that would not be pinned (S4-34).
 */
export function cellConfig(settings: CellSettings): CellConfig {
  const cached = known.get(settings);
  if (cached) return cached;
  const config = readConfig(settings);
  known.set(settings, config);
  return config;
}

function readConfig(settings: CellSettings): CellConfig {
  const { JURISDICTION: jurisdiction, LOG_HOST: logHost } = settings;
  if (!isJurisdiction(jurisdiction)) throw wrong("residency.unknown", "JURISDICTION must be eu or us");
  const slots = slotKeys(settings);
  const config = {
    jurisdiction,
    pinnedTo: pinning(settings, jurisdiction),
    logHost,
    publicOrigin: publicOrigin(settings),
    mailFrom: settings.MAIL_FROM || null,
    backlogBytes: Number(settings.BACKLOG_BYTES ?? LIMITS.backlogBytes),
    shardLimitBytes: Number(settings.SHARD_LIMIT_BYTES ?? LIMITS.shardBytes),
    retentionIntervalMs: 1000 * within(settings, "RETENTION_INTERVAL_S", RETENTION_INTERVAL),
    retentionBatch: within(settings, "RETENTION_BATCH", RETENTION_BATCH),
    selfCheckIntervalMs: 1000 * within(settings, "SELF_CHECK_INTERVAL_S", SELF_CHECK_INTERVAL),
    operatorSecret: settings.OPERATOR_SECRET ?? "",
    apiKeyPepper: secretBytes(settings, "API_KEY_PEPPER"),
    pseudonymPepper: secretBytes(settings, "PSEUDONYM_PEPPER"),
    signer: logSigner(`${logHost}/${jurisdiction}`, settings),
    retiredKeys: retiredKeys(settings),
    cosigner: cosigner(`${logHost}/witness-${jurisdiction}`, secretBytes(settings, "WITNESS_SIGNING_KEY")),
    mlDsaCosigner: settings.WITNESS_ML_DSA_KEY
      ? mlDsaCosigner(`${logHost}/witness-${jurisdiction}`, secretBytes(settings, "WITNESS_ML_DSA_KEY"))
      : null,
    documents: settings.DOCUMENT_SIGNING_KEY
      ? documentSigner(logHost, secretBytes(settings, "DOCUMENT_SIGNING_KEY"))
      : null,
    ...witnessing(settings, logHost),
    tokens: tokenKeys(settings, logHost, jurisdiction),
    monitoring: monitoring(settings, jurisdiction),
    slots,
    sealer: new Sealer(slots),
  };
  if (parseOperatorSecret(config.operatorSecret)?.jurisdiction !== jurisdiction) {
    throw wrong("internal", "OPERATOR_SECRET is missing, malformed or of another jurisdiction");
  }
  if (!/^[a-z0-9.-]+$/.test(logHost ?? "")) throw wrong("internal", "LOG_HOST must be a host name");
  if (!Number.isSafeInteger(config.backlogBytes)) throw wrong("internal", "BACKLOG_BYTES must be a number of bytes");
  if (!Number.isSafeInteger(config.shardLimitBytes))
    throw wrong("internal", "SHARD_LIMIT_BYTES must be a number of bytes");
  refuseDoubled(settings, slots);
  return config;
}

const RETENTION_INTERVAL = {
  usual: LIMITS.retentionIntervalS,
  least: LIMITS.retentionIntervalMinS,
  most: LIMITS.retentionIntervalMaxS,
};
const RETENTION_BATCH = { usual: LIMITS.retentionBatch, least: 1, most: LIMITS.retentionBatchMax };

const SELF_CHECK_INTERVAL = {
  usual: LIMITS.selfCheckIntervalS,
  least: LIMITS.selfCheckIntervalMinS,
  most: LIMITS.selfCheckIntervalMaxS,
};

function within(
  settings: CellSettings,
  name: "RETENTION_INTERVAL_S" | "RETENTION_BATCH" | "SELF_CHECK_INTERVAL_S",
  { usual, least, most }: { usual: number; least: number; most: number },
): number {
  const value = Number(settings[name] || usual);
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  throw wrong("internal", `${name} must be a whole number from ${least} to ${most}`);
}

/** Plain http is for a machine without jurisdictions only: the browser's half of a login is a Secure cookie. */
function publicOrigin({ PUBLIC_ORIGIN, LOG_HOST, UNPINNED_LOCAL }: CellSettings): string {
  const origin = PUBLIC_ORIGIN || `https://${LOG_HOST}`;
  const { protocol, origin: parsed } = URL.canParse(origin) ? new URL(origin) : { protocol: "", origin: "" };
  const allowed = protocol === "https:" || (protocol === "http:" && UNPINNED_LOCAL === "true");
  if (!allowed || parsed !== origin) throw wrong("internal", "PUBLIC_ORIGIN must be https:// and a host name");
  return origin;
}

function pinning(settings: CellSettings, jurisdiction: Jurisdiction): Jurisdiction | null {
  const unpinned = settings.UNPINNED_LOCAL === "true";
  if (settings.DO_JURISDICTION === "" && unpinned) return null;
  if (settings.DO_JURISDICTION === jurisdiction && !unpinned) return jurisdiction;
  throw wrong("residency.unknown", "DO_JURISDICTION must be the cell's jurisdiction, or empty with UNPINNED_LOCAL");
}

function secretBytes(
  settings: CellSettings,
  name:
    | "API_KEY_PEPPER"
    | "PSEUDONYM_PEPPER"
    | "LOG_SIGNING_KEY"
    | "LOG_SIGNING_KEY_PREVIOUS"
    | "WITNESS_SIGNING_KEY"
    | "WITNESS_ML_DSA_KEY"
    | "DOCUMENT_SIGNING_KEY",
): Uint8Array {
  const bytes = fromBase64(settings[name] ?? "");
  if (bytes?.length !== SECRET_BYTES)
    throw wrong("internal", `${name} must be base64 of exactly ${SECRET_BYTES} bytes`);
  return bytes;
}

function witnessing(
  settings: CellSettings,
  logHost: string,
): Pick<CellConfig, "witnessedKeysOf" | "witnesses" | "witnessesRequired"> {
  try {
    const witnesses = parseWitnesses(sha256, settings.WITNESSES ?? "", logHost);
    return {
      witnessedKeysOf: parseWitnessedLogs(sha256, settings.WITNESSED_LOGS ?? ""),
      witnesses,
      witnessesRequired: parseRequired(settings.WITNESSES_REQUIRED ?? "", witnesses),
    };
  } catch (error) {
    throw wrong("internal", (error as Error).message);
  }
}

function logSigner(name: string, settings: CellSettings): NoteSigner {
  const previous = settings.LOG_SIGNING_KEY_PREVIOUS ? secretBytes(settings, "LOG_SIGNING_KEY_PREVIOUS") : null;
  return noteSigner(name, secretBytes(settings, "LOG_SIGNING_KEY"), previous);
}

function retiredKeys({ LOG_RETIRED_KEYS = "" }: CellSettings): Uint8Array[] {
  return LOG_RETIRED_KEYS.split(",")
    .filter((text) => text.trim() !== "")
    .map((text) => {
      const key = fromBase64(text.trim());
      if (key?.length !== SECRET_BYTES) throw wrong("internal", "LOG_RETIRED_KEYS must be base64 of 32 bytes each");
      return key;
    });
}

/** Alerts are signed by keys that come from the log keys: by both while one replaces the other. */
function monitoring(settings: CellSettings, jurisdiction: Jurisdiction): MonitoringConfig {
  const previous = settings.LOG_SIGNING_KEY_PREVIOUS ? [secretBytes(settings, "LOG_SIGNING_KEY_PREVIOUS")] : [];
  const seeds = [secretBytes(settings, "LOG_SIGNING_KEY"), ...previous];
  const loopback = settings.UNPINNED_LOCAL === "true";
  try {
    return monitoringConfig(settings, { jurisdiction, logHost: settings.LOG_HOST, loopback, seeds });
  } catch (error) {
    throw wrong("internal", (error as Error).message);
  }
}

function tokenKeys(settings: CellSettings, logHost: string, jurisdiction: Jurisdiction): TokenKeys {
  try {
    return readTokenKeys(settings, logHost, jurisdiction);
  } catch (error) {
    throw wrong("internal", (error as Error).message);
  }
}

function slotKeys(settings: CellSettings): SlotKeys {
  try {
    return readSlotKeys(settings);
  } catch (error) {
    throw wrong("internal", (error as Error).message);
  }
}

/** One leaked secret must not open what another one guards: no two of the cell's secrets are made of the same bytes. */
function refuseDoubled(settings: CellSettings, slots: SlotKeys): void {
  const slotSecrets = SLOT_NAMES.flatMap((slot) =>
    slots.versions(slot).map((version) => toBase64(slots.ofVersion(slot, version) ?? new Uint8Array())),
  );
  const { API_KEY_PEPPER, PSEUDONYM_PEPPER, LOG_SIGNING_KEY, WITNESS_SIGNING_KEY } = settings;
  const { LOG_SIGNING_KEY_PREVIOUS = "", WITNESS_ML_DSA_KEY = "", TOKEN_SIGNING_KEY_PREVIOUS = "" } = settings;
  const { DOCUMENT_SIGNING_KEY = "" } = settings;
  const late = [WITNESS_ML_DSA_KEY, DOCUMENT_SIGNING_KEY];
  const optional = [LOG_SIGNING_KEY_PREVIOUS, TOKEN_SIGNING_KEY_PREVIOUS, ...late].filter(Boolean);
  const own = [API_KEY_PEPPER, PSEUDONYM_PEPPER, LOG_SIGNING_KEY, WITNESS_SIGNING_KEY, settings.TOKEN_SIGNING_KEY];
  const secrets = [...own, ...optional, ...slotSecrets];
  const asOperator = (secret: string) => {
    const bytes = fromBase64(secret);
    return bytes?.length === SECRET_BYTES && formatOperatorSecret(settings.JURISDICTION as Jurisdiction, bytes);
  };
  if (new Set(secrets).size !== secrets.length || secrets.map(asOperator).includes(settings.OPERATOR_SECRET)) {
    throw wrong("internal", "two secrets of the cell are the same");
  }
}

const wrong = (code: "internal" | "residency.unknown", internal: string) =>
  new AppError(code, { internal: `configuration: ${internal}` });
