/** The two cells of a local run as each other's witness, through the gateway. Public keys, made of the generated secrets. */
import { fromBase64 } from "../core/bytes.ts";
import { JURISDICTIONS, type Jurisdiction } from "../core/ids.ts";
import { cosigner } from "../crypto/cosigner.ts";
import { noteSigner } from "../crypto/signer.ts";
import { ensureSecrets } from "./secrets.ts";

export const LOCAL_LOG_HOST = "log.localhost";
export const WITNESS_SETTINGS: readonly string[] = ["WITNESSED_LOGS", "WITNESSES"];

export type LocalWitnesses = Record<Jurisdiction, Record<"WITNESSED_LOGS" | "WITNESSES", string>>;

/** `url`: of the gateway. The secrets are made when they are missing. */
export function localWitnesses(root: string, url: string): LocalWitnesses {
  const settings = JURISDICTIONS.map((jurisdiction) => {
    const other = JURISDICTIONS.find((each) => each !== jurisdiction) as Jurisdiction;
    const { LOG_SIGNING_KEY, WITNESS_SIGNING_KEY } = ensureSecrets(root, other);
    const { verifierKey: logKey } = noteSigner(`${LOCAL_LOG_HOST}/${other}`, bytesOf(LOG_SIGNING_KEY));
    const { verifierKey: key } = cosigner(`${LOCAL_LOG_HOST}/witness-${other}`, bytesOf(WITNESS_SIGNING_KEY));
    return [
      jurisdiction,
      {
        WITNESSED_LOGS: JSON.stringify([{ origin_prefix: `${LOCAL_LOG_HOST}/`, key: logKey }]),
        // Both cells belong to one operator.
        WITNESSES: JSON.stringify([{ url: `${url}/witness/${other}`, key, independent: false }]),
      },
    ] as const;
  });
  return Object.fromEntries(settings) as LocalWitnesses;
}

const bytesOf = (secret: string): Uint8Array => fromBase64(secret) ?? new Uint8Array();
