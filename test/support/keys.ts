/** Bodies and headers of the operations about keys, service accounts and rate limits; and a service account. */
import { v7 as uuidv7 } from "uuid";
import { formatApiKey } from "../../src/core/api-key.ts";
import { idSuffix, makeId } from "../../src/core/ids.ts";
import { call, jurisdiction, type TestTenant } from "./cell.ts";

/** Well spelled, of nobody. */
export const STRANGERS_KEY = formatApiKey(
  jurisdiction,
  idSuffix(makeId("apiKey", jurisdiction, uuidv7())),
  new Uint8Array(32).fill(9),
);

export const KEY_BODIES: Record<string, () => object> = {
  rotateKey: () => ({ overlap_seconds: 60 }),
  createServiceAccount: () => ({ name: "machine" }),
  describeServiceAccount: () => ({ name: `machine ${uuidv7()}` }),
  setRateLimits: () => ({ keys: { requests: { per_minute: 100_000, burst: 100_000 } } }),
  reportLeak: () => ({ key: STRANGERS_KEY }),
};

export const KEY_HEADERS: Record<string, Record<string, string>> = { setRateLimits: { "If-Match": "*" } };

export async function newServiceAccount(tenant: TestTenant, name = "machine"): Promise<string> {
  const answer = await call(`/v1/tenants/${tenant.tenantId}/service-accounts`, { key: tenant.key, body: { name } });
  if (answer.status !== 201) throw new Error(`no account: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { id: string }).id;
}
