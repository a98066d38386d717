/** Helpers of the tests that run in workerd: this cell's environment, a tenant, a domain, events, faults. */
import { runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { exports, env as workerEnv } from "cloudflare:workers";
import { v7 as uuidv7 } from "uuid";
import { ledgerAt } from "../../durable-objects/domain-log/stores.ts";
import type { DomainLog } from "../../durable-objects/domain-log.ts";
import { domainKeeper, domainLog } from "../../durable-objects/gates.ts";
import { type Jurisdiction, makeId } from "../../src/core/ids.ts";
import type { CellEnv } from "../../src/env.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import type { AppendCall, AppendResult } from "../../src/services/log/calls.ts";
import type { EntryRow } from "../../src/services/ports.ts";
import { D1LedgerStore } from "../../src/storage/ledger-store.ts";

export const env = workerEnv as unknown as CellEnv;
export const jurisdiction = env.JURISDICTION as Jurisdiction;
export const ORIGIN = "https://cell.test";

const worker = (exports as unknown as { default: unknown }).default as { fetch(request: Request): Promise<Response> };

/** A request of somebody outside to this cell. */
export const workerFetch = (url: string, init: RequestInit): Promise<Response> => worker.fetch(new Request(url, init));

export interface CallOptions {
  method?: string;
  key?: string;
  body?: unknown;
  rawBody?: BodyInit;
  headers?: Record<string, string>;
}

/** One HTTP request to this cell. Of an answer without an end only the beginning is read, and it is left. */
export async function call(
  path: string,
  { method, key, body, rawBody, headers = {} }: CallOptions = {},
): Promise<Response> {
  const sent = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
  const init = {
    method: method ?? (sent === undefined ? "GET" : "POST"),
    headers: {
      ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
      ...(sent === undefined ? {} : { "Content-Type": "application/json" }),
      ...headers,
    },
    ...(sent === undefined ? {} : { body: sent }),
  };
  const answer = await worker.fetch(new Request(ORIGIN + path, init));
  if (!answer.headers.get("Content-Type")?.startsWith("text/event-stream")) return answer;
  const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new Response(value, answer);
}

export interface TestTenant {
  tenantId: string;
  tenantDomainId: string;
  key: string;
  keyId: string;
}

export async function newTenant(name = "Acme"): Promise<TestTenant> {
  const body = { name, jurisdiction, tier: "enterprise" };
  const answer = await call("/v1/tenants", { key: env.OPERATOR_SECRET, body });
  if (answer.status !== 201) throw new Error(`no tenant: ${answer.status} ${await answer.text()}`);
  const { tenant, api_key } = (await answer.json()) as {
    tenant: { id: string; tenant_domain_id: string };
    api_key: { id: string; key: string };
  };
  return { tenantId: tenant.id, tenantDomainId: tenant.tenant_domain_id, key: api_key.key, keyId: api_key.id };
}

export async function newDomain(tenant: TestTenant, settings: object = {}): Promise<string> {
  const body = { name: `domain ${uuidv7()}`, ...settings };
  const answer = await call(`/v1/tenants/${tenant.tenantId}/domains`, { key: tenant.key, body });
  if (answer.status !== 201) throw new Error(`no domain: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { id: string }).id;
}

export const event = (fields: object = {}) => ({
  action: "invoice.exported",
  actor: { type: "user", id: "usr_42" },
  targets: [{ type: "invoice", id: "inv_9" }],
  ...fields,
});

/** The stub itself, for evicting the object. */
export const stubOf = (domainId: string) => env.DOMAIN_LOG.getByName(domainId);
/** Its calls, with their answers as values and errors. */
export const logOf = (domainId: string) => domainLog(env, cellConfig(env), domainId);
export const keeperOf = (domainId: string) => domainKeeper(env, cellConfig(env), domainId);
/** The domain's rows in the first shard. */
export const ledgerOf = (domainId: string) => new D1LedgerStore(env.LEDGER_00, domainId);

/** An append straight to the object, as the cell's Worker makes it. */
export function append(
  domainId: string,
  events: object | object[],
  options: Partial<AppendCall> = {},
): Promise<AppendResult> {
  const call: AppendCall = {
    body: JSON.stringify(events),
    form: "json",
    scope: "test",
    idempotencyKey: null,
    waitForCopy: false,
    ...options,
  };
  return logOf(domainId).append(call);
}

/** Runs inside the object of a domain. */
export function inLog<T>(
  domainId: string,
  run: (log: DomainLog, state: DurableObjectState) => T | Promise<T>,
): Promise<T> {
  return runInDurableObject(stubOf(domainId), (log: DomainLog, state) => run(log, state));
}

/** Runs the object's alarm now, whenever it was due. */
export const runAlarm = (domainId: string) => runDurableObjectAlarm(stubOf(domainId));

let laterRuns = 0;

/** Runs the object's due tasks as its alarm would after `laterMs`; by default longer than any back-off, and later each time. */
export function alarmLater(domainId: string, laterMs = 600_000 * ++laterRuns): Promise<void> {
  return inLog(domainId, async (log) => {
    const { clock } = log.stores;
    log.stores = { ...log.stores, clock: () => Date.now() + laterMs };
    await log.alarm();
    log.stores = { ...log.stores, clock };
  });
}

/** All rows of the queryable copy, after it was brought up to date, wherever they lie. */
export async function copiedRows(domainId: string): Promise<EntryRow[]> {
  return ledgerAt(env, domainId, await logOf(domainId).flush()).rows({
    fromSeq: 0,
    toSeq: Number.MAX_SAFE_INTEGER,
    limit: 100_000,
  });
}

/** A domain without the HTTP layer: its tenant's root, its row and its object. */
export async function bareDomain(segmentEntries = 256): Promise<string> {
  const tenantId = makeId("tenant", jurisdiction, uuidv7());
  const domainId = makeId("domain", jurisdiction, uuidv7());
  await env.KEYS.put(`tenant-root/${tenantId}`, new Uint8Array(32).fill(7));
  await logOf(domainId).create({ domainId, tenantId, kind: "client", segmentEntries });
  return domainId;
}
