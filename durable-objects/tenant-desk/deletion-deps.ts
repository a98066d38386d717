/** What a tenant's deletion works with, wired to this cell. */
import { sha256 } from "../../src/crypto/sha256.ts";
import type { CellEnv } from "../../src/env.ts";
import type { CellConfig } from "../../src/services/cell-config.ts";
import type { DeletionDeps } from "../../src/services/deletion/deletion.ts";
import { tenantSweep } from "../domain-log/stores.ts";
import { cellDesk, dyingDomain, logGate, rateDesk } from "../gates.ts";

export function deletionDeps(
  env: CellEnv,
  config: CellConfig,
  own: Pick<DeletionDeps, "book" | "control" | "holdsInForce" | "finishJobs">,
): DeletionDeps {
  const desk = cellDesk(env, config);
  return {
    ...own,
    jurisdiction: config.jurisdiction,
    signer: config.signer,
    sha256,
    clock: Date.now,
    sweep: tenantSweep(env),
    domain: (domainId) => dyingDomain(env, config, domainId),
    logs: logGate(env, config),
    emptyRates: (tenantId) => rateDesk(env, config, tenantId).empty(),
    register: {
      begin: (tenantId, requestedAt) => desk.beginDeletion(tenantId, requestedAt),
      withdraw: (tenantId) => desk.withdrawDeletion(tenantId),
      finish: (tenantId, note, heads) => desk.finishDeletion(tenantId, note, heads),
    },
  };
}
