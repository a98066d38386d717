/** Secrets of a local cell: random, made once, kept over restarts, in a file of that cell alone. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseEnv } from "node:util";
import { formatOperatorSecret, parseOperatorSecret } from "../core/api-key.ts";
import { JURISDICTIONS, type Jurisdiction } from "../core/ids.ts";
import { SLOT_NAMES } from "../crypto/key-registry.ts";
import { type FirstSlotSecret, parseSlotSecretName, type SlotSecretName, slotSecretName } from "../crypto/slot-keys.ts";
import { devVarsFile } from "./paths.ts";
import { writePrivateFile } from "./private-file.ts";

export type RawSecret =
  | "API_KEY_PEPPER"
  | "PSEUDONYM_PEPPER"
  | "LOG_SIGNING_KEY"
  | "WITNESS_SIGNING_KEY"
  | FirstSlotSecret;
/** What a new cell is given beside its operator's secret, 32 random bytes each. */
export const RAW_SECRETS: readonly RawSecret[] = [
  "API_KEY_PEPPER",
  "PSEUDONYM_PEPPER",
  "LOG_SIGNING_KEY",
  "WITNESS_SIGNING_KEY",
  ...SLOT_NAMES.map((slot) => slotSecretName(slot, 1)),
];
/** Every name that a secret of a cell can have: slots have further versions. */
export type CellSecret = "OPERATOR_SECRET" | RawSecret | SlotSecretName;
/** What a new cell is given. */
export const CELL_SECRETS: readonly ("OPERATOR_SECRET" | RawSecret)[] = ["OPERATOR_SECRET", ...RAW_SECRETS];
/** The first version of a slot is missing once it was rotated away. */
export type CellSecrets = Record<(typeof CELL_SECRETS)[number], string>;

/** A cell has it only while its log key is being replaced. */
const PREVIOUS_LOG_KEY = "LOG_SIGNING_KEY_PREVIOUS";

export function isCellSecret(name: unknown): name is CellSecret {
  if (typeof name !== "string") return false;
  if (name === PREVIOUS_LOG_KEY) return true;
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
    const value = known[name] ?? (lacking.includes(name) ? randomBytes(32).toString("base64") : undefined);
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
    return value !== undefined && Buffer.from(value, "base64").length !== 32;
  });
}
