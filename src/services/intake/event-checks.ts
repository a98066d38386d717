/** The checks of a cell, put together for each domain by its settings. */
import { settingsOf } from "../../core/domain-settings.ts";
import type { TypesOf } from "../event-types/known-types.ts";
import { type CheckedDomain, type CheckServices, composed } from "./checks.ts";
import { guardCheck } from "./guard.ts";
import { schemaCheck } from "./schema-check.ts";

export function eventChecks(typesOf: TypesOf): CheckServices["checks"] {
  return async (domain: CheckedDomain) => {
    const { require_schema, personal_data_guard } = settingsOf(domain);
    const [types, guard] = await Promise.all([typesOf(domain.tenantId), guardCheck(personal_data_guard)]);
    return composed(schemaCheck(types, require_schema), guard);
  };
}
