/** Settings of a cell in tests. The secrets are fixed and worth nothing; each kind differs, and so does each cell. */
import { formatOperatorSecret } from "../../src/core/api-key.ts";
import { JURISDICTIONS, type Jurisdiction } from "../../src/core/ids.ts";
import { SLOT_NAMES } from "../../src/crypto/key-registry.ts";
import { noteSigner } from "../../src/crypto/signer.ts";
import { type FirstSlotSecret, slotSecretName } from "../../src/crypto/slot-keys.ts";
import { signerOf } from "../../src/crypto/webhook-signer.ts";
import { TOKEN_SIGNING_KEYS } from "./token-keys.ts";

const base64Of = (fill: number) => Buffer.alloc(32, fill).toString("base64");

export function testBindings(jurisdiction: Jurisdiction) {
  const offset = jurisdiction === "eu" ? 0 : 100;
  return {
    DO_JURISDICTION: "",
    UNPINNED_LOCAL: "true",
    LOG_HOST: "log.test",
    OPERATOR_SECRET: formatOperatorSecret(jurisdiction, new Uint8Array(32).fill(offset + 1)),
    API_KEY_PEPPER: base64Of(offset + 2),
    PSEUDONYM_PEPPER: base64Of(offset + 3),
    LOG_SIGNING_KEY: base64Of(offset + 4),
    WITNESS_SIGNING_KEY: base64Of(offset + 5),
    WITNESS_ML_DSA_KEY: base64Of(offset + 6),
    DOCUMENT_SIGNING_KEY: base64Of(offset + 9),
    TOKEN_SIGNING_KEY: TOKEN_SIGNING_KEYS[jurisdiction],
    TOKEN_AUDIENCE: "https://api.test",
    PROBE_KEYS: `ams=${signerOf([PROBE_SEED]).publicKeys[0]}`,
    WITNESSED_LOGS: JSON.stringify(witnessedLogs()),
    ...slotSecrets(offset + 10),
  };
}

/** The key of the probe `ams`. */
export const PROBE_SEED = new Uint8Array(32).fill(201);

/** The key of the logs that test/support/witnessed-log.ts makes, under `WITNESSED_PREFIX`. */
export const WITNESSED_SEED = new Uint8Array(32).fill(200);
export const WITNESSED_PREFIX = "witnessed.test/";

/** The logs of both cells, so that a cell can be its own witness in tests, and logs that are nobody's. */
function witnessedLogs() {
  const cells = JURISDICTIONS.map((jurisdiction) => ({
    origin_prefix: "log.test/",
    key: noteSigner(`log.test/${jurisdiction}`, Buffer.alloc(32, jurisdiction === "eu" ? 4 : 104)).verifierKey,
  }));
  return [
    ...cells,
    { origin_prefix: WITNESSED_PREFIX, key: noteSigner("witnessed.test/key", WITNESSED_SEED).verifierKey },
  ];
}

/** Version 1 of each slot. */
function slotSecrets(from: number): Record<FirstSlotSecret, string> {
  const secrets = SLOT_NAMES.map((slot, i) => [slotSecretName(slot, 1), base64Of(from + i)]);
  return Object.fromEntries(secrets);
}
