/** Each family of the product's own actions, made to happen for real: objects, D1, R2 and alarms. Runs in workerd. */
import { vi } from "vitest";
import { cellDesk } from "../../durable-objects/gates.ts";
import { actionTypes } from "../../src/core/actions/index.ts";
import type { PRODUCT_FAMILIES, ProductAction } from "../../src/core/actions/product.ts";
import { platformDomainId } from "../../src/core/ids.ts";
import type { Payload } from "../../src/core/payload/payload.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import { accessWish, HOUR, newId, REASON, setDeskClock } from "./access.ts";
import { append, call, env, event, jurisdiction, newDomain, newTenant, type TestTenant } from "./cell.ts";
import { eventAbout } from "./erasure.ts";
import { newEventType, words } from "./event-types.ts";
import { placeHold } from "./holds.ts";
import { httpsConfig, standInKeyServices } from "./key-services.ts";
import { acceptInvitation, linkTo, memberSession } from "./people.ts";
import { askForRotation, untilRotated } from "./rotation.ts";
import { newStaff } from "./staff.ts";
import { deskOf, entriesOf, runDeskAlarm } from "./tenancy.ts";

export interface Happened {
  domainId: string;
  actions: ProductAction[];
}

const operator = env.OPERATOR_SECRET;
const PLATFORM = platformDomainId(jurisdiction);
const pathOf = ({ tenantId }: TestTenant, rest = "") => `/v1/tenants/${tenantId}${rest}`;

/** What the answer says; throws on a refusal. */
async function done(answer: Promise<Response>): Promise<{ id: string; api_key: { key: string } }> {
  const it = await answer;
  if (!it.ok) throw new Error(`${it.status} ${await it.text()}`);
  return (await it.json()) as { id: string; api_key: { key: string } };
}

const inTenants = ({ tenantDomainId: domainId }: TestTenant, ...actions: ProductAction[]): Happened[] => [
  { domainId, actions },
];

export const HAPPENINGS: Record<keyof typeof PRODUCT_FAMILIES, () => Promise<Happened[]>> = {
  tenant: async () => {
    const tenant = await newTenant();
    await newDomain(tenant);
    await done(call(pathOf(tenant), { method: "PATCH", key: tenant.key, body: { name: "Another name" } }));
    await done(call(pathOf(tenant, "/tier"), { method: "PUT", key: operator, body: { tier: "team" } }));
    const etag = await newEventType(tenant, "order.approved");
    const seen = (ETag: string) => ({ method: "POST", key: tenant.key, headers: { "If-Match": ETag } });
    await done(call(pathOf(tenant, "/event-types/order.approved/versions"), { ...seen(etag), body: words() }));
    await done(call(pathOf(tenant, "/event-types/order.approved/withdraw"), seen('"2"')));
    return [
      ...inTenants(tenant, "tenant.created", "tenant.domain_added", "tenant.updated", "tenant.tier_changed"),
      ...inTenants(tenant, "tenant.event_type_added", "tenant.event_type_version_added", "tenant.event_type_withdrawn"),
    ];
  },
  tenant_people: async () => {
    const tenant = await newTenant();
    const email = `${crypto.randomUUID()}@example.org`;
    const body = { email, name: "Ada", role: "viewer" };
    await done(call(pathOf(tenant, "/invitations"), { key: tenant.key, body }));
    await acceptInvitation(await linkTo(email));
    return inTenants(tenant, "tenant.member_invited", "tenant.member_joined", "tenant.login");
  },
  staff: async () => {
    await newStaff();
    return [{ domainId: PLATFORM, actions: ["staff.member_invited", "staff.member_joined", "staff.login"] }];
  },
  operator_access: async () => {
    const tenant = await newTenant();
    await deskOf(tenant.tenantId).requestAccess(accessWish(newId("staff")));
    await setDeskClock(tenant.tenantId, 24 * HOUR);
    await runDeskAlarm(tenant.tenantId);
    return inTenants(tenant, "tenant.access_requested", "tenant.access_timed_out");
  },
  recovery: async () => {
    const tenant = await newTenant();
    const body = { reason: REASON, owner: { email: `${crypto.randomUUID()}@example.org`, name: "Boss" } };
    await done(call(pathOf(tenant, "/recovery"), { key: operator, body }));
    await done(call(pathOf(tenant, "/recovery/stop"), { key: tenant.key, method: "POST" }));
    return inTenants(tenant, "tenant.recovery_requested", "tenant.recovery_stopped");
  },
  api_key: async () => {
    // By a person, who stands in the entries under their pseudonym.
    const { tenant, token } = await memberSession("owner");
    const { id } = await done(
      call(pathOf(tenant, "/keys"), { key: token, body: { name: "one", permissions: ["entry.read"] } }),
    );
    const rotation = { key: token, body: { overlap_seconds: 60 } };
    const { api_key } = await done(call(pathOf(tenant, `/keys/${id}/rotate`), rotation));
    // Somebody found it: a call from another system, without a credential.
    await done(call("/v1/leaks", { body: { key: api_key.key }, headers: { "CF-Connecting-IP": "203.0.113.77" } }));
    return inTenants(tenant, "api_key.created", "api_key.rotated", "api_key.leaked", "api_key.revoked");
  },
  encryption_key: async () => {
    const tenant = await newTenant();
    await newDomain(tenant);
    await done(askForRotation(tenant));
    await untilRotated(tenant);
    return inTenants(tenant, "key.rotation_started", "key.rotation_finished");
  },
  key_service: async () => {
    standInKeyServices();
    try {
      const tenant = await newTenant();
      await done(call(pathOf(tenant, "/key-service"), { method: "PUT", key: tenant.key, body: httpsConfig() }));
      await done(call(pathOf(tenant, "/key-service"), { method: "DELETE", key: tenant.key }));
      return inTenants(tenant, "tenant.key_service_changed", "tenant.key_service_removed");
    } finally {
      vi.unstubAllGlobals();
    }
  },
  audit_log: async () => {
    const tenant = await newTenant();
    const domainId = await newDomain(tenant);
    await append(domainId, event({ reason: "private" }));
    await done(
      call(`/v1/domains/${domainId}/audit/entries/reveal`, { key: tenant.key, body: { reason: REASON, seqs: [1] } }),
    );
    await done(call(`/v1/domains/${domainId}/audit/query`, { key: tenant.key, body: { q: "actor:usr_42" } }));
    const off = { method: "PATCH", key: tenant.key, headers: { "If-Match": "*" }, body: { record_reads: false } };
    await done(call(`/v1/domains/${domainId}/settings`, off));
    await cellDesk(env, cellConfig(env)).wakeDomains();
    return [
      { domainId, actions: ["domain.created", "audit.revealed", "domain.settings_changed"] },
      ...inTenants(tenant, "audit.read"),
      { domainId: PLATFORM, actions: ["log.heads_recorded"] },
    ];
  },
  alert: async () => {
    const { monitoring } = cellDesk(env, cellConfig(env));
    const about = { kind: "clock.jumped", job: crypto.randomUUID() } as const;
    await monitoring.raise({ ...about, codes: ["ahead"], atMs: Date.now() });
    await monitoring.resolve(about, Date.now());
    return [{ domainId: PLATFORM, actions: ["cell.alert_raised", "cell.alert_resolved"] }];
  },
  export: async () => {
    const tenant = await newTenant();
    const domainId = await newDomain(tenant);
    const exports = `/v1/domains/${domainId}/exports`;
    const made = await call(exports, { key: tenant.key, body: {} });
    const { id } = ((await made.json()) as { export: { id: string } }).export;
    await vi.waitFor(async () => {
      const { status } = (await (await call(`${exports}/${id}`, { key: tenant.key })).json()) as { status: string };
      if (status !== "done") throw new Error(status);
    }, 5000);
    const link = await call(`${exports}/${id}/link`, { key: tenant.key, body: {} });
    const { url } = (await link.json()) as { url: string };
    await (await call(url.slice(new URL(url).origin.length), {})).arrayBuffer();
    await done(call(`${exports}/${id}`, { method: "DELETE", key: tenant.key }));
    return inTenants(
      tenant,
      "audit.export_created",
      "audit.export_finished",
      "audit.export_downloaded",
      "audit.export_revoked",
    );
  },
  erasure: async () => {
    const tenant = await newTenant();
    const domainId = await newDomain(tenant);
    await append(domainId, eventAbout("usr_1"), { waitForCopy: true });
    const path = `/v1/domains/${domainId}/audit/erase-identity`;
    await done(call(path, { key: tenant.key, body: { identity_id: "usr_1", request_reference: "DSR-17" } }));
    return [{ domainId, actions: ["audit.identity_erased"] }];
  },
  legal_hold: async () => {
    const tenant = await newTenant();
    const domainId = await newDomain(tenant);
    const { token } = await memberSession("owner", { tenant });
    await placeHold({ ...tenant, key: token }, { domains: [domainId] });
    return [{ domainId, actions: ["hold.placed"] }];
  },
};

/** Waits until every entry is in the log that it belongs to; the actions that are there. */
export async function untilLogged(happened: readonly Happened[]): Promise<ProductAction[]> {
  for (const { domainId, actions } of happened) {
    await vi.waitFor(
      async () => {
        const there = new Set((await entriesOf(domainId)).map(({ action }) => action));
        const missing = actions.filter((action) => !there.has(action));
        if (missing.length > 0) throw new Error(`not in ${domainId}: ${missing.join(", ")}`);
      },
      { timeout: 5000 },
    );
  }
  return happened.flatMap(({ actions }) => actions);
}

/** Fields of stored entries that are about people (a pseudonym) or private, and that the registry does not say may be. */
export async function undeclaredIn(domainId: string): Promise<string[]> {
  const types = new Map(actionTypes({ writtenBy: "product" }).map((type) => [type.name, type]));
  const entries = (await entriesOf(domainId)) as unknown as Pick<
    Payload,
    "action" | "actor" | "targets" | "subjects" | "private"
  >[];
  return entries.flatMap(({ action, actor, targets = [], subjects = [], private: sealed = {} }) => {
    const type = types.get(action);
    if (!type) return [];
    const about = [
      ...("ref" in actor ? ["/actor"] : []),
      ...(targets.some((target) => "ref" in target) ? ["/targets"] : []),
      ...(subjects.length > 0 ? ["/subjects"] : []),
      ...Object.keys(sealed),
    ];
    const declared = type.people.map((pointer) => pointer.replace("/*", ""));
    const missing = about.filter(
      (pointer) => !declared.some((its) => pointer === its || pointer.startsWith(`${its}/`)),
    );
    return missing.map((pointer) => `${action} ${pointer}`);
  });
}
