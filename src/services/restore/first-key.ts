/** The one key of a tenant that a restore has made anew: its own were in the control database, and nothing else opens its logs. */
import type { CellConfig } from "../cell-config.ts";
import { permissionsOf } from "../permissions.ts";
import type { Clock, ControlStore } from "../ports.ts";
import { mintKey } from "../tenancy/keys.ts";

export interface FirstKeyDeps {
  config: Pick<CellConfig, "jurisdiction" | "apiKeyPepper">;
  control: Pick<ControlStore, "domain" | "keysOf" | "addKey">;
  clock: Clock;
  uuid: string;
}

/** It reads, and no more. Null: the tenant has a key already. The record is stored before the key is shown. */
export async function restoredKey(domainId: string, deps: FirstKeyDeps): Promise<string | null> {
  const { config, control, clock, uuid } = deps;
  const tenantId = (await control.domain(domainId))?.tenantId;
  if (tenantId === undefined || (await control.keysOf(tenantId)).length > 0) return null;
  const wanted = { tenantId, name: "restored", permissions: [...permissionsOf("viewer")], expiresAt: null };
  const { record, key } = mintKey(wanted, {
    ...{ jurisdiction: config.jurisdiction, uuid, pepper: config.apiKeyPepper, nowMs: clock() },
    random: (byteLength) => crypto.getRandomValues(new Uint8Array(byteLength)),
  });
  await control.addKey(record);
  return key;
}
