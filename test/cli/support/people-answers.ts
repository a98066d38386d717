/** What `PeopleDouble` answers with: one person, one key, one of everything. */
import type { z } from "@hono/zod-openapi";
import { makeId } from "../../../src/core/ids.ts";
import type { apiKeySchema } from "../../../src/http/schemas/resources.ts";
import { permissionsOf } from "../../../src/services/permissions.ts";

const UUID = "0193a0c4-5f7e-7c3a-9d53-6c1f0e0f4b11";
const id = (kind: Parameters<typeof makeId>[0]) => makeId(kind, "eu", UUID);
export const [TENANT_EU, MEMBER, SESSION_ID, KEY_ID, INVITATION, ACCESS, ACCOUNT] = [
  id("tenant"),
  id("member"),
  id("session"),
  id("apiKey"),
  id("invitation"),
  id("accessGrant"),
  id("serviceAccount"),
];
export const DOMAIN = id("domain");
export const AT = "2026-11-21T09:00:00.000Z";
export const LATER = "2026-11-22T10:00:00.000Z";

/** Spelled like a session's token; nobody's signature. */
export function sessionToken(issuer = "log.test/eu", exp = Date.parse(LATER) / 1000): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "HS256" })}.${part({ iss: issuer, exp })}.c2ln`;
}
export const TOKEN = sessionToken();

export const API_KEY: z.infer<typeof apiKeySchema> = {
  id: KEY_ID,
  tenant_id: TENANT_EU,
  name: "ci\u001b[2J",
  permissions: ["entry.append"],
  created_at: AT,
  expires_at: null,
  revoked_at: null,
  description: null,
  allowed_networks: null,
  service_account_id: null,
  replaces: null,
  last_used_at: null,
};
export const INVITED = { id: INVITATION, role: "viewer", email: "karl@example.org", name: "Karl" } as const;
export const INVITATION_OF = { ...INVITED, invited_by: MEMBER, created_at: AT, expires_at: LATER };
export const MEMBER_OF = { id: MEMBER, role: "owner", email: "ada@example.org", name: "Ada", joined_at: AT };
export const ACCOUNT_OF = { id: ACCOUNT, tenant_id: TENANT_EU, name: "export", description: null };
export const FACTORS = { totp_added_at: AT, passkeys: [], recovery_codes_left: 10, shown_at: null };
export const REACH = { permissions: ["entry.read"], domains: "all" } as const;
export const ASKED = { id: ACCESS, kind: "request", staff_id: id("staff"), reason: "Ticket 4711: look" } as const;

export const DEVICE = {
  device_code: "A".repeat(43),
  user_code: "BCDF-GHJK",
  verification_uri: "https://api.test/v1/auth/eu/device",
  verification_uri_complete: "https://api.test/v1/auth/eu/device?user_code=BCDF-GHJK",
  expires_in: 600,
  interval: 5,
};
export const SESSION_OF = {
  id: SESSION_ID,
  member_id: MEMBER,
  device: "Moonseal command line on Linux",
  created_at: AT,
  last_seen_at: AT,
  expires_at: LATER,
  second_factor_at: null,
  current: true,
};
export const PRINCIPAL = {
  kind: "member",
  jurisdiction: "eu",
  tenant_id: TENANT_EU,
  key_id: null,
  service_account_id: null,
  permissions: permissionsOf("owner"),
  person: { id: MEMBER, session_id: SESSION_ID, role: "owner", second_factor_at: "2026-11-21T09:57:00.000Z" },
};
