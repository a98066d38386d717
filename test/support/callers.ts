/** Everybody who may knock at a route: with each kind of credential, right and wrong, and what the table says of them. Runs in workerd. */
import { v7 as uuidv7 } from "uuid";
import type { ErrorCode } from "../../src/core/errors.ts";
import { isReadableByStaff } from "../../src/services/access/grants/readable.ts";
import { cellConfig } from "../../src/services/cell-config.ts";
import {
  isSensitive,
  OPERATOR_PERMISSIONS,
  type Permission,
  permissionsOf,
  ROLES,
  STAFF_PERMISSIONS,
} from "../../src/services/permissions.ts";
import { mintKey } from "../../src/services/tenancy/keys.ts";
import { D1ControlStore } from "../../src/storage/control-store.ts";
import { env, jurisdiction, type TestTenant } from "./cell.ts";
import { storedKey } from "./credentials.ts";
import type { Operation } from "./operations.ts";
import { memberSession } from "./people.ts";
import { addTotp, newStaff } from "./staff.ts";

export interface Caller {
  name: string;
  /** The `Authorization` header; null: none. */
  authorization: string | null;
  /** What the credential opens; null: nothing, it is wrong. */
  holds: {
    /** Null: the operator's, who know of every tenant. */
    tenantId: string | null;
    permissions: readonly Permission[];
    /** Of people: whether a second factor was shown lately. */
    factor: "not a person" | "fresh" | "old" | "never";
  } | null;
}

const bearer = (token: string) => `Bearer ${token}`;
const FIFTEEN_MINUTES = 15 * 60_000;

/** Credentials that are right, of people in this tenant and of its keys. */
export async function rightCallers(tenant: TestTenant): Promise<Caller[]> {
  const { tenantId } = tenant;
  const members = await Promise.all(
    ROLES.map(async (role): Promise<Caller> => {
      const { token } = await memberSession(role, { tenant });
      const holds = { tenantId, permissions: permissionsOf(role), factor: "fresh" } as const;
      return { name: role, authorization: bearer(token), holds };
    }),
  );
  const engineer = permissionsOf("engineer");
  const old = await memberSession("engineer", { tenant, secondFactorAtMs: Date.now() - FIFTEEN_MINUTES - 1000 });
  const never = await memberSession("engineer", { tenant, secondFactorAtMs: null });
  const key = { tenantId, permissions: engineer, factor: "not a person" } as const;
  return [
    ...members,
    {
      name: "engineer whose second factor is older than fifteen minutes",
      authorization: bearer(old.token),
      holds: { tenantId, permissions: engineer, factor: "old" },
    },
    {
      name: "engineer without a second factor",
      authorization: bearer(never.token),
      holds: { tenantId, permissions: engineer, factor: "never" },
    },
    { name: "the tenant's first key", authorization: bearer(tenant.key), holds: key },
    {
      name: "a key that holds nothing",
      authorization: bearer((await storedKey(tenantId, [])).key),
      holds: { ...key, permissions: [] },
    },
  ];
}

/** The operator's secret, and the operator's people with one factor and with two. */
export async function operatorCallers(): Promise<Caller[]> {
  const [oneFactor, twoFactors] = [await newStaff(), await newStaff()];
  await addTotp(twoFactors.token);
  const staff = { tenantId: null, permissions: STAFF_PERMISSIONS } as const;
  return [
    {
      name: "the operator's secret",
      authorization: bearer(env.OPERATOR_SECRET),
      holds: { tenantId: null, permissions: OPERATOR_PERMISSIONS, factor: "not a person" },
    },
    { name: "staff with one factor", authorization: bearer(oneFactor.token), holds: { ...staff, factor: "never" } },
    { name: "staff with two factors", authorization: bearer(twoFactors.token), holds: { ...staff, factor: "fresh" } },
  ];
}

/** Credentials that open nothing, each for a reason of its own. */
export async function wrongCallers(tenant: TestTenant): Promise<Caller[]> {
  const all = permissionsOf("engineer");
  const past = new Date(Date.now() - 60_000).toISOString();
  const expired = await storedKey(tenant.tenantId, all, { expiresAt: past });
  const revoked = await storedKey(tenant.tenantId, all, { revokedAt: past });
  const over = await memberSession("owner", { tenant, expiresAtMs: Date.now() - 1 });
  const { token } = await memberSession("owner", { tenant });
  const wrong: [string, string | null][] = [
    ["nobody", null],
    ["a word", "Bearer nonsense"],
    ["two credentials", `Bearer ${tenant.key} ${tenant.key}`],
    ["a key in another scheme", `Basic ${tenant.key}`],
    ["a key with one letter changed", bearer(mistyped(tenant.key))],
    ["an expired key", bearer(expired.key)],
    ["a revoked key", bearer(revoked.key)],
    ["a key of the other jurisdiction, stored here", bearer(await foreignKey(tenant.tenantId))],
    ["a session that is over", bearer(over.token)],
    ["a token whose signature was changed", bearer(mistyped(token))],
    ["a token without its signature", bearer(token.slice(0, token.lastIndexOf(".") + 1))],
    ["a token with a fourth part", bearer(`${token}.e30`)],
  ];
  return wrong.map(([name, authorization]) => ({ name, authorization, holds: null }));
}

const mistyped = (text: string) => {
  const at = text.length - 10;
  return text.slice(0, at) + (text[at] === "a" ? "b" : "a") + text.slice(at + 1);
};

async function foreignKey(tenantId: string): Promise<string> {
  const { record, key } = mintKey(
    { tenantId, name: "test", permissions: [...permissionsOf("engineer")], expiresAt: null },
    {
      jurisdiction: jurisdiction === "eu" ? "us" : "eu",
      uuid: uuidv7(),
      pepper: cellConfig(env).apiKeyPepper,
      random: (byteLength) => crypto.getRandomValues(new Uint8Array(byteLength)),
      nowMs: Date.now(),
    },
  );
  await new D1ControlStore(env.CONTROL).addKey(record);
  return key;
}

/** One's own factors and password: keys and the operator's secret have none. */
const ofPeopleAlone = ({ path }: Operation): boolean =>
  /^\/v1\/auth\/\{jurisdiction\}\/(?:factors|second-factor|staff\/password)(?:\/|$)/.test(path);

/** What a route answers a caller by the tables alone; null: it lets them through to its handler. */
export function refusalBy(operation: Operation, { holds }: Caller, tenantOfPath: string | null): ErrorCode | null {
  const { permission } = operation;
  if (permission === "public") return null;
  if (!holds) return "auth.required";
  if (permission === "any_credential") {
    return holds.factor === "not a person" && ofPeopleAlone(operation) ? "auth.forbidden" : null;
  }
  const isOperators = holds.tenantId === null;
  if (!isOperators && tenantOfPath !== null && tenantOfPath !== holds.tenantId) return "resource.not_found";
  const isHeld = holds.permissions.includes(permission);
  // S3-35: what an approval of the tenant could open; nobody in these tests has one.
  const mayAsk =
    isOperators && holds.factor !== "not a person" && tenantOfPath !== null && isReadableByStaff(permission);
  if (!isHeld && !mayAsk) return "auth.forbidden";
  if (isOperators && holds.factor === "never") return "auth.mfa_required";
  if (isSensitive(permission) && (holds.factor === "old" || holds.factor === "never")) return "auth.step_up_required";
  return isHeld ? null : "auth.forbidden";
}
