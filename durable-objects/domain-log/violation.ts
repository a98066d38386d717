/** A stopped domain tells the platform domain of its cell, exactly once. */
import { type AuditEvent, SYSTEM_ACTOR_ID } from "../../src/core/event.ts";
import { platformDomainId } from "../../src/core/ids.ts";
import type { CellEnv } from "../../src/env.ts";
import type { CellConfig } from "../../src/services/cell-config.ts";
import type { DomainIdentity } from "../../src/services/ports.ts";
import { logGate } from "../gates.ts";

/** Throws when the platform domain cannot be reached: the schedule tries again. */
export async function reportViolation(
  env: CellEnv,
  config: CellConfig,
  identity: DomainIdentity,
  reason: string,
): Promise<void> {
  console.error(JSON.stringify({ at: "domain-log", fault: "integrity.violation", domain: identity.domainId, reason }));
  const platform = platformDomainId(config.jurisdiction);
  // The platform domain cannot append to itself once it is stopped; the line above and its head say it.
  if (identity.domainId === platform) return;
  const event: AuditEvent = {
    action: "integrity.violation",
    actor: { type: "system", id: SYSTEM_ACTOR_ID },
    outcome: "failure",
    targets: [{ type: "domain", id: identity.domainId }],
    metadata: { reason },
    clear_metadata: ["reason"],
  };
  await logGate(env, config).record(platform, event, `integrity.violation:${identity.domainId}`);
}
