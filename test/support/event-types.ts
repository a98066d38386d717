/** Action types of a tenant's own, for the tests that need some. Runs in workerd. */
import type { SchemaJson } from "../../src/core/event-schema/vet.ts";
import { call, type TestTenant } from "./cell.ts";

export const words = (metadata_schema: SchemaJson = {}, more: object = {}) => ({
  description: "Somebody approved an order",
  category: "billing",
  does: "write",
  sensitivity: "medium",
  metadata_schema,
  ...more,
});

export const typesPath = (tenant: Pick<TestTenant, "tenantId">, rest = "") =>
  `/v1/tenants/${tenant.tenantId}/event-types${rest}`;

/** Adds a type and answers its ETag. */
export async function newEventType(
  tenant: TestTenant,
  action: string,
  metadataSchema: SchemaJson = {},
  more: object = {},
): Promise<string> {
  const body = { action, ...words(metadataSchema, more) };
  const answer = await call(typesPath(tenant), { key: tenant.key, body });
  if (answer.status !== 201) throw new Error(`no event type: ${answer.status} ${await answer.text()}`);
  return answer.headers.get("ETag") ?? "";
}

/** A type of a name that no other tenant has. */
export async function ownEventType(tenant: TestTenant): Promise<string> {
  const action = `order.approved_${tenant.tenantId.slice(-10)}`;
  await newEventType(tenant, action);
  return action;
}

/** Right headers of the operations that change what was read. */
export const EVENT_TYPE_HEADERS = Object.fromEntries(
  ["addEventTypeVersion", "withdrawEventType", "changeDomainSettings"].map((name) => [name, { "If-Match": "*" }]),
);

/** Right bodies of the operations about types and settings. */
export const EVENT_TYPE_BODIES: Record<string, () => object> = {
  addEventType: () => ({ action: "order.approved_again", ...words() }),
  addEventTypeVersion: () => words(),
  changeDomainSettings: () => ({ record_reads: true }),
};
