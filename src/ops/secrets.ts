/** Secrets of a local cell: random, made once, kept over restarts, in a file of that cell alone. */
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseEnv } from "node:util";
import { formatOperatorSecret, parseOperatorSecret } from "../core/api-key.ts";
import { fromBase64, toBase64 } from "../core/bytes.ts";
import { JURISDICTIONS, type Jurisdiction } from "../core/ids.ts";
import { SLOT_NAMES } from "../crypto/key-registry.ts";
import { type FirstSlotSecret, parseSlotSecretName, type SlotSecretName, slotSecretName } from "../crypto/slot-keys.ts";
import type { JwtAlgorithm } from "../services/access/jwt.ts";
import { tokenKey } from "../services/access/token-keys.ts";
import { devVarsFile } from "./paths.ts";
import { writePrivateFile } from "./private-file.ts";

export type RawSecret =
  | "API_KEY_PEPPER"
  | "PSEUDONYM_PEPPER"
  | "LOG_SIGNING_KEY"
  | "WITNESS_SIGNING_KEY"
  | "WITNESS_ML_DSA_KEY"
  | "DOCUMENT_SIGNING_KEY"
  | "TOKEN_SIGNING_KEY"
  | FirstSlotSecret;
/** What a new cell is given beside its operator's secret: 32 random bytes each, and the RSA key of session tokens. */
export const RAW_SECRETS: readonly RawSecret[] = [
  "API_KEY_PEPPER",
  "PSEUDONYM_PEPPER",
  "LOG_SIGNING_KEY",
  "WITNESS_SIGNING_KEY",
  "WITNESS_ML_DSA_KEY",
  "DOCUMENT_SIGNING_KEY",
  "TOKEN_SIGNING_KEY",
  ...SLOT_NAMES.map((slot) => slotSecretName(slot, 1)),
];
/** Every name that a secret of a cell can have: slots have further versions. */
export type CellSecret = "OPERATOR_SECRET" | RawSecret | SlotSecretName;
/** What a new cell is given. */
export const CELL_SECRETS: readonly ("OPERATOR_SECRET" | RawSecret)[] = ["OPERATOR_SECRET", ...RAW_SECRETS];
/** The first version of a slot is missing once it was rotated away. */
export type CellSecrets = Record<(typeof CELL_SECRETS)[number], string>;

/** A cell that was provisioned before there was one works without; the next provisioning makes it. */
export const MAY_LACK: readonly CellSecret[] = ["WITNESS_ML_DSA_KEY", "DOCUMENT_SIGNING_KEY"];

/** A cell has them only while the key is being replaced. */
const PREVIOUS_KEYS = ["LOG_SIGNING_KEY_PREVIOUS", "TOKEN_SIGNING_KEY_PREVIOUS"];

export function isCellSecret(name: unknown): name is CellSecret {
  if (typeof name !== "string") return false;
  if (PREVIOUS_KEYS.includes(name)) return true;
  return CELL_SECRETS.some((secret) => secret === name) || parseSlotSecretName(name) !== null;
}

/** What a cell with secrets of these names lacks. A slot whose first version was rotated away has what it needs. */
export function missingSecrets(names: readonly string[]): CellSecret[] {
  const slots = new Set(names.map((name) => parseSlotSecretName(name)?.slot));
  return CELL_SECRETS.filter((name) => {
    const slot = parseSlotSecretName(name)?.slot;
    return slot ? !slots.has(slot) : !names.includes(name);
  });
}

export function hasSecrets(root: string): boolean {
  return JURISDICTIONS.every((jurisdiction) => existsSync(devVarsFile(root, jurisdiction)));
}

/**
 * The secrets of a local cell. One that is there is kept, one that is missing is made. Throws on a malformed one: a
 * replaced pepper would silently break every log of that cell.
 */
export function ensureSecrets(root: string, jurisdiction: Jurisdiction): CellSecrets {
  const file = devVarsFile(root, jurisdiction);
  const known = existsSync(file) ? parseEnv(readFileSync(file, "utf8")) : {};
  const secrets = {
    OPERATOR_SECRET: known.OPERATOR_SECRET ?? formatOperatorSecret(jurisdiction, randomBytes(32)),
  } as CellSecrets;
  const lacking = missingSecrets(Object.keys(known));
  for (const name of RAW_SECRETS) {
    const value = known[name] ?? (lacking.includes(name) ? freshSecret(name) : undefined);
    if (value !== undefined) secrets[name] = value;
  }
  const malformed = malformedSecret(secrets, jurisdiction);
  if (malformed)
    throw new Error(`${path.relative(root, file)}: ${malformed} is malformed. Start over with: npm start -- --fresh`);
  mkdirSync(path.dirname(file), { recursive: true });
  const lines = Object.entries({ ...known, ...secrets }).map(([name, value]) => `${name}="${value}"\n`);
  writePrivateFile(file, lines.join(""));
  return secrets;
}

function malformedSecret(secrets: CellSecrets, jurisdiction: Jurisdiction): string | undefined {
  if (parseOperatorSecret(secrets.OPERATOR_SECRET)?.jurisdiction !== jurisdiction) return "OPERATOR_SECRET";
  return RAW_SECRETS.find((name) => {
    const value: string | undefined = secrets[name];
    return value !== undefined && !isRawSecret(name, value);
  });
}

/** A fresh value in the form that the cell demands (S4-29). `random` makes what is no RSA key. */
export function freshSecret(
  name: CellSecret,
  random: (byteLength: number) => Uint8Array = randomBytes,
  tokenAlgorithm: JwtAlgorithm = "RS256",
): string {
  if (!isTokenSecret(name) || tokenAlgorithm === "HS256") return toBase64(new Uint8Array(random(SECRET_BYTES)));
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048, publicExponent: 0x10001 });
  return privateKey.export({ format: "der", type: "pkcs8" }).toString("base64");
}

export function isRawSecret(name: CellSecret, value: string): boolean {
  return isTokenSecret(name) ? isTokenKey(value) : fromBase64(value)?.length === SECRET_BYTES;
}

const SECRET_BYTES = 32;

const isTokenSecret = (name: CellSecret) => name.startsWith("TOKEN_SIGNING_KEY");

/** Of either algorithm: which one it has to be is a setting of the cell. */
function isTokenKey(value: string): boolean {
  try {
    tokenKey(value);
    return true;
  } catch {
    return false;
  }
}
