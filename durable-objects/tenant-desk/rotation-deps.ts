/** What the rotation of a tenant's key needs, wired to this cell. */
import type { CellEnv } from "../../src/env.ts";
import type { CellConfig } from "../../src/services/cell-config.ts";
import { activeWrapping } from "../../src/services/keys/key-service.ts";
import type { KeyServiceDeskDeps } from "../../src/services/keys/key-service-desk.ts";
import type { RotationDeps } from "../../src/services/keys/rotation/rotate.ts";
import type { Clock } from "../../src/services/ports.ts";
import type { JobDeps } from "../../src/services/tenancy/jobs.ts";
import { domainLog } from "../gates.ts";

export function rotationDeps(
  env: CellEnv,
  config: CellConfig,
  jobs: Pick<JobDeps, "control" | "logs">,
  keys: KeyServiceDeskDeps,
  own: Pick<RotationDeps, "book" | "resealOwn" | "holdsInForce" | "undisturbed"> & { clock: Clock },
): RotationDeps {
  const { tenantId, tenantDomainId, keyServices, tenantKeys, random, uuid } = keys;
  return {
    ...own,
    tenantId,
    tenantDomainId,
    tenantKeys,
    keyServices,
    random,
    uuid,
    wrapping: () => activeWrapping(keys),
    domainsOfTenant: async () => (await jobs.control.domainsOf(tenantId)).map(({ id }) => id),
    log: (domainId) => domainLog(env, config, domainId),
    record: (domainId, event, key) => jobs.logs.record(domainId, event, key),
  };
}
