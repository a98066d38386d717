/**
 * The actions that the product writes about itself. Its code can name no other (`ProductAction`), and no client can send one
 * (`isProductsOwn`).
 */
import { type AuditEvent, RESERVED_ACTION_NOUNS } from "../event.ts";
import { ALERTS, AUDIT_LOG, ERASURE, EXPORTS, LEGAL_HOLDS } from "./audit-log.ts";
import { API_KEYS, ENCRYPTION_KEYS, KEY_SERVICE } from "./keys.ts";
import { OPERATOR_ACCESS, RECOVERY } from "./operator-access.ts";
import { STAFF } from "./staff.ts";
import { TENANT } from "./tenant.ts";
import { TENANT_PEOPLE } from "./tenant-people.ts";

export const PRODUCT_FAMILIES = {
  tenant: TENANT,
  tenant_people: TENANT_PEOPLE,
  staff: STAFF,
  operator_access: OPERATOR_ACCESS,
  recovery: RECOVERY,
  api_key: API_KEYS,
  encryption_key: ENCRYPTION_KEYS,
  key_service: KEY_SERVICE,
  audit_log: AUDIT_LOG,
  export: EXPORTS,
  erasure: ERASURE,
  legal_hold: LEGAL_HOLDS,
  alert: ALERTS,
} as const;

type Families = typeof PRODUCT_FAMILIES;
export type ProductAction = { [Family in keyof Families]: keyof Families[Family] }[keyof Families];

/** An event that the product writes about itself. */
export interface ProductEvent extends AuditEvent {
  action: ProductAction;
}

const OWN: ReadonlySet<string> = new Set(Object.values(PRODUCT_FAMILIES).flatMap((family) => Object.keys(family)));

/** Whether only the product may write it: one of its actions, or another with one of its nouns. */
export function isProductsOwn(action: string): boolean {
  return OWN.has(action) || RESERVED_ACTION_NOUNS.includes(action.slice(0, action.indexOf(".")));
}
