/** Secrets of a local cell: random, made once, kept over restarts, in a file of that cell alone. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseEnv } from "node:util";
import { formatOperatorSecret, parseOperatorSecret } from "../core/api-key.ts";
import { JURISDICTIONS, type Jurisdiction } from "../core/ids.ts";
import { devVarsFile } from "./paths.ts";
import { writePrivateFile } from "./private-file.ts";

export const RAW_SECRETS = ["API_KEY_PEPPER", "PSEUDONYM_PEPPER", "LOG_SIGNING_KEY"] as const;
export type CellSecrets = Record<(typeof RAW_SECRETS)[number] | "OPERATOR_SECRET", string>;

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
  for (const name of RAW_SECRETS) secrets[name] = known[name] ?? randomBytes(32).toString("base64");
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
  return RAW_SECRETS.find((name) => Buffer.from(secrets[name], "base64").length !== 32);
}
