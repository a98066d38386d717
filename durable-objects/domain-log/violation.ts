/** A stopped domain tells the platform domain of its cell, once; after a lost answer perhaps a second time, with more. */
import { toHex } from "../../src/core/bytes.ts";
import { canonicalJson } from "../../src/core/canonical.ts";
import { platformDomainId } from "../../src/core/ids.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import type { CellEnv } from "../../src/env.ts";
import type { CellConfig } from "../../src/services/cell-config.ts";
import { type Alarm, violationEvent } from "../../src/services/log/fork.ts";
import type { DomainIdentity } from "../../src/services/ports.ts";
import { logGate } from "../gates.ts";

/** Throws when the platform domain cannot be reached: the schedule tries again. */
export async function reportViolation(
  env: CellEnv,
  config: CellConfig,
  identity: DomainIdentity,
  reason: string,
  alarm: Alarm | null,
): Promise<void> {
  console.error(
    JSON.stringify({ at: "domain-log", fault: "integrity.violation", domain: identity.domainId, reason, alarm }),
  );
  const platform = platformDomainId(config.jurisdiction);
  // The platform domain cannot append to itself once it is stopped; the line above and its head say it.
  if (identity.domainId === platform) return;
  const event = violationEvent(identity.domainId, reason, alarm);
  // What the alarm says depends on the mirror: another try may say more, and is then another request.
  const digest = toHex(sha256(canonicalJson(event.metadata ?? {}))).slice(0, 16);
  await logGate(env, config).record(platform, event, `integrity.violation:${identity.domainId}:${digest}`);
}
