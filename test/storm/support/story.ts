/** A tenant with a domain, and the plain requests that a storm makes of them. Shares no code with the client. */
import type { Jurisdiction } from "../../../src/core/ids.ts";
import { testBindings } from "../../support/bindings.ts";

export interface Receipt {
  seq: number;
  id: string;
  entry_hash: string;
  prev_hash: string;
}

export interface Domain {
  domainId: string;
  key: string;
}

export interface Answer {
  status: number;
  headers: Headers;
  body: any;
}

/** One request. Rejects when no answer comes. */
export async function ask(url: string, key: string, options: RequestInit = {}): Promise<Answer> {
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json", ...options.headers };
  const answer = await fetch(url, { signal: AbortSignal.timeout(30_000), ...options, headers });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === "" ? null : JSON.parse(text) };
}

export const post = (url: string, key: string, body: unknown, headers: Record<string, string> = {}) =>
  ask(url, key, { method: "POST", body: typeof body === "string" ? body : JSON.stringify(body), headers });

export async function newTenant(url: string, jurisdiction: Jurisdiction): Promise<{ tenantId: string; key: string }> {
  const { OPERATOR_SECRET } = testBindings(jurisdiction);
  const body = { name: "storm", jurisdiction, tier: "enterprise" };
  const { tenant, api_key } = expectStatus(201, await post(`${url}/v1/tenants`, OPERATOR_SECRET, body));
  return { tenantId: tenant.id, key: api_key.key };
}

export async function newDomain(
  url: string,
  tenant: { tenantId: string; key: string },
  segmentEntries: number,
): Promise<Domain> {
  const body = { name: `storm ${crypto.randomUUID()}`, segment_entries: segmentEntries };
  const { id } = expectStatus(201, await post(`${url}/v1/tenants/${tenant.tenantId}/domains`, tenant.key, body));
  return { domainId: id, key: tenant.key };
}

export const auditUrl = (url: string, { domainId }: Domain) => `${url}/v1/domains/${domainId}/audit`;
export const event = (fields: object = {}) => ({
  action: "invoice.exported",
  actor: { type: "user", id: "usr_42" },
  targets: [{ type: "invoice", id: "inv_9" }],
  ...fields,
});

/** Appends and waits for D1. */
export async function appendCopied(url: string, domain: Domain, events: object | object[]): Promise<Receipt[]> {
  const answer = await post(`${auditUrl(url, domain)}/entries`, domain.key, events, { prefer: "wait=replicated" });
  if (expectStatus(201, answer).replicated !== true) throw new Error("the append was not copied in time");
  return answer.body.receipts;
}

export function expectStatus(status: number, answer: Answer): Answer["body"] {
  if (answer.status === status) return answer.body;
  throw new Error(`expected ${status}, got ${answer.status}: ${JSON.stringify(answer.body)}`);
}
