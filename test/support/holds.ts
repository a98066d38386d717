/** Legal holds in tests. Runs in workerd. */
import { call, type TestTenant } from "./cell.ts";

export const REVIEW_AT = "2099-01-01T00:00:00.000Z";

/** Right bodies of the routes, by operation. */
export const HOLD_BODIES: Record<string, () => object> = {
  placeLegalHold: () => ({ reason: "a reason", review_at: REVIEW_AT, scope: { people: ["usr_held"] } }),
  previewLegalHold: () => ({ query: { q: "action:payment.*", all_domains: true } }),
  reviewLegalHold: () => ({ note: "still needed", review_at: REVIEW_AT }),
  releaseLegalHold: () => ({ reason: "settled" }),
};

export interface ShownHold {
  id: string;
  status: string;
  reason: string | null;
  owner: string | null;
  review_at: string;
  released_at: string | null;
  scope: { people: string[] | null; domains: string[]; ranges: { domain_id: string; from: number; to: number }[] };
  changes: { change: number; kind: string; note: string | null; correlation_id: string }[];
  domains: { domain_id: string; confirmed: boolean; fault: string | null }[];
}

export const holdsPath = (tenant: TestTenant, rest = "") => `/v1/tenants/${tenant.tenantId}/legal-holds${rest}`;

export async function placeHold(tenant: TestTenant, scope: object, fields: object = {}): Promise<ShownHold> {
  const body = { ...HOLD_BODIES.placeLegalHold?.(), scope, ...fields };
  return shown(await call(holdsPath(tenant), { key: tenant.key, body }), 201);
}

export const releaseHold = async (tenant: TestTenant, id: string) =>
  shown(await call(holdsPath(tenant, `/${id}/release`), { key: tenant.key, body: { reason: "settled" } }), 200);

export const readHold = async (tenant: TestTenant, id: string) =>
  shown(await call(holdsPath(tenant, `/${id}`), { key: tenant.key }), 200);

async function shown(answer: Response, status: number): Promise<ShownHold> {
  if (answer.status !== status) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer.json();
}
