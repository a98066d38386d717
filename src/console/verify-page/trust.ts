/** The field for what the reader trusts: a policy as JSON, or verifier keys, one a line. */
import { LIMITS } from "../../core/limits.ts";
import { parseStrictJson } from "../../core/strict-json.ts";
import { NO_TRUST, parsePolicy, policyOfKeys, type TrustPolicy } from "../../verifier/policy.ts";
import { WEB } from "./platform.ts";

/** A string says what is wrong: a policy that cannot be used is never treated as none. */
export function readTrust(text: string): TrustPolicy | string {
  const trimmed = text.trim();
  if (trimmed === "") return NO_TRUST;
  if (text.length > LIMITS.policyBytes) return "this is too large for a policy";
  if (!trimmed.startsWith("{")) return policyOfKeys(WEB.sha256, trimmed.split(/\s+/));
  const json = parseStrictJson(trimmed, LIMITS.jsonDepth);
  return json.ok ? parsePolicy(WEB.sha256, json.value) : `not JSON that can be trusted: ${json.detail}`;
}

/** Whether a dropped file is meant as the policy and not as something to verify. */
export function looksLikePolicy(text: string): boolean {
  const json =
    /^\s*\{/.test(text) && text.length <= LIMITS.policyBytes ? parseStrictJson(text, LIMITS.jsonDepth) : null;
  return json?.ok === true && Array.isArray((json.value as { logs?: unknown } | null)?.logs);
}
