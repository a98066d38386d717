/** Whom an archive may come from that wants to be the beginning of a log. Runs in Node. */
import { beforeAll, describe, expect, test } from "vitest";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { checkArchive } from "../../../src/services/imports/check.ts";
import { parseTrustedKey, type TrustedKey } from "../../../src/verifier/trusted-key.ts";
import { movePolicyJson, NEW_ORIGIN, oldExport } from "../../verifier/moved-log.ts";
import { logSigner, PLATFORM } from "../../verifier/proved-log.ts";

const [{ key: trustedKey = "" } = {}] = movePolicyJson().logs as { key?: string }[];
const domainId = NEW_ORIGIN.slice(NEW_ORIGIN.lastIndexOf("/") + 1);
let archive: Uint8Array;

beforeAll(async () => {
  archive = await oldExport();
});

/** What is refused, when the cell says that these keys sign for the old log's origin. */
function refusal(keysHere: TrustedKey[] | null) {
  const asked: string[] = [];
  const checked = checkArchive(
    archive,
    {
      ...{ domainId, trustedKey },
      keysHere(origin) {
        asked.push(origin);
        return keysHere;
      },
    },
    PLATFORM,
  );
  expect(asked).toHaveLength(1);
  return checked.ok ? null : { code: checked.code, detail: checked.detail };
}

describe("S0-25 an archive that names a log of this very cell", () => {
  const keyOf = (text: string) => parseTrustedKey(sha256, text, 1) as TrustedKey;
  const ours = () => keyOf(trustedKey);
  const another = () => ({ ...ours(), publicKey: Uint8Array.from(ours().publicKey, (byte) => byte ^ 1) });

  test("S0-25 is not proved by a key that whoever sends it has chosen", () => {
    expect(refusal([another()])).toEqual({
      code: "not_proved",
      detail: "it names a log of this cell, and none of this cell's keys signed it",
    });
    expect(refusal([])?.code).toBe("not_proved");
  });

  test("S0-25 is believed to the keys of the cell, the retired ones too, under whatever name; elsewhere to the trusted key", () => {
    const renamed = { ...ours(), name: keyOf(logSigner(NEW_ORIGIN).verifierKey).name };
    // Further than who signed it: it announces no move.
    for (const keys of [[another(), renamed], [ours()], null]) expect(refusal(keys)?.code).toBe("not_for_this_domain");
  });
});
