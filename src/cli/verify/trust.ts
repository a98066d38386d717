/** Whom the command trusts: a policy file, verifier keys on the command line, or the policy that was pinned on this machine. */
import { dirname, join } from "node:path";
import { LIMITS } from "../../core/limits.ts";
import { parseStrictJson } from "../../core/strict-json.ts";
import { sha256 } from "../../crypto/sha256.ts";
import { verifyEd25519, verifyMlDsa44 } from "../../crypto/verify.ts";
import { NO_TRUST, parsePolicy, policyOfKeys, type TrustPolicy } from "../../verifier/policy.ts";
import type { Platform } from "../../verifier/report.ts";
import { configPath, readIfThere } from "../files.ts";
import { CliError, type Io } from "../io.ts";
import { safeText } from "../text.ts";

export const NODE: Platform = { sha256, verify: verifyEd25519, verifyMlDsa44 };

export interface Trust {
  policy: TrustPolicy;
  /** Where it came from, for the report; null: nobody is trusted. */
  source: string | null;
}

/** The policy of this machine, beside the profiles. */
export const pinnedPolicyPath = (io: Io): string => join(dirname(configPath(io)), "policy.json");

/**
 * `--policy` before `--key` before `MOONSEAL_POLICY` before the pinned one. A policy that is named and cannot be used is wrong usage, never
 * treated as none.
 */
export async function readTrust(io: Io, file: string | undefined, keys: readonly string[]): Promise<Trust> {
  if (file !== undefined && keys.length > 0) {
    throw new CliError("--policy and --key exclude each other: add the key to the policy");
  }
  if (file !== undefined) return { policy: await readPolicy(file), source: file };
  if (keys.length > 0) return { policy: trusted(policyOfKeys(sha256, keys), "--key"), source: "--key" };
  const named = io.env.MOONSEAL_POLICY;
  if (named) return { policy: await readPolicy(named), source: named };
  const pinned = pinnedPolicyPath(io);
  const text = await readIfThere(pinned);
  return text === null ? { policy: NO_TRUST, source: null } : { policy: parsePolicyText(text, pinned), source: pinned };
}

/** Throws `CliError` with what is wrong and where. */
export async function readPolicy(path: string): Promise<TrustPolicy> {
  return parsePolicyText(await readPolicyText(path), path);
}

/** The text of a policy that must be there. */
export async function readPolicyText(path: string): Promise<string> {
  const text = await readIfThere(path).catch((error: NodeJS.ErrnoException) => {
    throw new CliError(`cannot read ${safeText(path)}: ${error.code}`);
  });
  if (text === null) throw new CliError(`there is no ${safeText(path)}; moonseal policy init writes one`);
  return text;
}

export function parsePolicyText(text: string, path: string): TrustPolicy {
  return trusted(parsePolicy(sha256, policyJson(text, path)), path);
}

export function policyJson(text: string, path: string): unknown {
  if (text.length > LIMITS.policyBytes) throw new CliError(`${path} is too large for a policy`);
  const json = parseStrictJson(text, LIMITS.jsonDepth);
  if (json.ok) return json.value;
  throw new CliError(`${path} is not JSON that can be trusted: ${json.detail} (at ${json.pointer || "the top"})`);
}

function trusted(policy: TrustPolicy | string, source: string): TrustPolicy {
  if (typeof policy !== "string") return policy;
  const hint = source === "--key" ? "; offline, --key takes a verifier key such as log.example/eu+619cea34+AR…" : "";
  throw new CliError(`${source}: ${policy}${hint}`);
}
