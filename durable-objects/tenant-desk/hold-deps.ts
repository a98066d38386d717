/** What a tenant's legal holds need, wired to this cell. */
import { v7 as uuidv7 } from "uuid";
import type { CellEnv } from "../../src/env.ts";
import type { CellConfig } from "../../src/services/cell-config.ts";
import type { HoldBook, HoldDeskDeps } from "../../src/services/holds/hold-desk.ts";
import type { TenantKeys } from "../../src/services/keys/subject-vault.ts";
import type { HoldWordsStore, TenantRecord } from "../../src/services/ports.ts";
import type { JobDeps } from "../../src/services/tenancy/jobs.ts";
import { domainLog } from "../gates.ts";

export function holdDeskDeps(
  env: CellEnv,
  config: CellConfig,
  { control, logs }: Pick<JobDeps, "control" | "logs">,
  tenant: TenantRecord,
  own: { book: HoldBook; words: HoldWordsStore; tenantKeys: TenantKeys; plan: () => void },
): HoldDeskDeps {
  return {
    ...own,
    tenantId: tenant.id,
    tenantDomainId: tenant.tenantDomainId,
    sealer: config.sealer,
    domainsOfTenant: async () => (await control.domainsOf(tenant.id)).map(({ id }) => id),
    log: (domainId) => domainLog(env, config, domainId),
    record: (domainId, event, key) => logs.record(domainId, event, key),
    clock: Date.now,
    uuid: uuidv7,
  };
}
