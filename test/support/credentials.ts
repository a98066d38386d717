/** Keys with exactly the permissions, the times and the tenant that a test needs. Runs in workerd. */
import { v7 as uuidv7 } from "uuid";
import { cellConfig } from "../../src/services/cell-config.ts";
import type { Permission } from "../../src/services/permissions.ts";
import type { ApiKeyRecord } from "../../src/services/ports.ts";
import { mintKey, PLAIN_KEY } from "../../src/services/tenancy/keys.ts";
import { D1ControlStore } from "../../src/storage/control-store.ts";
import { env, jurisdiction } from "./cell.ts";

/** A key straight in the control database: no entry tells of it. */
export async function storedKey(
  tenantId: string,
  permissions: readonly Permission[],
  changes: Partial<ApiKeyRecord> = {},
): Promise<{ id: string; key: string }> {
  const wanted = { ...PLAIN_KEY, tenantId, name: "test", permissions: [...permissions], expiresAt: null };
  const { record, key } = mintKey(wanted, {
    jurisdiction,
    uuid: uuidv7(),
    pepper: cellConfig(env).apiKeyPepper,
    random: (byteLength) => crypto.getRandomValues(new Uint8Array(byteLength)),
    nowMs: Date.now(),
  });
  await new D1ControlStore(env.CONTROL).addKey({ ...record, ...changes });
  return { id: record.id, key };
}
