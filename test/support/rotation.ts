/** Which versions stored values are sealed under, and turning a tenant's rotation. Runs in workerd. */
import { runInDurableObject } from "cloudflare:test";
import type { TenantDesk } from "../../durable-objects/tenant-desk.ts";
import { decodeSealedPage } from "../../src/core/sealed-page.ts";
import { parseSealedHeader, type SealedHeader } from "../../src/crypto/sealed.ts";
import { subjectPageKeyVersion } from "../../src/crypto/subject-page.ts";
import { call, env, inLog, type TestTenant } from "./cell.ts";
import { deskStub, runDeskAlarm } from "./tenancy.ts";

/** Every sealed value of a domain, wherever it is, by what its header says. */
export async function headersOf(domainId: string): Promise<SealedHeader[]> {
  const blobs: (Uint8Array | null)[] = [];
  const add = (values: unknown[]) => {
    for (const value of values) if (value !== null) blobs.push(new Uint8Array(value as ArrayBuffer));
  };
  const all = (sql: string) => env.LEDGER_00.prepare(sql).bind(domainId).raw();
  for (const row of await all("SELECT sealed FROM audit_private_value WHERE domain_id = ?")) add(row);
  const mapping = "subject_plaintext, email_claim, source_ip, idp_claim_names";
  for (const row of await all(`SELECT ${mapping} FROM audit_subject_pii WHERE domain_id = ?`)) add(row);
  const waiting = await inLog(domainId, (_, { storage }) => [
    ...storage.sql.exec("SELECT sealed FROM pending_private").raw(),
    ...storage.sql.exec(`SELECT ${mapping} FROM pending_subject`).raw(),
  ]);
  for (const row of waiting) add(row);
  for (const { key } of (await env.LOG.list({ prefix: `sealed/${domainId}/` })).objects) {
    const rows = decodeSealedPage((await (await env.LOG.get(key))?.text()) ?? "");
    for (const { sealed } of rows?.privates ?? []) blobs.push(sealed);
    for (const row of rows?.subjects ?? []) {
      blobs.push(row.subjectPlaintext, row.emailClaim, row.sourceIp, row.idpClaimNames);
    }
  }
  return blobs.flatMap((bytes) => (bytes === null ? [] : (parseSealedHeader(bytes) as SealedHeader)));
}

/** Versions of the tenant's key under which anything of the domain stands: values about nobody, pages of people's keys. */
export async function tenantKeyVersionsIn(domainId: string): Promise<number[]> {
  const versions = (await headersOf(domainId))
    .map(({ tenantKeyVersion }) => tenantKeyVersion)
    .filter((each) => each > 0);
  for (const { key } of (await env.KEYS.list({ prefix: `subject-keys/${domainId}/` })).objects) {
    const bytes = new Uint8Array((await (await env.KEYS.get(key))?.arrayBuffer()) ?? []);
    versions.push(subjectPageKeyVersion(bytes) ?? -1);
  }
  return [...new Set(versions)].sort();
}

export interface ShownKeys {
  rotates_at: string | null;
  versions: { version: number; age_days: number; retired_at: string | null; destroyed_after: string | null }[];
  rotation: { kind: string; version: number; values: number; key_pages: number; domains_done: number } | null;
}

export async function shownKeys(tenant: TestTenant): Promise<ShownKeys> {
  const { tenant_keys } = (await (await call("/v1/keys", { key: tenant.key })).json()) as { tenant_keys: ShownKeys };
  return tenant_keys;
}

export const askForRotation = (tenant: TestTenant) =>
  call(`/v1/tenants/${tenant.tenantId}/encryption-keys/rotation`, { key: tenant.key, method: "POST" });

/** Runs the desk's alarm until nothing is under way; how often that was. */
export async function untilRotated(tenant: TestTenant, most = 10): Promise<number> {
  for (let turns = 0; turns < most; turns++) {
    if ((await shownKeys(tenant)).rotation === null) return turns;
    await runDeskAlarm(tenant.tenantId);
  }
  throw new Error("the rotation does not come to its end");
}

/** Cron's call, some days later by the desk's clock. */
export const wakeLater = (tenant: TestTenant, days: number): Promise<void> =>
  runInDurableObject(deskStub(tenant.tenantId), async (desk: TenantDesk) => {
    desk.clock = () => Date.now() + days * 24 * 60 * 60 * 1000;
    await desk.wake();
  });
