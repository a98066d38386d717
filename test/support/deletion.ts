/** Deleting tenants in tests: what a tenant with something in every store is, and the desk's alarm until it is over. Runs in workerd. */
import { runInDurableObject } from "cloudflare:test";
import type { TenantDesk } from "../../durable-objects/tenant-desk.ts";
import type { FinalHead } from "../../src/core/deletion-certificate.ts";
import type { DeletionDeps } from "../../src/services/deletion/deletion.ts";
import type { DeletionState } from "../../src/services/deletion/state.ts";
import { alarmLater, call, env, event, newDomain, newTenant, type TestTenant } from "./cell.ts";
import { deskStub, runDeskAlarm } from "./tenancy.ts";

export interface FullTenant extends TestTenant {
  domainIds: string[];
}

/** Entries with people and private values in two domains, copied and archived; keys; a person seen. */
export async function fullTenant(name = "Acme"): Promise<FullTenant> {
  const tenant = await newTenant(name);
  const domainIds = [await newDomain(tenant, { segment_entries: 4 }), await newDomain(tenant)];
  for (const domainId of domainIds) {
    const events = Array.from({ length: 6 }, (_, i) =>
      event({
        actor: { type: "user", id: `usr_${i}`, name: `Name ${i}`, email: `u${i}@example.org` },
        context: { ip: "192.0.2.7" },
        reason: "a private reason",
      }),
    );
    const path = `/v1/domains/${domainId}/audit/entries`;
    const answer = await call(path, { key: tenant.key, body: events, headers: { Prefer: "wait=replicated" } });
    if (answer.status !== 201) throw new Error(await answer.text());
    await alarmLater(domainId);
  }
  return { ...tenant, domainIds: [tenant.tenantDomainId, ...domainIds] };
}

export const askToDelete = (tenantId: string, body: object = { confirm: tenantId, request_reference: "DEL-1" }) =>
  call(`/v1/tenants/${tenantId}/deletion`, { key: env.OPERATOR_SECRET, body });

export const readDeletion = (tenantId: string) =>
  call(`/v1/tenant-deletions/${tenantId}`, { key: env.OPERATOR_SECRET });

/** Runs the desk's alarm until the deletion is over. */
export async function untilDeleted(tenantId: string): Promise<{ note: string; heads: FinalHead[] }> {
  for (let i = 0; i < 60; i++) {
    const { certificate } = (await (await readDeletion(tenantId)).json()) as { certificate: never };
    if (certificate) return certificate;
    await runDeskAlarm(tenantId).catch(() => {});
  }
  throw new Error("the deletion does not end");
}

export const phaseOf = (tenantId: string): Promise<DeletionState["phase"] | null> =>
  runInDurableObject(deskStub(tenantId), (_, state) => state.storage.kv.get<DeletionState>("deletion")?.phase ?? null);

type OnCall = (name: string, call: () => Promise<unknown>) => Promise<unknown>;

/** Every call that the deletion makes outside its object goes through `onCall` from now on. */
export function watchDeletion(tenantId: string, onCall: OnCall): Promise<void> {
  const watched = <T extends object>(name: string, target: T): T =>
    new Proxy(target, {
      get(its, method) {
        const value = Reflect.get(its, method);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => onCall(`${name}.${String(method)}`, async () => value.apply(its, args));
      },
    });
  return runInDurableObject(deskStub(tenantId), async (desk: TenantDesk) => {
    const deps: DeletionDeps = desk.realDeletionDeps();
    desk.deletionDeps = {
      ...deps,
      control: watched("control", deps.control),
      sweep: watched("sweep", deps.sweep),
      logs: watched("logs", deps.logs),
      register: watched("register", deps.register),
      domain: (domainId) => watched("domain", deps.domain(domainId)),
    };
  });
}
