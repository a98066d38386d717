/** The two cells of a local run as each other's witness, through the gateway. Public keys, made of the generated secrets. */
import { fromBase64 } from "../core/bytes.ts";
import { JURISDICTIONS, type Jurisdiction } from "../core/ids.ts";
import { cosigner } from "../crypto/cosigner.ts";
import { mlDsaVerifierKey } from "../crypto/ml-dsa-cosigner.ts";
import { noteSigner } from "../crypto/signer.ts";
import { ensureSecrets } from "./secrets.ts";

export const LOCAL_LOG_HOST = "log.localhost";
export const WITNESS_SETTINGS: readonly string[] = ["WITNESSED_LOGS", "WITNESSES", "PUBLIC_ORIGIN"];

export type LocalWitnesses = Record<Jurisdiction, Record<"WITNESSED_LOGS" | "WITNESSES" | "PUBLIC_ORIGIN", string>>;

/** `url`: of the gateway. The secrets are made when they are missing. */
export function localWitnesses(root: string, url: string): LocalWitnesses {
  const settings = JURISDICTIONS.map((jurisdiction) => {
    const other = JURISDICTIONS.find((each) => each !== jurisdiction) as Jurisdiction;
    const { LOG_SIGNING_KEY, WITNESS_SIGNING_KEY, WITNESS_ML_DSA_KEY } = ensureSecrets(root, other);
    const { verifierKey: logKey } = noteSigner(`${LOCAL_LOG_HOST}/${other}`, bytesOf(LOG_SIGNING_KEY));
    const name = `${LOCAL_LOG_HOST}/witness-${other}`;
    const keys = [
      cosigner(name, bytesOf(WITNESS_SIGNING_KEY)).verifierKey,
      mlDsaVerifierKey(name, bytesOf(WITNESS_ML_DSA_KEY)),
    ];
    return [
      jurisdiction,
      {
        WITNESSED_LOGS: JSON.stringify([{ origin_prefix: `${LOCAL_LOG_HOST}/`, key: logKey }]),
        PUBLIC_ORIGIN: localOrigin(url),
        // Both cells belong to one operator.
        WITNESSES: JSON.stringify([{ url: `${url}/witness/${other}`, keys, independent: false }]),
      },
    ] as const;
  });
  return Object.fromEntries(settings) as LocalWitnesses;
}

const bytesOf = (secret: string): Uint8Array => fromBase64(secret) ?? new Uint8Array();

/** Where people sign in, and links of mails lead. By name: browsers bind passkeys to a host name and to no address (WebAuthn §5.1.2). */
export const localOrigin = (url: string): string => url.replace("//127.0.0.1:", "//localhost:");
