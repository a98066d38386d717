/** The logs of this cell, as the tenancy jobs need them. */
import type { CellEnv } from "../../src/env.ts";
import type { CellConfig } from "../../src/services/cell-config.ts";
import type { LogGate } from "../../src/services/tenancy/jobs.ts";
import { pinnedStub } from "../pinning.ts";

/** What the product's own entries are bound to instead of a credential; no client's scope is spelled like it. */
export const PRODUCT_SCOPE = "system";

export function logGate(env: CellEnv, config: CellConfig): LogGate {
  const log = (domainId: string) => pinnedStub(env.DOMAIN_LOG, config, domainId);
  return {
    async create({ id: domainId, tenantId, kind, segmentEntries }) {
      await log(domainId).create({ domainId, tenantId, kind, segmentEntries });
    },
    async record(domainId, event, idempotencyKey) {
      const body = JSON.stringify(event);
      await log(domainId).append({ body, form: "json", scope: PRODUCT_SCOPE, idempotencyKey, waitForCopy: false });
    },
  };
}
