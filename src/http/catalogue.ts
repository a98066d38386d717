/** What is the same for everybody: who may do what, and what each tier includes. The gateway answers with the same documents. */
import {
  isSensitive,
  PERMISSION_NAMES,
  PERMISSIONS,
  ROLES,
  rolesWith,
  SUPER_ADMIN_PERMISSIONS,
  TIERS,
} from "../services/permissions.ts";
import { FEATURE_NAMES, FEATURES, hasFeature, LIMIT_NAMES, LIMIT_ROWS, tierLimits } from "../services/tiers.ts";

export interface DeclaredOperation {
  operationId: string;
  permission: string;
}

/** The operations of an OpenAPI document with what each declares, in its order. */
export function declaredOperations(document: object): DeclaredOperation[] {
  const { paths } = document as { paths: Record<string, Record<string, object>> };
  return Object.values(paths).flatMap((methods) =>
    Object.values(methods).map((operation) => {
      const { operationId, "x-permission": permission } = operation as { operationId: string; "x-permission": string };
      return { operationId, permission };
    }),
  );
}

export function permissionsDocument(operations: readonly DeclaredOperation[]) {
  return {
    roles: [...ROLES],
    super_admin: [...SUPER_ADMIN_PERMISSIONS],
    permissions: PERMISSION_NAMES.map((name) => ({
      name,
      says: PERMISSIONS[name].says,
      roles: [...rolesWith(name)],
      operator_only: PERMISSIONS[name].from === "operator",
      sensitive: isSensitive(name),
      operations: operations.filter(({ permission }) => permission === name).map(({ operationId }) => operationId),
    })),
  };
}

export function tiersDocument() {
  return {
    tiers: TIERS.map((tier) => ({
      name: tier,
      features: FEATURE_NAMES.filter((feature) => hasFeature(tier, feature)),
      limits: { ...tierLimits(tier) },
    })),
    features: FEATURE_NAMES.map((name) => ({ name, says: FEATURES[name].says, from: FEATURES[name].from })),
    limits: LIMIT_NAMES.map((name) => ({ name, says: LIMIT_ROWS[name].says, most: LIMIT_ROWS[name].most })),
  };
}
