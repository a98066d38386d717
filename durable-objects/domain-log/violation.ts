/**
 * A stopped domain raises an alert and tells the platform domain of its cell, once; after a lost answer perhaps a second time, with
 * more. The cell's own log has all of it once, and again when there is more to say: not at every try.
 */
import { toHex, utf8 } from "../../src/core/bytes.ts";
import { canonicalJson } from "../../src/core/canonical.ts";
import { platformDomainId } from "../../src/core/ids.ts";
import { sha256 } from "../../src/crypto/sha256.ts";
import type { CellEnv } from "../../src/env.ts";
import type { CellConfig } from "../../src/services/cell-config.ts";
import { type Alarm, violationEvent } from "../../src/services/log/fork.ts";
import type { DomainIdentity } from "../../src/services/ports.ts";
import { codesOfReason } from "../../src/services/self-check/checks.ts";
import { cellDesk, logGate } from "../gates.ts";

/** What was printed last, so that a try that fails prints it no second time. */
const PRINTED = "violation_printed";

/** Throws when the platform domain cannot be reached: the schedule tries again. */
export async function reportViolation(
  env: CellEnv,
  config: CellConfig,
  storage: Pick<DurableObjectStorage, "kv">,
  identity: DomainIdentity,
  reason: string,
  alarm: Alarm | null,
): Promise<void> {
  printOnce(storage, { at: "domain-log", fault: "integrity.violation", domain: identity.domainId, reason, alarm });
  const codes = [alarm?.fork ? "fork_proved" : "stopped", ...codesOfReason(reason)];
  // The self-check may have raised it for more than that, and each try comes here.
  const of = { kind: "integrity.violation", domainId: identity.domainId } as const;
  const alert = { ...of, codes, adds: true, atMs: Date.now() };
  // Whoever is away: the other is told at once all the same.
  const told = await cellDesk(env, config)
    .monitoring.raise(alert)
    .catch((error: unknown) => ({ error }));
  await recordViolation(env, config, identity, reason, alarm);
  if (typeof told === "object") throw told.error;
}

function printOnce({ kv }: Pick<DurableObjectStorage, "kv">, said: object): void {
  const line = JSON.stringify(said);
  const digest = toHex(sha256(utf8(line)));
  if (kv.get<string>(PRINTED) === digest) return;
  console.error(line);
  kv.put(PRINTED, digest);
}

async function recordViolation(
  env: CellEnv,
  config: CellConfig,
  identity: DomainIdentity,
  reason: string,
  alarm: Alarm | null,
): Promise<void> {
  const platform = platformDomainId(config.jurisdiction);
  // The platform domain cannot append to itself once it is stopped; the line above and its head say it.
  if (identity.domainId === platform) return;
  const event = violationEvent(identity.domainId, reason, alarm);
  // What the alarm says depends on the mirror: another try may say more, and is then another request.
  const digest = toHex(sha256(canonicalJson(event.metadata ?? {}))).slice(0, 16);
  await logGate(env, config).record(platform, event, `integrity.violation:${identity.domainId}:${digest}`);
}
