/** Retention in tests. Runs in workerd. */
import { runInDurableObject } from "cloudflare:test";
import type { TenantDesk } from "../../durable-objects/tenant-desk.ts";
import type { Retained } from "../../src/services/ports.ts";
import { setDeskClock } from "./access.ts";
import { call, env, type TestTenant } from "./cell.ts";
import { settled } from "./prune.ts";
import { deskStub } from "./tenancy.ts";

/** Right bodies and headers of the routes, by operation. */
export const RETENTION_BODIES: Record<string, () => object> = {
  setRetention: () => ({ duration: "P30D" }),
  setDomainRetention: () => ({ policies: { audit_entries: null } }),
  confirmDomainRetention: () => ({ token: "0".repeat(64) }),
};
export const RETENTION_HEADERS: Record<string, Record<string, string>> = {
  setRetention: { "If-Match": "*" },
  resetRetention: { "If-Match": "*" },
  setDomainRetention: { "If-Match": "*" },
};

/** What would go from a domain `laterMs` from now, with the token that confirms it. */
export async function dryRunLater(tenant: TestTenant, domainId: string, laterMs: number): Promise<ShownDryRun> {
  // What is archived and under a mirrored checkpoint is looked at.
  await settled(domainId);
  await setDeskClock(tenant.tenantId, laterMs);
  try {
    const answer = await call(`/v1/domains/${domainId}/retention/dry-run`, { method: "POST", key: tenant.key });
    if (answer.status !== 200) throw new Error(`no dry run: ${answer.status} ${await answer.text()}`);
    return await answer.json();
  } finally {
    await setDeskClock(tenant.tenantId, null);
  }
}

export interface ShownDryRun {
  from_seq: number;
  to_seq: number;
  entries: number;
  ends_because: string;
  token: string | null;
}

export const retentionPath = (tenant: TestTenant, rest = "") => `/v1/tenants/${tenant.tenantId}/retention${rest}`;
export const readRetention = (tenant: TestTenant, key = tenant.key) => call(retentionPath(tenant), { key });
export const setRetention = (
  tenant: TestTenant,
  resource: string,
  body: object,
  match: string | null = "*",
  key = tenant.key,
) =>
  call(retentionPath(tenant, `/${resource}`), {
    method: "PUT",
    key,
    body,
    headers: match === null ? {} : { "If-Match": match },
  });

export interface ShownPolicy {
  resource: string;
  duration: string;
  source: string;
  default: string;
  longest: string;
  scheduled: object[];
}

export async function policyOf(tenant: TestTenant, resource: string): Promise<ShownPolicy> {
  const { policies } = (await (await readRetention(tenant)).json()) as { policies: ShownPolicy[] };
  const found = policies.find((policy) => policy.resource === resource);
  if (!found) throw new Error(`no policy of ${resource}`);
  return found;
}

export interface ShownRun {
  number: number;
  status: string;
  fault: string | null;
  cause: string;
  batches: number;
  planned: number;
  done: number;
  held: number;
  failed: number;
  late_seconds: number;
  resources: { resource: string; planned: number; done: number; held: number; state: string; fault: string | null }[];
}

export async function askForRun(tenant: TestTenant): Promise<ShownRun> {
  const answer = await call(retentionPath(tenant, "/runs"), { method: "POST", key: tenant.key });
  if (answer.status !== 202) throw new Error(`no run: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

export async function runsOf(tenant: TestTenant): Promise<ShownRun[]> {
  const answer = await call(retentionPath(tenant, "/runs"), { key: tenant.key });
  return ((await answer.json()) as { runs: ShownRun[] }).runs;
}

export const resourceOf = (run: ShownRun, resource: string) =>
  run.resources.find((one) => one.resource === resource) ?? { planned: -1, done: -1, held: -1, state: "", fault: null };

/** Sessions of somebody that ended at `endedMs`. */
export const addSessions = (tenant: TestTenant, count: number, endedMs: number, personId = "mem_nobody") =>
  runInDurableObject(deskStub(tenant.tenantId), (_, state) => {
    for (let i = 0; i < count; i++) {
      state.storage.sql.exec(
        "INSERT INTO session VALUES (?, ?, 'a browser', 0, ?, 0, NULL, NULL)",
        crypto.randomUUID(),
        personId,
        endedMs,
      );
    }
  });

export const sessionsOf = (tenant: TestTenant): Promise<number> =>
  runInDurableObject(deskStub(tenant.tenantId), (_, state) =>
    Number(state.storage.sql.exec<{ n: number }>("SELECT count(*) AS n FROM session").one().n),
  );

/** Counts of refused events of a domain, seen last at `lastMs`. */
export async function addRejected(domainId: string, count: number, lastMs: number): Promise<void> {
  const sql = "INSERT INTO rejected_event VALUES (?, 'a.code', ?, '', 0, '', 1, ?, ?)";
  const at = new Date(lastMs).toISOString();
  const rows = Array.from({ length: count }, () =>
    env.CONTROL.prepare(sql).bind(domainId, crypto.randomUUID(), at, at),
  );
  await env.CONTROL.batch(rows);
}

export const rejectedOf = async (domainId: string): Promise<number> =>
  (await env.CONTROL.prepare("SELECT count(*) AS n FROM rejected_event WHERE domain_id = ?")
    .bind(domainId)
    .first<number>("n")) ?? -1;

type Fault = (resource: string, drop: () => Promise<void>) => Promise<void>;

/** Puts something around each batch; null: nothing again. */
export const aroundBatches = (tenant: TestTenant, around: Fault | null) =>
  runInDurableObject(deskStub(tenant.tenantId), (desk: TenantDesk) => {
    desk.retention.faulty = (retained) =>
      around === null
        ? retained
        : Object.fromEntries(
            Object.entries(retained).map(([name, of]): [string, Retained] => [
              name,
              { ...of, drop: (...args) => around(name, () => of.drop(...args)) },
            ]),
          );
  });

/** What a store says the time is, compared with the real time; null: what it really says. */
export const setReference = (tenant: TestTenant, laterMs: number | null) =>
  runInDurableObject(deskStub(tenant.tenantId), (desk: TenantDesk) => {
    desk.retention.referenceMs = laterMs === null ? null : async () => Date.now() + laterMs;
  });

export const setBatch = (tenant: TestTenant, rows: number) =>
  runInDurableObject(deskStub(tenant.tenantId), (desk: TenantDesk) => {
    desk.retention.batch = rows;
  });
