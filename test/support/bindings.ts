/** Settings of a cell in tests. The secrets are fixed and worth nothing; each kind differs, and so does each cell. */
import { formatOperatorSecret } from "../../src/core/api-key.ts";
import type { Jurisdiction } from "../../src/core/ids.ts";
import { SLOT_NAMES } from "../../src/crypto/key-registry.ts";
import { type FirstSlotSecret, slotSecretName } from "../../src/crypto/slot-keys.ts";

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
    ...slotSecrets(offset + 10),
  };
}

/** Version 1 of each slot. */
function slotSecrets(from: number): Record<FirstSlotSecret, string> {
  const secrets = SLOT_NAMES.map((slot, i) => [slotSecretName(slot, 1), base64Of(from + i)]);
  return Object.fromEntries(secrets);
}
