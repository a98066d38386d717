/** Erasures as tests ask for them, and the places where a person could still be found. Runs in workerd. */
import { v7 as uuidv7 } from "uuid";
import { expect } from "vitest";
import { decodeSealedPage } from "../../src/core/sealed-page.ts";
import { openSubjectPage, subjectPageKeyVersion } from "../../src/crypto/subject-page.ts";
import type { EraseCall, EraseResult } from "../../src/services/erasure/calls.ts";
import type { ErasureRequest } from "../../src/services/erasure/erasure.ts";
import { R2SubjectPageStore } from "../../src/storage/subject-page-store.ts";
import { R2TenantKeyStore } from "../../src/storage/tenant-key-store.ts";
import { env, event, inLog, logOf } from "./cell.ts";

export const erasureRequest = (changes: Partial<ErasureRequest> = {}): ErasureRequest => ({
  reason: "data_subject_request",
  reference: "dsr-1",
  law: "GDPR Art. 17",
  by: { type: "service", id: "key_test" },
  requestedAt: "2026-11-20T08:00:00.000Z",
  verifiedAt: null,
  correlationId: uuidv7(),
  ...changes,
});

export const eraseCall = (identityId: string, changes: Partial<EraseCall> = {}): EraseCall => ({
  person: { identityId },
  erasureId: uuidv7(),
  request: erasureRequest(),
  ...changes,
});

export function erase(domainId: string, identityId: string, changes: Partial<EraseCall> = {}): Promise<EraseResult> {
  return logOf(domainId).erase(eraseCall(identityId, changes));
}

/** An event about a person, with something private in every slot. */
export const eventAbout = (identityId: string, fields: object = {}) =>
  event({
    actor: { type: "user", id: identityId, name: `Name ${identityId}`, email: `${identityId}@example.com` },
    context: { ip: "203.0.113.9" },
    reason: `because ${identityId}`,
    ...fields,
  });

export const pseudonymIn = async (domainId: string, identityId: string) =>
  (await logOf(domainId).person(identityId)).pseudonym;

export interface Traces {
  object: number;
  ledgerRows: number;
  mappings: number;
  pages: number;
  keys: number;
}

export const NO_TRACES: Traces = { object: 0, ledgerRows: 0, mappings: 0, pages: 0, keys: 0 };

/** Where something about a pseudonym stands, in every store of its domain. */
export async function tracesOf(domainId: string, pseudonym: string): Promise<Traces> {
  const tenantId = await inLog(domainId, (log) => log.journal.identity()?.tenantId ?? "");
  const object = await inLog(domainId, (_, { storage }) => {
    const count = (sql: string) => storage.sql.exec<{ n: number }>(sql, Buffer.from(pseudonym, "hex")).one().n;
    return (
      count("SELECT count(*) AS n FROM pending_private WHERE subject = ?") +
      count("SELECT count(*) AS n FROM pending_subject WHERE pseudonym = ?")
    );
  });
  const inD1 = async (table: string, column: string) => {
    const sql = `SELECT count(*) AS n FROM ${table} WHERE domain_id = ?1 AND ${column} = unhex(?2)`;
    const counts = await Promise.all(
      [env.LEDGER_00, (env as unknown as { LEDGER_01: D1Database }).LEDGER_01].map((db) =>
        db.prepare(sql).bind(domainId, pseudonym).first<{ n: number }>(),
      ),
    );
    return counts.reduce((sum, row) => sum + (row?.n ?? 0), 0);
  };
  return {
    object,
    ledgerRows: await inD1("audit_private_value", "subject"),
    mappings: await inD1("audit_subject_pii", "pseudonym"),
    pages: await pagesWith(domainId, pseudonym),
    keys: await keysOf(tenantId, domainId, pseudonym),
  };
}

async function pagesWith(domainId: string, pseudonym: string): Promise<number> {
  const { objects } = await env.LOG.list({ prefix: `sealed/${domainId}/` });
  const pages = await Promise.all(objects.map(async ({ key }) => (await (await env.LOG.get(key))?.text()) ?? ""));
  return pages.filter((text) => {
    const rows = decodeSealedPage(text);
    if (!rows) throw new Error("a page is damaged");
    return text.includes(pseudonym);
  }).length;
}

async function keysOf(tenantId: string, domainId: string, pseudonym: string): Promise<number> {
  const store = new R2SubjectPageStore(env.KEYS);
  const tenantKeys = await new R2TenantKeyStore(env.KEYS).list(tenantId);
  let found = 0;
  for (const page of await store.list(domainId)) {
    const bytes = (await store.get(domainId, page))?.bytes ?? new Uint8Array();
    const { material } = tenantKeys.find(({ version }) => version === subjectPageKeyVersion(bytes)) ?? {};
    if (material?.kind !== "raw") throw new Error("no key for a page");
    const keys = openSubjectPage(bytes, { tenantId, scope: domainId, page }, material.key) ?? [];
    found += keys.filter((key) => key.pseudonym === pseudonym).length;
  }
  return found;
}

/** Nothing about the person is anywhere, and the erasure says so. */
export async function expectGone(domainId: string, pseudonym: string): Promise<void> {
  expect(await tracesOf(domainId, pseudonym)).toEqual(NO_TRACES);
}
