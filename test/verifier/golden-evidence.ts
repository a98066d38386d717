/** The evidence files of test/vectors/evidence, which another implementation made (make.go there). */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "../../src/crypto/sha256.ts";
import { verifyEd25519, verifyMlDsa44 } from "../../src/crypto/verify.ts";
import { parsePolicy, type TrustPolicy } from "../../src/verifier/policy.ts";
import type { Platform } from "../../src/verifier/report.ts";

export const GOLDEN = join(import.meta.dirname, "../vectors/evidence");
export const golden = (name: string): Buffer => readFileSync(join(GOLDEN, name));
export const EVIDENCE = ["entry-0.tlog-proof", "entry-255.tlog-proof", "entry-299.tlog-proof"] as const;
export const NODE: Platform = { sha256, verify: verifyEd25519, verifyMlDsa44 };

export interface PolicyFile {
  logs: { origin_prefix: string; key: string }[];
  witnesses: { key: string; independent: boolean }[];
  required: number;
  remembered?: object[];
}

export const policyFile = (): PolicyFile => JSON.parse(golden("policy.json").toString());

export function policyOf(change: (file: PolicyFile) => void = () => {}): TrustPolicy {
  const file = policyFile();
  change(file);
  const policy = parsePolicy(sha256, file);
  if (typeof policy === "string") throw new Error(policy);
  return policy;
}

/** What is there without the signature of the witness. */
export const withoutWitness = (text: string): string => text.replace(/^\u2014 witness\.example.*\n/mu, "");
