/** How keys are spelled, for secret scanners. No Hono here: the gateway answers with the same. */
import { API_KEY_PATTERN, API_KEY_PREFIX, OPERATOR_SECRET_PATTERN, OPERATOR_SECRET_PREFIX } from "../core/api-key.ts";

/** Without the anchors: in a text that was found, a key stands among other things. */
const within = (pattern: RegExp) => pattern.source.replace(/^\^/, "").replace(/\$$/, "");

export function keyFormatDocument() {
  return {
    api_key: { prefix: `${API_KEY_PREFIX}_`, pattern: within(API_KEY_PATTERN) },
    operator_secret: { prefix: `${OPERATOR_SECRET_PREFIX}_`, pattern: within(OPERATOR_SECRET_PATTERN) },
    checksum:
      "The last six characters: CRC-32 (IEEE 802.3) of everything before them, in base62 (0-9, A-Z, a-z), padded with 0 on the left. A match with another checksum is no key.",
    report: "POST /v1/leaks",
  };
}
