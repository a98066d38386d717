/** The secrets of a cell in the account: made once, escrowed before they are put, replaced only when that is asked for. */
import { formatOperatorSecret, parseOperatorSecret } from "../core/api-key.ts";
import type { Jurisdiction } from "../core/ids.ts";
import { parseSlotSecretName } from "../crypto/slot-keys.ts";
import type { JwtAlgorithm } from "../services/access/jwt.ts";
import { type CellSecret, freshSecret, isRawSecret } from "./secrets.ts";

const SECRET_BYTES = 32;

const NOT_ROTATED: Partial<Record<CellSecret, string>> = {
  PSEUDONYM_PEPPER: "is never replaced: everybody in the log would get another pseudonym",
  LOG_SIGNING_KEY: "is not replaced here: what it signed would no longer verify under the cell's key",
  WITNESS_SIGNING_KEY: "is not replaced here: what it cosigned would no longer verify under the cell's witness key",
  WITNESS_ML_DSA_KEY: "is not replaced here: what it cosigned would no longer verify under the cell's witness key",
};

/** Why a secret may not be replaced by provisioning; the others may. */
export function notRotated(name: CellSecret): string | undefined {
  if (parseSlotSecretName(name)) return "is replaced with rotate-key: what is sealed under it would not open again";
  return NOT_ROTATED[name];
}

/** What replacing a secret breaks at once. */
export const ROTATION_COST: Partial<Record<CellSecret, string>> = {
  OPERATOR_SECRET: "the old operator secret stops working",
  API_KEY_PEPPER: "every API key of the cell stops working",
  DOCUMENT_SIGNING_KEY: "documents from now on have another certificate: keep the fingerprint of the old one published",
  TOKEN_SIGNING_KEY: "everybody who is signed in signs in again",
};

/** A fresh value in the form that the cell demands (S4-29). */
export function makeSecret(
  name: CellSecret,
  jurisdiction: Jurisdiction,
  random: (byteLength: number) => Uint8Array,
  tokenAlgorithm: JwtAlgorithm = "RS256",
): string {
  return name === "OPERATOR_SECRET"
    ? formatOperatorSecret(jurisdiction, random(SECRET_BYTES))
    : freshSecret(name, random, tokenAlgorithm);
}

export function isCellSecretValue(name: CellSecret, value: unknown, jurisdiction: Jurisdiction): value is string {
  if (typeof value !== "string") return false;
  if (name === "OPERATOR_SECRET") return parseOperatorSecret(value)?.jurisdiction === jurisdiction;
  return isRawSecret(name, value);
}
