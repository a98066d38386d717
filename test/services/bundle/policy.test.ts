/** The policy in a bundle is what the cell goes by for this one log, in the form that a verifier reads. */
import { expect, test } from "vitest";
import { formatCosignerKey } from "../../../src/core/cosignature.ts";
import { sha256 } from "../../../src/crypto/sha256.ts";
import { noteSigner } from "../../../src/crypto/signer.ts";
import { suggestedPolicy } from "../../../src/services/bundle/policy.ts";
import { parsePolicy, type TrustPolicy } from "../../../src/verifier/policy.ts";
import { ORIGIN, testKey } from "../../verifier/proved-log.ts";

const witness = (fill: number, independent: boolean, origins: string[] | null = null) => {
  const verifierKey = formatCosignerKey(sha256, `w${fill}.example`, testKey(fill).publicKey);
  return { verifierKey, verifierKeys: [verifierKey], independent, origins };
};

test("it names the log's keys, old and new, and the witnesses of this log, and asks for no more than there are", () => {
  const signer = noteSigner("log.test/eu", new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)).named(ORIGIN);
  const witnesses = [
    witness(3, true),
    witness(4, false),
    witness(5, true, ["log.test/other"]),
    witness(6, true, [ORIGIN]),
  ];
  const suggested = suggestedPolicy(signer, witnesses, 5);
  const policy = parsePolicy(sha256, JSON.parse(JSON.stringify(suggested))) as TrustPolicy;
  expect(policy.keysOf(ORIGIN).map(({ publicKey }) => publicKey)).toEqual([testKey(1).publicKey, testKey(2).publicKey]);
  expect(policy.keysOf("log.test/other")).toEqual([]);
  expect(policy.witnesses.map(({ name, independent }) => [name, independent])).toEqual([
    ["w3.example", true],
    ["w4.example", false],
    ["w6.example", true],
  ]);
  expect(policy.required).toBe(2);
});
