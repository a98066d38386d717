/** The table of permissions: names, roles, and what the sets of it promise. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { declaredOperations, permissionsDocument } from "../../src/http/catalogue.ts";
import { openApiDocument } from "../../src/http/openapi.ts";
import {
  AHEAD,
  isSensitive,
  OPERATOR_PERMISSIONS,
  OPERATOR_PLATFORM_PERMISSIONS,
  OWNER_KEY_PERMISSIONS,
  PERMISSION_NAMES,
  PERMISSIONS,
  type Permission,
  permissionsOf,
  ROLES,
  type Role,
  rolesWith,
  SUPER_ADMIN_PERMISSIONS,
} from "../../src/services/permissions.ts";

const operations = declaredOperations(openApiDocument());
const document = permissionsDocument(operations);

describe("S2-8 six roles", () => {
  test("are these, from least to most", () => {
    expect(ROLES).toEqual(["viewer", "support", "financial_admin", "admin", "owner", "engineer"]);
  });

  test("of two roles the higher one holds all of the lower one and more", () => {
    const role = fc.integer({ min: 0, max: ROLES.length - 1 });
    fc.assert(
      fc.property(role, role, (a, b) => {
        fc.pre(a < b);
        const [lower, higher] = [permissionsOf(ROLES[a] as Role), permissionsOf(ROLES[b] as Role)];
        return lower.every((name) => higher.includes(name)) && higher.length > lower.length;
      }),
      { numRuns: 300 },
    );
  });

  test("engineer is owner and the technical permissions: keys, key service, replay", () => {
    const more = permissionsOf("engineer").filter((name) => !permissionsOf("owner").includes(name));
    expect(more).toEqual(["encryption_key.rotate", "key_service.read", "key_service.manage", "erasure.replay"]);
  });

  test("none holds what only the operator does", () => {
    const operators = PERMISSION_NAMES.filter((name) => PERMISSIONS[name].from === "operator");
    expect(operators.length).toBeGreaterThan(5);
    for (const name of operators) expect(rolesWith(name)).toEqual([]);
    expect(OWNER_KEY_PERMISSIONS.filter((name) => operators.includes(name))).toEqual([]);
  });
});

describe("S2-9 the permissions", () => {
  test("are 61, each noun.verb", () => {
    expect(PERMISSION_NAMES).toHaveLength(61);
    for (const name of PERMISSION_NAMES) expect(name).toMatch(/^[a-z]+(?:_[a-z]+)*\.[a-z]+(?:_[a-z]+)*$/);
  });

  test("are each declared by a route, or ahead of one, and never both", () => {
    const declared = new Set(operations.map(({ permission }) => permission));
    expect(PERMISSION_NAMES.filter((name) => !declared.has(name)).toSorted()).toEqual([...AHEAD].toSorted());
  });

  test("are declared by every route that is not public", () => {
    const others = operations.filter(({ permission }) => !PERMISSION_NAMES.includes(permission as Permission));
    expect(new Set(others.map(({ permission }) => permission))).toEqual(new Set(["public", "any_credential"]));
  });
});

describe("GET /v1/permissions", () => {
  test("is the table: each name with what it says, its roles and its operations", () => {
    expect(document.permissions.map(({ name }) => name)).toEqual(PERMISSION_NAMES);
    expect(document.permissions.find(({ name }) => name === "subject.erase")).toEqual({
      name: "subject.erase",
      says: "Erase a person from a log",
      roles: ["owner", "engineer"],
      operator_only: false,
      sensitive: true,
      operations: ["eraseIdentity", "eraseIdentityEverywhere"],
    });
    expect(document.permissions.find(({ name }) => name === "domain.restore")).toMatchObject({
      roles: [],
      operations: ["startRestore", "readRestore", "putArchiveObject"],
    });
  });

  test("has every operation that needs a permission, once", () => {
    const named = document.permissions.flatMap(({ operations: its }) => its);
    const guarded = operations.filter(({ permission }) => !["public", "any_credential"].includes(permission));
    expect(named.toSorted()).toEqual(guarded.map(({ operationId }) => operationId).toSorted());
  });
});

describe("S1-21 what a SuperAdmin holds", () => {
  test("is what the erasure and opening endpoints declare, sensitive where something is changed or opened", () => {
    expect(document.super_admin).toEqual([...SUPER_ADMIN_PERMISSIONS]);
    const declared = new Set(operations.map(({ permission }) => permission));
    for (const name of SUPER_ADMIN_PERMISSIONS) expect(declared).toContain(name);
    expect(SUPER_ADMIN_PERMISSIONS.filter((name) => !isSensitive(name))).toEqual(["erasure.read"]);
  });

  test("admin alone is not enough to erase", () => {
    expect(permissionsOf("admin")).not.toContain("subject.erase");
  });
});

describe("S3-35 the operator", () => {
  test("reads and opens no entry of a tenant", () => {
    for (const name of ["entry.read", "entry.reveal", "entry.append", "log.read", "subject.erase"] as const) {
      expect(OPERATOR_PERMISSIONS).not.toContain(name);
    }
    expect(OPERATOR_PLATFORM_PERMISSIONS).toContain("entry.read");
  });
});
